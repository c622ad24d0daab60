"""Residents: what they hold, how little they weigh, and how they come and go."""

import random
import sys
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huaxiang.collect.catalogue import Catalogue
from huaxiang.profiles import FoldState, ItemFacets, Portraits
from huaxiang.profiles import facets as view
from huaxiang.profiles.fold import FoldConfig
from huaxiang.profiles.packing import LIMIT, head_of, numbers_of, pack, renumbered
from huaxiang.profiles.portrait import Memory
from huaxiang.profiles.resident import FACETS, NEEDS, SEQS, Essence, Held, Wanted
from huaxiang.profiles.residents import RESIDENT, Residents
from huaxiang.profiles.state import Tally
from huaxiang.profiles.unpacking import unpack
from huaxiang.profiles.value_table import ValueTable
from huaxiang.store import Store
from huaxiang.types import EVENT_NAMES, Event, Reading
from tests.profiles.shops import at, edit, event, stocked_store

NOW = at(30)
SEQ = st.lists(st.integers(1, 2**40), max_size=SEQS).map(tuple)
TEXT = st.text(min_size=1, max_size=60)
THOUSANDTHS = st.none() | st.integers(0, 1_000).map(lambda n: round(n / 1_000, 3))
SHARE = st.floats(0.0078125, 1.0, width=16) | st.floats(-1.0, -0.0078125, width=16)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = stocked_store(tmp_path)
    yield opened
    opened.close()


def living(store: Store, megabytes: float = 64.0) -> Portraits:
    return Portraits(store, ItemFacets(Catalogue(store)), memory=Memory(residents_mb=megabytes))


@st.composite
def essences(draw: st.DrawFn) -> Essence:
    """Anything that a person may be, and more than there is room for."""
    micros = st.integers(0, 2**52)
    last = draw(micros)
    figures = FoldState(
        n=draw(st.integers(1, 2**31)),
        n_orders=draw(st.integers(0, 9_999)),
        active_days=draw(st.integers(1, 9_999)),
        first=draw(micros),
        last=[last, draw(st.integers(0, 2**40))],
        counts=draw(st.dictionaries(st.sampled_from(sorted(EVENT_NAMES)), st.integers(1, 2**40))),
        spend=draw(st.dictionaries(st.text(max_size=4), st.floats(-1e9, 1e9), max_size=30)),
        consents=draw(
            st.dictionaries(st.sampled_from(["analytics", "training"]), st.sampled_from(["granted", "denied"]))
        ),
        traits=draw(st.dictionaries(TEXT, st.integers(-9, 9) | TEXT | st.booleans() | st.none(), max_size=9)),
    )
    at_ = draw(micros)
    figures.buying = draw(st.just([0, 0, 0]) | st.tuples(st.integers(1, 2**20), micros, micros).map(list))
    figures.mood, figures.mood_weight = (Tally(long=draw(st.floats(-9, 9)), at=at_) for _ in range(2))
    n = draw(st.integers(0, 250))
    keyed = draw(st.lists(SHARE, min_size=n, max_size=n).map(lambda scores: sorted(scores, key=lambda s: -abs(s))))
    kinds = draw(st.sampled_from([["keyword"], ["brand", "category", "attribute:Farbe"]]))
    values = [(kinds[i % len(kinds)], f"{'a > b > ' * (i % 3)}value {i}", score) for i, score in enumerate(keyed)]
    facets = tuple(
        Held(*value, draw(st.integers(0, 255)) / 255, last - 60_000_000 * draw(st.integers(0, 999)), draw(SEQ))
        for value in values[:FACETS]
    )
    needs = [Wanted(draw(TEXT), 1.0, draw(micros), 1, draw(SEQ)) for _ in range(draw(st.integers(0, NEEDS)))]
    items = [Wanted(f"i{i}", draw(st.floats(0, 99)), at_, 3, draw(SEQ)) for i in range(NEEDS - len(needs))]
    return Essence(
        as_of=draw(micros),
        until=draw(micros),
        figures=figures,
        language=draw(st.sampled_from([None, "en", "zh"])),
        facets=facets,
        others=tuple(values[FACETS:]),
        is_whole=True,
        searches=tuple(needs),
        searches_are_whole=draw(st.booleans()),
        unbought=tuple(items),
        unbought_is_whole=draw(st.booleans()),
        intent=draw(st.sampled_from([None, Held("intent", "browsing", 0.5, 1.0, last, (7,))])),
        price_sensitivity=draw(THOUSANDTHS),
        loyalty=draw(THOUSANDTHS),
    )


