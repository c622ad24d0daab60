"""`describe --keywords`: the words that carry a shop's texts."""

import json
from pathlib import Path

import pytest

from huaxiang.encoder import opening
from huaxiang.encoder.opening import Opened
from huaxiang.errors import MissingExtraError
from tests.cli.conftest import Run
from tests.encoder.toy import ToyEncoder

TITLES = ["clay teapot", "glass teapot", "glass cup", "tyre wheel", "tyre pump", "茶壶 紫砂"] * 10


@pytest.fixture
def titles(tmp_path: Path) -> Path:
    path = tmp_path / "titles.txt"
    path.write_text("\n".join(TITLES))
    return path


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "open_encoder", lambda *_: Opened(ToyEncoder(), "a toy"))


def test_a_file_of_texts_has_keywords_by_three_ways(run: Run, titles: Path, toy: None, tmp_path: Path) -> None:
    out = tmp_path / "words.json"
    said = run("describe", titles, "--keywords", "4", "--json", out)
    found = json.loads(out.read_text())
    assert (said.status, found["texts"], found["encoder"]) == (0, 60, "a toy")
    assert list(found["keywords"]) == ["tfidf", "word2vec", "toy"]
    for words in found["keywords"].values():
        assert [row["texts"] for row in words] == sorted((row["texts"] for row in words), reverse=True)
        assert len(words) == 4
    pump = next(row for row in found["keywords"]["tfidf"] if row["word"] == "pump")
    assert (pump["texts"], pump["related"]) == (10, [])  # tyre, in a third of the texts, sets nothing apart
    assert "pump" in said.out


def test_the_items_of_a_shop_have_keywords_too(run: Run, built: Path, tmp_path: Path) -> None:
    out = tmp_path / "words.json"
    said = run("describe", "--keywords", "3", "--encoder", "none", "--data-dir", built, "--json", out)
    found = json.loads(out.read_text())
    assert (said.status, found["texts"], list(found["keywords"])) == (0, 60, ["tfidf", "word2vec"])
    assert "encoder: none was asked for" in said.out


def test_where_no_encoder_is_installed_the_other_ways_answer_and_it_is_said(
    run: Run, titles: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object) -> Opened:
        raise MissingExtraError("an encoder", "models")

    monkeypatch.setattr(opening, "open_encoder", missing)
    said = run("describe", titles, "--keywords", "2")
    assert said.status == 0
    assert "huaxiang[models]" in said.out
    named = run("describe", titles, "--keywords", "2", "--encoder", "use")
    assert (named.status, "huaxiang[models]" in named.err) == (2, True)


def test_an_empty_file_is_a_mistake(run: Run, tmp_path: Path) -> None:
    empty = tmp_path / "empty.txt"
    empty.write_text("\n\n")
    said = run("describe", empty, "--keywords", "2")
    assert (said.status, "no text to take keywords from" in said.err) == (2, True)
