"""Teaching a release's ranker: by people who do not judge it, on parts fitted before the held-out days.

Legend: N people, M items, C candidates of one person, G features.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import tee
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.errors import DataError, MissingExtraError
from huaxiang.evaluation.gathering import Read, ReadOne
from huaxiang.pipeline import Pipeline
from huaxiang.pipeline.scoring import best_among, fuse
from huaxiang.pipeline.second import N_RANKED, SecondStage, features_of, reader_of
from huaxiang.ranking.features import FeatureReader
from huaxiang.ranking.learning import learn_ranker
from huaxiang.retrieval.reading import Person

_FEWEST: Final = 200
"""People whose answer is among their candidates, below which trees learn their chances by heart."""
_READING: Final = 0.7
"""Of the time, for reading people; trees take the rest."""


@dataclass(frozen=True, slots=True, eq=False)
class Judge:
    """One person on the eve of the held-out days, and what they took in them.

    Attributes:
        relevant: positions of the items taken.
        barred_M: what would not be shown.
    """

    person: Person
    relevant: NDArray[np.int64]
    barred_M: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """A second stage that the judges found better than none, and the figures either way."""

    second: SecondStage | None
    figures: Mapping[str, Any]


def teach(
    chosen: Pipeline,
    weights: Mapping[str, float],
    teachers: Iterable[Judge],
    judges: Sequence[Judge],
    *,
    seconds: float,
) -> Lesson:
    """Teach on some people's candidates; the judges say how many trees, and whether it is used at all.

    It is refused where its gain over the weighted sum is within one standard error of nothing.
    """
    reader, ends = reader_of(weights), time.monotonic() + _READING * seconds
    taught = _read(chosen, weights, reader, teachers, ends)
    n = len(np.unique(taught.lists.owners_S))
    if n < _FEWEST:
        return Lesson(None, {"note": f"no ranker was taught: {n} people could teach it, {_FEWEST} are needed"})
    judged = _read(chosen, weights, reader, judges, float("inf"))
    try:
        ranker = learn_ranker(taught.lists, judged.lists, reader.names)
    except (DataError, MissingExtraError) as error:
        return Lesson(None, {"note": f"no ranker was taught: {error}"})
    learned_N = judged.ndcg_of_each(ranker.scores(judged.lists.features_SG))
    plain_N = judged.ndcg_of_each(judged.plain_S)
    gain_N = learned_N - plain_N
    chance = float(gain_N.std(ddof=1) / np.sqrt(len(gain_N)))
    figures = {
        "ndcg@10": float(learned_N.mean()),
        "without": float(plain_N.mean()),
        "standard_error_of_gain": chance,
        "n_taught": n,
        "trees": ranker.about["trees"],
    }
    if float(gain_N.mean()) <= chance:
        return Lesson(None, figures | {"note": "refused: what it gains is within one standard error of nothing"})
    return Lesson(SecondStage(reader, ranker), figures)


def _read(
    chosen: Pipeline, weights: Mapping[str, float], reader: FeatureReader, people: Iterable[Judge], ends: float
) -> Read:
    """The candidates of people, as many as are read before a moment (monotonic clock)."""
    items = chosen.index.snapshot()
    read: list[ReadOne] = []
    first, again = tee(people)
    for one, parts in zip(first, chosen.parts_of_each((one.person for one in again), items), strict=True):
        fused_M = fuse(parts, weights)
        items_C = np.sort(best_among(fused_M, np.flatnonzero(~one.barred_M), N_RANKED))
        features_CG = features_of(reader, parts, one.person.history, items_C)
        right_C = np.isin(items_C, one.relevant)
        read.append(ReadOne.of(features_CG, right_C, fused_M[items_C].astype(np.float32), one.relevant))
        if time.monotonic() > ends:
            break
    return Read.of(read, len(reader.names))
