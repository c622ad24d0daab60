"""What reviews judge, clause by clause."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huaxiang.encoder.aspects import AspectReader, Mention, aspect_table, aspects_named, clauses_in
from huaxiang.encoder.polarity import Polarity
from tests.encoder.toy import ToyEncoder


def found(reader: AspectReader, *reviews: str) -> list[tuple[str, str, int]]:
    return [(each.aspect, each.clause, int(np.sign(each.polarity))) for each in reader.read(reviews)]


def test_each_clause_is_judged_by_itself() -> None:
    assert found(AspectReader(), "物流很快，但是质量太差了。", "Fast delivery but poor quality") == [
        ("delivery", "物流很快", 1),
        ("quality", "但是质量太差了", -1),
        ("delivery", "Fast delivery", 1),
        ("quality", "poor quality", -1),
    ]


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("很好，不错！", ["很好", "不错"]),
        ("It works. It costs 9.99, though", ["It works", "It costs 9.99"]),
        ("...!!! a ，，", []),
        ("", []),
    ],
)
def test_a_text_is_cut_where_its_marks_are(text: str, clauses: list[str]) -> None:
    assert list(clauses_in(text)) == clauses


@given(st.text(max_size=80))
@settings(deadline=None, max_examples=60)
def test_clauses_are_pieces_of_the_text_in_order(text: str) -> None:
    at = 0
    for clause in clauses_in(text):
        at = text.index(clause, at) + len(clause)
    AspectReader().read([text])


def test_one_clause_may_name_two_aspects() -> None:
    assert aspects_named("价格和质量都好") == ("price", "quality")
    assert aspects_named("the price and the quality") == ("price", "quality")
    assert aspects_named("I ordered it on Monday") == ()


DESCRIBED = {"en": {"price": ("money",), "quality": ("stitching",), "service": ("clerk",), "function": ("battery",)}}


def market(extra: Sequence[str]) -> list[str]:
    """Sixty reviews that name a price, some of them with the word `coins` beside it, then others."""
    filler = [f"we bought thing{n} and thing{n + 1} for granny{n}" for n in range(800)]
    named = [f"good price coins {'coins ' * (n % 4)}" for n in range(60)]
    return [*named, *filler, *extra]


def test_a_clause_that_is_as_near_to_an_aspect_as_those_that_name_it_is_one() -> None:
    encoder = ToyEncoder(meanings={"coins": "money", "stitches": "stitching"})
    mentions = AspectReader(encoder, descriptions=DESCRIBED).read(
        market(["coins coins coins", "coins for a horse cart"])
    )
    by_meaning = [(mention.aspect, mention.clause) for mention in mentions if mention.found_by == "encoder"]
    assert ("price", "coins coins coins") in by_meaning
    assert ("price", "coins for a horse cart") not in by_meaning


def test_an_aspect_that_the_shop_has_words_for_and_never_names_is_not_found_by_meaning() -> None:
    encoder = ToyEncoder(meanings={"stitches": "stitching"})
    mentions = AspectReader(encoder, descriptions=DESCRIBED).read(market(["stitches stitches"]))
    assert "quality" not in {mention.aspect for mention in mentions}


def test_an_aspect_without_words_of_its_own_is_found_by_meaning_alone() -> None:
    mentions = AspectReader(ToyEncoder(), descriptions=DESCRIBED).read(market(["battery battery"]))
    assert [m.clause for m in mentions if m.aspect == "function"] == ["battery battery"]


def test_with_few_clauses_there_is_nothing_to_be_nearer_than() -> None:
    assert AspectReader(ToyEncoder(), descriptions=DESCRIBED).read(["battery battery"]) == []


def gloomy(trained: bool = True) -> Polarity:
    return Polarity(lambda texts: np.full(len(texts), 0.1), "gloomy", "", trained)


def test_the_head_speaks_where_the_lexicon_is_silent_on_an_aspect() -> None:
    (mention,) = AspectReader(polarity=gloomy()).read(["the price was 9"])
    assert mention.polarity == pytest.approx(-0.8)
    assert mention.judged_by == "gloomy"


def test_but_not_where_the_lexicon_spoke_in_another_clause_of_the_review() -> None:
    silent, spoken = AspectReader(polarity=gloomy()).read(["the price was 9. a great price"])
    assert (silent.judged_by, silent.polarity) == ("", 0.0)
    assert (spoken.judged_by, spoken.polarity > 0) == ("lexicon", True)


def test_a_lexicon_is_no_second_word() -> None:
    (mention,) = AspectReader(polarity=gloomy(trained=False)).read(["the price was 9"])
    assert mention.judged_by == ""


def mention(review: int, aspect: str, polarity: float, *, by: str = "lexicon", clause: str = "") -> Mention:
    return Mention(review, aspect, clause or f"{aspect} {polarity}", polarity, by, "lexicon" if polarity else "")


def test_the_table_counts_reviews_not_clauses() -> None:
    rows = aspect_table(
        [
            mention(0, "price", -0.9),
            mention(0, "price", 0.2),  # on balance the review blames
            mention(1, "price", 0.5, by="encoder"),
            mention(2, "price", 0.0),  # nothing judged it
            mention(3, "price", 0.4),
            mention(0, "taste", 0.3),
        ]
    )
    assert [(row.aspect, row.n, row.n_negative, row.by_encoder) for row in rows] == [
        ("price", 3, 1, 1),
        ("taste", 1, 0, 0),
    ]
    assert rows[0].share_negative == pytest.approx(1 / 3)
    assert rows[0].example == "price -0.9"
    assert rows[1].example == "taste 0.3"


def test_no_mentions_make_no_table() -> None:
    assert aspect_table([]) == []
