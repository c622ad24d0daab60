"""Figures of a table, by hand."""

from xml.etree import ElementTree

import numpy as np
import pytest

from huaxiang.evaluation.plots import bars, lines
from huaxiang.evaluation.questions import Answers, Questions
from huaxiang.evaluation.rows import Catalogue, by_popularity, diversity, row_of
from huaxiang.retrieval.base import History
from huaxiang.retrieval.content import tf_idf


def asked(*targets: list[int]) -> Questions:
    return Questions(
        tuple(History.of([0]) for _ in targets), tuple(np.array(each) for each in targets), np.arange(len(targets))
    )


def answers(lists: list[list[int]], questions: Questions) -> Answers:
    padded = np.array([row + [-1] * (10 - len(row)) for row in lists])
    return Answers.of(padded, questions.targets)


def test_every_metric_of_two_shoppers() -> None:
    questions = asked([1], [2, 3])
    found = answers([[4, 1], [3, 4, 2]], questions)
    row = row_of("ours", found, questions, Catalogue(np.ones(5)), seed=0, fit_seconds=1.5).figures
    first, second = 1 / np.log2(3), (1 + 1 / 2) / (1 + 1 / np.log2(3))
    assert row["ndcg@10"] == pytest.approx((first + second) / 2)
    assert row["recall@10"] == 1.0
    assert row["mrr@10"] == pytest.approx((1 / 2 + 1) / 2)
    assert row["map@10"] == pytest.approx((1 / 2 + (1 + 2 / 3) / 2) / 2)
    assert row["precision@10"] == pytest.approx((0.1 + 0.2) / 2)
    assert row["coverage@10"] == pytest.approx(4 / 5)
    assert row["fit_seconds"] == 1.5
    assert row["n_users"] == 2


def test_right_items_are_counted_by_how_popular_they_are() -> None:
    questions = asked([0], [4], [9])
    table = by_popularity(answers([[0], [1], [9]], questions), questions, np.arange(10.0)[::-1])
    assert table == {
        "head": {"n_targets": 1, "recall@10": 1.0},
        "middle": {"n_targets": 1, "recall@10": 0.0},
        "tail": {"n_targets": 1, "recall@10": 1.0},
    }


def test_a_list_of_like_things_is_not_diverse() -> None:
    terms_MT = tf_idf([["tea"], ["tea"], ["tyre"]])
    assert diversity(np.array([[0, 1, -1]]), terms_MT) == pytest.approx(0.0, abs=1e-6)
    assert diversity(np.array([[0, 2, -1]]), terms_MT) == pytest.approx(1.0)
    assert diversity(np.array([[0, 1, 2]]), terms_MT) == pytest.approx(2 / 3)
    assert np.isnan(diversity(np.array([[0, -1, -1]]), terms_MT))


def test_plots_are_well_formed_and_show_what_they_are_given() -> None:
    drawn = bars("ndcg", {"ours <b>": (0.5, 0.4, 0.6), "theirs": (0.0, 0.0, 0.0)})
    assert "ours <b>" in "".join(ElementTree.fromstring(drawn).itertext())
    assert "0.5000" in drawn
    gap = lines("by length", ["1-3", "4+"], {"ours": [0.5, None], "theirs": [0.2, 0.3]})
    assert len(ElementTree.fromstring(gap).findall("{*}circle")) == 3


def test_a_plot_of_nothing_is_no_error() -> None:
    ElementTree.fromstring(bars("ndcg", {}))
    ElementTree.fromstring(lines("by length", [], {}))
