"""Fits the parts of the fused recommender before validation and sets them on it, within a budget.

Legend: N users, M items, F parts, S rows of candidates. Nothing here is trained on a validation item: those select.
"""

import time
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from huaxiang.evaluation.budget import Budget
from huaxiang.evaluation.gathering import MOST_TAUGHT, gather_all
from huaxiang.evaluation.parts import (
    Part,
    Steps,
    all_terms,
    closed_seconds,
    made,
    other_decays,
    remade,
    sequence_steps,
    term_recipes,
)
from huaxiang.evaluation.protocols import Protocol
from huaxiang.evaluation.questions import full_answers
from huaxiang.evaluation.sequence_file import ItemTerms
from huaxiang.retrieval.base import Retriever
from huaxiang.retrieval.factors import Factors, factors_seconds, missing
from huaxiang.retrieval.fuse import Fused, Weighing, choose_weights
from huaxiang.retrieval.item_to_item import ItemToItem
from huaxiang.retrieval.linear import Ease, Ridge
from huaxiang.retrieval.popular import Popular
from huaxiang.retrieval.transitions import Paths, Transitions

GRAPH_GRID: Final = (
    ("popularity_power", (0.2, 0.4, 0.5)),
    ("gap_power", (0.25, 1.0)),
    ("backward", (0.25, 1.0)),
)
"""What is tried beside the defaults, one setting after the other; the better one stays."""
HALF_LIVES: Final = (7.0, 60.0)
"""Days after which a meeting counts half in what is popular now: the week's fashion, and the season's."""
_SAMPLE: Final = 3000
_WEIGHING: Final = 8000
_FULL: Final = 2.0
"""What gathering costs with every part, beside the graph and the terms alone."""
_SEQUENCE_SHARE: Final = 0.6
"""Of the time that is left when the other parts are fitted and their second fit and the answers are paid for."""


@dataclass(slots=True)
class Fitted:
    """Parts that are fitted, their settings and weights, and what they cost.

    Attributes:
        parts: those with a weight above 0, in the order of `fused.retrievers`.
        sequence: the sequence model's two fits; None where there was no time or no torch.
        validation: ndcg@10 of the fused parts on the questions that chose the weights.
        seconds: of fitting and selecting. fit_seconds: of fitting the chosen parts once, without selecting.
        seconds_per_user: of gathering the candidates of one question.
    """

    fused: Fused
    parts: tuple[Part, ...]
    sequence: Steps | None
    validation: float
    seconds: float
    fit_seconds: float
    seconds_per_user: float


