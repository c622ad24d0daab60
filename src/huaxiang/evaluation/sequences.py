"""Leave-one-out on a file of sequences: the strict protocol, its floors, its table.

Legend: N users. The last item of a user is the test, the one before it validation; users with fewer than 3 items are
learned from and not asked.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.errors import DataError, UnknownNameError
from huaxiang.evaluation.budget import Budget, peak_mb
from huaxiang.evaluation.fitting import Fitted, Fitter, refit
from huaxiang.evaluation.peers import PEERS, fit_peer
from huaxiang.evaluation.questions import Questions, full_ranks, questions, staged_ranks, weighted
from huaxiang.evaluation.sequence_file import ItemTerms, Sequences
from huaxiang.measure.intervals import bootstrap, paired_bootstrap
from huaxiang.measure.metrics import hits_of_ranks, ndcg_at_k, recall_at_k
from huaxiang.retrieval.base import Interactions, Retriever
from huaxiang.retrieval.fuse import Fused
from huaxiang.retrieval.item_to_item import ItemToItem
from huaxiang.retrieval.popular import Popular
from huaxiang.retrieval.transitions import Transitions

PROTOCOL: Final = (
    "leave-one-out, last item test, the one before it validation; full ranking of every item of the file, items of the "
    "history masked, ties in order of first appearance. huaxiang: strict, fitted on everything before validation, "
    "which only selects; its test input includes the validation item. huaxiang+refit: same settings and weights, "
    "parts refitted with the validation item. popularity, transitions and peers: fitted before validation."
)
MODELS: Final = ("huaxiang", "huaxiang+refit")
_LENGTHS: Final = ((1, 3), (4, 5), (6, 10), (11, 20), (21, 10**9))
_METRICS: Final = {"recall": recall_at_k, "ndcg": ndcg_at_k}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table, by the keys of its JSON; `ranks` are kept for pairs and are not in it."""

    model: str
    figures: dict[str, Any]
    ranks: NDArray[np.int64] = field(repr=False)


@dataclass(slots=True)
class Report:
    """What was measured, under which rules, and what was left out."""

    rows: list[Row]
    about: dict[str, Any]

    def json(self) -> dict[str, Any]:
        """`models`, and beside it the protocol, the counts of the file and what was left out."""
        return {"models": [row.figures for row in self.rows], **self.about}

    def row(self, model: str) -> Row:
        """A row by its name."""
        return next(row for row in self.rows if row.model == model)


def evaluate_sequences(
    sequences: Sequences,
    terms: ItemTerms | None,
    budget: Budget,
    *,
    models: Sequence[str] | None = None,
    seed: int = 0,
) -> Report:
    """Run the protocol within the budget; popularity and transitions always, the others as asked and as time allows.

    Args:
        models: of `huaxiang`, `huaxiang+refit` and the peers; None is the first two.
    Raises:
        UnknownNameError: a model that is not known. MissingExtraError: a peer that is not installed.
        DataError: no user has 3 items.
    """
    asked_for = MODELS if models is None else tuple(models)
    if unknown := [name for name in asked_for if name not in (*MODELS, "popularity", "transitions", *PEERS)]:
        raise UnknownNameError("model", unknown[0], (*MODELS, "popularity", "transitions", *PEERS))
    run = _Run(sequences, budget, seed)
    run.whole("popularity", Popular())
    run.whole("transitions", ItemToItem(Transitions()))
    for peer in (name for name in asked_for if name in PEERS):
        budget.say(f"peer {peer}")
        started = time.monotonic()
        ranks = fit_peer(peer, run.before_validation, run.test, seed=seed)
        run.note(peer, ranks, run.test, time.monotonic() - started)
    if set(asked_for) & set(MODELS):
        fitted = run.strict(terms)
        if "huaxiang+refit" in asked_for:
            run.refitted(fitted)
    return Report(run.rows, run.about())


