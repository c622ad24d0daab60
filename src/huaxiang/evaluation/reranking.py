"""The learned ranker of a protocol: taught one step before validation, on parts fitted without that step.

Legend: M items. Validation chooses the number of trees, and whether the ranker is used at all.
"""

import time
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.errors import DataError, MissingExtraError
from huaxiang.evaluation.budget import Budget
from huaxiang.evaluation.fitting import Fitted
from huaxiang.evaluation.gathering import MOST_TAUGHT, Read, ranked, read_lists
from huaxiang.evaluation.parts import refit
from huaxiang.evaluation.protocols import Protocol
from huaxiang.evaluation.questions import Questions, Stage, weighted
from huaxiang.ranking.features import FeatureReader
from huaxiang.ranking.learning import learn_ranker
from huaxiang.ranking.model import Ranker
from huaxiang.retrieval.base import Interactions
from huaxiang.retrieval.fuse import Fused

_MOST_JUDGED: Final = 6_000


@dataclass(frozen=True, slots=True, eq=False)
class Reranking:
    """A ranker and what it reads, or the reason why there is none.

    Attributes:
        validation: ndcg@10 with it, `without` the plain weighted sum on the same questions.
    """

    ranker: Ranker | None
    reader: FeatureReader
    why: str
    validation: float = float("nan")
    without: float = float("nan")

    def with_popularity(self, met_M: NDArray[np.float32]) -> "Reranking":
        """The same, reading the popularity of another moment, where it reads any."""
        return (
            self if self.reader.popularity_M is None else replace(self, reader=replace(self.reader, popularity_M=met_M))
        )

    def stage(self, fitted: Fitted) -> Stage:
        """How candidates are ordered."""
        if self.ranker is None:
            return weighted(fitted.fused.weights_F)
        return ranked(fitted.fused, self.reader, self.ranker)


def reader_of(fitted: Fitted, known: Interactions, *, popularity: bool) -> FeatureReader:
    """What the ranker reads of parts that were fitted on `known`."""
    met_M = np.bincount(known.items_E, minlength=known.n_items).astype(np.float32)
    return FeatureReader(tuple(part.recipe.name for part in fitted.parts), met_M if popularity else None)


@dataclass(frozen=True, slots=True, eq=False)
class Classroom:
    """The earlier step, ready to teach rankers: parts fitted without it, its questions, and those that judge."""

    fused: Fused
    asked: Questions
    judges: Questions


def classroom(protocol: Protocol, fitted: Fitted, budget: Budget, *, seed: int) -> Classroom | None:
    """Fit the parts one step earlier; as many questions as there is time for, None and noted without any."""
    expected = fitted.fit_seconds + 2_000 * fitted.seconds_per_user
    if not budget.allows("a learned ranker", expected, 0.9):
        return None
    rng = np.random.default_rng(seed)
    sequence = None if fitted.sequence is None else fitted.sequence.earlier
    recipes = [part.recipe for part in fitted.parts]
    earlier = refit(recipes, fitted.fused.weights_F, protocol.earlier.known, budget, sequence)
    affordable = int(0.7 * budget.left / max(fitted.seconds_per_user, 1e-6))
    judging = min(_MOST_JUDGED, max(affordable // 4, 1))  # judged lists are read, then ordered both ways
    asked = _teachers(protocol.earlier.asked, fitted).sample(min(MOST_TAUGHT, max(affordable // 4, 1)), rng=rng)
    return Classroom(earlier, asked, protocol.validation.asked.sample(judging, rng=rng))


@dataclass(frozen=True, slots=True)
class Taught:
    """Rankers of one classroom: the one that validation chose, and the one that reads no popularity."""

    chosen: Reranking
    without_popularity: Reranking


def taught_earlier(room: Classroom | None, protocol: Protocol, fitted: Fitted, budget: Budget) -> Taught:
    """Rankers with and without popularity, taught on the earlier step; validation chooses between them and none.

    What cannot be taught is said in `why`.
    """
    reader = reader_of(fitted, protocol.validation.known, popularity=True)
    bare = replace(reader, popularity_M=None)
    if room is None:
        nothing = Reranking(None, bare, "no ranker was taught: there was no time")
        return Taught(nothing, nothing)
    budget.say("teaching the ranker")
    known = reader_of(fitted, protocol.earlier.known, popularity=True)
    taught = read_lists(room.fused, known, room.asked, before=time.monotonic() + 0.4 * budget.left)
    judged = read_lists(fitted.fused, reader, room.judges, before=time.monotonic() + 0.3 * budget.left)
    n_more = len(reader.names) - len(bare.names)
    without = _kept_if_better(taught.without(n_more), judged.without(n_more), bare)
    whole = _kept_if_better(taught, judged, reader)
    ahead = whole.ranker is not None and (without.ranker is None or whole.validation > without.validation)
    return Taught(whole if ahead else without, without)


def _kept_if_better(taught: Read, judged: Read, reader: FeatureReader) -> Reranking:
    """Refused where validation says that the weighted sum alone does as well."""
    try:
        ranker = learn_ranker(taught.lists, judged.lists, reader.names)
    except (DataError, MissingExtraError) as error:
        return Reranking(None, reader, str(error))
    learned, plain = judged.ndcg(ranker.scores(judged.lists.features_SG)), judged.ndcg(judged.plain_S)
    if learned <= plain:
        why = f"a learned ranker was refused: ndcg@10 {learned:.4f} on validation, {plain:.4f} without it"
        return Reranking(None, reader, why, learned, plain)
    return Reranking(ranker, reader, "ahead on validation", learned, plain)


def _teachers(asked: Questions, fitted: Fitted) -> Questions:
    """The earlier step's questions but those that chose the sequence model's epochs, whose answers are too good."""
    if fitted.sequence is None:
        return asked
    return asked.at(np.setdiff1d(np.arange(len(asked)), fitted.sequence.judges))


def taught_on_validation(
    protocol: Protocol, fitted: Fitted, strict: Reranking, budget: Budget, *, seed: int
) -> Reranking:
    """The same ranker taught on the validation step: nothing is left to select, so its number of trees is kept."""
    if strict.ranker is None:
        return strict
    asked = protocol.validation.asked.sample(MOST_TAUGHT, rng=np.random.default_rng(seed))
    taught = read_lists(fitted.fused, strict.reader, asked, before=time.monotonic() + 0.5 * budget.left)
    ranker = learn_ranker(taught.lists, None, strict.reader.names, trees=strict.ranker.about["trees"])
    return Reranking(ranker, strict.reader, "taught on the validation step")