class Fitter:
    """One strict fit: parts on what was known before validation, settings and weights on validation.

    While it looks for better parts it keeps back the time for fitting them again one step earlier, for weighing them
    and for answering.
    """

    def __init__(self, protocol: Protocol, terms: ItemTerms | None, budget: Budget, *, seed: int) -> None:
        self.protocol, self.terms, self.budget, self.seed = protocol, terms, budget, seed
        self.known = protocol.validation.known
        rng, asked = np.random.default_rng(seed), protocol.validation.asked
        self.few, self.many = asked.sample(_SAMPLE, rng=rng), asked.sample(_WEIGHING, rng=rng)
        self.parts: list[Part] = []

    def fit(self) -> Fitted:
        """Graph, terms, paths, closed forms and the sequence model as far as time and memory allow; then weights."""
        started = time.monotonic()
        self._graph()
        for recipe in term_recipes(self.terms):
            self._add(recipe)
        if self.protocol.has_clock:
            for days in HALF_LIVES:
                self._add(Popular(half_life_days=days, name=f"popular in {days:.0f} days"))
        self._paths()
        self._factors()
        self._reserve()
        closed = self._closed_forms()
        for place in closed:
            self._better_reg(place)
        for place in range(len(self.parts)):
            self._better_decay(place)
        sequence = self._sequence()
        return self._weigh(started, sequence)

    def _graph(self) -> None:
        """The transition graph, each setting in turn on validation, while a tenth of the budget lasts."""
        self.budget.say("transition graph: settings on validation")
        until = self.budget.spent + 0.1 * self.budget.left
        recipe = Transitions()
        best = made(recipe, self.known)
        top = self._ndcg(best.retriever)
        for field, values in GRAPH_GRID:
            for value in values:
                if self.budget.spent > until:
                    self.budget.left_out.append(f"transition graph: {field} {value} and what follows untried")
                    break
                setting: dict[str, Any] = {field: value}
                tried = made(replace(recipe, **setting), self.known)
                if (score := self._ndcg(tried.retriever)) > top + 1e-4:
                    best, recipe, top = tried, tried.recipe, score
        self.parts.append(best)

    def _paths(self) -> None:
        graph = self.parts[0].recipe
        if self.budget.allows("paths", 10.0 * self.parts[0].seconds + 1.0, 0.3):
            self._add(Paths(graph.decay, graph.gap_power, graph.backward, graph.popularity_power, graph.window))

    def _factors(self) -> None:
        expected = factors_seconds(len(self.known.items_E), self.known.n_users, self.known.n_items)
        if (error := missing()) is not None:
            self.budget.left_out.append(f"{Factors.name}: {error}")
        elif self.budget.allows(Factors.name, 2.0 * expected, 0.3):
            self._add(Factors(seed=self.seed))

    def _reserve(self) -> None:
        """Time for gathering candidates twice and answering three times, by the price of a hundred questions."""
        fused = Fused([part.retriever for part in self.parts])
        found = gather_all(fused, self.few, before=time.monotonic() + 0.01 * self.budget.left, at_most=100)
        taught = min(len(self.protocol.earlier.asked), MOST_TAUGHT)
        n = len(self.many) + taught + 3 * len(self.protocol.test.asked)
        self.budget.reserved = min(0.4 * self.budget.left, _FULL * found.seconds_per_user * n)

    def _closed_forms(self) -> list[int]:
        """Places of those that there was time and memory for, counting that each is fitted twice."""
        n = self.known.n_items
        expected, places = closed_seconds(n), []
        for recipe in (Ridge(), Ease()):
            if self.budget.allows(recipe.name, 2.0 * expected, 0.5):
                places.append(len(self.parts))
                self._add(recipe)
                self.budget.reserved += self.parts[-1].seconds
        return places

    def _better_reg(self, place: int) -> None:
        """Another regularisation, at most three tries, while a tenth of what is left lasts."""
        part, until = self.parts[place], self.budget.spent + 0.1 * self.budget.left
        top = self._ndcg(part.retriever)
        for factor in (3.0, 1.0 / 3.0):
            while self.budget.spent + part.seconds < until:
                tried = remade(part, replace(part.recipe, reg=part.recipe.reg * factor))
                if (score := self._ndcg(tried.retriever)) <= top + 1e-4:
                    break
                self.parts[place], part, top = tried, tried, score

    def _better_decay(self, place: int) -> None:
        """How fast a part's history fades, on validation: read at query time only, so nothing is fitted again.

        Not for the ridge regression, whose fit has it too. Takes at most a twentieth of what is left.
        """
        part = self.parts[place]
        if isinstance(part.recipe, Ridge) or not isinstance(part.retriever, ItemToItem):
            return
        until = self.budget.spent + 0.05 * self.budget.left
        top = self._ndcg(part.retriever)
        for decay in other_decays(part.recipe.decay):
            if self.budget.spent > until:
                break
            other = replace(part.recipe, decay=decay)
            tried = ItemToItem.made(other, part.retriever.matrix_MM)
            if (score := self._ndcg(tried)) > top + 1e-4:
                self.parts[place], top = Part(other, tried, part.seconds), score

    def _sequence(self) -> Steps | None:
        """The sequence model, where what is left is worth a fit."""
        seconds = _SEQUENCE_SHARE * self.budget.left
        steps = sequence_steps(self.protocol, all_terms(self.terms), self.budget, seconds=seconds, seed=self.seed)
        if steps is not None:
            self.parts.append(steps.validation)
        return steps

    def _add(self, recipe: Any) -> None:
        self.budget.say(f"fitting {recipe.name}")
        self.parts.append(made(recipe, self.known))

    def _ndcg(self, retriever: Retriever) -> float:
        return full_answers(retriever, self.few).ndcg

    def _weigh(self, started: float, sequence: Steps | None) -> Fitted:
        self.budget.say("weighing the parts on validation")
        fused = Fused([part.retriever for part in self.parts])
        found = gather_all(fused, self.many, before=time.monotonic() + 0.2 * self.budget.left)
        answering = 1.5 * found.seconds_per_user * len(self.protocol.test.asked)
        self.budget.reserved = 0.0
        self.budget.reserved = min(answering, 0.7 * self.budget.left)  # until the first of our rows is answered
        weights_F, top = choose_weights(Weighing(found.z_SF, found.right_S, found.owners_S, found.n_right_N))
        kept = [place for place, weight in enumerate(weights_F) if weight > 0.0]
        chosen = Fused([fused.retrievers[i] for i in kept], weights_F[kept].tolist(), n_candidates=fused.n_candidates)
        parts = tuple(self.parts[i] for i in kept)
        costs = sum(part.seconds for part in parts)
        seconds = time.monotonic() - started
        return Fitted(chosen, parts, sequence, top, seconds, costs, found.seconds_per_user)
