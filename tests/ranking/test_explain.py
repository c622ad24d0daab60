"""Reasons: the events behind a score, the share that they carry, in the person's language."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huaxiang.collect.catalogue import Catalogue
from huaxiang.profiles import ItemFacets
from huaxiang.ranking.explain import reasons
from huaxiang.types import Facet, Item, Reason
from tests.profiles.shops import at, stocked_store

TEA, POT = Item("sencha", "Sencha green tea"), Item("pot", "Clay teapot")
UJI = Facet("brand", "Uji", 0.6, 0.5, 60.0, ("e1", "e2"), at(1))
GREEN = Facet("category", "Tea > Green", 0.2, 0.5, 60.0, ("e3",), at(1))


@pytest.fixture(scope="module")
def facets(tmp_path_factory: pytest.TempPathFactory) -> ItemFacets:
    return ItemFacets(Catalogue(stocked_store(tmp_path_factory.mktemp("explain"))))


def explain(
    facets: ItemFacets,
    parts: Mapping[str, float],
    *,
    item: str = "sencha",
    contributions: Sequence[float] = (),
    history: Sequence[tuple[Item | None, Sequence[str]]] = (),
    interests: Sequence[Facet] = (),
    language: str = "en",
) -> tuple[Reason, ...]:
    shown = facets.catalogue.get(item)
    assert shown is not None
    added_L = np.array(contributions, np.float32)
    more: dict[str, Any] = {"contributions": added_L, "history": history, "interests": interests}
    return reasons(shown, parts, item_facets=facets, language=language, **more)


def test_an_item_that_follows_another_names_it_and_its_events(facets: ItemFacets) -> None:
    history = [(TEA, ["e1"]), (POT, ["e3", "e2"])]
    (reason,) = explain(facets, {"followed": 2.0}, contributions=[1.0, 3.0], history=history)
    assert reason == Reason(
        "followed", "goes with “Clay teapot”, which you looked at or bought", None, ("e3", "e2"), 0.75
    )


def test_an_interest_is_named_with_its_share(facets: ItemFacets) -> None:
    (reason,) = explain(facets, {"profile": 1.0}, interests=[UJI, GREEN])
    assert (reason.text, reason.facet) == ("fits your interest in Uji (60%)", "brand:Uji")
    assert reason.evidence == ("e1", "e2")
    assert reason.effect == pytest.approx(0.75)  # 0.6 of 0.6 + 0.2


def test_an_interest_that_the_item_does_not_share_is_no_reason(facets: ItemFacets) -> None:
    assert [reason.kind for reason in explain(facets, {"profile": 1.0}, item="cup", interests=[UJI])] == ["popular"]


def test_each_reason_carries_its_part_of_the_score(facets: ItemFacets) -> None:
    found = explain(
        facets,
        {"followed": 1.0, "profile": 2.0, "content": 0.5, "popular": 0.5},
        contributions=[1.0],
        history=[(POT, ["e9"])],
        interests=[UJI],
    )
    assert [(reason.kind, reason.effect) for reason in found] == [
        ("interest", 0.5),
        ("followed", 0.25),
        ("meaning", 0.125),
    ]


def test_what_takes_away_from_a_score_explains_nothing(facets: ItemFacets) -> None:
    found = explain(facets, {"followed": -1.0, "popular": 1.0}, contributions=[1.0], history=[(POT, ["e1"])])
    assert [(reason.kind, reason.effect) for reason in found] == [("popular", 1.0)]


def test_meaning_rests_on_the_newest_items_newest_first(facets: ItemFacets) -> None:
    history = [(TEA, ["old"]), (TEA, ["e1"]), (POT, ["e3", "e2"]), (POT, ["e4"])]
    (reason,) = explain(facets, {"content": 1.0}, contributions=[0.0] * 4, history=history)
    assert (reason.kind, reason.evidence) == ("meaning", ("e4", "e3", "e1"))


def test_where_nothing_else_is_known_the_reason_is_popularity(facets: ItemFacets) -> None:
    assert explain(facets, {}) == (Reason("popular", "popular in this shop now", None, (), 1.0),)


def test_popularity_comes_last(facets: ItemFacets) -> None:
    found = explain(facets, {"popular": 9.0, "profile": 1.0}, interests=[UJI])
    assert [(reason.kind, reason.effect) for reason in found] == [("interest", 0.1), ("popular", 0.9)]


def test_an_item_that_the_shop_no_longer_has_is_not_named(facets: ItemFacets) -> None:
    history = [(None, ["e1"]), (POT, ["e2"])]
    found = explain(facets, {"followed": 1.0}, contributions=[3.0, 1.0], history=history)
    assert [(reason.evidence, reason.effect) for reason in found] == [(("e2",), 0.25)]
    assert "?" not in found[0].text


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"followed": 1.0}, "与您看过或买过的“Clay teapot”相配"),
        ({"profile": 1.0}, "符合您对Uji的兴趣（60%）"),
        ({"content": 1.0}, "与您最近的浏览内容相近"),
        ({"popular": 1.0}, "本店近期热门"),
    ],
)
def test_who_reads_chinese_is_told_in_chinese(facets: ItemFacets, parts: Mapping[str, float], said: str) -> None:
    found = explain(facets, parts, contributions=[1.0], history=[(POT, ["e1"])], interests=[UJI], language="zh")
    assert [reason.text for reason in found] == [said]


PARTS = st.dictionaries(st.sampled_from(["followed", "content", "profile", "popular"]), st.floats(-5, 5))


@settings(deadline=None, max_examples=60)
@given(parts=PARTS, contributions=st.lists(st.floats(-3, 3, width=32), max_size=4), liked=st.booleans())
def test_effects_are_shares_strongest_first_and_evidence_is_real(
    facets: ItemFacets, parts: Mapping[str, float], contributions: list[float], liked: bool
) -> None:
    history = [(POT if n % 2 else TEA, [f"e{n}"]) for n in range(len(contributions))]
    found = explain(
        facets, parts, contributions=contributions, history=history, interests=[UJI, GREEN] if liked else []
    )
    personal = [reason.effect for reason in found if reason.kind != "popular"]
    assert 1 <= len(found) <= 3
    assert all(0.0 <= reason.effect <= 1.0 + 1e-6 for reason in found)
    assert sum(reason.effect for reason in found) <= 1.0 + 1e-6
    assert personal == sorted(personal, reverse=True)
    known = {f"e{n}" for n in range(len(contributions))} | {"e1", "e2", "e3"}
    assert {event for reason in found for event in reason.evidence} <= known
