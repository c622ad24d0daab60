"""What is understood of a query."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huaxiang.apps.search.known_values import KnownValues
from huaxiang.apps.search.understanding import Understander, Understood

VALUES = {
    "brand": {"Nike": 5, "Strong-Tie": 3, "Red": 1},
    "category": {"Shoes > Running Shoes 跑鞋": 4, "Shoes": 9},
    "attribute:colour": {"red": 4, "红色": 3},
}


class Fixed:
    """Corrects one word and knows one synonym."""

    def correct_query(self, words: Sequence[str]) -> Sequence[str]:
        return ["shoes" if word == "sheos" else word for word in words]

    def of(self, text: str) -> Sequence[tuple[str, float]]:
        return {"shoes": [("trainers", 0.8)], "running shoes": [("sneaker", 0.9)]}.get(text, [])


def read(query: str) -> Understood:
    fixed = Fixed()
    return Understander(KnownValues(VALUES), fixed, fixed, {"air max 90": "p1"}).read(query)


def test_price_negation_values_and_words_of_an_english_query() -> None:
    said = read("Red Nike running shoes under $50 not leather").to_json()
    assert said["brands"] == ["Nike"]
    assert said["attributes"] == {"colour": ["red"]}
    assert said["price"] == {"lte": 50.0}
    assert said["not"] == ["leather"]
    assert said["words"] == ["red", "nike", "running", "shoes"]


def test_the_same_of_a_chinese_query() -> None:
    found = read("红色跑鞋 200元以下 不要皮革的")
    assert found.language == "zh"
    assert found.values("category") == ["Shoes > Running Shoes 跑鞋"]
    assert found.values("attribute:colour") == ["红色"]
    assert (found.price.high, found.unwanted) == (200.0, ("皮革",))


def test_of_two_values_with_one_name_the_commoner_is_meant() -> None:
    assert read("red").values("attribute:colour") == ["red"]
    assert read("red").values("brand") == []


def test_the_longest_value_is_named() -> None:
    assert read("running shoes").values("category") == ["Shoes > Running Shoes 跑鞋"]
    assert [(one.start, one.end) for one in read("nike running shoes").named] == [(0, 1), (1, 3)]


def test_a_slip_is_corrected_and_said() -> None:
    assert read("red sheos").corrected == "red shoes"
    assert read("red shoes").corrected is None


def test_synonyms_stand_for_a_word_at_less_than_its_weight() -> None:
    groups = read("red shoes").groups
    assert [[(one.term, one.weight) for one in group] for group in groups] == [
        [("red", 1.0)],
        [("shoe", 1.0), ("trainer", 0.8)],
    ]


def test_a_phrase_may_have_another_name() -> None:
    assert read("red running shoes").variants == ((("red", "sneaker"), 0.9),)
    assert read("running red shoes").variants == ()


def test_words_of_manner_are_not_needed_unless_they_are_all() -> None:
    assert [group[0].term for group in read("best red shoes").groups] == ["red", "shoe"]
    assert [group[0].term for group in read("best gift").groups] == ["best", "gift"]


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("how do I return this", "help"),
        ("怎么退货", "help"),
        ("nike vs strong-tie", "compare"),
        ("洗衣液 补充装", "replenish"),
        ("Air Max 90", "navigate"),
        ("nike", "navigate"),
        ("shoes", "explore"),
    ],
)
def test_intents(query: str, kind: str) -> None:
    assert read(query).intent.kind == kind


def test_a_gift_is_for_somebody_else() -> None:
    assert read("gift for mom").intent.is_gift
    assert read("送妈妈的礼物").intent.is_gift
    assert not read("red shoes").intent.is_gift


@given(st.text(max_size=200) | st.sampled_from(["", "the", "🎁", "a" * 10_000, "'; DROP TABLE items; --", "مرحبا"]))
def test_any_text_is_understood(query: str) -> None:
    found = read(query)
    assert all(term for term in found.terms)
    assert len(found.words) <= 24
    assert all(one.end <= len(found.terms) for one in found.named)
