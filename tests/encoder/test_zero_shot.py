"""Labels as text: nothing is learned from a label."""

import json
from pathlib import Path

import numpy as np
import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from huaxiang.cli.zero_shot import register
from huaxiang.encoder import opening
from huaxiang.encoder.opening import Opened
from huaxiang.encoder.zero_shot import FEWEST, ZeroShot, read_labels
from huaxiang.errors import ConfigError, DataError
from tests.encoder.toy import ToyEncoder

ENCODER = ToyEncoder(meanings={"shipping": "delivery", "courier": "delivery", "dear": "price", "快": "流", "贵": "价"})
PLAIN = ("{}",)


def test_a_text_gets_the_label_that_means_what_it_says() -> None:
    asked = ZeroShot(ENCODER, ["delivery", "price"], templates=PLAIN)
    labels, sure = asked.predict(["the courier was late", "far too dear", "dear courier"])
    assert labels[:2] == ["delivery", "price"]
    assert sure[2] < min(sure[:2])  # it names both


def test_a_description_stands_for_a_label_whose_name_says_nothing() -> None:
    asked = ZeroShot(ENCODER, ["a", "b"], {"a": ["late delivery", "shipping"], "b": "price"}, templates=PLAIN)
    assert asked.predict(["courier", "dear"])[0] == ["a", "b"]


def test_a_name_with_underscores_is_read_as_words() -> None:
    names = ["card_arrival", "lost_phone"]
    assert ZeroShot(ToyEncoder(), names).predict(["when is the card arrival", "a lost phone"])[0] == names


def test_chinese_labels_are_worded_in_chinese() -> None:
    asked = ZeroShot(ToyEncoder(), ["物流", "价格"])
    np.testing.assert_array_equal(
        asked.scores(["物流"]),
        ZeroShot(ToyEncoder(), ["物流", "价格"], templates=["{}", "这段话的意思是：{}", "{}。"]).scores(["物流"]),
    )


def test_half_of_what_a_label_is_near_to_anyway_is_taken_off() -> None:
    # every text says "thing" and so does one label: its mean cosine is high for no reason of theirs
    texts = ["thing delivery", "thing price"] * 20
    raw = ZeroShot(ENCODER, ["thing", "price"], templates=PLAIN)
    before = raw.scores(texts[:2])
    after = ZeroShot(ENCODER, ["thing", "price"], templates=PLAIN).fit(texts).scores(texts[:2])
    np.testing.assert_allclose(before - after, np.tile(before.mean(axis=0) / 2, (2, 1)), atol=1e-6)
    whole = ZeroShot(ENCODER, ["thing", "price"], templates=PLAIN, correction=1.0).fit(texts)
    assert whole.predict(["thing price"])[0] == ["price"]


def test_from_few_or_blank_texts_nothing_is_learned() -> None:
    asked = ZeroShot(ENCODER, ["delivery", "price"]).fit(["shipping"] * (FEWEST - 1) + [""] * 50)
    assert not asked.is_corrected
    assert asked.fit(["shipping"] * FEWEST).is_corrected


def test_a_blank_text_is_equally_likely_everything() -> None:
    asked = ZeroShot(ENCODER, ["delivery", "price"]).fit(["shipping"] * FEWEST)
    np.testing.assert_allclose(asked.probabilities(["", " "]), 0.5)


@given(st.lists(st.text(max_size=20), max_size=6))
@settings(deadline=None, max_examples=30)
def test_probabilities_of_any_texts_sum_to_one(texts: list[str]) -> None:
    found = ZeroShot(ToyEncoder(d=8), ["a", "b", "c"]).fit(texts).probabilities(texts)
    assert found.shape == (len(texts), 3)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-6)


@pytest.mark.parametrize(
    ("labels", "more", "error", "said"),
    [
        (["a"], {}, DataError, "two labels"),
        (["a", "a"], {}, DataError, "each once"),
        (["a", " "], {}, DataError, "none blank"),
        (["a", "b"], {"descriptions": {"c": "x"}}, DataError, "of c, which are no labels"),
        (["a", "b"], {"templates": ["about"]}, ConfigError, "needs {}"),
        (["a", "b"], {"correction": 2.0}, ConfigError, "from 0 to 1"),
    ],
)
def test_what_cannot_be_asked(labels: list[str], more: dict[str, object], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        ZeroShot(ENCODER, labels, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("a,b", {"a": (), "b": ()}),
        ("好评，差评", {"好评": (), "差评": ()}),
        ("a = very good, really ; b=bad|poor", {"a": ("very good, really",), "b": ("bad", "poor")}),
        ("a\nb=x\n\n", {"a": (), "b": ("x",)}),
    ],
)
def test_labels_are_read_as_people_write_them(said: str, found: dict[str, tuple[str, ...]]) -> None:
    assert read_labels(said) == found


@pytest.mark.parametrize("said", ["", "a", "a,a", "=x;b", "a;a=y"])
def test_labels_without_a_name_of_their_own_are_refused(said: str) -> None:
    with pytest.raises(DataError, match="--labels"):
        read_labels(said)


@given(st.text(alphabet="ab=;,|\n ", max_size=20))
def test_any_line_of_labels_is_read_or_refused(said: str) -> None:
    try:
        found = read_labels(said)
    except DataError:
        return
    assert len(found) >= 2
    assert all(label == label.strip() and label for label in found)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> "Run":
    monkeypatch.setattr(opening, "open_encoder", lambda *_, **__: Opened(ENCODER, "a toy"))
    (tmp_path / "asked.csv").write_text("review,about\ncourier,delivery\ndear,price\nshipping price,size\n")
    return Run(tmp_path)


class Run:
    """The command on a file of three reviews."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.out = folder, folder / "out.json"
        self.app = typer.Typer()
        register(self.app)
        self.app.command()(lambda: None)

    def __call__(self, *words: str | Path) -> Result:
        given = ["zero-shot", "--test", self.folder / "asked.csv", "--text", "review", "--json", self.out, *words]
        return CliRunner().invoke(self.app, [str(word) for word in given])


def test_the_command_judges_by_labels_that_it_never_reads(run: Run) -> None:
    said = run("--labels", "delivery,price", "--label", "about")
    found = json.loads(run.out.read_text())
    assert said.exit_code == 0
    assert (found["accuracy"], found["n_test"], found["n_train"]) == (pytest.approx(2 / 3), 3, 0)
    assert found["labels_not_named"] == ["size"]
    assert "always missed: size" in said.output
    assert "nothing was taken off" in said.output


def test_the_command_answers_where_there_is_no_label_and_reads_labels_from_a_file(run: Run) -> None:
    (run.folder / "labels.txt").write_text("one = courier | shipping\ntwo = price\n")
    said = run("--labels", run.folder / "labels.txt")
    found = json.loads(run.out.read_text())
    assert said.exit_code == 0
    assert [answer["label"] for answer in found["answers"][:2]] == ["one", "two"]
    assert "accuracy" not in found


def test_a_column_that_is_not_there_is_said(run: Run) -> None:
    result = run("--labels", "a,b", "--label", "stars")
    assert isinstance(result.exception, DataError)
    assert "has no column 'stars'" in str(result.exception)
