"""Reasons to choose from: the events that carry a score, and words in the person's language."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huaxiang.collect.catalogue import Catalogue
from huaxiang.profiles import ItemFacets
from huaxiang.ranking.explain import Choice, Clue, Told, choices, shares_of, uncited
from huaxiang.types import Facet, Reason
from tests.profiles.shops import at, stocked_store

UJI = Facet("brand", "Uji", 0.6, 0.5, 60.0, ("e1", "e2"), at(1))
GREEN = Facet("category", "Tea > Green", 0.2, 0.5, 60.0, ("e3",), at(1))
SENCHA, POT, CUP, GONE = (Clue(f"e-{name}", (name,)) for name in ("sencha", "pot", "cup", "gone"))
OTHERS = [Clue(f"other{n}", (f"gone{n}",)) for n in range(6)]
"""Events of goods that the shop has no more: they are there to be compared with."""


@pytest.fixture(scope="module")
def facets(tmp_path_factory: pytest.TempPathFactory) -> ItemFacets:
    return ItemFacets(Catalogue(stocked_store(tmp_path_factory.mktemp("explain"))))


def chosen(
    facets: ItemFacets,
    shares: Mapping[str, float],
    drops: Mapping[Clue, float],
    *,
    item: str = "sencha",
    interests: Sequence[Facet] = (),
    language: str = "en",
) -> tuple[Choice, ...]:
    shown = facets.catalogue.get(item)
    assert shown is not None
    clues = [*drops, *OTHERS]
    drops_C = np.array([*drops.values(), *[0.0] * len(OTHERS)])
    return choices(shown, shares, drops_C, Told(clues, interests, facets, language))


def test_an_item_that_follows_another_names_it_and_its_events(facets: ItemFacets) -> None:
    first, *_ = chosen(facets, {"followed": 1.0}, {POT: 3.0, CUP: 1.0})
    assert first.reason.text == "goes with “Clay teapot”, which you looked at or bought"
    assert (first.reason.kind, first.reason.evidence, first.cited) == ("followed", ("e-pot",), (0,))


def test_at_most_three_events_are_cited_the_strongest_first(facets: ItemFacets) -> None:
    drops = {Clue(f"e{n}", ("pot",)): float(n) for n in range(5)}
    assert chosen(facets, {"followed": 1.0}, drops)[0].reason.evidence == ("e4", "e3", "e2")


def test_no_more_are_cited_than_there_are_others_to_compare_with(facets: ItemFacets) -> None:
    shown = facets.catalogue.get("sencha")
    assert shown is not None
    for n, n_cited in ((1, 1), (2, 2), (3, 3), (4, 2), (5, 2), (6, 3)):
        clues = [Clue(f"e{at}", ("pot",)) for at in range(n)]
        first = choices(shown, {"followed": 1.0}, np.ones(n), Told(clues, [], facets))[0]
        assert len(first.cited) == n_cited


def test_events_that_take_nothing_from_the_score_are_not_cited(facets: ItemFacets) -> None:
    assert chosen(facets, {"followed": 1.0}, {POT: 0.0, CUP: -1.0}) == ()


def test_an_interest_is_named_with_its_share(facets: ItemFacets) -> None:
    first, *_ = chosen(facets, {"profile": 1.0}, {SENCHA: 2.0, POT: 1.0}, interests=[UJI, GREEN])
    assert (first.reason.text, first.reason.facet) == ("fits your interest in Uji (60%)", "brand:Uji")
    assert first.reason.evidence == ("e-sencha",)


def test_a_search_and_an_edit_speak_of_the_facets_that_they_name(facets: ItemFacets) -> None:
    said = {
        Clue("edit", (), frozenset([("brand", "Uji")])): 1.0,
        Clue("search", (), frozenset([("keyword", "x")])): 9.0,
    }
    first, *_ = chosen(facets, {"profile": 1.0}, said, interests=[UJI])
    assert first.reason.evidence == ("edit",)


def test_an_interest_that_the_item_does_not_share_is_no_reason(facets: ItemFacets) -> None:
    assert chosen(facets, {"profile": 1.0}, {SENCHA: 1.0}, item="cup", interests=[UJI]) == ()


def test_the_parts_that_carry_more_of_the_score_speak_first(facets: ItemFacets) -> None:
    drops = {SENCHA: 1.0, POT: 1.0}
    first = [
        chosen(facets, {"followed": share, "profile": 1.0 - share}, drops, interests=[UJI])[0].reason.kind
        for share in (0.9, 0.1)
    ]
    assert first == ["followed", "interest"]


def test_the_last_resort_cites_the_strongest_events_by_name(facets: ItemFacets) -> None:
    last = chosen(facets, {"followed": 1.0}, {POT: 3.0, CUP: 1.0})[-1]
    assert last.reason.text == "goes with “Clay teapot” and “Glass cup”, which you looked at or bought"
    assert last.reason.evidence == ("e-pot", "e-cup")


def test_the_last_resort_speaks_of_meaning_where_an_item_is_gone(facets: ItemFacets) -> None:
    (last,) = chosen(facets, {"content": 1.0}, {GONE: 3.0, POT: 1.0})
    assert (last.reason.kind, last.reason.evidence) == ("meaning", ("e-gone", "e-pot"))


def test_an_item_that_the_shop_no_longer_has_is_not_named(facets: ItemFacets) -> None:
    assert [one.reason.evidence for one in chosen(facets, {"followed": 1.0}, {GONE: 3.0, POT: 1.0})] == [("e-pot",)]


def test_an_item_met_before_does_not_go_with_itself(facets: ItemFacets) -> None:
    first, *_ = chosen(facets, {"followed": 1.0}, {SENCHA: 3.0})
    assert first.reason.text == "you looked at it or bought it before"


def test_what_takes_away_from_a_score_has_no_share_in_it() -> None:
    assert shares_of({"followed": -1.0, "profile": 3.0, "popular": 1.0}) == {
        "followed": 0.0,
        "profile": 0.75,
        "popular": 0.25,
    }


def test_popularity_cites_nothing_and_comes_last() -> None:
    found = uncited({"elsewhere": 0.2, "popular": 0.8})
    assert [(reason.kind, reason.evidence) for reason in found] == [("elsewhere", ()), ("popular", ())]
    assert uncited({"popular": 0.0, "profile": 1.0}) == ()


def test_popular_in_a_category_names_it() -> None:
    assert uncited({"popular": 0.3}, category="Tea > Green") == (
        Reason("popular", "popular in Tea > Green now", "category:Tea > Green", (), 0.3),
    )


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ({"followed": 1.0}, "与您看过或买过的“Clay teapot”相配"),
        ({"profile": 1.0}, "符合您对Uji的兴趣（60%）"),
        ({"content": 1.0}, "与您浏览过的内容相近"),
    ],
)
def test_who_reads_chinese_is_told_in_chinese(facets: ItemFacets, shares: Mapping[str, float], said: str) -> None:
    drops = {POT: 1.0} if "followed" in shares else {SENCHA: 1.0}
    assert chosen(facets, shares, drops, interests=[UJI], language="zh")[0].reason.text == said
    assert [why.text for why in uncited({"popular": 1.0}, language="zh")] == ["本店近期热门"]


SHARES = st.fixed_dictionaries({name: st.floats(0, 1) for name in ("followed", "content", "profile")})


@settings(deadline=None, max_examples=60)
@given(shares=SHARES, drops=st.lists(st.floats(-3, 3), max_size=8), liked=st.booleans())
def test_choices_cite_events_that_lower_the_score_and_none_twice(
    facets: ItemFacets, shares: Mapping[str, float], drops: list[float], liked: bool
) -> None:
    names = ["sencha", "pot", "cup", "gone"]
    said = {Clue(f"e{n}", (names[n % 4],)): drop for n, drop in enumerate(drops)}
    found = chosen(facets, shares, said, interests=[UJI, GREEN] if liked else [])
    for choice in found:
        assert 1 <= len(choice.cited) <= 3
        assert len(set(choice.cited)) == len(choice.cited)
        assert all(drops[place] > 0.0 for place in choice.cited)  # the six others are never cited
        assert choice.reason.evidence == tuple(f"e{place}" for place in choice.cited)
    assert len({(choice.reason.text, choice.cited) for choice in found}) == len(found)
