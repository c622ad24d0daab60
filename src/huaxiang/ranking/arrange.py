"""The last step before a page is shown: the shop's rules, variety, and regard for a person's mood.

Legend: P items of the pool (the best by score that may be shown, best first), D width, K places of the page.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.errors import ConfigError
from huaxiang.ranking.rules import compile_filter
from huaxiang.types import Item, ItemId

POOL: Final = 500
"""Items that rules and variety choose from: what stands behind them cannot be lifted onto the page."""
_DEAR: Final = 1.1
"""Times what a person usually looks at: dearer is an upsell."""
_HELD_BACK: Final = 2.0
"""Standard deviations of the pool's scores that an upsell loses in a low mood: what is nearly as good and no dearer
comes first, and something altogether different does not."""


@dataclass(frozen=True, slots=True)
class Boost:
    """Lifts (or lowers) what a filter matches, in standard deviations of the pool's scores."""

    where: Callable[[Item], bool]
    weight: float


@dataclass(frozen=True, slots=True)
class Pin:
    """An item at a place of the page, from 1, for everybody to whom it may be shown."""

    item_id: ItemId
    place: int


@dataclass(frozen=True, slots=True)
class Rules:
    """What the shop asks of every page.

    Attributes:
        diversity: 0 is by score alone, 1 by difference alone; a request may ask for another.
        calm_below: polarity of a mood below which nothing is promoted and what is dearer than usual is held back.
    """

    boosts: tuple[Boost, ...] = ()
    pins: tuple[Pin, ...] = ()
    diversity: float = 0.0
    calm_below: float = -0.15

    @classmethod
    def of(
        cls,
        boosts: Sequence[Mapping[str, Any]] = (),
        pinned: Sequence[Mapping[str, Any]] = (),
        diversity: float = 0.0,
        calm_below: float = -0.15,
    ) -> "Rules":
        """From plain settings: `{where, weight}` and `{item_id, place}`.

        Raises:
            ConfigError: two pins share a place. DataError: a filter of another form.
        """
        made = tuple(Pin(str(pin["item_id"]), int(pin["place"])) for pin in pinned)
        places = [pin.place for pin in made]
        if twice := [place for place in places if places.count(place) > 1]:
            raise ConfigError(f"ranking.pinned: two items want place {twice[0]}; give each its own")
        lifted = tuple(Boost(compile_filter(boost["where"]), float(boost["weight"])) for boost in boosts)
        return cls(lifted, tuple(sorted(made, key=lambda pin: pin.place)), diversity, calm_below)


def boosted(scores_P: NDArray[np.float64], pool: Sequence[Item | None], boosts: Sequence[Boost]) -> NDArray[np.float64]:
    """Scores with every boost that matches, shape (P,)."""
    spread = float(scores_P.std()) if len(scores_P) else 0.0
    added_P = np.zeros(len(scores_P))
    for boost in boosts:
        added_P += boost.weight * np.array([item is not None and boost.where(item) for item in pool], dtype=np.float64)
    return np.asarray(scores_P + added_P * (spread or 1.0))


def varied(scores_P: NDArray[np.float64], vectors_PD: NDArray[np.float32], k: int, diversity: float) -> list[int]:
    """The first `k` places of the pool by maximal marginal relevance (Carbonell & Goldstein 1998).

    Each next item has the highest `(1 - diversity) * score - diversity * cosine`, the score laid between 0 and 1 over
    the pool, the cosine to the nearest item that was taken before; ties go to the better score.
    """
    width = float(np.ptp(scores_P)) if len(scores_P) else 0.0
    worth_P = (1.0 - diversity) * (scores_P - scores_P.min(initial=np.inf)) / (width or 1.0)
    nearest_P = np.zeros(len(scores_P))
    left_P = np.ones(len(scores_P), dtype=np.bool_)
    taken: list[int] = []
    while len(taken) < min(k, len(scores_P)):
        best = int(np.argmax(np.where(left_P, worth_P - diversity * nearest_P, -np.inf)))
        taken.append(best)
        left_P[best] = False
        nearest_P = np.maximum(nearest_P, vectors_PD @ vectors_PD[best])
    return taken


def pinned(order: Sequence[int], at_place: Mapping[int, int], k: int) -> list[int]:
    """An order with some items at places of their own, from 1; the others keep theirs among themselves."""
    rest = [at for at in order if at not in at_place.values()]
    page: list[int] = []
    while len(page) < k:
        at = at_place.get(len(page) + 1)
        if at is None:
            if not rest:
                break
            at = rest.pop(0)
        page.append(at)
    return page


def dear(pool: Sequence[Item | None], usual: Sequence[Item | None]) -> NDArray[np.bool_]:
    """Which of the pool cost more than a tenth above what three of four of a person's items cost, shape (P,).

    Only prices in one currency are compared; an item without a price is not dear.
    """
    prices: dict[str | None, list[float]] = {}
    for item in usual:
        if item is not None and item.price is not None:
            prices.setdefault(item.currency, []).append(item.price)
    ceilings = {currency: _DEAR * float(np.quantile(of_currency, 0.75)) for currency, of_currency in prices.items()}
    return np.array(
        [
            item is not None and item.price is not None and item.price > ceilings.get(item.currency, np.inf)
            for item in pool
        ],
        dtype=np.bool_,
    )


@dataclass(frozen=True, slots=True)
class Arranger:
    """How one page is arranged: the rules in force, and whether the person is to be left in peace."""

    rules: Rules
    diversity: float
    calm: bool

    @classmethod
    def of(cls, rules: Rules, diversity: float | None, polarity: float | None) -> "Arranger":
        """For a request and a mood; in a low mood nothing is promoted."""
        wanted = rules.diversity if diversity is None else diversity
        if polarity is not None and polarity < rules.calm_below:
            return cls(Rules(calm_below=rules.calm_below), wanted, calm=True)
        return cls(rules, wanted, calm=False)

    @property
    def by_score_alone(self) -> bool:
        """Whether there is nothing to arrange."""
        return not (self.rules.boosts or self.rules.pins or self.diversity > 0.0 or self.calm)

    def notes(self, page: Collection[ItemId]) -> tuple[str, ...]:
        """What moved items of a page, for the answer; a pin that may not be shown moved nothing."""
        said = []
        if self.rules.boosts:
            said.append(f"boosts: {len(self.rules.boosts)}")
        if shown := [pin.item_id for pin in self.rules.pins if pin.item_id in page]:
            said.append(f"pinned: {', '.join(shown)}")
        if self.diversity > 0.0:
            said.append(f"diversity: {self.diversity:g}")
        if self.calm:
            said.append("calm: nothing is promoted, what is dearer than usual is held back")
        return tuple(said)

    def order(
        self,
        scores_P: NDArray[np.float64],
        pool: Sequence[Item | None],
        vectors_PD: NDArray[np.float32],
        k: int,
        *,
        usual: Sequence[Item | None] = (),
        pins: Mapping[int, int] | None = None,
    ) -> list[int]:
        """Places in the pool of the page's items.

        Args:
            pool: best first, any that are pinned among them. usual: what the person looked at or bought.
            pins: place on the page, from 1, to place in the pool.
        """
        scores_P = boosted(scores_P, pool, self.rules.boosts)
        if self.calm:
            spread = float(scores_P.std()) if len(scores_P) else 0.0
            scores_P = scores_P - _HELD_BACK * (spread or 1.0) * dear(pool, usual)
        if self.diversity > 0.0:
            first = varied(scores_P, vectors_PD, k, self.diversity)
        else:
            first = np.argsort(-scores_P, kind="stable")[:k].tolist()
        return pinned(first, pins or {}, k)
