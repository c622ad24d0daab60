"""The best entries behind a prefix."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huaxiang.apps.search.prefixes import MOST, WIDTH, Prefixes

_KEYS = ["rain shower", "shower", "rain boots", "连衣裙", "red dress"]


def test_all_that_begins_so_best_first() -> None:
    prefixes = Prefixes.of(_KEYS, [0, 0, 1, 2, 3], [1.0, 0.5, 2.0, 1.5, 1.0])
    assert prefixes.best("rain") == {1: 2.0, 0: 1.0}
    assert prefixes.best("sh") == {0: 0.5}
    assert prefixes.best("连") == {2: 1.5}
    assert list(prefixes.best("")) == [1, 2, 0, 3]
    assert prefixes.best("rains") == {}


def test_an_entry_with_a_tag_is_found_below_the_best() -> None:
    n = 5_000
    prefixes = Prefixes.of([f"tea {at}" for at in range(n)], range(n), [float(at) for at in range(n)])
    prefixes.tag([[at % 3] if at < 30 else [] for at in range(n)], 3)
    assert prefixes.tagged("tea", [1], 2) == {28: 28.0, 25: 25.0}
    assert prefixes.tagged("tea 7", [1, 2, 99], 4) == {7: 7.0}
    assert prefixes.tagged("coffee", [1], 4) == {}


@given(st.lists(st.text("ab连 ", max_size=5), max_size=60), st.text("ab连 ", max_size=4))
@settings(max_examples=100, deadline=None)
def test_it_is_what_looking_at_every_key_finds(keys: list[str], asked: str) -> None:
    prefixes = Prefixes.of(keys, range(len(keys)), [float(at % 7) for at in range(len(keys))])
    found = [at for at, key in enumerate(keys) if key.startswith(asked)]
    assert set(prefixes.best(asked)) == set(found)
    assert list(prefixes.best(asked).values()) == sorted((at % 7 for at in found), reverse=True)


def test_a_crowded_prefix_gives_its_best() -> None:
    n = 20_000
    scores = np.random.default_rng(0).permutation(n).astype(float).tolist()
    prefixes = Prefixes.of([f"{'ab'[at % 2]}{at}" for at in range(n)], range(n), scores)
    for asked in ("", "a", "b", "a1"):
        inside = sorted((s for at, s in enumerate(scores) if f"{'ab'[at % 2]}{at}".startswith(asked)), reverse=True)
        assert list(prefixes.best(asked).values()) == inside[:MOST]


def test_more_keys_are_merged_and_those_of_dropped_entries_go() -> None:
    first, more = Prefixes.of(["tea", "pot"], [0, 1], [1.0, 1.0]), Prefixes.of(["teapot"], [2], [1.5])
    merged = first.with_more(more, np.array([True, False, True]), np.array([2.0, 0.0, 0.0], np.float32))
    assert merged.best("te") == {0: 3.0, 2: 1.5}
    assert merged.best("p") == {}


def test_many_prefixes_are_asked_at_once() -> None:
    prefixes = Prefixes.of(_KEYS, [0, 0, 1, 2, 3], [1.0, 0.5, 2.0, 1.5, 1.0])
    assert prefixes.begun(["x", "rain", "sh", "", "连", "rainy"]) == [1, 2, 3, 4]
    assert prefixes.begun([]) == []
    assert prefixes.best("rain", 1) == {1: 2.0}


@pytest.mark.parametrize("asked", ["", "x", "连" * 30, "\ud83d", "\x00", "r" * 99])
def test_of_nothing_there_is_nothing(asked: str) -> None:
    assert Prefixes.of([], [], []).best(asked) == {}
    assert Prefixes.of([], [], []).begun([asked]) == []


def test_long_keys_are_found_by_their_beginning() -> None:
    prefixes = Prefixes.of(["a" * 100, "a" * 30 + "b"], [0, 1], [1.0, 2.0])
    assert list(prefixes.best("a" * WIDTH)) == [1, 0]
    assert list(prefixes.best("a" * 60)) == [1, 0]