@settings(deadline=None, max_examples=150)
@given(essences())
def test_whoever_it_is_a_resident_has_at_most_1024_bytes_and_says_only_what_is_so(essence: Essence) -> None:
    table = ValueTable()
    packed = pack(essence, table)
    assert len(packed) <= LIMIT
    read = unpack(packed, table)
    assert (read.as_of, read.until, read.language, read.unbought) == (
        essence.as_of,
        essence.until,
        essence.language,
        essence.unbought,
    )
    assert read.searches == essence.searches[: len(read.searches)]
    assert not read.searches_are_whole or read.searches == essence.searches
    assert read.facets == essence.facets[: len(read.facets)]
    assert read.is_whole == (len(read.facets) + len(read.others) == len(essence.facets) + len(essence.others))
    scored = [*((held.facet, held.value, held.score) for held in essence.facets), *essence.others]
    told = [*((held.facet, held.value, held.score) for held in read.facets), *read.others]
    assert sorted(told) == sorted(set(told) & set(scored))
    assert (read.price_sensitivity, read.loyalty) == (essence.price_sensitivity, essence.loyalty)
    for part in ("n", "n_orders", "buying", "active_days", "first", "last", "consents", "mood_weight"):
        assert getattr(read.figures, part) == getattr(essence.figures, part)
    assert read.figures.counts in (essence.figures.counts, {})
    assert read.figures.traits in (essence.figures.traits, {})
    n_values = len(table)
    assert n_values == len({table.value(number) for number in numbers_of(packed, head_of(packed))})
    table.release(numbers_of(packed, head_of(packed)))
    assert (len(table), table.n_bytes) == (0, 0)


@settings(deadline=None, max_examples=30)
@given(essences())
def test_other_numbers_say_the_same(essence: Essence) -> None:
    table, other = ValueTable(), ValueTable()
    other.take("brand", "somebody else's")
    packed = pack(essence, table)
    head = head_of(packed)
    numbers = [other.take(*table.value(number)) for number in numbers_of(packed, head)]
    assert unpack(renumbered(packed, head, numbers), other) == unpack(packed, table)


def test_a_resident_names_the_events_behind_each_facet(store: Store) -> None:
    looks = [event("view_item", hour, item="sencha") for hour in (1, 2, 3, 4)]
    store.append([*looks, event("search", 28, query="clay pot", reading=Reading("t", "en", keywords=("clay",)))])
    portraits = living(store)
    essence = portraits.resident("ann", now=NOW)
    n = store.last_seq
    brand = next(held for held in essence.facets if held.facet == "brand")
    assert (brand.value, brand.seqs) == ("Uji", (n - 1, n - 2, n - 3))
    assert [(search.value, search.seqs) for search in essence.searches] == [("clay pot", (n,))]
    again = portraits.resident("ann", now=at(31))  # from its bytes
    kept = next(held for held in again.facets if held.facet == "brand")
    assert kept.seqs == brand.seqs
    assert kept.score == pytest.approx(brand.score, rel=2**-11)  # rounded to eleven bits
    assert len(again.facets) + len(again.searches) + len(again.unbought) <= FACETS
    assert (portraits.residents.traffic.built, len(portraits.residents)) == (1, 1)


def test_sequence_numbers_of_a_long_history_are_looked_up(store: Store) -> None:
    store.append([event("purchase", 0.5, item="cup")])
    bought = store.last_seq
    store.append([event("view_item", 1 + n / 60, item="sencha") for n in range(700)])
    portraits = living(store)
    portraits.state("ann", before=NOW)  # leaves a snapshot, beside which few events are read
    essence = portraits.resident("ann", now=NOW)
    assert {held.seqs for held in essence.facets if held.value in ("Ware > Cups", "Yixing")} == {(bought,)}


def crowd(store: Store, n: int) -> list[str]:
    users = [f"shopper-{number:05d}" for number in range(n)]
    items = ("sencha", "matcha", "assam", "pot", "cup")
    store.append([event("view_item", 1 + n % 7, user, items[n % 5]) for n, user in enumerate(users)])
    return users


