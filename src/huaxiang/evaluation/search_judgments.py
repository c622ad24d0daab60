"""Ranking of judged products for each query of a file, beside what others do with the same file.

Legend: N judged pairs, Q queries.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.errors import DataError, MissingExtraError
from huaxiang.evaluation import search_peers as peers
from huaxiang.evaluation.budget import Budget
from huaxiang.evaluation.judgment_file import Judgments
from huaxiang.evaluation.judgment_teaching import teach
from huaxiang.evaluation.search_features import fits, open_reader, read_pairs
from huaxiang.measure.graded import mrr_of_lists, ndcg_of_lists
from huaxiang.measure.intervals import Interval, bootstrap, paired_bootstrap
from huaxiang.ranking.model import Ranker

OURS: Final = "huaxiang"
UNTAUGHT: Final = "huaxiang without learning"
FUSION: Final = "naive rank fusion"
PROTOCOL: Final = (
    "each query ranks its own judged products; gain 2^relevance - 1, discount log2(rank + 1), ideal over the query's "
    "judged products, mean over queries, equal scores in the order of the file; a query without a relevance above 0 "
    "has no ndcg and is left out of its mean; queries of one product or of equal grades count, whatever is shown; mrr: "
    "the first product whose relevance is the highest of its query; intervals: 95 %, bootstrap over queries, "
    "differences paired"
)
_METRICS: Final[Mapping[str, Callable[..., NDArray[np.float64]]]] = {"ndcg@10": ndcg_of_lists, "mrr": mrr_of_lists}


@dataclass(slots=True)
class Evaluation:
    """What was found, as JSON-compatible values, and the ranker that `--train` taught; None where none was."""

    report: dict[str, Any]
    ranker: Ranker | None = None


@dataclass(slots=True)
class _Table:
    """Rows as they are measured."""

    judged: Judgments
    seed: int
    rows: dict[str, dict[str, NDArray[np.float64]]] = field(default_factory=dict)

    def add(self, name: str, scores_N: NDArray[np.float64]) -> None:
        """Measure a row."""
        self.rows[name] = {
            metric: measure(scores_N, self.judged.grades_N, self.judged.query_N) for metric, measure in _METRICS.items()
        }

    def figures(self) -> dict[str, Any]:
        """Means of every row with 95 % intervals over queries, and how far ours is ahead of each, paired."""
        rng = np.random.default_rng(self.seed)
        said: dict[str, Any] = {}
        for name, row in self.rows.items():
            found = {metric: bootstrap(values_Q, rng=rng) for metric, values_Q in row.items()}
            said[name] = {metric: _plain(each.mean) for metric, each in found.items()}
            said[name]["intervals"] = {metric: _ends(each) for metric, each in found.items()}
        ours = self.rows[OURS]
        said["differences"] = {
            f"{OURS} - {name}": {
                metric: {"mean": _plain(gap.mean), "interval": _ends(gap)}
                for metric in _METRICS
                for gap in [paired_bootstrap(ours[metric], row[metric], rng=rng)]
            }
            for name, row in self.rows.items()
            if name != OURS
        }
        return said


def evaluate_search(judged: Judgments, train: Judgments | None, budget: Budget, *, seed: int = 0) -> Evaluation:
    """Rank each query's products by several ways and measure them; no grade of `judged` is learned from.

    Args:
        train: other queries, whose grades teach; queries of `judged` among them are left out.

    Raises:
        DataError: nothing is left of `train`, or it teaches nothing.
    """
    notes: list[str] = []
    table = _Table(judged, seed)
    _peers(table, budget, notes)
    train = None if train is None else _others(judged, train, notes)
    both = judged if train is None else train.followed_by(judged)
    budget.say("reading queries and products")
    texts = [*both.queries, *(product.title for product in both.products)]
    encode = open_reader(texts, notes)
    if encode is not None and not fits(encode, texts, budget, "huaxiang's encoder, so words alone are compared"):
        encode = None
    read = read_pairs(both, encode, seed=seed)
    ours = read.last(len(judged))
    taught = None
    if train is not None:
        table.add(UNTAUGHT, ours.fixed_scores())
        taught = teach(both, read, len(train), budget, notes, seed=seed)
    table.add(OURS, ours.fixed_scores() if taught is None else taught.scores_N)
    report = table.figures() | {
        "data": _about(judged),
        "train": None if train is None else _about(train) | {"taught": None if taught is None else taught.about},
        "protocol": PROTOCOL,
        "notes": notes,
        "left_out": budget.left_out,
        "seconds": round(budget.spent, 1),
    }
    return Evaluation(report, None if taught is None else taught.ranker)


def _peers(table: _Table, budget: Budget, notes: list[str]) -> None:
    """The rows of others, as far as their packages are installed."""
    judged = table.judged
    found: dict[str, NDArray[np.float64]] = {}
    ways: dict[str, Callable[[], NDArray[np.float64] | None]] = {
        "bm25": lambda: peers.bm25_scores(judged),
        "dense": lambda: peers.dense_scores(judged, budget),
    }
    for name, score in ways.items():
        budget.say(name)
        try:
            if (said := score()) is not None:
                found[name] = said
        except MissingExtraError as error:
            notes.append(f"no row {name}: {error}")
    for name, scores_N in found.items():
        table.add(name, scores_N)
    if len(found) > 1:
        table.add(FUSION, peers.fused(judged, *found.values()))


def _others(judged: Judgments, train: Judgments, notes: list[str]) -> Judgments:
    """What may teach: queries that the judged file lacks, however they are spaced or written in capitals."""
    known = {_plainly(query) for query in judged.queries}
    shared = [at for at, query in enumerate(train.queries) if _plainly(query) in known]
    if shared:
        notes.append(f"{len(shared)} queries of --train are in --judgments too; they teach nothing")
    if len(shared) == len(train.queries):
        raise DataError("every query of --train is in --judgments too; give the grades of other queries")
    return train.without(shared) if shared else train


def _plainly(query: str) -> str:
    return " ".join(query.lower().split())


def _about(judged: Judgments) -> dict[str, Any]:
    sizes = np.array([len(rows) for rows in judged.rows_Q])
    alike = np.array([not np.ptp(judged.grades_N[rows]) for rows in judged.rows_Q])
    worthless = np.array([judged.grades_N[rows].max() <= 0.0 for rows in judged.rows_Q])
    return {
        "n_queries": len(judged.queries),
        "n_products": len(judged.products),
        "n_pairs": len(judged),
        "queries_of_one_product": int((sizes == 1).sum()),
        "queries_of_equal_grades": int(alike.sum()),
        "queries_without_ndcg": int(worthless.sum()),
        "columns": judged.columns,
    }


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 6)


def _ends(found: Interval) -> list[float] | None:
    return None if math.isnan(found.mean) else [round(found.low, 6), round(found.high, 6)]
