"""The retrievers that a release can hold, by name: how each is fitted, kept and opened.

A new kind of item-to-item matrix is one more line in `RECIPES`.
"""

import copy
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from scipy import sparse

from huaxiang.errors import ReleaseError
from huaxiang.retrieval.base import Interactions, Retriever
from huaxiang.retrieval.borrowed import Borrowed
from huaxiang.retrieval.content import Terms, tf_idf
from huaxiang.retrieval.factors import Factors
from huaxiang.retrieval.item_to_item import ItemToItem
from huaxiang.retrieval.linear import Ease, Ridge
from huaxiang.retrieval.popular import Popular
from huaxiang.retrieval.saving import read_part
from huaxiang.retrieval.sequence import SequenceModel
from huaxiang.retrieval.transitions import Paths, Together, Transitions

ALWAYS: Final = ("transitions", "popular")
"""Every release has these: similar items, reasons and strangers rest on them."""
CLOSED_FORMS: Final = ("ridge", "ease")
"""They invert or solve, which takes time that grows with the catalogue."""
RECIPES: Final[Mapping[str, Any]] = {
    "transitions": Transitions(),
    "paths": Paths(),
    "together": Together(within_days=1.0),
    "ridge": Ridge(),
    "ease": Ease(),
    "als": Factors(),
    "popular": Popular(half_life_days=14.0),
    "rising": Popular(half_life_days=4.0, trend=0.5, name="rising"),
}
OF_CONTENT: Final = ("words", "attributes", "borrowed")
"""These rest on what the shop says of its items, by `content_recipes`; a release reads it anew for each training."""
NAMES: Final = (*RECIPES, *OF_CONTENT)


def content_recipes(words: Sequence[Sequence[str]], attributes: Sequence[Sequence[str]]) -> dict[str, Any]:
    """By name: nearest items by words, by attributes, and ways borrowed by both, as far as there are any.

    Args:
        words: of each item of the catalogue. attributes: of each item, such as `brand=Acme`.
    """
    named = {"words": words, "attributes": attributes}
    found: dict[str, Any] = {name: Terms(tf_idf(terms), name=name) for name, terms in named.items() if any(terms)}
    both_MT = joined_terms(words, attributes)
    return found if both_MT is None else found | {Borrowed.name: Borrowed(both_MT)}


def joined_terms(words: Sequence[Sequence[str]], attributes: Sequence[Sequence[str]]) -> sparse.csr_array | None:
    """Unit rows of words and attributes together; None where no item has any."""
    if not (any(words) or any(attributes)):
        return None
    return tf_idf([[*said, *named] for said, named in zip(words, attributes, strict=True)])


def fit_retrievers(
    interactions: Interactions,
    names: Collection[str] = NAMES,
    *,
    decays: Mapping[str, float] | None = None,
    content: Mapping[str, Any] | None = None,
) -> dict[str, Retriever]:
    """The retrievers of these names, and those that a release always has.

    Args:
        content: recipes from `content_recipes`, of the same catalogue; without them none of `OF_CONTENT` is fitted.
        decays: by name, where the held-out days chose one.
    """
    fitted: dict[str, Retriever] = {}
    for name, recipe in {**RECIPES, **(content or {})}.items():
        if name in names or name in ALWAYS:
            decay = (decays or {}).get(name)
            fitted[name] = fit_one(recipe if decay is None else replace(recipe, decay=decay), interactions)
    return fitted


def fit_one(recipe: Any, interactions: Interactions) -> Retriever:
    """By a recipe of an item-to-item matrix, or a copy of a retriever that is its own recipe."""
    retriever: Retriever = ItemToItem(recipe) if hasattr(recipe, "matrix") else copy.copy(recipe)
    return retriever.fit(interactions)


def save_retrievers(retrievers: Mapping[str, Retriever], folder: Path) -> None:
    """Each into a folder of its own under an existing one."""
    for name, retriever in retrievers.items():
        (folder / name).mkdir()
        retriever.save(folder / name)


def open_retrievers(folder: Path) -> dict[str, Retriever]:
    """What `save_retrievers` wrote, in the order of names.

    Raises:
        ReleaseError: one is damaged, of a kind that is not known here, or written by another version.
    """
    kinds = (*{type(recipe) for recipe in RECIPES.values()}, Terms, Borrowed)
    found: dict[str, Retriever] = {}
    for part in sorted(each for each in folder.iterdir() if each.is_dir()):
        try:
            said, _ = read_part(part)
            if said["retriever"] == SequenceModel.name:
                found[part.name] = SequenceModel.load(part)
            elif said["retriever"] == Factors.name:
                found[part.name] = Factors.load(part)
            elif "half_life_days" in said:
                found[part.name] = Popular.load(part)
            else:
                found[part.name] = ItemToItem.load(part, kinds)
        except (KeyError, TypeError) as error:
            raise ReleaseError(
                f"the retriever {part.name} was written by another version ({error}); train a new release"
            ) from error
    if missing := [name for name in ALWAYS if name not in found]:
        raise ReleaseError(f"the release has no retriever {missing[0]!r}; train a new release")
    return found