def test_the_least_recently_used_go_to_the_store_and_are_read_back(store: Store) -> None:
    users = crowd(store, 300)
    portraits = living(store, 0.1)
    residents = portraits.residents
    said = {user: portraits.resident(user, now=NOW) for user in users}
    assert residents.n_bytes <= 0.1 * 2**20
    assert 100 < len(residents) < 250
    assert residents.traffic.stored + len(residents) == 300
    assert set(store.get(RESIDENT, users)) == set(users[: residents.traffic.stored])
    again = {user: portraits.resident(user, now=NOW) for user in users}
    assert residents.traffic.built == 300  # nobody was folded twice
    assert residents.traffic.read_back >= residents.traffic.stored > 0
    assert {user: round_of(essence) for user, essence in again.items()} == {
        user: round_of(essence) for user, essence in said.items()
    }
    assert residents.n_bytes <= 0.1 * 2**20


def round_of(essence: Essence) -> Essence:
    return replace(
        essence,
        facets=tuple(
            replace(held, score=float(np.float16(held.score)), confidence=0.0, at=0) for held in essence.facets
        ),
        intent=None,
    )


def test_an_event_drops_a_stored_resident_and_so_does_erasure(store: Store) -> None:
    users = crowd(store, 60)
    portraits = living(store, 0.0001)
    for user in users:
        portraits.resident(user, now=NOW)
    assert len(portraits.residents) == 0
    assert len(store.get(RESIDENT, users)) == 60
    store.append([event("view_item", 40, users[0], "cup")])
    erased = store.erase(users[1])
    assert erased.kinds[RESIDENT] == 1
    assert sorted(store.get(RESIDENT, users)) == users[2:]


def test_what_was_computed_of_a_person_stands_beside_their_resident_until_their_next_event(store: Store) -> None:
    store.append([event("view_item", 1, user, "sencha") for user in ("ann", "bob")])
    portraits = living(store)
    residents, mark = portraits.residents, portraits.residents.mark()
    residents.attach("ann", "r1", b"early", mark)  # nobody is resident yet
    for user in ("ann", "bob"):
        portraits.resident(user, now=NOW)
        residents.attach(user, "r1", b"seven", mark)
    store.append([event("view_item", 2, "ann", "pot")])
    with residents.reading(["ann", "bob"], now=NOW):
        assert (residents.beside("ann", "r1"), residents.beside("bob", "r1")) == (None, b"seven")
        assert residents.beside("bob", "r2") is None
    portraits.resident("ann", now=NOW)
    residents.attach("ann", "r1", b"stale", mark)  # computed before the pot
    charged = residents.n_bytes
    residents.attach("bob", "r2", b"eight", mark)
    assert residents.n_bytes == charged  # it took the place of the other
    with residents.reading(["ann", "bob"], now=NOW):
        assert residents.beside("ann", "r1") is None
        assert (residents.beside("bob", "r1"), residents.beside("bob", "r2")) == (None, b"eight")
    portraits.forget()
    assert (residents.n_bytes, residents.beside("bob", "r2")) == (0, None)


def test_what_stands_beside_residents_leaves_before_they_do(store: Store) -> None:
    users = crowd(store, 60)
    portraits = living(store, 0.1)
    residents, mark = portraits.residents, portraits.residents.mark()
    for user in users[:40]:
        portraits.resident(user, now=NOW)
        residents.attach(user, "r1", bytes(2_000), mark)
    assert residents.n_bytes <= 0.1 * 2**20
    held = sum(residents.beside(user, "r1") is not None for user in users)
    assert 0 < held < 40
    for user in users[40:]:
        portraits.resident(user, now=NOW)
    assert (len(residents), residents.traffic.stored) == (60, 0)
    assert sum(residents.beside(user, "r1") is not None for user in users) < held


def test_forgetting_clears_memory_and_a_fold_that_began_before_it_leaves_nothing(store: Store) -> None:
    portraits = living(store)
    store.append([event("view_item", 1, item="sencha")])
    mark = portraits.residents.mark()
    read = portraits.read("ann", before=NOW)
    portraits.resident("ann", now=NOW)
    assert len(portraits.residents) == 1
    store.erase("ann")
    portraits.forget()
    assert (len(portraits.residents), portraits.residents.n_bytes) == (0, 0)
    portraits.settle("ann", read, now=NOW, mark=mark)
    assert len(portraits.residents) == 0


