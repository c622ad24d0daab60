"""The shelf: what may be shown, and how well it fits an interest, by hand and as items change."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huaxiang.collect.catalogue import Catalogue
from huaxiang.profiles import FoldState, ItemFacets
from huaxiang.profiles.facets import interests
from huaxiang.profiles.fold import FoldConfig
from huaxiang.profiles.state import Tally, from_micros
from huaxiang.profiles.taste import Taste, taste_of
from huaxiang.ranking.shelf import Shelf
from huaxiang.store import Store
from tests.collect.test_catalogue import drop, put
from tests.profiles.shops import stocked_store

IDS = ["sencha", "matcha", "assam", "pot", "cup"]
PLACE = {name: at for at, name in enumerate(IDS)}


def positive(tally: Tally) -> Tally:
    """The tally with a mass that words have."""
    tally.long = abs(tally.long)
    tally.evidence = ((tally.at, "e"),)
    return tally


def stated(shares: Mapping[tuple[str, str], float]) -> Taste:
    """The taste of somebody who said it in so many words."""
    return Taste(np.empty(0, np.int64), np.empty(0, np.float32), {}, shares)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return stocked_store(tmp_path)


@pytest.fixture
def facets(store: Store) -> ItemFacets:
    return ItemFacets(Catalogue(store))


def test_a_shared_brand_and_category_add_up(facets: ItemFacets) -> None:
    shelf = Shelf.of(IDS, facets)
    shares = {("brand", "Uji"): 0.5, ("category", "Tea"): 0.25, ("category", "Tea > Black"): 0.125}
    assert shelf.fits([stated(shares)])[0].tolist() == [0.75, 0.75, 0.375, 0.0, 0.0]


def test_a_dislike_takes_away(facets: ItemFacets) -> None:
    assert Shelf.of(IDS, facets).fits([stated({("brand", "Yixing"): -0.5})])[0].tolist() == [0, 0, 0, -0.5, -0.5]


def test_a_facet_that_no_item_has_changes_nothing(facets: ItemFacets) -> None:
    assert not Shelf.of(IDS, facets).fits([stated({("brand", "Ghost"): 1.0})])[0].any()


def test_an_attribute_counts_less_than_a_brand(store: Store, facets: ItemFacets) -> None:
    store.append([put("cup", 1, attributes={"colour": ["red"]})])
    facets.catalogue.refresh()
    assert Shelf.of(IDS, facets).fits([stated({("attribute:colour", "red"): 1.0})])[0].tolist() == pytest.approx(
        [0, 0, 0, 0, 0.3]
    )


def test_having_names_the_items_with_any_of_the_facets(facets: ItemFacets) -> None:
    shelf = Shelf.of(IDS, facets)
    having = shelf.having({("brand", "Yixing"), ("category", "Tea > Black")})
    assert having.tolist() == [False, False, True, True, True]


def test_what_is_sold_out_or_gone_is_not_alive(store: Store, facets: ItemFacets) -> None:
    store.append([put("pot", 1, in_stock=False), drop("cup", 1)])
    facets.catalogue.refresh()
    assert Shelf.of([*IDS, "ghost"], facets).alive_M.tolist() == [True, True, True, False, False, False]


def test_a_shelf_follows_brand_stock_and_new_items_without_being_built_again(store: Store, facets: ItemFacets) -> None:
    shelf = Shelf.of(IDS, facets)
    store.append([put("assam", 1, brand="Uji"), put("pot", 1, in_stock=False), put("jar", 1, brand="Uji")])
    facets.catalogue.refresh()
    now = shelf.after([*IDS, "jar"], PLACE | {"jar": 5}, facets)
    assert now.facets is shelf.facets
    assert now.fits([stated({("brand", "Uji"): 1.0})])[0].tolist() == [1, 1, 1, 0, 0, 1]
    assert now.alive_M.tolist() == [True, True, True, False, True, True]


def test_the_earlier_shelf_stays_as_it_was(store: Store, facets: ItemFacets) -> None:
    shelf = Shelf.of(IDS, facets)
    store.append([drop("pot", 1)])
    facets.catalogue.refresh()
    shelf.after(IDS, PLACE, facets)
    assert shelf.alive_M.all()


def test_a_shelf_asks_to_be_built_again_after_a_thousand_changes(store: Store, facets: ItemFacets) -> None:
    shelf = Shelf.of(IDS, facets)
    names = [f"n{n}" for n in range(1001)]
    store.append([put(name, 1) for name in names])
    facets.catalogue.refresh()
    now = shelf.after([*IDS, *names], PLACE | {name: 5 + n for n, name in enumerate(names)}, facets)
    assert (shelf.wants_rebuilding, now.wants_rebuilding) == (False, True)


def test_a_request_that_holds_an_older_list_of_items_reads_a_newer_shelf(store: Store, facets: ItemFacets) -> None:
    store.append([put("jar", 1, brand="Uji"), drop("matcha", 1)])
    facets.catalogue.refresh()
    newer = Shelf.of([*IDS, "jar"], facets)
    older = newer.after(IDS, PLACE, facets)
    assert older.fits([stated({("brand", "Uji"): 1.0})])[0].tolist() == [1, 0, 0, 0, 0]
    assert older.alive_M.tolist() == [True, False, True, True, True]


SAID = st.fixed_dictionaries(
    {},
    optional={
        "brand": st.sampled_from(["Uji", "Yixing", None]),
        "category": st.sampled_from([["Tea"], ["Ware", "Pots"], []]),
        "in_stock": st.booleans(),
        "attributes": st.sampled_from([{}, {"colour": ["red", "blue"]}]),
        "name": st.sampled_from(["clay jar", "茶壶", ""]),
    },
)
CHANGES = st.lists(st.tuples(st.sampled_from([*IDS, "jar", "urn"]), st.none() | SAID), max_size=8)


@settings(deadline=None, max_examples=40)
@given(before=CHANGES, after=CHANGES)
def test_a_patched_shelf_equals_one_built_anew(
    tmp_path_factory: pytest.TempPathFactory,
    before: Sequence[tuple[str, dict[str, Any] | None]],
    after: Sequence[tuple[str, dict[str, Any] | None]],
) -> None:
    store = stocked_store(tmp_path_factory.mktemp("shelf"))
    facets = ItemFacets(Catalogue(store))
    ids, shelf = list(IDS), Shelf.of(IDS, facets)
    for hour, changes in enumerate((before, after), 1):
        said = enumerate(changes)
        events = [drop(i, hour + n / 99) if p is None else put(i, hour + n / 99, **p) for n, (i, p) in said]
        store.append(events)
        facets.catalogue.refresh()
        ids += sorted({name for name, _ in changes if name in facets.catalogue} - set(ids))
        shelf = shelf.after(ids, {name: at for at, name in enumerate(ids)}, facets)
    built = Shelf.of(ids, facets)
    keys = {key[:2] for name in ids for key in facets.of(name)}
    shares = {key: 1.0 + n / 7 for n, key in enumerate(sorted(keys))}
    np.testing.assert_allclose(shelf.fits([stated(shares)]), built.fits([stated(shares)]), rtol=1e-5, atol=1e-6)
    few = np.arange(len(ids))[::2]
    np.testing.assert_allclose(
        shelf.fits_at(stated(shares), few), shelf.fits([stated(shares)])[0][few], rtol=1e-5, atol=1e-6
    )
    assert shelf.alive_M.tolist() == built.alive_M.tolist()
    store.close()


TALLIES = st.builds(Tally, long=st.floats(-4.0, 9.0), at=st.integers(0, 10**13), n=st.just(1))


@settings(deadline=None, max_examples=60)
@given(
    items=st.dictionaries(st.sampled_from([*IDS, "jar", "gone"]), TALLIES, max_size=7),
    queries=st.dictionaries(st.sampled_from(["sencha", "pot", "nothing"]), TALLIES.map(positive), max_size=3),
    changed=CHANGES,
)
def test_what_fits_a_taste_is_what_the_readable_facets_say(
    tmp_path_factory: pytest.TempPathFactory,
    items: dict[str, Tally],
    queries: dict[str, Tally],
    changed: Sequence[tuple[str, dict[str, Any] | None]],
) -> None:
    store = stocked_store(tmp_path_factory.mktemp("shelf"))
    facets = ItemFacets(Catalogue(store))
    shelf = Shelf.of(IDS, facets)
    store.append([drop(i, 1 + n / 99) if p is None else put(i, 1 + n / 99, **p) for n, (i, p) in enumerate(changed)])
    facets.catalogue.refresh()
    ids = [*IDS, *sorted({name for name, _ in changed if name in facets.catalogue} - set(IDS))]
    positions = {name: at for at, name in enumerate(ids)}
    shelf = shelf.after(ids, positions, facets)
    state, now, config = FoldState(items=items, queries=queries), from_micros(10**13), FoldConfig()
    at_I = np.array([positions.get(name, -1) for name in state.items], np.int64)
    taste = taste_of(state, at_I, now=now, config=config)
    shares = interests(state, facets, now=now, config=config).shares
    by_sum, by_name = shelf.fits([taste, stated(shares)])
    np.testing.assert_allclose(by_sum, by_name, rtol=1e-4, atol=1e-5)
    few = np.arange(len(ids))[::2]
    np.testing.assert_allclose(shelf.fits_at(taste, few), by_sum[few], rtol=1e-4, atol=1e-5)
    store.close()
