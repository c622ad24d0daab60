"""`huaxiang evaluate search` as a person at a terminal runs it."""

import gzip
import json
from pathlib import Path

import pytest

from huaxiang.evaluation import search_peers
from tests.cli.conftest import Run

ROWS = "query,product_title,relevance\nred pot,Blue lamp,1\nred pot,Red pot,3\nlamp,Red pot,1\nlamp,Blue lamp,3\n"


@pytest.fixture(autouse=True)
def without_encoders(monkeypatch: pytest.MonkeyPatch) -> None:
    """Words alone, so that it takes no time."""
    monkeypatch.setattr("huaxiang.evaluation.search_judgments.open_reader", lambda *_: None)
    monkeypatch.setattr(search_peers, "find", lambda *_: None)


def test_figures_of_every_row_are_written_and_shown(run: Run, tmp_path: Path) -> None:
    (tmp_path / "judged.csv.gz").write_bytes(gzip.compress(ROWS.encode()))
    ran = run("evaluate", "search", "--judgments", "judged.csv.gz", "--json", "out.json")
    assert ran.status == 0, ran.err
    report = json.loads((tmp_path / "out.json").read_text())
    assert report["huaxiang"]["ndcg@10"] == pytest.approx(1.0)
    assert set(report["huaxiang"]) == {"ndcg@10", "mrr", "intervals"}
    assert "2 queries, 4 judged products" in ran.out
    assert "no row dense" in ran.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--judgments", "nowhere.csv", "--json", "out.json"), "cannot read"),
        (("--judgments", "judged.csv", "--json", "no/such/out.json"), "no folder"),
        (("--judgments", "judged.csv", "--json", "out.json", "--budget", "soon"), "no budget"),
        (("--judgments", "judged.csv", "--json", "out.json", "--ranker", "kept"), "--ranker keeps what --train taught"),
        (("--judgments", "judged.csv", "--train", "judged.csv", "--json", "out.json"), "every query of --train"),
        (("--judgments", "bad.csv", "--json", "out.json"), "no column relevance"),
    ],
)
def test_what_cannot_be_done_is_said_in_words(run: Run, tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    (tmp_path / "judged.csv").write_text(ROWS)
    (tmp_path / "bad.csv").write_text("query,title\na,b\n")
    ran = run("evaluate", "search", *words)
    assert ran.status != 0
    assert said in " ".join((ran.out + ran.err).split())
    assert not (tmp_path / "out.json").exists()
