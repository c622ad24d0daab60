"""The live index: what came after a release is found by its text at once."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from huaxiang.collect.catalogue import Catalogue
from huaxiang.retrieval.live import LiveIndex
from huaxiang.store import Store, open_store
from huaxiang.types import Vectors
from tests.collect.test_catalogue import drop, put


class Lengths:
    """An encoder whose vector is the length of the text, and which remembers what it was given."""

    d, name, fingerprint = 1, "lengths", "lengths"

    def __init__(self) -> None:
        self.read: list[str] = []

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.read += texts
        return np.array([[len(text)] for text in texts], dtype=np.float32)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    opened = open_store(f"sqlite:///{tmp_path}/shop.db")
    opened.append([put("pot", name="pot"), put("tea", name="tea")])
    return opened


def index_of(store: Store) -> tuple[LiveIndex, Lengths, Catalogue]:
    """An index of pot and tea as a release left it: both vectors are 9."""
    encoder, catalogue = Lengths(), Catalogue(store)
    vectors_MD = np.full((2, 1), 9, np.float32)
    return LiveIndex(["pot", "tea"], vectors_MD, encoder, catalogue, seq=catalogue.seq), encoder, catalogue


def test_a_release_is_served_as_it_was_made(store: Store) -> None:
    index, encoder, _ = index_of(store)
    assert index.snapshot().vectors_MD.tolist() == [[9], [9]]
    assert encoder.read == []


def test_a_new_item_stands_behind_the_others_with_a_vector_of_its_text(store: Store) -> None:
    index, encoder, catalogue = index_of(store)
    store.append([put("cup", 1, name="glass cup")])
    catalogue.refresh()
    now = index.snapshot()
    assert (now.item_ids, now.vectors_MD.tolist()) == (("pot", "tea", "cup"), [[9], [9], [9]])
    assert encoder.read == ["glass cup"]


def test_a_changed_item_is_encoded_anew_in_its_place(store: Store) -> None:
    index, _, catalogue = index_of(store)
    store.append([put("pot", 1, name="clay pot")])
    catalogue.refresh()
    assert index.snapshot().vectors_MD.tolist() == [[8], [9]]


def test_what_changed_before_the_process_began_is_taken_in_when_it_opens(store: Store) -> None:
    trained = Catalogue(store).seq
    store.append([put("cup", 1, name="cup")])
    index = LiveIndex(["pot", "tea"], np.full((2, 1), 9, np.float32), Lengths(), Catalogue(store), seq=trained)
    assert index.snapshot().item_ids == ("pot", "tea", "cup")


def test_nothing_is_encoded_twice(store: Store) -> None:
    index, encoder, catalogue = index_of(store)
    store.append([put("cup", 1, name="cup")])
    catalogue.refresh()
    index.snapshot()
    index.snapshot()
    store.append([put("jar", 2, name="jar")])
    catalogue.refresh()
    index.snapshot()
    assert encoder.read == ["cup", "jar"]


def test_a_request_leaves_a_flood_of_new_items_to_the_follower(store: Store) -> None:
    index, encoder, catalogue = index_of(store)
    store.append([put(f"n{n:02d}", 1, name="new") for n in range(65)])  # one more than a request takes
    catalogue.refresh()
    assert (len(index.snapshot()), encoder.read) == (2, [])
    index.refresh()
    assert len(index.snapshot()) == 67


def test_a_deleted_item_keeps_its_place(store: Store) -> None:
    index, _, catalogue = index_of(store)
    store.append([drop("pot", 1)])
    catalogue.refresh()
    assert index.snapshot().positions(["pot", "tea"]).tolist() == [0, 1]


def test_an_item_that_goes_while_it_is_read_leaves_the_others_their_own_vectors(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    index, _, catalogue = index_of(store)
    store.append([put("pot", 1, name="po"), put("tea", 1, name="t")])
    catalogue.refresh()
    get = catalogue.get
    monkeypatch.setattr(catalogue, "get", lambda name: None if name == "pot" else get(name))
    assert index.snapshot().vectors_MD.tolist() == [[9], [1]]


def test_unknown_ids_are_minus_one(store: Store) -> None:
    now = index_of(store)[0].snapshot()
    assert now.positions(["tea", "ghost", "pot"]).tolist() == [1, -1, 0]
    assert now.position("ghost") == -1


def test_a_snapshot_that_a_request_holds_never_changes(store: Store) -> None:
    index, _, catalogue = index_of(store)
    held = index.snapshot()
    store.append([put("pot", 1, name="x"), put("cup", 1, name="cup")])
    catalogue.refresh()
    index.snapshot()
    assert (held.item_ids, held.vectors_MD.tolist(), held.position("cup")) == (("pot", "tea"), [[9], [9]], -1)


def test_products_follow_new_and_changed_items_and_are_made_again_when_they_are_many(store: Store) -> None:
    index, _, catalogue = index_of(store)
    store.append([put("pot", 1, name="clay pot"), put("cup", 1, name="cup")])
    catalogue.refresh()
    now = index.snapshot()
    asked_ND = np.array([[2.0], [-1.0]], np.float32)
    assert now.products(asked_ND).tolist() == pytest.approx(np.array([[16, 18, 6], [-8, -9, -3]]))
    assert now.newer_P.tolist() == [0, 2]
    index.tidy()
    assert index.snapshot() is now
    store.append([put(f"n{n}", 2, name="x" * (1 + n % 7)) for n in range(1_000)])
    catalogue.refresh()
    index.refresh()
    before = index.snapshot().products(asked_ND)
    index.tidy()
    assert not len(index.snapshot().newer_P)
    np.testing.assert_allclose(index.snapshot().products(asked_ND), before, rtol=0.01)
