"""Choosing what a release fuses, on held-out days: how fast each part's history fades, and each part's weight.

Legend: N judges, R retrievers.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from huaxiang.evaluation.parts import other_decays
from huaxiang.evaluation.teaching import Judge, teach
from huaxiang.pipeline import Pipeline
from huaxiang.pipeline.elsewhere import ELSEWHERE
from huaxiang.pipeline.scoring import padded, people_at_once
from huaxiang.pipeline.second import SecondStage
from huaxiang.profiles.fold import WEIGHTS
from huaxiang.profiles.state import from_micros
from huaxiang.retrieval.base import Retriever
from huaxiang.retrieval.fuse import Weighing, choose_weights, named
from huaxiang.retrieval.item_to_item import ItemToItem
from huaxiang.retrieval.lent import NAME as LENT
from huaxiang.retrieval.linear import Ridge
from huaxiang.types import ItemId

START: Final[Mapping[str, float]] = {"transitions": 1.0, "content": 0.2, "profile": 0.5, "popular": 0.1}
"""Weights of a shop that is too small to choose by."""

FOREIGN: Final = (LENT, ELSEWHERE)
"""Parts that rest on another shop."""

_MOST_JUDGES: Final = 600
_MOST_TEACHERS: Final = 4_000
_LEAST_JUDGES: Final = 20
_READ_AT_ONCE: Final = 50
_STRONG: Final = 3.0
_LEAST_POPULAR: Final = 0.005
"""Weight of what is popular where it does not help the people who judge: strangers are shown nothing else."""
_DECAYS_SHARE: Final = 0.3
"""Of the time; the ranker has the rest."""
_LEAST_GAIN: Final = 1e-4
_NAMED: Final = 100
"""Items that each retriever names; what none of them names is in no first ten."""


@dataclass(frozen=True, slots=True)
class Selected:
    """What was chosen, and the validation figures that chose it: they are no test.

    Attributes:
        decays: of the item-to-item parts, where another than the recipe's own was better.
        second: the learned ranker, where there were people to teach it and it helped.
    """

    weights: Mapping[str, float]
    decays: Mapping[str, float]
    figures: Mapping[str, Any]
    second: SecondStage | None = None


def select(
    trial: Pipeline, rows: pl.DataFrame, cut: int, rng: np.random.Generator, *, seconds: float = 60.0
) -> Selected:
    """Choose decays, then weights by coordinate ascent on ndcg@10 of what people took after `cut`, then whether a
    ranker that others have taught orders the best of them.

    What does not help gets no weight and is not named.

    Args:
        trial: fitted on what came before `cut` only.
        rows: interactions of the whole log.
        seconds: for the decays and for teaching the ranker.
    """
    later = Later.of(rows, cut, rng)
    judges = list(later.judges(trial))
    began = time.monotonic()  # reading the judges is no part of it
    if len(judges) < _LEAST_JUDGES:
        note = f"only {len(judges)} people to judge by; weights are the defaults"
        return Selected(START, {}, {"note": note})
    decays = choose_decays(trial, judges, began + _DECAYS_SHARE * seconds)
    chosen = trial.trying(_faded(trial.retrievers, decays))
    items = chosen.index.snapshot()
    names, weighing = laid_out(chosen.parts_of_each((judge.person for judge in judges), items), judges)
    weights_R, best, borrowed = _weights(names, weighing)
    figures = {
        "ndcg@10": best,
        "alone": {name: weighing.ndcg(alone_R) for name, alone_R in zip(names, np.eye(len(names)), strict=True)},
        "decays": dict(decays),
        "n_people": len(judges),
        "from": from_micros(cut).isoformat(),
    } | borrowed
    found = {name: round(float(weight), 4) for name, weight in zip(names, weights_R, strict=True) if weight > 0.0}
    weights = {"popular": _LEAST_POPULAR, **found}
    left = max(0.0, began + seconds - time.monotonic())
    lesson = teach(chosen.trying(chosen.retrievers, weights), weights, later.teachers(trial), judges, seconds=left)
    return Selected(weights, decays, figures | {"ranker": lesson.figures}, lesson.second)


def choose_decays(trial: Pipeline, judges: Sequence[Judge], ends: float) -> dict[str, float]:
    """For each item-to-item part the decay that finds most alone, where that is not its own; as far as there is time.

    Not for the ridge regression, whose fit has it too, nor for what another shop lends.

    Args:
        ends: on the monotonic clock.
    """
    found: dict[str, float] = {}
    for name, part in trial.retrievers.items():
        if not isinstance(part, ItemToItem) or name in (Ridge.name, LENT):
            continue
        best = _alone(trial, part, judges)
        for decay in other_decays(part.decay):
            if time.monotonic() > ends:
                return found
            if (score := _alone(trial, part.with_decay(decay), judges)) > best + _LEAST_GAIN:
                best, found[name] = score, decay
    return found


def _faded(retrievers: Mapping[str, Retriever], decays: Mapping[str, float]) -> dict[str, Retriever]:
    """The same parts, read with these decays."""
    return {
        name: part.with_decay(decays[name]) if name in decays and isinstance(part, ItemToItem) else part
        for name, part in retrievers.items()
    }


def _weights(names: Sequence[str], weighing: Weighing) -> tuple[NDArray[np.float64], float, dict[str, Any]]:
    """Weights of the R parts, their ndcg@10, and figures of what another shop lends: that is refused, without a weight,
    where its gain over the shop's own parts is within one standard error of nothing."""
    weights_R, best = choose_weights(weighing)
    own = [at for at, name in enumerate(names) if name not in FOREIGN]
    if len(own) == len(names):
        return weights_R, best, {}
    bare = weighing.only(own)
    bare_weights, without = choose_weights(bare)
    gain_N = weighing.ndcg_of_each(weights_R) - bare.ndcg_of_each(bare_weights)
    chance = float(gain_N.std(ddof=1) / np.sqrt(len(gain_N)))
    figures = {"ndcg@10": best, "without": without, "standard_error_of_gain": chance}
    if float(gain_N.mean()) > chance:
        return weights_R, best, {"warm_from": figures}
    alone_R = np.zeros(len(names))
    alone_R[own] = bare_weights
    note = "refused: what it gains is within one standard error of nothing"
    return alone_R, without, {"warm_from": figures | {"note": note}}


