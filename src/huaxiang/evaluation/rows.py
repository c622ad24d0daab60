"""A line of a table: every figure of one model's answers, with intervals, by history length and by popularity.

Legend: N users, M items, T terms, K places of a list.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from huaxiang.evaluation.questions import Answers, Questions
from huaxiang.measure import metrics
from huaxiang.measure.intervals import bootstrap

CUTS: Final = (5, 10)
_METRICS: Final[Mapping[str, Callable[..., NDArray[np.float64]]]] = {
    "recall": metrics.recall_at_k,
    "ndcg": metrics.ndcg_at_k,
    "hit_rate": metrics.hit_rate_at_k,
    "mrr": metrics.mrr_at_k,
    "map": metrics.map_at_k,
    "precision": metrics.precision_at_k,
}
_WITH_INTERVAL: Final = ("recall", "ndcg")
_LENGTHS: Final = ((1, 3), (4, 5), (6, 10), (11, 20), (21, 10**9))
_HEAD: Final = 0.2
"""Share of the catalogue that is called popular: its most met items. The next 30 % are the middle, the rest the
tail."""
_TAIL: Final = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Catalogue:
    """What figures need to know of the items.

    Attributes:
        popularity_M: events of each item in what the models were fitted on.
        terms_MT: unit rows of the items' words and attributes, for the diversity of a list; None where there are none.
    """

    popularity_M: NDArray[np.float64]
    terms_MT: sparse.csr_array | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table, by the keys of its JSON; questions and answers are kept for pairs and are not in it."""

    model: str
    figures: dict[str, Any]
    answers: Answers = field(repr=False)
    asked: Questions = field(repr=False)


def row_of(name: str, answers: Answers, asked: Questions, catalogue: Catalogue, *, seed: int, **costs: Any) -> Row:
    """Figures of answers to questions.

    Args:
        costs: further keys, such as `fit_seconds` and `peak_mb`.
    """
    rng = np.random.default_rng(seed)
    figures: dict[str, Any] = {"model": name}
    intervals = {}
    for metric in _METRICS:
        for k in CUTS if metric in _WITH_INTERVAL else (10,):
            values_N = per_user(answers, metric, k)
            figures[f"{metric}@{k}"] = float(values_N.mean()) if len(values_N) else 0.0
            if metric in _WITH_INTERVAL:
                figures[f"{metric}@{k}"], low, high = bootstrap(values_N, rng=rng)
                intervals[f"{metric}@{k}"] = [low, high]
    figures |= costs | {"n_users": len(answers), "intervals": intervals}
    figures |= of_lists(answers.lists_NK, catalogue)
    figures["by_history_length"] = by_length(answers, asked)
    figures["by_popularity"] = by_popularity(answers, asked, catalogue.popularity_M)
    return Row(name, figures, answers, asked)


def per_user(answers: Answers, metric: str, k: int) -> NDArray[np.float64]:
    """A metric of each user."""
    return _METRICS[metric](answers.hits_NK, answers.n_right_N, k)


def of_lists(lists_NK: NDArray[np.int64], catalogue: Catalogue) -> dict[str, float]:
    """What the lists are like, right or wrong: coverage, gini, novelty, and how unlike a list's items are."""
    n_items = len(catalogue.popularity_M)
    found = {
        "coverage@10": metrics.coverage(lists_NK, n_items),
        "gini@10": metrics.gini(lists_NK, n_items),
        "novelty@10": metrics.novelty(lists_NK, catalogue.popularity_M),
    }
    if catalogue.terms_MT is not None:
        found["intra_list_diversity@10"] = diversity(lists_NK, catalogue.terms_MT)
    return found


def diversity(lists_NK: NDArray[np.int64], terms_MT: sparse.csr_array) -> float:
    """Mean over lists of one minus the mean cosine of two of a list's items (Ziegler et al. 2005); NaN without pairs.

    The mean cosine of n unit rows comes from the length of their sum: (|sum|^2 - n) / (n (n - 1)). An item without
    terms is like no other.
    """
    found = []
    for row_K in lists_NK:
        items = row_K[row_K >= 0]
        if (n := len(items)) < 2:
            continue
        rows = terms_MT[items]
        total = np.asarray(rows.sum(axis=0)).reshape(-1)
        own = float((rows.data * rows.data).sum())
        found.append(1.0 - (float(total @ total) - own) / (n * (n - 1)))
    return float(np.mean(found)) if found else float("nan")


def by_length(answers: Answers, asked: Questions) -> dict[str, dict[str, float]]:
    """Both main metrics at 10 by the number of items in the input."""
    lengths_N = np.array([len(history) for history in asked.histories[: len(answers)]], dtype=np.int64)
    table = {}
    for low, high in _LENGTHS:
        inside_N = (lengths_N >= low) & (lengths_N <= high)
        if inside_N.any():
            name = f"{low}-{high}" if high < 10**9 else f"{low}+"
            table[name] = {"n_users": int(inside_N.sum())} | {
                f"{metric}@10": float(per_user(answers, metric, 10)[inside_N].mean()) for metric in _WITH_INTERVAL
            }
    return table


def by_popularity(answers: Answers, asked: Questions, popularity_M: NDArray[np.float64]) -> dict[str, dict[str, float]]:
    """Recall@10 of right items that are popular, in the middle, or in the tail; each right item counts once."""
    order_M = np.argsort(-popularity_M, kind="stable")
    ranks_M = np.empty(len(order_M), np.int64)
    ranks_M[order_M] = np.arange(len(order_M))
    group_M = np.searchsorted([_HEAD * len(order_M), _TAIL * len(order_M)], ranks_M, side="right")
    targets = asked.targets[: len(answers)]
    items_T = np.concatenate(targets) if targets else np.empty(0, np.int64)
    owners_T = np.repeat(np.arange(len(targets)), [len(right) for right in targets])
    found_T = np.zeros(len(items_T), np.bool_)
    if len(items_T):
        found_T = (answers.lists_NK[owners_T] == items_T[:, None]).any(axis=1)
    table = {}
    for group, name in enumerate(("head", "middle", "tail")):
        inside_T = group_M[items_T] == group
        if inside_T.any():
            table[name] = {"n_targets": int(inside_T.sum()), "recall@10": float(found_T[inside_T].mean())}
    return table


def spans(rows: Sequence[Mapping[str, Any]], key: str) -> list[str]:
    """The groups that occur in any row, in order."""
    return list(dict.fromkeys(span for row in rows for span in row[key]))
