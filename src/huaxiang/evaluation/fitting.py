"""Fits the parts of the fused recommender on one set of interactions and sets them on validation, within a budget.

Legend: N users, M items, F parts, S rows of candidates. Nothing here is trained on a validation item: those select.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from huaxiang.errors import ConfigError
from huaxiang.evaluation.budget import Budget
from huaxiang.evaluation.questions import Questions, full_ranks
from huaxiang.evaluation.sequence_file import ItemTerms
from huaxiang.measure.metrics import hits_of_ranks, ndcg_at_k
from huaxiang.retrieval.base import Interactions, Scores
from huaxiang.retrieval.content import Terms, tf_idf
from huaxiang.retrieval.fuse import Fused, choose_weights
from huaxiang.retrieval.item_to_item import ItemToItem, Recipe
from huaxiang.retrieval.linear import Ease, Ridge, check_size
from huaxiang.retrieval.transitions import Paths, Transitions

GRAPH_GRID: Final = (
    ("popularity_power", (0.2, 0.4, 0.5)),
    ("gap_power", (0.25, 1.0)),
    ("backward", (0.25, 1.0)),
    ("decay", (0.5, 0.6, 0.8)),
)
"""What is tried beside the defaults, one setting after the other; the better one stays."""
DECAYS: Final = (0.5, 0.65, 0.8, 0.9)
_SAMPLE: Final = 3000
_WEIGHING: Final = 8000
R = TypeVar("R", bound=Recipe)


@dataclass(slots=True)
class Fitted:
    """Parts that are fitted, their settings and weights, and what they cost.

    Attributes:
        recipes: of the parts with a weight above 0, in the order of `fused.retrievers`.
        validation: ndcg@10 of the fused parts on the questions that chose the weights.
        seconds: of fitting and selecting. fit_seconds: of fitting the chosen parts once, without selecting.
        seconds_per_user: of answering one question.
    """

    fused: Fused
    recipes: tuple[Recipe, ...]
    validation: float
    seconds: float
    fit_seconds: float
    seconds_per_user: float


class Fitter:
    """One strict fit: parts on `interactions`, settings and weights on `validation`.

    While it looks for better parts it keeps back the time for weighing them and for answering the test.
    """

    def __init__(self, interactions: Interactions, validation: Questions, budget: Budget, *, seed: int) -> None:
        self.n_questions = len(validation)
        self.interactions, self.budget = interactions, budget
        rng = np.random.default_rng(seed)
        self.few, self.many = validation.sample(_SAMPLE, rng=rng), validation.sample(_WEIGHING, rng=rng)
        self.parts: list[tuple[Recipe, ItemToItem, float]] = []

    def fit(self, terms: ItemTerms | None) -> Fitted:
        """Graph, terms, paths, closed forms as far as time and memory allow; then the weights."""
        started = time.monotonic()
        self._graph()
        for recipe in term_recipes(terms):
            self._add(recipe)
        self._paths()
        self._reserve()
        closed = self._closed_forms()
        for place in closed:
            self._better_reg(place)
        for place in range(1, len(self.parts)):
            self._better_decay(place)
        return self._weigh(started)

    def _graph(self) -> None:
        """The transition graph, each setting in turn on validation, while a tenth of the budget lasts."""
        self.budget.say("transition graph: settings on validation")
        until = self.budget.spent + 0.1 * self.budget.left
        best = self._made(Transitions())
        top = self._ndcg(best[1])
        for field, values in GRAPH_GRID:
            for value in values:
                if self.budget.spent > until:
                    self.budget.left_out.append(f"transition graph: {field} {value} and what follows untried")
                    break
                setting: dict[str, Any] = {field: value}
                tried = self._made(replace(best[0], **setting))
                if (score := self._ndcg(tried[1])) > top + 1e-4:
                    best, top = tried, score
        self.parts.append(best)

    def _paths(self) -> None:
        graph = self.parts[0][0]
        if isinstance(graph, Transitions) and self.budget.allows("paths", 10.0 * self.parts[0][2] + 1.0, 0.3):
            self._add(Paths(graph.decay, graph.gap_power, graph.backward, graph.popularity_power, graph.window))

    def _reserve(self) -> None:
        """Time for the answers, twice that of a hundred of them by the parts so far: two parts may still come."""
        started = time.monotonic()
        _, _, _, n = gather_all(
            Fused([part[1] for part in self.parts]), self.few, before=started + 0.01 * self.budget.left, at_most=100
        )
        per_user = 2.0 * (time.monotonic() - started) / max(n, 1)
        self.budget.reserved = min(0.6 * self.budget.left, per_user * (self.n_questions + len(self.many)))

    def _closed_forms(self) -> list[int]:
        """Places of those that there was time and memory for."""
        n = self.interactions.n_items
        expected, places = dense_seconds(n), []
        for recipe in (Ridge(), Ease()):
            try:
                check_size(recipe.name, n, recipe.max_bytes)
            except ConfigError as error:
                self.budget.left_out.append(str(error))
                continue
            if self.budget.allows(recipe.name, expected, 0.6):
                places.append(len(self.parts))
                self._add(recipe)
        return places

    def _better_reg(self, place: int) -> None:
        """Another regularisation where the budget has room for it and for everything that follows."""
        recipe, retriever, seconds = self.parts[place]
        following = 3.0 * sum(part[2] for part in self.parts)
        if not isinstance(recipe, Ease | Ridge):
            return
        top = self._ndcg(retriever)
        for factor in (3.0, 1.0 / 3.0):
            while seconds + following < self.budget.left:
                tried = self._made(replace(recipe, reg=recipe.reg * factor))
                if (score := self._ndcg(tried[1])) <= top + 1e-4:
                    break
                (recipe, _, seconds), top = tried, score
                self.parts[place] = tried

    def _better_decay(self, place: int) -> None:
        """How fast a part's history fades, on validation: read at query time only, so nothing is fitted again.

        Not for the ridge regression, whose fit has it too. Takes at most a twentieth of what is left.
        """
        recipe, retriever, seconds = self.parts[place]
        if isinstance(recipe, Ridge):
            return
        until = self.budget.spent + 0.05 * self.budget.left
        top = self._ndcg(retriever)
        for decay in (value for value in DECAYS if value != recipe.decay):
            if self.budget.spent > until:
                break
            setting: dict[str, Any] = {"decay": decay}
            other: Recipe = replace(recipe, **setting)  # type: ignore[type-var] # every recipe is a frozen dataclass
            tried = ItemToItem.made(other, retriever.matrix_MM)
            if (score := self._ndcg(tried)) > top + 1e-4:
                self.parts[place], top = (other, tried, seconds), score

    def _add(self, recipe: Recipe) -> None:
        self.parts.append(self._made(recipe))

    def _made(self, recipe: R) -> tuple[R, ItemToItem, float]:
        self.budget.say(f"fitting {recipe.name}")
        started = time.monotonic()
        retriever = ItemToItem(recipe).fit(self.interactions)
        return recipe, retriever, time.monotonic() - started

    def _ndcg(self, retriever: ItemToItem) -> float:
        return mean_ndcg(full_ranks(retriever, self.few))

    def _weigh(self, started: float) -> Fitted:
        self.budget.say("weighing the parts on validation")
        self.budget.reserved = 0.0
        fused = Fused([part[1] for part in self.parts])
        began = time.monotonic()
        z_SF, items_S, owners_S, n = gather_all(fused, self.many, before=began + 0.25 * self.budget.left)
        per_user = (time.monotonic() - began) / max(n, 1)
        weights_F, top = choose_weights(z_SF, items_S, owners_S, self.many.targets_N[:n])
        kept = [place for place, weight in enumerate(weights_F) if weight > 0.0]
        chosen = Fused([fused.retrievers[i] for i in kept], weights_F[kept].tolist(), n_candidates=fused.n_candidates)
        recipes = tuple(self.parts[i][0] for i in kept)
        fit_seconds = sum(self.parts[i][2] for i in kept)
        return Fitted(chosen, recipes, top, time.monotonic() - started, fit_seconds, per_user)


def term_recipes(terms: ItemTerms | None) -> list[Recipe]:
    """A recipe for the words and one for the attributes, where there are any."""
    if terms is None:
        return []
    named = (("words", terms.words), ("attributes", terms.attributes))
    return [Terms(tf_idf(of_items), name=name) for name, of_items in named if any(of_items)]


def gather_all(
    fused: Fused, asked: Questions, *, before: float, at_most: int = 10**9
) -> tuple[Scores, NDArray[np.int64], NDArray[np.int64], int]:
    """Candidates of many histories below each other: z-scores (S, F), items (S,), owners (S,), and how many users.

    The users that remain at `before` (monotonic clock) are left out, the first is always in.
    """
    z, items, owners = [], [], []
    for user, history in enumerate(asked.histories):
        if user == at_most or (user and time.monotonic() > before):
            break
        found = fused.gather(history, exclude=history.items_L)
        z.append(found.z_CF)
        items.append(found.items_C)
        owners.append(np.full(len(found.items_C), user))
    if not z:
        return np.empty((0, len(fused.retrievers)), np.float32), np.empty(0, np.int64), np.empty(0, np.int64), 0
    return np.concatenate(z), np.concatenate(items), np.concatenate(owners), len(z)


def mean_ndcg(ranks: NDArray[np.int64], k: int = 10) -> float:
    """Mean ndcg@k where each user has one right answer."""
    return float(ndcg_at_k(hits_of_ranks(ranks, k), np.ones(len(ranks), np.int64), k).mean()) if len(ranks) else 0.0


def refit(recipes: Sequence[Recipe], weights: NDArray[np.float32], interactions: Interactions, budget: Budget) -> Fused:
    """The same parts with the same settings and weights on other interactions."""
    parts = []
    for recipe in recipes:
        budget.say(f"refitting {recipe.name}")
        parts.append(ItemToItem(recipe).fit(interactions))
    return Fused(parts, weights.tolist())


def dense_seconds(n_items: int, probe: int = 1200) -> float:
    """About how long a closed form over so many items takes on this machine now.

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