def laid_out(
    scored: Iterable[Mapping[str, NDArray[np.float32]]], judges: Sequence[Judge]
) -> tuple[tuple[str, ...], Weighing]:
    """Names of the R retrievers, and the best items by each of them of what may be shown, below each other.

    Memory: R numbers for each of at most 100 R items of a judge.
    """
    names: tuple[str, ...] = ()
    rows, right, owners = [], [], []
    for at, (parts, judge) in enumerate(zip(scored, judges, strict=True)):
        names = tuple(parts)
        scores_RM = np.stack(list(parts.values()))
        shut = np.flatnonzero(judge.barred_M)
        items_C = np.flatnonzero(named(scores_RM, _NAMED, [shut] * len(names)).any(axis=0))
        rows.append(scores_RM[:, items_C].T)
        right.append(np.isin(items_C, judge.relevant))
        owners.append(np.full(len(items_C), at))
    n_right_N = np.array([len(judge.relevant) for judge in judges])
    return names, Weighing(np.concatenate(rows), np.concatenate(right), np.concatenate(owners), n_right_N)


@dataclass(frozen=True, slots=True, eq=False)
class Later:
    """What people took after a moment, and who of them judges and who teaches; nobody does both.

    What counts as taken: bought, saved or put into the cart; for those who did neither, what they looked at.
    """

    taken: Mapping[str, list[ItemId]]
    judging: Sequence[str]
    teaching: Sequence[str]
    cut: int

    @classmethod
    def of(cls, rows: pl.DataFrame, cut: int, rng: np.random.Generator) -> "Later":
        """At most 600 people judge, drawn by chance; of the others, at most 4,000 teach."""
        taken = _taken(rows, cut)
        people = sorted(taken)
        drawn = rng.permutation(len(people))
        judging = [people[at] for at in np.sort(drawn[:_MOST_JUDGES])]
        return cls(taken, judging, [people[at] for at in drawn[_MOST_JUDGES:][:_MOST_TEACHERS]], cut)

    def judges(self, trial: Pipeline) -> Iterator[Judge]:
        """Those with a history before the moment."""
        return self._read(trial, self.judging)

    def teachers(self, trial: Pipeline) -> Iterator[Judge]:
        """The others, read as they are asked for."""
        return self._read(trial, self.teaching)

    def _read(self, trial: Pipeline, people: Sequence[str]) -> Iterator[Judge]:
        items, now = trial.index.snapshot(), from_micros(self.cut)
        for start in range(0, len(people), _READ_AT_ONCE):
            names = people[start : start + _READ_AT_ONCE]
            states = [trial.portraits.state(name, before=now) for name in names]
            for name, person in zip(names, trial.read_all(states, items, now=now, user_ids=names), strict=True):
                relevant = items.positions([item for item in self.taken[name] if item in trial.catalogue])
                relevant = relevant[relevant >= 0]
                if person.basis == "profile" and len(relevant):
                    yield Judge(person, relevant, ~trial.allowed(person, items))


def _taken(rows: pl.DataFrame, cut: int) -> dict[str, list[ItemId]]:
    strong = [event for event, weight in WEIGHTS.items() if weight >= _STRONG]
    later = rows.filter(pl.col("at") >= cut).with_columns(pl.col("event").is_in(strong).alias("strong"))
    later = later.filter(pl.col("strong") | ~pl.col("strong").any().over("person"))
    later = later.filter(~pl.col("person").str.starts_with("\x1f"))
    return dict(later.group_by("person").agg(pl.col("item_id").unique().sort()).iter_rows())


def _alone(trial: Pipeline, part: ItemToItem, judges: Sequence[Judge]) -> float:
    """ndcg@10 of one part."""
    m = len(trial.index.snapshot())
    at_once = people_at_once(m, 1)
    rows = (
        row_M
        for start in range(0, len(judges), at_once)
        for row_M in padded(part.scores([judge.person.history for judge in judges[start : start + at_once]]), m)
    )
    return laid_out(({part.name: row_M} for row_M in rows), judges)[1].ndcg(np.ones(1))
