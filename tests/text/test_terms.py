"""What a query and a title become, so that the two meet."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huaxiang.text.terms import index_terms, query_terms, read_words


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("12 ft. ladders", ["12ft", "ladder"]),
        ("12-foot ladder", ["12ft", "ladder"]),
        ("5' tall", ["5ft", "tall"]),
        ("6' x 8\" rug", ["6ft", "8in", "rug"]),
        ("6′ × 8″ rug", ["6ft", "8in", "rug"]),
        ("3/4 in. x 3 in.", ["0.75in", "3in"]),
        ("1-1/2 in. pipe", ["1.5in", "pipe"]),
        ("1½” pipe", ["1.5in", "pipe"]),
        (".50 inch", ["0.5in"]),
        ("08 oz", ["8oz"]),
        ("4x8 plywood", ["4", "8", "plywood"]),
        ("4 X 8wood", ["4", "8", "wood"]),
        ("1.9 cu. ft. microwave", ["1.9cuft", "microwav"]),
        ("1,000 square feet", ["1000sqft"]),
        ("8 fl. oz. soap", ["8oz", "soap"]),
        ("2-pack, 12 volts", ["2pk", "12v"]),
        ("18volt drill", ["18v", "drill"]),
        ("净含量500毫升牛奶", ["净含量", "500ml", "牛奶"]),
        ("1公斤 大米", ["1kg", "大米"]),
    ],
)
def test_an_amount_has_one_form(text: str, terms: list[str]) -> None:
    assert query_terms(text) == terms


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("women's shoes", ["woman", "shoe"]),
        ("womens shoe", ["woman", "shoe"]),
        ("Strong-Tie angles", ["strong", "tie", "angl"]),
        ("U.S.A. flag", ["usa", "flag"]),
        ("C++ and C#", ["c++", "and", "c#"]),
        ("wood &amp; stone", ["wood", "stone"]),
        ("light w/ switch w/o cord", ["light", "with", "switch", "without", "cord"]),
        ("2 in 1 shampoo", ["2in1", "shampoo"]),
        ("open 24/7", ["open", "24", "7"]),
        ('"iphone 6" case', ["iphon", "6", "case"]),
        ("xbox x pad", ["xbox", "x", "pad"]),
        ("", []),
        ("--- ' \"", []),
    ],
)
def test_words_lose_their_endings_and_compounds_part(text: str, terms: list[str]) -> None:
    assert query_terms(text) == terms


def test_a_text_is_found_by_its_compounds_joined_and_by_bare_numbers() -> None:
    assert index_terms("Strong-Tie 12-gauge") == ["strong", "tie", *query_terms("strongtie"), "12ga", "12"]
    assert set(query_terms("rainshowers")) <= set(index_terms("rain-shower"))


def test_an_amount_keeps_its_number_and_unit() -> None:
    words = read_words("for 1/2 in. pipes")
    assert [(w.spelled, w.number, w.unit) for w in words if w.is_number] == [("0.5in", 0.5, "in")]
    assert [w.is_stop for w in words] == [True, False, False]


@given(st.text(max_size=120) | st.text("0123456789 /.-x'\"inft½", max_size=40))
@settings(deadline=None, max_examples=150)
def test_no_text_breaks_it_and_a_text_is_found_by_itself(text: str) -> None:
    terms = query_terms(text)
    assert all(term and not term.isspace() for term in terms)
    assert set(terms) <= set(index_terms(text))
