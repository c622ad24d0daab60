"""A release holds any retrievers by name; each is opened as what it was."""

import json
from pathlib import Path

import pytest

from huaxiang.errors import ReleaseError
from huaxiang.retrieval.base import History, Interactions
from huaxiang.retrieval.item_to_item import ItemToItem
from huaxiang.retrieval.kinds import (
    ALWAYS,
    NAMES,
    OF_CONTENT,
    RECIPES,
    content_recipes,
    fit_retrievers,
    open_retrievers,
    save_retrievers,
)
from tests.contracts.retriever import ITEM_IDS, POT, TEA, a_small_shop

WORDS = [["green", "tea"], ["tea", "pot"], ["tea", "cup"], ["bicycle", "tyre"], ["bicycle", "pump"], ["lamp"]]
BRANDS = [["brand=a"], ["brand=a"], [], ["brand=b"], ["brand=b"], []]


def test_what_is_kept_answers_as_it_was_fitted_and_still_forgets(tmp_path: Path) -> None:
    fitted = fit_retrievers(a_small_shop(), content=content_recipes(WORDS, BRANDS))
    assert set(fitted) == set(NAMES)
    save_retrievers(fitted, tmp_path)
    opened = open_retrievers(tmp_path)
    gone = Interactions.of(ITEM_IDS, [[TEA, POT]])
    for name, retriever in fitted.items():
        history = History.of([TEA])
        assert opened[name].scores([history]).tolist() == retriever.scores([history]).tolist()
        if retriever.forgets == "stale":
            continue
        expected = retriever.forget(gone).scores([history])
        assert opened[name].forget(gone).scores([history]).tolist() == expected.tolist()


def test_what_reads_terms_is_fitted_where_the_shop_has_any() -> None:
    assert set(fit_retrievers(a_small_shop())) == set(RECIPES)
    assert set(content_recipes(WORDS, [[] for _ in WORDS])) == {"words", "borrowed"}
    assert content_recipes([[] for _ in WORDS], [[] for _ in WORDS]) == {}
    fitted = fit_retrievers(a_small_shop(), OF_CONTENT, content=content_recipes(WORDS, BRANDS))
    assert set(fitted) == {*ALWAYS, *OF_CONTENT}


def test_only_what_is_asked_for_is_fitted_beside_what_a_release_always_has() -> None:
    assert set(fit_retrievers(a_small_shop(), ["ridge"])) == {*ALWAYS, "ridge"}
    assert set(fit_retrievers(a_small_shop(), ["content", "profile"], decays={"paths": 0.9})) == set(ALWAYS)


def test_a_decay_that_was_chosen_is_of_its_part_alone() -> None:
    fitted = fit_retrievers(a_small_shop(), decays={"transitions": 0.9})
    graph, ridge = fitted["transitions"], fitted["ridge"]
    assert isinstance(graph, ItemToItem)
    assert isinstance(ridge, ItemToItem)
    assert (graph.decay, ridge.decay) == (0.9, 0.7)


def test_a_folder_of_another_version_or_without_a_graph_is_refused(tmp_path: Path) -> None:
    save_retrievers(fit_retrievers(a_small_shop(), ALWAYS), tmp_path)
    settings = tmp_path / "popular" / "settings.json"
    settings.write_text(json.dumps({"retriever": "popular", "half_life_days": 14.0}))
    with pytest.raises(ReleaseError, match="popular was written by another version"):
        open_retrievers(tmp_path)
    (tmp_path / "empty").mkdir()
    for name in ("settings.json", "arrays.safetensors"):
        (tmp_path / "popular" / name).unlink()
    (tmp_path / "popular").rmdir()
    (tmp_path / "empty").rmdir()
    with pytest.raises(ReleaseError, match="no retriever 'popular'"):
        open_retrievers(tmp_path)
