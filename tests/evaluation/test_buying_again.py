"""Who buys again: asked at the right moments, learned where there is something to learn, and else not shown."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from huaxiang.evaluation.buying_again import ask, compared, learn_buying_again, log_losses, moments
from huaxiang.profiles import Portraits
from huaxiang.profiles.buying import Bought
from huaxiang.profiles.state import DAY, to_micros
from huaxiang.retrieval.log import read_log
from huaxiang.types import Event
from tests.profiles.shops import at, edit, event, portraits, stocked_store


def buys(person: str, days: list[float]) -> list[Event]:
    return [event("purchase", 24 * day, user=person, item="sencha") for day in days]


def test_moments_have_thirty_days_after_them_and_fifteen_before() -> None:
    first = to_micros(at(0))
    found = moments(first, first + 100 * DAY - 1)
    assert [round((to_micros(moment) - first) / DAY) for moment in found] == [40, 70]
    assert moments(first, first + 44 * DAY) == []
    assert len(moments(first, first + 3_000 * DAY)) == 6


def test_asked_is_who_had_bought_whether_they_buy_within_thirty_days(tmp_path: Path) -> None:
    store = stocked_store(tmp_path)
    store.append([*buys("regular", [1, 11, 21, 31]), *buys("late", [1, 61.5]), *buys("new", [40])])
    asked = ask(portraits(store), ["regular", "late", "new"], [at(24 * 31), at(24 * 41)], seconds=60.0)
    assert asked.person_N.tolist() == [0, 0, 1, 1, 2]
    assert asked.moment_N.tolist() == [0, 1, 0, 1, 1]
    assert asked.bought_N.tolist() == [True, False, False, True, False]
    assert asked.features_NF[0].tolist() == pytest.approx(list(Bought(3, 10.0, 30.0).features()))
    store.close()


def test_a_gift_that_was_excluded_later_is_no_answer(tmp_path: Path) -> None:
    store = stocked_store(tmp_path)
    gift = buys("ann", [40])[0]
    store.append([*buys("ann", [1]), gift, edit(24 * 41, "exclude_event", event_id=gift.event_id)])
    assert ask(portraits(store), ["ann"], [at(24 * 31)], seconds=60.0).bought_N.tolist() == [False]
    store.close()


def shop_of_habits(folder: Path, n_people: int, *, has_habits: bool, seed: int) -> tuple[Portraits, pl.DataFrame]:
    """Half buy every fifteen days and half every hundred and twenty, or everybody every forty: at any time, by chance,
    over 240 days."""
    rng = np.random.default_rng(seed)
    store = stocked_store(folder)
    for number in range(n_people):
        gap = (15.0 if number % 2 else 120.0) if has_habits else 40.0
        days = np.cumsum(rng.exponential(gap, 60))
        store.append(buys(f"p{number}", [float(day) for day in days if day < 240.0]))
    people = portraits(store)
    return people, read_log(store, portraits=people).interactions


def test_habits_are_learned_and_shown(tmp_path: Path) -> None:
    people, rows = shop_of_habits(tmp_path, 160, has_habits=True, seed=1)
    names = [f"p{number}" for number in range(160)]
    found, said = learn_buying_again(people, rows, names, rng=np.random.default_rng(0), seconds=60.0)
    assert found is not None
    assert said["is_shown"]
    assert found.gain[1] > 0.0
    assert found.chance(Bought(6, 30.0, 110.0)) > 0.6
    assert found.chance(Bought(1, 30.0, 30.0)) < 0.4
    people.store.close()


def test_where_only_chance_is_at_work_nothing_is_shown(tmp_path: Path) -> None:
    people, rows = shop_of_habits(tmp_path, 160, has_habits=False, seed=2)
    names = [f"p{number}" for number in range(160)]
    found, said = learn_buying_again(people, rows, names, rng=np.random.default_rng(0), seconds=60.0)
    assert found is None
    assert not said["is_shown"]
    people.store.close()


def test_a_short_log_and_one_without_purchases_say_why_there_is_nothing(tmp_path: Path) -> None:
    store = stocked_store(tmp_path)
    people, rng = portraits(store), np.random.default_rng(0)
    store.append([event("view_item", 5, item="sencha")])
    rows = read_log(store, portraits=people).interactions
    assert learn_buying_again(people, rows, ["ann"], rng=rng, seconds=9.0) == (None, {"note": "nothing was bought"})
    store.append(buys("ann", [1, 2]))
    rows = read_log(store, portraits=people).interactions
    found, said = learn_buying_again(people, rows, ["ann"], rng=rng, seconds=9.0)
    assert found is None
    assert said["note"].startswith("0 people can be asked about; 100 are needed")
    store.close()


def test_the_gain_of_a_person_is_the_mean_over_their_moments(tmp_path: Path) -> None:
    people, _ = shop_of_habits(tmp_path, 40, has_habits=True, seed=3)
    names = [f"p{number}" for number in range(40)]
    asked = ask(people, names, [at(24 * 40), at(24 * 80)], seconds=60.0)
    assert compared(asked, asked).shape == (len(np.unique(asked.person_N)),)
    assert log_losses(np.zeros(2), np.array([True, False])) == pytest.approx([np.log(2.0)] * 2)
    people.store.close()
