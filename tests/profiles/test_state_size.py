"""What a state is reckoned to take, against what it takes."""

import random
import sys
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

from huaxiang.collect.catalogue import Catalogue
from huaxiang.profiles import FoldState, ItemFacets, Portraits
from huaxiang.profiles.portrait import Memory
from huaxiang.profiles.state_size import bytes_of
from huaxiang.types import Event, Reading
from tests.profiles.shops import ITEMS, at, edit, event, stocked_store


def walked(value: Any, seen: set[int]) -> int:
    """Bytes of an object and of all that it holds, each once."""
    if id(value) in seen:
        return 0
    seen.add(id(value))
    size = sys.getsizeof(value)
    if isinstance(value, dict):
        return size + sum(walked(part, seen) for pair in value.items() for part in pair)
    if isinstance(value, list | tuple):
        return size + sum(walked(part, seen) for part in value)
    if is_dataclass(value) and not isinstance(value, type):
        return size + sum(walked(getattr(value, each.name), seen) for each in fields(value))
    return size


def made(n: int, n_items: int, *, seed: int = 0) -> list[Event]:
    """Events as a store hands them out, each with strings of its own."""
    rng, events = random.Random(seed), []
    for number in range(n):
        said: dict[str, Any] = {"event_id": f"{rng.getrandbits(80):020x}", "session_id": f"session-{number // 8}"}
        if number % 9 == 0:
            reading = Reading("t", "en", keywords=tuple(f"word{rng.randrange(300)}" for _ in range(3)))
            said |= {"query": f"a query of some words {number}", "reading": reading}
        kind = "search" if number % 9 == 0 else "purchase" if number % 31 == 0 else "view_item"
        item = None if kind == "search" else f"item-{rng.randrange(n_items):07d}"
        events.append(event(kind, number / 7, item=item, **said))
    return events


@pytest.mark.parametrize(("n", "n_items"), [(5, 100), (60, 1_000), (600, 5_000), (3_000, 400), (3_000, 50_000)])
def test_a_state_takes_what_it_is_reckoned_to_take_within_a_third(tmp_path: Path, n: int, n_items: int) -> None:
    store = stocked_store(tmp_path)
    store.append([*made(n, n_items), edit(9_000, "remove", facet="brand", value="Uji")])
    store.append([event("set_user", 9_001, properties={"city": "Kyoto", "tags": ["a", "b"]})])
    portraits = Portraits(store, ItemFacets(Catalogue(store)))
    state = portraits.read("ann", before=at(10_000)).state
    assert bytes_of(state) == pytest.approx(walked(state, set()), rel=1 / 3)
    store.close()


def test_nobody_takes_little() -> None:
    assert bytes_of(FoldState()) < 5_000


def test_states_stay_under_their_budget_and_the_newest_are_kept(tmp_path: Path) -> None:
    store = stocked_store(tmp_path)
    users = [f"u{n}" for n in range(60)]
    store.append([event("view_item", hour, user, item) for user in users for hour, item in enumerate(sorted(ITEMS))])
    portraits = Portraits(store, ItemFacets(Catalogue(store)), memory=Memory(states_mb=0.1))
    states = {user: portraits.state(user, before=at(30)) for user in users}
    assert 0 < portraits.n_state_bytes <= 0.1 * 2**20
    n_kept = sum(portraits.state(user, before=at(30)) is states[user] for user in users[-10:])
    assert n_kept == 10
    assert portraits.state(users[0], before=at(30)) is not states[users[0]]
    portraits.forget()
    assert portraits.n_state_bytes == 0
    store.close()
