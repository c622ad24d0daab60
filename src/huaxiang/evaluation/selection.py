"""Choosing what a release fuses, on held-out days: how fast the graph forgets, and each retriever's weight.

Legend: M items, N judges, R retrievers.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from huaxiang.measure.metrics import ndcg_at_k
from huaxiang.pipeline import Person, Pipeline
from huaxiang.profiles.fold import WEIGHTS
from huaxiang.profiles.state import from_micros
from huaxiang.retrieval.item_to_item import ItemToItem
from huaxiang.types import ItemId

START: Final[Mapping[str, float]] = {"transitions": 1.0, "content": 0.2, "profile": 0.5, "popular": 0.1}
"""Weights of a shop that is too small to choose by."""

DECAYS: Final = (0.7, 0.9, 1.0)
"""How much of an item's say is left for each item met after it; 1.0 leaves forgetting to the calendar."""

_GRID: Final = (0.0, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0)
_MOST_JUDGES: Final = 600
_LEAST_JUDGES: Final = 20
_STRONG: Final = 3.0
_K: Final = 10


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


@dataclass(frozen=True, slots=True)
class Selected:
    """What was chosen, and the validation figures that chose it: they are no test."""

    weights: Mapping[str, float]
    decay: float
    figures: Mapping[str, Any]


def select(trial: Pipeline, rows: pl.DataFrame, cut: int, rng: np.random.Generator) -> Selected:
    """Choose the graph's decay, then weights by coordinate ascent on ndcg@10 of what people took after `cut`.

    Args:
        trial: fitted on what came before `cut` only.
        rows: interactions of the whole log.
    """
    judges = judges_of(trial, rows, cut, rng)
    graph = trial.retrievers["transitions"]
    if len(judges) < _LEAST_JUDGES or not isinstance(graph, ItemToItem):
        note = f"only {len(judges)} people to judge by; weights are the defaults"
        return Selected(START, DECAYS[0], {"note": note})
    by_decay = {decay: _graph_alone(trial, graph.with_decay(decay), judges) for decay in DECAYS}
    decay = max(DECAYS, key=lambda decay: by_decay[decay])
    chosen = trial.with_retrievers({**trial.retrievers, "transitions": graph.with_decay(decay)})
    scored = [_scored(chosen, judge) for judge in judges]
    weights, best = ascend(lambda weights: _ndcg(scored, judges, weights), START, names=tuple(scored[0]))
    alone = {name: _ndcg(scored, judges, {name: 1.0}) for name in scored[0]}
    figures = {
        "ndcg@10": best,
        "alone": alone,
        "decay": {str(decay): value for decay, value in by_decay.items()},
        "n_people": len(judges),
        "from": from_micros(cut).isoformat(),
    }
    return Selected(weights, decay, figures)


def judges_of(trial: Pipeline, rows: pl.DataFrame, cut: int, rng: np.random.Generator) -> list[Judge]:
    """At most 600 people with a history before `cut` who took something after it.

    What counts as taken: bought, saved or put into the cart; for those who did neither, what they looked at.
    """
    taken = _taken(rows, cut)
    people = sorted(taken)
    if len(people) > _MOST_JUDGES:
        people = [people[at] for at in np.sort(rng.choice(len(people), _MOST_JUDGES, replace=False))]
    items, now = trial.index.snapshot(), from_micros(cut)
    found = []
    for name in people:
        state = trial.portraits.state(name, before=now)
        person = trial.read(state, items, now=now)
        relevant = items.positions([item for item in taken[name] if item in trial.catalogue])
        relevant = relevant[relevant >= 0]
        if person.basis == "profile" and len(relevant):
            found.append(Judge(person, relevant, ~trial.allowed(person, items)))
    return found


def _taken(rows: pl.DataFrame, cut: int) -> dict[str, list[ItemId]]:
    strong = [event for event, weight in WEIGHTS.items() if weight >= _STRONG]
    later = rows.filter(pl.col("at") >= cut).with_columns(pl.col("event").is_in(strong).alias("strong"))
    later = later.filter(pl.col("strong") | ~pl.col("strong").any().over("person"))
    later = later.filter(~pl.col("person").str.starts_with("\x1f"))
    return dict(later.group_by("person").agg(pl.col("item_id").unique().sort()).iter_rows())


def _graph_alone(trial: Pipeline, graph: ItemToItem, judges: Sequence[Judge]) -> float:
    m = len(trial.index.snapshot())
    scored = []
    for judge in judges:
        scores_M = np.zeros(m, np.float32)
        scores_M[: graph.n_items] = graph.scores([judge.person.history])[0]
        scored.append({"transitions": scores_M})
    return _ndcg(scored, judges, {"transitions": 1.0})


def _scored(trial: Pipeline, judge: Judge) -> dict[str, NDArray[np.float32]]:
    return trial.parts(judge.person, trial.index.snapshot())


def ascend(
    value_of: Callable[[Mapping[str, float]], float], start: Mapping[str, float], *, names: Sequence[str]
) -> tuple[dict[str, float], float]:
    """Coordinate ascent over a small grid, two rounds; the smaller weight wins a tie."""
    weights, best = dict(start), value_of(start)
    for _ in range(2):
        for name in names:
            values = {weight: value_of(weights | {name: weight}) for weight in _GRID}
            weight = max(_GRID, key=lambda weight: (values[weight], -weight))
            if values[weight] > best:
                weights[name], best = weight, values[weight]
    return weights, best


def _ndcg(
    scored: Sequence[Mapping[str, NDArray[np.float32]]], judges: Sequence[Judge], weights: Mapping[str, float]
) -> float:
    hits_NK = np.zeros((len(judges), _K), dtype=np.bool_)
    for row, (parts, judge) in enumerate(zip(scored, judges, strict=True)):
        fused_M = np.zeros(len(judge.barred_M), np.float32)
        for name, scores_M in parts.items():
            if weights.get(name):
                fused_M += np.float32(weights[name]) * scores_M
        fused_M[judge.barred_M] = -np.inf
        top = np.argpartition(-fused_M, _K)[:_K] if len(fused_M) > _K else np.arange(len(fused_M))
        top = top[np.lexsort((top, -fused_M[top]))]
        hits_NK[row, : len(top)] = np.isin(top, judge.relevant) & ~judge.barred_M[top]
    return float(ndcg_at_k(hits_NK, np.array([len(judge.relevant) for judge in judges]), _K).mean())
