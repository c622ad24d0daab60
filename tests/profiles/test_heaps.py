"""What is computed for all items at once, or only where it matters, is what one after the other gives, to the bit."""

import heapq
import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from huaxiang.collect.catalogue import Catalogue
from huaxiang.profiles import FoldState, ItemFacets, Portraits
from huaxiang.profiles import fold as fold_module
from huaxiang.profiles.facets import interests, needs
from huaxiang.profiles.fold import FoldConfig, decayed, fold, resolve
from huaxiang.profiles.heaps import Weighed, cut_heaps, heaps_of
from huaxiang.profiles.state import DAY, to_micros
from huaxiang.store import Store
from huaxiang.types import Event, LineItem, Reading
from tests.profiles.shops import at, edit, event, stocked_store

CONFIG = FoldConfig()
GOODS = [f"g{n:02}" for n in range(60)]
WORDS = ("pot", "cup", "g01", "tea")
KINDS = ("view_item", "view_item", "select_item", "add_to_cart", "dislike", "purchase", "search", "begin_checkout")
NOW = at(24 * 40)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Sixty goods of three makers in four lines, some with a colour, some without a maker or a price."""
    opened = stocked_store(tmp_path_factory.mktemp("heaps"))
    for n, item in enumerate(GOODS):
        said: dict[str, Any] = {"name": f"thing {item}", "category": ["Ware", f"Line {n % 4}"]}
        said |= {"brand": f"Maker {n % 3}"} if n % 7 else {}
        said |= {"price": 5.0 + n} if n % 11 else {}
        said |= {"attributes": {"colour": ["red", "blue"][: n % 3]}} if n % 2 else {}
        opened.append([event("set_item", -0.5, user=None, item=item, properties=said)])
    yield opened
    opened.close()


def life(seed: int, n: int, *, edits: bool = False) -> list[Event]:
    """Anything that somebody may do in a month: visits with an id and without, orders of many lines, refunds."""
    rng, events = random.Random(seed), []
    for number in range(n):
        said: dict[str, Any] = {"event_id": f"e{number}", "user_id": "ann", "seq": number}
        said["timestamp"] = at(0) + timedelta(minutes=rng.choice([7, 90]) * rng.randrange(600))
        said["session_id"] = rng.choice([None, None, f"s{rng.randrange(5)}"])
        kind = rng.choice((*KINDS, "refund", "set_user", "consent"))
        if kind == "consent":
            said["properties"] = {"status": rng.choice(["granted", "granted", "denied"]), "scope": "personalisation"}
        elif kind == "search":
            words = tuple(rng.sample(WORDS, rng.randrange(4)))
            said |= {"query": "clay pot", "reading": Reading("t", "en", keywords=words)}
        elif kind == "purchase" and rng.random() < 0.5:
            said["items"] = tuple(LineItem(item, price=2.0) for item in rng.sample(GOODS, rng.randrange(12)))
        elif kind != "set_user":
            said["item_id"] = rng.choice([*GOODS, "unknown", "sencha"])
        events.append(Event(kind, **said))
    if edits:
        ops = [edit(24 * rng.randrange(30), op, facet="brand", value="Maker 1") for op in ("remove", "boost", "add")]
        events += rng.sample(ops, 2)
    return sorted(events, key=lambda one: (one.timestamp, one.seq))


def folded(events: list[Event]) -> FoldState:
    return fold(FoldState(), events, resolved=resolve(events), config=CONFIG)


LIVES = st.builds(life, st.integers(0, 10**6), st.integers(0, 160), edits=st.booleans())
SHARED = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@SHARED
@given(events=LIVES)
def test_heaps_are_those_of_one_facet_after_the_other(store: Store, events: list[Event]) -> None:
    state, facets, micros = folded(events), ItemFacets(Catalogue(store)), to_micros(NOW)
    weighed, goods = Weighed.of(state, micros, CONFIG), facets.known(state.items)
    tallies = [*state.items.values(), *state.queries.values()]
    days = sorted({tally.at // DAY for tally in tallies}, reverse=True)
    for tally, mass, fades in zip(tallies, weighed.masses, weighed.fades, strict=True):
        assert mass == decayed(tally.long, micros - tally.at, CONFIG.interest_half_life_days)
        assert fades == 0.9 ** days.index(tally.at // DAY)
    whole = heaps_of(state, goods, weighed)
    plain = cut_heaps(state, goods, weighed, micros, CONFIG, {})
    assert list(whole.items()) == list(plain.items())


@SHARED
@given(events=LIVES)
def test_only_the_newest_visit_needs_to_be_noted(events: list[Event]) -> None:
    with patch.object(fold_module, "newest_visit", return_value=0):
        every_visit = folded(events)
    assert folded(events) == every_visit


@SHARED
@given(events=LIVES)
def test_the_newest_evidence_is_found_without_reading_all(store: Store, events: list[Event]) -> None:
    state, facets = folded(events), ItemFacets(Catalogue(store))
    known = interests(state, facets, now=NOW, config=CONFIG)
    for facet in known.facets(state, config=CONFIG):
        key = (facet.facet, facet.value)
        since = known.removed[key].at if key in known.removed else -(2**62)
        own = [tally for item, tally in state.items.items() if key in {said[:2] for said in facets.of(item)}]
        own += [tally for word, tally in state.queries.items() if key == ("keyword", word)]
        entries = [entry for tally in own for entry in tally.evidence if entry[0] > since]
        entries += [(e.at, e.event_id) for e in state.edits if (e.facet, e.value) == key and e.op == "add"]
        newest = dict.fromkeys(heapq.nlargest(16, entries))
        assert facet.evidence == tuple(event_id for _, event_id in newest)[:8]


@SHARED
@given(events=LIVES)
def test_what_is_wanted_most_is_found_by_its_strength_and_then_its_id(store: Store, events: list[Event]) -> None:
    state, facets, micros = folded(events), ItemFacets(Catalogue(store)), to_micros(at(24 * 8))
    state.items = {name: tally for name, tally in state.items.items() if tally.at <= micros}
    mass = {name: decayed(tally.short, micros - tally.at, 4.0) for name, tally in state.items.items()}
    open_ = [name for name in mass if name not in state.bought and mass[name] > 0.0606082 and name in facets.catalogue]
    said = needs(state, facets, now=at(24 * 8), config=CONFIG)
    best = sorted(open_, key=lambda name: (-mass[name], name))[:8]
    assert [need.value for need in said if need.facet == "unbought"] == best


@SHARED
@given(events=LIVES)
def test_the_log_is_read_as_its_events_are(events: list[Event], tmp_path_factory: pytest.TempPathFactory) -> None:
    opened = stocked_store(Path(tmp_path_factory.mktemp("traces")))
    opened.append(events)
    people = Portraits(opened, ItemFacets(Catalogue(opened)))
    for moment in (at(24 * 9), NOW):
        assert people.state("ann", before=moment) == people.state_of(people.events("ann", before=moment))
    opened.close()