class _Run:
    """The state of one evaluation: its parts of the data, its rows."""

    def __init__(self, sequences: Sequences, budget: Budget, seed: int) -> None:
        self.sequences, self.budget, self.seed = sequences, budget, seed
        self.test = questions(sequences.rows, 1)
        if not len(self.test):
            raise DataError("no user has 3 items: one to learn from, one to validate and one to test; give longer rows")
        self.before_validation = self._cut(2)
        self.rows: list[Row] = []
        self.details: dict[str, Any] = {}

    def _cut(self, n: int) -> Interactions:
        rows = [row[:-n] if len(row) >= 3 else row for row in self.sequences.rows]
        return Interactions.of(self.sequences.item_ids, rows)

    def whole(self, name: str, retriever: Retriever) -> None:
        """A row of one retriever by full ranking."""
        self.budget.say(name)
        started = time.monotonic()
        retriever.fit(self.before_validation)
        seconds = time.monotonic() - started
        self.note(name, full_ranks(retriever, self.test), self.test, seconds)

    def strict(self, terms: ItemTerms | None) -> Fitted:
        """The row `huaxiang`."""
        validation = questions(self.sequences.rows, 2)
        fitted = Fitter(self.before_validation, validation, self.budget, seed=self.seed).fit(terms)
        self.details["parts"] = {
            recipe.name: {"weight": round(float(weight), 4), "settings": settings(recipe)}
            for recipe, weight in zip(fitted.recipes, fitted.fused.weights_F, strict=True)
        }
        self.details["validation_ndcg@10"] = fitted.validation
        self._staged("huaxiang", fitted.fused, fitted.seconds_per_user, fitted.seconds)
        return fitted

    def refitted(self, fitted: Fitted) -> None:
        """The row `huaxiang+refit`, where there is time for it."""
        expected = 1.3 * fitted.fit_seconds + fitted.seconds_per_user * len(self.test)
        if not self.budget.allows("huaxiang+refit", expected):
            return
        started = time.monotonic()
        fused = refit(fitted.recipes, fitted.fused.weights_F, self._cut(1), self.budget)
        self._staged("huaxiang+refit", fused, fitted.seconds_per_user, time.monotonic() - started)

    def _staged(self, name: str, fused: Fused, seconds_per_user: float, seconds: float) -> None:
        self.budget.say(f"{name}: answering")
        affordable = max(1, int(0.9 * self.budget.left / max(seconds_per_user, 1e-6)))
        asked = self.test.sample(affordable, rng=np.random.default_rng(self.seed))
        before = time.monotonic() + 0.95 * self.budget.left
        ranks = staged_ranks(fused, weighted(fused.weights_F), asked, before=before)
        if len(ranks) < len(self.test):
            self.budget.left_out.append(f"{name}: {len(self.test) - len(ranks)} of {len(self.test)} users not asked")
        self.note(name, ranks, asked, seconds)

    def note(self, name: str, ranks: NDArray[np.int64], asked: Questions, seconds: float) -> None:
        """Turn ranks into a row; memory is the peak of the process up to now."""
        rng = np.random.default_rng(self.seed)
        figures: dict[str, Any] = {"model": name}
        values = {f"{metric}@{k}": per_user(ranks, metric, k) for metric in ("recall", "ndcg") for k in (5, 10)}
        intervals = {key: bootstrap(value, rng=rng) for key, value in values.items()}
        figures |= {key: interval.mean for key, interval in intervals.items()}
        figures |= {"fit_seconds": round(seconds, 3), "peak_mb": round(peak_mb(), 1), "n_users": len(ranks)}
        figures["intervals"] = {key: [interval.low, interval.high] for key, interval in intervals.items()}
        lengths = np.array([len(history) for history in asked.histories[: len(ranks)]])
        figures["by_history_length"] = by_length(values["ndcg@10"], values["recall@10"], lengths)
        self.rows.append(Row(name, figures, ranks))

    def about(self) -> dict[str, Any]:
        """Everything of the report but the rows."""
        short = sum(len(row) < 3 for row in self.sequences.rows)
        data = {
            "n_users": len(self.sequences.rows),
            "n_items": len(self.sequences.item_ids),
            "n_interactions": int(sum(len(row) for row in self.sequences.rows)),
            "users_with_fewer_than_3_items": short,
            "lines_without_items": list(self.sequences.without_items[:20]),
            "n_lines_without_items": len(self.sequences.without_items),
            "repeated_items": self.sequences.repeats,
        }
        by_name = {row.model: row for row in self.rows}
        ahead = {}
        if (ours := by_name.get("huaxiang")) and len(ours.ranks) == len(self.test):
            pair = (per_user(ours.ranks, "ndcg", 10), per_user(by_name["transitions"].ranks, "ndcg", 10))
            ahead = {"huaxiang - transitions, ndcg@10": paired_bootstrap(*pair, rng=np.random.default_rng(self.seed))}
        return {
            "protocol": PROTOCOL,
            "data": data,
            "differences": {name: list(interval) for name, interval in ahead.items()},
            **self.details,
            "seconds": round(self.budget.spent, 1),
            "budget_seconds": self.budget.seconds,
            "left_out": self.budget.left_out,
        }


def per_user(ranks: NDArray[np.int64], metric: str, k: int) -> NDArray[np.float64]:
    """A metric of each user who has one right answer, at its rank."""
    return _METRICS[metric](hits_of_ranks(ranks, k), np.ones(len(ranks), np.int64), k)


def by_length(
    ndcg_N: NDArray[np.float64], recall_N: NDArray[np.float64], lengths_N: NDArray[np.int64]
) -> dict[str, dict[str, float]]:
    """Both metrics at 10 by the number of items in the test input."""
    table = {}
    for low, high in _LENGTHS:
        inside = (lengths_N >= low) & (lengths_N <= high)
        if inside.any():
            name = f"{low}-{high}" if high < 10**9 else f"{low}+"
            mean = {"ndcg@10": float(ndcg_N[inside].mean()), "recall@10": float(recall_N[inside].mean())}
            table[name] = {"n_users": int(inside.sum()), **mean}
    return table


def settings(recipe: object) -> dict[str, Any]:
    """The plain settings of a recipe, by name."""
    names = [name for name in getattr(recipe, "__dataclass_fields__", {}) if name not in ("name", "forgets")]
    values = {name: getattr(recipe, name) for name in names}
    return {name: value for name, value in values.items() if isinstance(value, int | float | str)}
