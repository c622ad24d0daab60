"""Related words of a release: beside keywords in profiles and reasons, and nowhere in what they rest on."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from huaxiang.collect.catalogue import Catalogue
from huaxiang.profiles import ItemFacets, Portraits
from huaxiang.ranking.explain import Clue, Told, choices
from huaxiang.store import Store
from huaxiang.text.keywords import Keywords
from huaxiang.text.word_vectors import WordVectors
from huaxiang.types import Facet
from tests.profiles.shops import ITEMS, at, event, stocked_store

TEXTS = ["sencha green tea", "matcha green tea", "sencha matcha tea", "clay teapot glass", "glass cup teapot"] * 20


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = stocked_store(tmp_path)
    opened.append([event("view_item", 1, item="sencha")])
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The keywords of a release, with word vectors."""
    folder = tmp_path_factory.mktemp("words") / "keywords"
    Keywords(min_df=1, max_share=1.0).fit([str(said["name"]) for said in ITEMS.values()]).save(folder)
    WordVectors(size=8).fit(TEXTS).save(folder)
    return folder


def test_a_keyword_of_a_profile_stands_beside_its_related_words(store: Store, words: Path) -> None:
    facets = ItemFacets(Catalogue(store))
    facets.use(words)
    shown = {facet.value: facet for facet in Portraits(store, facets).profile("ann", now=at(2)).interests}
    assert set(shown["sencha"].related) == {"matcha", "green", "tea"}
    assert shown["Uji"].related == ()


def test_related_words_change_nothing_else_of_the_profile(store: Store, words: Path, tmp_path: Path) -> None:
    Keywords.load(words).save(tmp_path / "keywords")
    profiles = []
    for folder in (words, tmp_path / "keywords"):
        facets = ItemFacets(Catalogue(store))
        facets.use(folder)
        profiles.append(Portraits(store, facets).profile("ann", now=at(2)))
    known, plain = profiles
    assert any(facet.related for facet in known.interests)
    assert not any(facet.related for facet in plain.interests)
    assert [replace(facet, related=()) for facet in known.interests] == list(plain.interests)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "fits your interest in sencha (related: green, tea) (40%)"),
        ("zh", "符合您对sencha（相关词：green、tea）的兴趣（40%）"),
    ],
)
def test_a_reason_names_the_related_words_that_the_item_has_too(
    store: Store, words: Path, monkeypatch: pytest.MonkeyPatch, language: str, said: str
) -> None:
    facets = ItemFacets(Catalogue(store))
    facets.use(words)
    monkeypatch.setattr(facets, "related", lambda _keyword: ("matcha", "green", "tea"))
    item = facets.catalogue.get("sencha")
    assert item is not None
    interest = Facet("keyword", "sencha", 0.4, 0.5, 60.0, ("e1",), at(1))
    told = Told([Clue("e1", ("sencha",))], [interest], facets, language)
    (choice,) = choices(item, {"profile": 1.0}, np.ones(1), told)
    assert (choice.reason.text, choice.reason.facet, choice.reason.evidence) == (said, "keyword:sencha", ("e1",))
