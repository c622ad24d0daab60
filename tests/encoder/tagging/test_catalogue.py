"""Brands and types out of titles: what is missing is filled, and the shop has the last word."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest

from huaxiang.collect.catalogue import Catalogue
from huaxiang.encoder.tagging.catalogue import Applied, apply_tags
from huaxiang.encoder.tagging.spans import Span
from huaxiang.errors import ConfigError, UnknownNameError
from huaxiang.store import Store, open_store
from huaxiang.types import Event, Item
from tests.profiles.shops import at

FIELDS = {"HPPX": "brand", "HCCX": "type"}


@dataclass
class Knows:
    """Finds these words in titles, so sure of each."""

    words: Mapping[str, tuple[str, float]]
    fingerprint: str = "abc"
    types: tuple[str, ...] = ("HCCX", "HPPX")
    asked: list[str] = field(default_factory=list)

    def tag(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        self.asked += texts
        return [
            tuple(
                Span(text.index(word), text.index(word) + len(word), label, word, sure)
                for word, (label, sure) in self.words.items()
                if word in text
            )
            for text in texts
        ]


TAGGER = Knows({"红牛": ("HPPX", 0.95), "宜兴": ("HPPX", 0.6), "茶壶": ("HCCX", 0.9), "饮料": ("HCCX", 0.85)})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(f"sqlite:///{tmp_path}/shop.db")


def put(store: Store, item: str, hour: float = 0, **said: Any) -> None:
    store.append([Event(event="set_item", timestamp=at(hour), item_id=item, properties=said)])


def item(store: Store, item_id: str) -> Item:
    found = Catalogue(store).get(item_id)
    assert found is not None
    return found


def apply(store: Store, tagger: Knows = TAGGER, fields: Mapping[str, str] = FIELDS, **more: Any) -> Applied:
    return apply_tags(store, tagger, fields, now=at(9), **more)


def derived(store: Store) -> list[dict[str, Any]]:
    """What the log keeps of where values came from."""
    rows = [row for batch in store.scan(events=frozenset({"set_item"})) for row in batch.to_pylist()]
    said = [orjson.loads(row["properties"]) for row in rows]
    return [each["derived"] for each in said if "derived" in each]


def test_a_missing_brand_and_category_are_filled_and_the_log_says_how_sure(store: Store) -> None:
    put(store, "p1", name="红牛饮料罐装", price=6.0)
    applied = apply(store)
    assert item(store, "p1") == Item("p1", "红牛饮料罐装", brand="红牛", category=("饮料",), price=6.0)
    assert (applied.written, applied.filled) == (1, {"brand": 1, "type": 1})
    by = "tagger abc"
    assert derived(store) == [{"brand": {"confidence": 0.95, "by": by}, "category": {"confidence": 0.85, "by": by}}]


def test_a_second_run_changes_nothing(store: Store) -> None:
    put(store, "p1", name="红牛饮料", price=6.0)
    put(store, "p2", name="宜兴茶壶", category=["Ware"], attributes={"colour": ["red"]})
    apply(store)
    before = store.last_seq
    again = apply(store)
    assert (store.last_seq, again.written, again.filled) == (before, 0, {})


def test_a_second_run_by_another_tagger_adds_no_second_type(store: Store) -> None:
    put(store, "p1", name="红牛饮料茶壶")
    apply(store)
    assert apply(store, Knows({"饮料": ("HCCX", 0.99)}, "other")).written == 0
    assert item(store, "p1").category == ("茶壶",)


def test_what_the_shop_said_stays(store: Store) -> None:
    put(store, "p1", name="红牛饮料", brand="Red Bull", category=["Drinks", "饮料"])
    assert apply(store).said == {"type": 1}
    assert item(store, "p1").brand == "Red Bull"
    assert item(store, "p1").attributes == {}


def test_what_the_shop_says_later_wins(store: Store) -> None:
    put(store, "p1", name="红牛饮料")
    apply(store)
    put(store, "p1", 10, brand="Red Bull", category=["Drinks"])
    apply(store)
    assert (item(store, "p1").brand, item(store, "p1").category) == ("Red Bull", ("Drinks",))


def test_beside_a_category_the_type_is_an_attribute_and_the_others_stay(store: Store) -> None:
    put(store, "p1", name="紫砂茶壶", category=["Ware"], attributes={"colour": ["red", "brown"]})
    apply(store)
    assert item(store, "p1").attributes == {"colour": ("red", "brown"), "type": ("茶壶",)}
    assert derived(store)[0]["type"]["confidence"] == 0.9


def test_what_is_not_sure_enough_is_counted_and_not_written(store: Store) -> None:
    put(store, "p1", name="宜兴")
    applied = apply(store)
    assert (applied.written, applied.below, applied.missing) == (0, {"brand": 1}, {"brand": 1, "type": 1})
    assert [(found.value, found.confidence) for found in applied.unsure] == [("宜兴", 0.6)]
    assert apply(store, min_confidence=0.5).written == 1


def test_a_dry_run_says_the_same_and_writes_nothing(store: Store) -> None:
    put(store, "p1", name="红牛饮料")
    before = store.last_seq
    applied = apply(store, dry_run=True)
    assert (applied.filled, applied.written, store.last_seq) == ({"brand": 1, "type": 1}, 0, before)


def test_a_brand_is_spelled_as_the_shop_spells_it(store: Store) -> None:
    put(store, "p1", name="nike 跑鞋")
    put(store, "p2", name="shoe", brand="NIKE")
    apply(store, Knows({"nike": ("HPPX", 0.9)}), {"HPPX": "brand"})
    assert item(store, "p1").brand == "NIKE"


def test_the_surest_of_two_brands_is_taken(store: Store) -> None:
    put(store, "p1", name="宜兴红牛")
    apply(store)
    assert item(store, "p1").brand == "红牛"


def test_an_item_without_a_name_and_a_brand_that_says_nothing(store: Store) -> None:
    put(store, "p1", brand="无", name="红牛")
    put(store, "p2", name="  ")
    applied = apply(store, fields={"HPPX": "brand"})
    assert (item(store, "p1").brand, applied.missing, applied.n_items) == ("红牛", {"brand": 1}, 2)


def test_an_item_that_was_deleted_stays_so(store: Store) -> None:
    put(store, "p1", name="红牛")
    store.append([Event(event="delete_item", timestamp=at(1), item_id="p1")])
    assert apply(store).written == 0
    assert Catalogue(store).get("p1") is None


def test_titles_that_lack_nothing_are_not_read(store: Store) -> None:
    put(store, "p1", name="红牛", brand="Red Bull")
    tagger = Knows(TAGGER.words)
    apply(store, tagger, {"HPPX": "brand"})
    assert tagger.asked == []


@pytest.mark.parametrize(
    ("fields", "rule"), [({"XH": "brand"}, "label of this tagger 'XH'"), ({"HPPX": "price"}, "field 'price'")]
)
def test_a_label_or_field_that_nobody_knows_is_refused(store: Store, fields: Mapping[str, str], rule: str) -> None:
    with pytest.raises(UnknownNameError, match=rule):
        apply(store, fields=fields)


def test_nothing_mapped_and_an_impossible_confidence_are_refused(store: Store) -> None:
    with pytest.raises(ConfigError, match="no label is mapped"):
        apply(store, fields={})
    with pytest.raises(ConfigError, match="from 0 to 1"):
        apply(store, min_confidence=1.5)
