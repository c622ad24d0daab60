"""The parts of the fused recommender: how each is made from a recipe, and the sequence model's two fits.

Legend: M items, T terms.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import lapack

from huaxiang.errors import MissingExtraError
from huaxiang.evaluation.budget import Budget
from huaxiang.evaluation.protocols import Protocol, asked_between, before
from huaxiang.evaluation.questions import Questions, full_answers
from huaxiang.evaluation.sequence_file import ItemTerms
from huaxiang.retrieval.base import Interactions, Retriever
from huaxiang.retrieval.fuse import Fused
from huaxiang.retrieval.item_to_item import ItemToItem
from huaxiang.retrieval.kinds import content_recipes, fit_one, joined_terms
from huaxiang.retrieval.linear import WHOLE_UP_TO
from huaxiang.retrieval.sequence import SequenceModel

DECAYS: Final = (0.5, 0.65, 0.8, 0.9, 0.95, 0.98, 0.99, 1.0)
"""How much of an event's say may be left for each item met after it: where people meet five items the last one counts
most, where they meet hundreds all do."""

_JUDGES: Final = 2000
"""Questions that say when the sequence model has learned enough; those of the earlier step teach no ranker."""
_AROUND_AN_ITEM: Final = 2e-3
"""Seconds for the regression around one item."""
_A_PRODUCT: Final = 2e-8
_ITS_NEIGHBOURS: Final = 5e-5
"""Seconds for multiplying two entries, and for keeping the best of an item's."""
_LEAST_SECONDS: Final = 3.0
_LEAST_JUDGES: Final = 20
_LEAST_MET: Final = 2_000
"""Meetings below which a network learns nothing that a graph does not count."""
_FIRST_FIT: Final = 0.65
"""Of the sequence model's time; the second fit goes on from the first, with one more event of everybody."""


@dataclass(frozen=True, slots=True)
class Part:
    """A retriever, what it was made by, and what that took."""

    recipe: Any
    retriever: Retriever
    seconds: float


@dataclass(frozen=True, slots=True)
class Steps:
    """The sequence model fitted on what was known before the earlier step and before validation.

    Attributes:
        judges: places, in the earlier step's questions, of those that chose the number of epochs.
        learned: of the second fit, to go on from.
    """

    earlier: Part
    validation: Part
    judges: NDArray[np.int64]
    learned: Any

    def once_more(self, known: Interactions) -> Part:
        """With one more event of everybody: as many epochs as the second fit took, for nothing is left to select."""
        epochs = max(1, self.learned.epochs)
        recipe = replace(self.validation.recipe, judge=None, begin=self.learned, epochs=epochs, seconds=1e9)
        learned = recipe.learn(known)
        return Part(recipe, SequenceModel.made(learned.weights), learned.seconds)


def other_decays(decay: float) -> list[float]:
    """Those of `DECAYS` that are not this one, the nearest first."""
    return sorted((value for value in DECAYS if value != decay), key=lambda value: abs(value - decay))


def made(recipe: Any, interactions: Interactions) -> Part:
    """Fit a recipe, and say what it took."""
    started = time.monotonic()
    return Part(recipe, fit_one(recipe, interactions), time.monotonic() - started)


def remade(part: Part, recipe: Any) -> Part:
    """With another setting that the counts do not depend on."""
    started = time.monotonic()
    assert isinstance(part.retriever, ItemToItem)
    counts = part.retriever.counts
    assert counts is not None
    return Part(recipe, ItemToItem.made(recipe, recipe.matrix(counts), counts), time.monotonic() - started)


def term_recipes(terms: ItemTerms | None) -> list[Any]:
    """A recipe for the words, one for the attributes and one for ways borrowed by both, where there are any."""
    return [] if terms is None else list(content_recipes(terms.words, terms.attributes).values())


def all_terms(terms: ItemTerms | None) -> sparse.csr_array | None:
    """Unit rows of words and attributes together; None where there are none."""
    return None if terms is None else joined_terms(terms.words, terms.attributes)


