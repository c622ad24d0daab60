"""Runs the models over a protocol within a budget, and says everything about it.

Legend: N users, M items.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from huaxiang.errors import UnknownNameError
from huaxiang.evaluation.budget import Budget, peak_mb
from huaxiang.evaluation.fitting import Fitted, Fitter
from huaxiang.evaluation.parts import all_terms, refit
from huaxiang.evaluation.peers import PEERS, fit_peer
from huaxiang.evaluation.protocols import Protocol
from huaxiang.evaluation.questions import Answers, Stage, full_answers, staged_answers
from huaxiang.evaluation.reranking import Reranking, Taught, classroom, taught_earlier, taught_on_validation
from huaxiang.evaluation.rows import Catalogue, Row, per_user, row_of
from huaxiang.evaluation.sequence_file import ItemTerms
from huaxiang.measure.intervals import paired_bootstrap
from huaxiang.retrieval.base import Retriever
from huaxiang.retrieval.fuse import Fused
from huaxiang.retrieval.item_to_item import ItemToItem
from huaxiang.retrieval.popular import Popular
from huaxiang.retrieval.transitions import Transitions

STRICT: Final = (
    "huaxiang is strict: nothing is trained on the validation step, which only selects; its ranker is taught one step "
    "earlier on parts fitted without that step; the parts are then fitted on everything before validation, and the "
    "test input includes the validation item. huaxiang-popularity: its ranker reads no popularity, which the one of "
    "huaxiang reads only where validation finds that it helps. "
    "huaxiang+validation: the ranker is taught on the validation step. huaxiang+refit: all parts are fitted with it "
    "too. popularity, transitions and peers: fitted before validation."
)
MODELS: Final = ("huaxiang", "huaxiang-popularity", "huaxiang+validation", "huaxiang+refit")
FLOORS: Final = ("popularity", "transitions")
_LEAST_ANSWERED: Final = 2_000
"""Users that the strict row answers though the budget is gone, as where a machine was busier than it seemed at first: a
few seconds more, and no table in which ours has answered nobody."""


@dataclass(slots=True)
class Report:
    """What was measured, under which rules, and what was left out."""

    rows: list[Row]
    about: dict[str, Any]

    def json(self) -> dict[str, Any]:
        """`models`, and beside it the protocol, the counts of the data and what was left out."""
        return {"models": [row.figures for row in self.rows], **self.about}

    def row(self, model: str) -> Row:
        """A row by its name."""
        return next(row for row in self.rows if row.model == model)


def run(
    protocol: Protocol,
    terms: ItemTerms | None,
    budget: Budget,
    *,
    models: Sequence[str] | None = None,
    seed: int = 0,
) -> Report:
    """Floors always, the other models as asked and as time allows.

    Args:
        models: of `MODELS` and the peers; None is all of `MODELS`.
    Raises:
        UnknownNameError: a model that is not known. MissingExtraError: a peer that is not installed.
    """
    asked_for = MODELS if models is None else tuple(models)
    known = (*MODELS, *FLOORS, *PEERS)
    if unknown := [name for name in asked_for if name not in known]:
        raise UnknownNameError("model", unknown[0], known)
    course = _Run(protocol, terms, budget, seed)
    course.whole("popularity", Popular())
    course.whole("transitions", ItemToItem(Transitions()))
    for peer in (name for name in asked_for if name in PEERS):
        course.peer(peer)
    if set(asked_for) & set(MODELS):
        course.ours(asked_for)
    return Report(course.rows, course.about())


class _Run:
    """The state of one evaluation."""

    def __init__(self, protocol: Protocol, terms: ItemTerms | None, budget: Budget, seed: int) -> None:
        self.protocol, self.terms, self.budget, self.seed = protocol, terms, budget, seed
        met_M = np.bincount(protocol.validation.known.items_E, minlength=protocol.n_items).astype(np.float64)
        self.catalogue = Catalogue(met_M, all_terms(terms))
        self.rows: list[Row] = []
        self.details: dict[str, Any] = {}

    def whole(self, name: str, retriever: Retriever) -> None:
        """A row of one retriever by full ranking."""
        self.budget.say(name)
        started = time.monotonic()
        retriever.fit(self.protocol.validation.known)
        seconds = time.monotonic() - started
        self._note(name, full_answers(retriever, self.protocol.test.asked), seconds)

    def peer(self, name: str) -> None:
        """A row of somebody else's model."""
        self.budget.say(f"peer {name}")
        started = time.monotonic()
        lists_NK = fit_peer(name, self.protocol.validation.known, self.protocol.test.asked, seed=self.seed)
        seconds = time.monotonic() - started
        self._note(name, Answers.of(lists_NK, self.protocol.test.asked.targets), seconds)

    def ours(self, asked_for: Sequence[str]) -> None:
        """The rows of huaxiang that are asked for; the strict one first, for the others go on from it."""
        fitted = Fitter(self.protocol, self.terms, self.budget, seed=self.seed).fit()
        began = time.monotonic()
        room = classroom(self.protocol, fitted, self.budget, seed=self.seed)
        taught = taught_earlier(room, self.protocol, fitted, self.budget)
        strict = taught.chosen
        self._say_parts(fitted, strict)
        seconds = fitted.seconds + time.monotonic() - began
        self.budget.reserved = 0.0
        self._staged("huaxiang", fitted.fused, strict.stage(fitted), fitted, seconds, least=_LEAST_ANSWERED)
        if "huaxiang-popularity" in asked_for:
            self._without_popularity(taught, fitted, seconds)
        if "huaxiang+validation" in asked_for:
            self._on_validation(fitted, strict)
        if "huaxiang+refit" in asked_for:
            self._refitted(fitted, strict)

    def _without_popularity(self, taught: Taught, fitted: Fitted, seconds: float) -> None:
        """Its row; the strict one again where that reads no popularity either."""
        ours, bare = self.rows[-1], taught.without_popularity
        if bare is taught.chosen:
            self.rows.append(replace(ours, figures=ours.figures | {"model": "huaxiang-popularity"}))
        elif bare.ranker is not None and self.budget.allows("huaxiang-popularity", self._answering(fitted)):
            self._staged("huaxiang-popularity", fitted.fused, bare.stage(fitted), fitted, seconds)

    def _on_validation(self, fitted: Fitted, strict: Reranking) -> None:
        if not self.budget.allows("huaxiang+validation", 2.5 * self._answering(fitted)) or strict.ranker is None:
            return
        started = time.monotonic()
        taught = taught_on_validation(self.protocol, fitted, strict, self.budget, seed=self.seed)
        seconds = fitted.seconds + time.monotonic() - started
        self._staged("huaxiang+validation", fitted.fused, taught.stage(fitted), fitted, seconds)

    def _refitted(self, fitted: Fitted, strict: Reranking) -> None:
        """Every part with the validation item; the sequence model goes on from its second fit for a few epochs."""
        if not self.budget.allows("huaxiang+refit", 1.3 * fitted.fit_seconds + self._answering(fitted)):
            return
        started = time.monotonic()
        sequence = None if fitted.sequence is None else fitted.sequence.once_more(self.protocol.test.known)
        recipes = [part.recipe for part in fitted.parts]
        fused = refit(recipes, fitted.fused.weights_F, self.protocol.test.known, self.budget, sequence)
        again = replace(fitted, fused=fused)
        met_M = np.bincount(self.protocol.test.known.items_E, minlength=self.protocol.n_items).astype(np.float32)
        stage = strict.with_popularity(met_M).stage(again)
        self._staged("huaxiang+refit", fused, stage, fitted, time.monotonic() - started)

    def _answering(self, fitted: Fitted) -> float:
        return 1.5 * fitted.seconds_per_user * len(self.protocol.test.asked)

    def _staged(self, name: str, fused: Fused, stage: Stage, fitted: Fitted, seconds: float, *, least: int = 1) -> None:
        self.budget.say(f"{name}: answering")
        test = self.protocol.test.asked
        affordable = max(least, int(0.9 * self.budget.left / max(1.2 * fitted.seconds_per_user, 1e-6)))
        asked = test.sample(affordable, rng=np.random.default_rng(self.seed))
        answers = staged_answers(fused, stage, asked, before=time.monotonic() + 0.95 * self.budget.left, least=least)
        if len(answers) < len(test):
            self.budget.left_out.append(f"{name}: {len(test) - len(answers)} of {len(test)} users not asked")
        in_order = np.argsort(asked.users_N[: len(answers)])
        self._note(name, answers.at(in_order), seconds, asked.at(in_order))

    def _note(self, name: str, answers: Answers, seconds: float, asked: Any = None) -> None:
        """Turn answers into a row; memory is the peak of the process up to now."""
        costs = {"fit_seconds": round(seconds, 3), "peak_mb": round(peak_mb(), 1)}
        questions = self.protocol.test.asked if asked is None else asked
        self.rows.append(row_of(name, answers, questions, self.catalogue, seed=self.seed, **costs))

    def _say_parts(self, fitted: Fitted, strict: Reranking) -> None:
        self.details["parts"] = {
            part.recipe.name: {"weight": round(float(weight), 4), "settings": settings(part.recipe)}
            for part, weight in zip(fitted.parts, fitted.fused.weights_F, strict=True)
        }
        self.details["validation_ndcg@10"] = fitted.validation
        reads = "popularity too" if strict.reader.popularity_M is not None else "no popularity"
        self.details["ranker"] = {"why": strict.why, "reads": reads}
        self.details["ranker"] |= {"ndcg@10": strict.validation, "without": strict.without}
        if strict.ranker is not None:
            self.details["ranker"] |= strict.ranker.about

    def about(self) -> dict[str, Any]:
        """Everything of the report but the rows."""
        known = self.protocol.test.known
        data = {
            "n_users": known.n_users,
            "n_items": known.n_items,
            "n_interactions": len(known.items_E),
            "n_questions": len(self.protocol.test.asked),
            **self.protocol.counts,
        }
        return {
            "protocol": f"{self.protocol.said}. {STRICT}",
            "data": data,
            "differences": self._differences(),
            **self.details,
            "seconds": round(self.budget.spent, 1),
            "budget_seconds": self.budget.seconds,
            "left_out": self.budget.left_out,
        }

    def _differences(self) -> dict[str, list[float]]:
        """Ours less every floor and peer, over the questions that both answered; paired."""
        by_name = {row.model: row for row in self.rows}
        found = {}
        if (ours := by_name.get("huaxiang")) is not None:
            for name, row in by_name.items():
                _, mine, theirs = np.intersect1d(ours.asked.users_N, row.asked.users_N, return_indices=True)
                if name not in MODELS and len(mine):
                    pair = (per_user(ours.answers.at(mine), "ndcg", 10), per_user(row.answers.at(theirs), "ndcg", 10))
                    difference = paired_bootstrap(*pair, rng=np.random.default_rng(self.seed))
                    found[f"huaxiang - {name}, ndcg@10"] = list(difference)
        return found


def settings(recipe: object) -> dict[str, Any]:
    """The plain settings of a recipe, by name; the time that it was given is none."""
    names = [name for name in getattr(recipe, "__dataclass_fields__", {}) if name not in ("name", "forgets", "seconds")]
    values = {name: getattr(recipe, name) for name in names}
    return {name: value for name, value in values.items() if isinstance(value, int | float | str)}
