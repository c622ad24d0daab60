"""The reviews of a log, without those of people who do not want to be counted."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from huaxiang.collect.reviews import reviews_of
from huaxiang.store import Store, open_store
from huaxiang.types import Event
from tests.profiles.shops import at, event


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/shop.db")
    opened.append(
        [
            event("review", 1, "ann", "pot", text="lovely", rating=5.0),
            event("review", 2, "bob", "pot", text="too dear"),
            event("review", 3, "ann", "cup", text="  "),
            event("view_item", 4, "ann", "pot"),
            Event("review", at(5), anonymous_id="a1", item_id="cup", text="cracked", rating=1.0),
        ]
    )
    yield opened
    opened.close()


def deny(store: Store, hour: float, user: str | None, status: str, **more: Any) -> None:
    said = {"scope": "training", "status": status}
    store.append([event("consent", hour, user, properties=said, **more)])


def test_reviews_with_a_text_are_read_in_order_with_their_ratings(store: Store) -> None:
    found = reviews_of(store)
    assert (found.texts, found.ratings) == (["lovely", "too dear", "cracked"], [5.0, None, 1.0])


def test_who_denies_training_is_left_out_until_they_grant_it(store: Store) -> None:
    deny(store, 6, "ann", "denied")
    assert reviews_of(store).texts == ["too dear", "cracked"]
    deny(store, 5, "ann", "granted")  # came in later and was said earlier
    assert "lovely" not in reviews_of(store).texts
    deny(store, 7, "ann", "granted")
    assert "lovely" in reviews_of(store).texts


def test_an_anonymous_denial_counts_for_what_was_written_under_it(store: Store) -> None:
    deny(store, 6, None, "denied", anonymous_id="a1")
    assert reviews_of(store).texts == ["lovely", "too dear"]


def test_where_nothing_is_granted_unasked_only_who_granted_is_read(store: Store) -> None:
    assert reviews_of(store, consent_default="denied").texts == []
    store.append([event("consent", 6, "bob", properties={"scope": "all", "status": "granted"})])
    assert reviews_of(store, consent_default="denied").texts == ["too dear"]
