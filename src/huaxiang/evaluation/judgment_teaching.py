"""What the grades of other queries teach a ranker of search results.

Legend: N judged pairs, those that teach first; S pairs that teach, list by list.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.evaluation.budget import Budget
from huaxiang.evaluation.judgment_file import Judgments
from huaxiang.evaluation.search_features import PairFeatures
from huaxiang.measure.graded import ndcg_of_lists
from huaxiang.measure.intervals import paired_bootstrap
from huaxiang.ranking.graded import GradedLists, learn_graded
from huaxiang.ranking.model import Ranker

FORMULA: Final = "formula"
"""Name of the feature that says what the fixed formula says."""
_SECONDS_A_PAIR: Final = 0.002
"""Of teaching, about: a minute for 36,000 pairs on a busy core."""


@dataclass(frozen=True, slots=True, eq=False)
class Taught:
    """Scores of the pairs that do not teach, by a ranker, and what is said about it."""

    scores_N: NDArray[np.float64]
    ranker: Ranker
    about: dict[str, Any]


def teach(
    both: Judgments, read: PairFeatures, n_taught: int, budget: Budget, notes: list[str], *, seed: int
) -> Taught | None:
    """A ranker learned from the first pairs, and its scores of the others; None where held-out queries say that it is
    behind the fixed formula or the budget does not allow it, which is noted.

    Args:
        both: of which the first `n_taught` pairs, whole queries, may be learned from, and no others.
    Raises:
        DataError: too few queries, or none with products of different grades.
        MissingExtraError: LightGBM is not installed.
    """
    if not budget.allows("teaching the ranker, so the fixed formula ranks", _SECONDS_A_PAIR * n_taught):
        return None
    rows_S = np.argsort(both.query_N[:n_taught], kind="stable")
    fixed_N = read.fixed_scores()
    read = read.with_columns({FORMULA: fixed_N})
    lists = GradedLists(read.values_NG[rows_S], both.grades_N[rows_S], both.query_N[rows_S])
    budget.say("teaching the ranker")
    learned = learn_graded(lists, read.names, before=FORMULA, seeds=(seed, seed + 1, seed + 2))
    fixed_Q, held_Q = (
        ndcg_of_lists(scores_S, lists.grades_S, lists.owners_S) for scores_S in (fixed_N[rows_S], learned.held_out_S)
    )
    gain = paired_bootstrap(held_Q, fixed_Q, rng=np.random.default_rng(seed))
    about = learned.ranker.about | {"held_out_gain": [round(each, 5) for each in gain]}
    if gain.mean <= 0.0:
        notes.append(
            f"on held-out queries of --train what was learned is behind the fixed formula by {-gain.mean:.4f} ndcg@10, "
            "so the formula ranks; give more queries"
        )
        return None
    scores_N = learned.ranker.scores(read.values_NG[n_taught:]).astype(np.float64)
    return Taught(scores_N, learned.ranker, about)