def test_whom_another_process_erased_is_not_written_to_the_store(store: Store) -> None:
    users = crowd(store, 40)
    portraits = living(store, 1.0)
    for user in users:
        portraits.resident(user, now=NOW)
    store.erase(users[0])
    portraits.residents._budget = 0
    portraits.residents._make_room()
    assert sorted(store.get(RESIDENT, users)) == users[1:]


def test_who_did_something_while_folded_is_kept_by_nobody(store: Store) -> None:
    portraits = living(store)
    store.append([event("view_item", 1, item="sencha"), event("view_item", 1, "bob", "sencha")])
    mark = portraits.residents.mark()
    reads = {user: portraits.read(user, before=NOW) for user in ("ann", "bob")}
    store.append([event("view_item", 2, item="pot")])
    portraits.residents.mark()  # another reader catches up with the log
    for user, read in reads.items():
        portraits.settle(user, read, now=NOW, mark=mark)
    with portraits.residents.reading(["ann", "bob"], now=NOW) as found:
        assert list(found) == ["bob"]


def test_events_that_lie_ahead_and_moments_before_it_make_no_resident(store: Store) -> None:
    portraits = living(store)
    store.append([event("view_item", 1, item="sencha"), event("view_item", 40, item="pot")])
    portraits.resident("ann", now=NOW)
    assert len(portraits.residents) == 0
    portraits.resident("ann", now=at(50))
    with portraits.residents.reading(["ann"], now=at(49)) as found:
        assert not found
    with portraits.residents.reading(["ann"], now=at(51)) as found:
        assert list(found) == ["ann"]


def test_a_boost_without_end_and_masses_without_rest_are_not_trusted(store: Store) -> None:
    portraits = living(store)
    boosts = [edit(2 + n / 10, "boost", facet="brand", value="Uji", weight=9.0) for n in range(7)]
    store.append([event("view_item", 1, item="sencha"), *boosts, event("view_item", 1, "bob", "pot")])
    assert portraits.resident("ann", now=NOW).until == portraits.resident("ann", now=NOW).as_of
    bob = portraits.resident("bob", now=NOW)
    assert 890 * 60 < (bob.until - bob.as_of) / 86_400e6 < 910 * 60  # of half-lives of 60 days


def test_what_is_charged_is_no_less_than_what_python_takes(tmp_path: Path) -> None:
    store = stocked_store(tmp_path)
    residents = Residents(store, ItemFacets(Catalogue(store)), "v", megabytes=512)
    mark, rng = residents.mark(), random.Random(0)
    made = []
    for number in range(6_000):
        facets = tuple(Held("keyword", f"word {rng.randrange(3_000)}", 0.5, 0.5, 0, (1,)) for _ in range(8))
        made.append(
            (
                f"shopper-{number:08d}",
                Essence(0, 2**62, FoldState(n=1), None, facets, (), True, (), True, (), True, None),
            )
        )
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for user, essence in made:
        residents.keep(user, essence, (), mark)
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    charged = residents.n_bytes - sum(sys.getsizeof(user) for user, _ in made)  # ids are not allocated here
    assert 0.6 * charged < taken <= charged
    store.close()


@pytest.mark.parametrize(("n", "is_whole"), [(7, True), (8, False), (12, False)])
def test_needs_are_whole_only_where_none_can_stand_behind_those_that_are_shown(
    store: Store, n: int, is_whole: bool
) -> None:
    store.append([Event("set_item", at(-1), item_id=f"cup-{i}", properties={"name": f"Cup {i}"}) for i in range(n)])
    store.append([event("view_item", 20 + i / 10, item=f"cup-{i}", session_id=f"s{i}") for i in range(n)])
    essence = living(store).resident("ann", now=at(36))
    assert (essence.unbought_is_whole, len(essence.unbought)) == (is_whole, min(n, 8))
    store.append([event("search", 36 + i / 10, query=f"pot {i}", session_id=f"t{i}") for i in range(20 - n)])
    read = living(store).read("ann", before=at(60)).state
    needs = view.needs(read, ItemFacets(Catalogue(store)), now=at(60), config=FoldConfig())
    assert len(needs) == 16  # as many as a resident takes to be all that is ever shown
    assert living(store).resident("ann", now=at(60)).searches_are_whole == (20 - n <= 8)
