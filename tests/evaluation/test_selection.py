"""What a release fuses is chosen by people on the eve of the held-out days."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from scipy import sparse

from huaxiang.evaluation import selection
from huaxiang.evaluation.parts import DECAYS
from huaxiang.evaluation.selection import START, Later, choose_decays, laid_out, select
from huaxiang.evaluation.teaching import Judge
from huaxiang.pipeline import Pipeline
from huaxiang.profiles.state import from_micros, to_micros
from huaxiang.retrieval.item_to_item import ItemToItem
from huaxiang.retrieval.log import read_log
from huaxiang.retrieval.transitions import Transitions
from huaxiang.shop import Shop
from huaxiang.types import Event
from tests.shops import build_shop, settings_of

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop(settings_of(build_shop(tmp_path_factory.mktemp("selection") / "shop")))


@pytest.fixture(scope="module")
def rows(shop: Shop) -> pl.DataFrame:
    return read_log(shop.store).interactions


def eve(rows: pl.DataFrame) -> int:
    """The moment before the last two visits of everybody."""
    first = rows["at"].min()
    assert isinstance(first, int)
    return first + to_micros(datetime(1970, 1, 16, 12, tzinfo=UTC))  # visits are three days apart: five come before


def judges_of(pipeline: Pipeline, rows: pl.DataFrame, cut: int) -> list[Judge]:
    return list(Later.of(rows, cut, RNG).judges(pipeline))


def test_nobody_judges_and_teaches(shop: Shop, rows: pl.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "_MOST_JUDGES", 25)
    later = Later.of(rows, eve(rows), RNG)
    assert sorted([*later.judging, *later.teaching]) == sorted(f"u{n:02d}" for n in range(40))
    assert (len(later.judging), len(list(later.teachers(shop.pipeline)))) == (25, 15)


def test_judges_are_people_with_a_history_who_took_something_later(shop: Shop, rows: pl.DataFrame) -> None:
    cut = eve(rows)
    now = from_micros(cut)
    shop.store.append(
        [
            Event(event="view_item", timestamp=now + timedelta(hours=1), user_id="newcomer", item_id="tea-00"),
            Event(event="view_item", timestamp=now - timedelta(hours=1), user_id="leaver", item_id="tea-00"),
        ]
    )
    all_rows = read_log(shop.store).interactions
    people = set(all_rows.filter(pl.col("at") >= cut)["person"])
    assert "newcomer" in people
    judges = judges_of(shop.pipeline, all_rows, cut)
    assert len(judges) == 40  # u00 to u39: neither the newcomer nor the leaver


def test_a_judge_knows_nothing_after_the_cut(shop: Shop, rows: pl.DataFrame) -> None:
    cut = eve(rows)
    for judge in judges_of(shop.pipeline, rows, cut):
        assert len(judge.person.entries) == 6
        assert all(tally.at < cut for _, tally in judge.person.entries)
        assert len(judge.relevant) == 2  # the last two visits


def test_what_was_bought_counts_more_than_what_was_looked_at(shop: Shop, rows: pl.DataFrame) -> None:
    cut = eve(rows)
    day = to_micros(datetime(1970, 1, 2, tzinfo=UTC))
    bought = {"person": "u00", "item_id": "book-00", "at": cut + day, "weight": 6.0, "event": "purchase"}
    more = pl.concat([rows, pl.DataFrame([bought], schema=rows.schema)])
    place = shop.pipeline.index.snapshot().position("book-00")
    assert judges_of(shop.pipeline, more, cut)[0].relevant.tolist() == [place]


def test_the_figures_say_what_chose(shop: Shop, rows: pl.DataFrame) -> None:
    cut = eve(rows)
    chosen = select(shop.pipeline, rows, cut, RNG)
    figures = chosen.figures
    assert (figures["n_people"], figures["from"]) == (40, from_micros(cut).isoformat())
    assert set(figures["alone"]) == {"transitions", "content", "profile", "popular"}
    assert {"popular"} <= set(chosen.weights) <= set(figures["alone"])
    assert figures["ndcg@10"] >= max(figures["alone"].values())
    assert "200 are needed" in figures["ranker"]["note"]
    assert all(weight > 0.0 for weight in chosen.weights.values())  # what only harms is not named
    assert figures["decays"] == chosen.decays
    assert set(chosen.decays) <= {"transitions"}


def test_a_part_whose_whole_history_counts_is_read_with_a_slower_decay(shop: Shop, rows: pl.DataFrame) -> None:
    """The newest entry misleads, and all others agree on what is taken."""
    judges = judges_of(shop.pipeline, rows, eve(rows))
    n = len(shop.pipeline.index.snapshot())
    whole_MM = np.zeros((n, n), np.float32)
    for judge in judges:
        whole_MM[np.ix_(judge.person.history.items_L[:-1], judge.relevant)] += 1.0
        whole_MM[judge.person.history.items_L[-1], :] += 2.0 * np.random.default_rng(0).random(n)
    made = ItemToItem.made(Transitions(decay=0.5), sparse.csr_array(whole_MM))
    trial = shop.pipeline.trying({**shop.pipeline.retrievers, "transitions": made})
    decay = choose_decays(trial, judges, float("inf"))["transitions"]
    alone = {value: selection._alone(trial, made.with_decay(value), judges) for value in DECAYS}
    assert decay > 0.5
    assert alone[decay] >= max(alone.values()) - selection._LEAST_GAIN
    assert choose_decays(trial, judges, 0.0) == {}


def test_the_same_log_chooses_the_same(shop: Shop, rows: pl.DataFrame) -> None:
    first, second = (select(shop.pipeline, rows, eve(rows), np.random.default_rng(1)) for _ in range(2))
    assert (first.weights, first.decays, first.figures) == (second.weights, second.decays, second.figures)


def test_too_few_people_leave_the_defaults_and_say_so(shop: Shop, rows: pl.DataFrame) -> None:
    few = rows.filter(pl.col("person").is_in([f"u{n:02d}" for n in range(19)]))
    chosen = select(shop.pipeline, few, eve(rows), RNG)
    assert (chosen.weights, chosen.decays) == (START, {})
    assert "only 19 people" in chosen.figures["note"]


def test_devices_are_no_judges(shop: Shop, rows: pl.DataFrame) -> None:
    renamed = rows.with_columns(("\x1f" + pl.col("person")).alias("person"))
    assert judges_of(shop.pipeline, renamed, eve(rows)) == []


def test_an_item_that_may_not_be_shown_is_no_hit(shop: Shop, rows: pl.DataFrame) -> None:
    person = judges_of(shop.pipeline, rows, eve(rows))[0].person
    barred_M = np.array([True, True, False])
    judge = Judge(person, np.array([0]), barred_M)
    _, weighing = laid_out([{"a": np.array([3.0, 2.0, 1.0], np.float32)}], [judge])
    assert weighing.ndcg(np.ones(1)) == 0.0


def test_the_best_item_first_is_all_there_is_to_gain(shop: Shop, rows: pl.DataFrame) -> None:
    person = judges_of(shop.pipeline, rows, eve(rows))[0].person
    scores = {"a": np.array([-1.0, 2.0, 1.0], np.float32)}
    at = [Judge(person, np.array([place]), np.zeros(3, np.bool_)) for place in range(3)]
    by_hand = [1 / np.log2(4), 1.0, 1 / np.log2(3)]  # ranks 3, 1, 2
    found = [laid_out([scores], [judge])[1].ndcg(np.ones(1)) for judge in at]
    assert found == pytest.approx(by_hand)


def test_the_parts_of_all_judges_stand_below_each_other(shop: Shop, rows: pl.DataFrame) -> None:
    person = judges_of(shop.pipeline, rows, eve(rows))[0].person
    judges = [Judge(person, np.array([place]), np.array([False, False, True])) for place in range(2)]
    scores = {"a": np.array([2.0, 1.0, 9.0], np.float32), "b": np.array([1.0, 2.0, 9.0], np.float32)}
    names, weighing = laid_out([scores, scores], judges)
    assert names == ("a", "b")
    assert weighing.z_SF.tolist() == [[2.0, 1.0], [1.0, 2.0]] * 2
    assert weighing.ndcg(np.array([1.0, 0.0])) == pytest.approx((1.0 + 1 / np.log2(3)) / 2)