def sequence_steps(
    protocol: Protocol, content_MT: sparse.csr_array | None, budget: Budget, *, seconds: float, seed: int
) -> Steps | None:
    """Teach the sequence model twice within the seconds; None, and noted, where torch is not installed."""
    try:
        from huaxiang.retrieval.sequence_training import Sequential
    except ImportError:
        budget.left_out.append(f"sequence: {MissingExtraError('a sequence model', 'train')}")
        return None
    rng = np.random.default_rng(seed)
    asked = protocol.earlier.asked
    judges = np.sort(rng.choice(len(asked), min(_JUDGES, len(asked) // 4), replace=False))
    budget.say("sequence model, first fit")
    first = Sequential(content_MT, judge=_judge(asked.at(judges)), seconds=_FIRST_FIT * seconds, seed=seed)
    learned = first.learn(protocol.earlier.known)
    budget.say("sequence model, second fit")
    few = protocol.validation.asked.sample(_JUDGES, rng=rng)
    second = replace(first, judge=_judge(few), begin=learned, seconds=(1.0 - _FIRST_FIT) * seconds)
    again = second.learn(protocol.validation.known)
    parts = [Part(second, SequenceModel.made(each.weights), each.seconds) for each in (learned, again)]
    return Steps(parts[0], parts[1], judges, again)


def order_before(
    interactions: Interactions, moment: float, content_MT: sparse.csr_array | None, *, seconds: float, seed: int
) -> tuple[Any, str]:
    """The sequence model of what happened before a moment; what people met after it says when it has learned enough.

    Returns:
        What was learned, or None and why: torch is not installed, nobody can judge, the time is too short.
    """
    known = before(interactions, moment)
    asked, _ = asked_between(interactions, interactions.weights_E > 0.0, moment, np.inf)
    if len(asked) < _LEAST_JUDGES or len(known.items_E) < _LEAST_MET:
        return None, f"{len(known.items_E):,} events and {len(asked)} people after them are too few to learn from"
    if seconds < _LEAST_SECONDS:
        return None, f"{seconds:.0f} s are too few to learn in"
    try:
        from huaxiang.retrieval.sequence_training import Sequential
    except ImportError:
        return None, str(MissingExtraError("a sequence model", "train"))
    few = asked.sample(_JUDGES, rng=np.random.default_rng(seed))
    return Sequential(content_MT, judge=_judge(few), seconds=seconds, seed=seed).learn(known), ""


def order_again(interactions: Interactions, content_MT: sparse.csr_array | None, learned: Any, seed: int) -> Retriever:
    """The same model with everything that happened since, for half as many epochs as it has seen."""
    from huaxiang.retrieval.sequence_training import Sequential

    more = Sequential(content_MT, begin=learned, epochs=max(1, learned.epochs // 2), seconds=learned.seconds, seed=seed)
    return SequenceModel.made(more.learn(interactions).weights)


def _judge(asked: Questions) -> Any:
    return lambda model: full_answers(model, asked).ndcg


def refit(
    recipes: Sequence[Any],
    weights: NDArray[np.float32],
    interactions: Interactions,
    budget: Budget,
    sequence: Part | None = None,
) -> Fused:
    """The same parts with the same settings and weights on other interactions; the sequence model is handed in."""
    parts: list[Retriever] = []
    for recipe in recipes:
        if recipe.name == SequenceModel.name and sequence is not None:
            parts.append(sequence.retriever)
            continue
        budget.say(f"fitting {recipe.name}")
        parts.append(made(recipe, interactions).retriever)
    return Fused(parts, weights.tolist())


def nearest_seconds(terms_MT: sparse.csr_array) -> float:
    """About how long the nearest items by these terms take: each two items that share a term are multiplied."""
    shared_T = np.bincount(terms_MT.indices).astype(np.float64)
    return float(_A_PRODUCT * (shared_T**2).sum() + _ITS_NEIGHBOURS * terms_MT.shape[0])


def closed_seconds(n_items: int) -> float:
    """About how long a closed form over so many items takes on this machine now."""
    return _AROUND_AN_ITEM * n_items if n_items > WHOLE_UP_TO else _dense_seconds(n_items)


def _dense_seconds(n_items: int, probe: int = 1200) -> float:
    """Of one over the whole catalogue.

    The best of three small inversions, scaled; a third more for the pruning around it. Larger ones run nearer to the
    machine's peak, which leaves room for one that is shared.
    """
    times = []
    for _ in range(3):
        matrix = np.asfortranarray(np.eye(probe, dtype=np.float32) * 2.0)
        started = time.monotonic()
        lapack.spotri(lapack.spotrf(matrix, lower=1, overwrite_a=1)[0], lower=1, overwrite_c=1)
        times.append(time.monotonic() - started)
    return 1.3 * min(times) * (n_items / probe) ** 3 + 1e-7 * n_items * n_items
