"""The people of the simulated shop: what they like, which nobody sees but the simulator.

Legend: P people, L lines (sub-categories), B brands, T traits (attribute values), S style, D days, M items.
An account is a row below `n_users`; the rows after them are second people who share an account.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.demo.goods import STYLE_WIDTH, Goods
from huaxiang.demo.tables import Tables

SHARED_SHARE: Final = 0.1
BOT_SHARE: Final = 0.008
COLD_SHARE: Final = 0.08
SWITCH_SHARE: Final = 0.35
MEAN_VISITS_PER_DAY: Final = 0.125
PRICE_TOLERANCE: Final = 0.2
MOOD_MEMORY: Final = 0.9
"""Share of today's mood that is still there tomorrow; shocks fade as fast."""


@dataclass(frozen=True, slots=True)
class Shoppers:
    """Hidden states by row, shape `(P,)` unless said.

    Attributes:
        early, late: interest in each line before and after the drift, `(P, L)`, rows sum to 1.
        switch_day, switch_days: middle and width of the drift.
        brand_liking, trait_liking, style: what draws them, `(P, B)`, `(P, T)`, `(P, S)`.
        price_level: where in a line's price range they feel at home, 0 to 1.
        language: index in `LANGUAGES`; is_bilingual reads both.
        mood: `(P, D)`, written to by experiences while the days go by; read it clipped to [-1, 1].
        visits_per_day, joined: activity and first day.
        partner: row of the second person of the account, -1 for none.
    """

    n_users: int
    early: NDArray[np.float64]
    late: NDArray[np.float64]
    switch_day: NDArray[np.float64]
    switch_days: NDArray[np.float64]
    brand_liking: NDArray[np.float64]
    trait_liking: NDArray[np.float64]
    style: NDArray[np.float64]
    price_level: NDArray[np.float64]
    language: NDArray[np.int64]
    is_bilingual: NDArray[np.bool_]
    mood: NDArray[np.float64]
    visits_per_day: NDArray[np.float64]
    joined: NDArray[np.float64]
    is_bot: NDArray[np.bool_]
    partner: NDArray[np.int64]

    def interest(self, row: int, day: float) -> NDArray[np.float64]:
        """Interest in each line on a day; shape `(L,)`, sums to 1."""
        share = 1.0 / (1.0 + np.exp(-(day - self.switch_day[row]) / self.switch_days[row]))
        mixed: NDArray[np.float64] = (1.0 - share) * self.early[row] + share * self.late[row]
        return mixed

    def mood_on(self, row: int, day: float) -> float:
        """Mood on a day, in [-1, 1]."""
        column = min(max(int(day), 0), self.mood.shape[1] - 1)
        return float(np.clip(self.mood[row, column], -1.0, 1.0))

    def shock(self, row: int, day: float, size: float) -> None:
        """An experience that lifts or spoils the mood from its day on, fading."""
        first = int(day)
        rest = self.mood.shape[1] - first
        if rest > 0:
            self.mood[row, first:] += size * MOOD_MEMORY ** np.arange(rest)


def draw_shoppers(rng: np.random.Generator, tables: Tables, *, n_users: int, days: int) -> Shoppers:
    """Draw accounts, and a second person for the shared ones."""
    is_shared = rng.random(n_users) < SHARED_SHARE
    n_people = n_users + int(is_shared.sum())
    partner = np.full(n_users, -1, dtype=np.int64)
    partner[is_shared] = np.arange(n_users, n_people)
    early = np.array([_interest(rng, tables) for _ in range(n_people)])
    late, switch_day, switch_days = _drift(rng, tables, early, days)
    visits = MEAN_VISITS_PER_DAY * rng.lognormal(-0.5, 1.0, n_users)
    visits[rng.random(n_users) < COLD_SHARE] = 0.5 / days
    is_bot = np.zeros(n_users, dtype=np.bool_)  # at least one: a small shop has a bot too
    is_bot[rng.choice(np.flatnonzero(~is_shared), max(1, round(BOT_SHARE * n_users)), replace=False)] = True
    n_brands, n_traits = len(tables.brands), len(tables.trait_values)
    traits = rng.random((n_people, n_traits))
    return Shoppers(
        n_users=n_users,
        early=early,
        late=late,
        switch_day=switch_day,
        switch_days=switch_days,
        brand_liking=np.where(rng.random((n_people, n_brands)) < 0.15, 1.7, rng.normal(0, 0.3, (n_people, n_brands))),
        trait_liking=np.where(traits < 0.15, 1.2, np.where(traits > 0.92, -1.0, 0.0)),
        style=rng.normal(0, 1, (n_people, STYLE_WIDTH)),
        price_level=rng.beta(1.1, 1.1, n_people),
        language=(rng.random(n_people) < 0.55).astype(np.int64),
        is_bilingual=rng.random(n_people) < 0.2,
        mood=_mood(rng, n_people, days),
        visits_per_day=np.minimum(visits, 1.2),
        joined=np.where(rng.random(n_users) < 0.3, rng.uniform(0, days * 0.9, n_users), 0.0),
        is_bot=is_bot,
        partner=partner,
    )


def _interest(rng: np.random.Generator, tables: Tables) -> NDArray[np.float64]:
    """A few favourite families, a few lines of each, and a little of everything."""
    family_L = np.array([line.family for line in tables.lines])
    n_families = len(tables.families)
    favourites = rng.choice(n_families, size=int(rng.integers(2, 5)), replace=False)
    share_L = np.full(len(family_L), 0.1 / len(family_L))
    for family, weight in zip(favourites, rng.dirichlet(np.full(len(favourites), 1.5)), strict=True):
        own = np.flatnonzero(family_L == family)
        share_L[own] += 0.9 * weight * rng.dirichlet(np.full(len(own), 0.6))
    return share_L


def _drift(
    rng: np.random.Generator, tables: Tables, early: NDArray[np.float64], days: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Some change what they care about within days; the rest shift a little over the whole span."""
    n_people = len(early)
    is_switch = rng.random(n_people) < SWITCH_SHARE
    late = early * rng.lognormal(0, 0.35, early.shape)
    for row in np.flatnonzero(is_switch):
        late[row] = 0.25 * early[row] + 0.75 * _interest(rng, tables)
    late /= late.sum(axis=1, keepdims=True)
    switch_day = np.where(is_switch, rng.uniform(0.25 * days, 0.85 * days, n_people), days / 2)
    return late, switch_day, np.where(is_switch, 2.0, days / 4)


def _mood(rng: np.random.Generator, n_people: int, days: int) -> NDArray[np.float64]:
    usual = np.clip(rng.normal(0.12, 0.38, n_people), -0.8, 0.9)
    mood_PD = np.empty((n_people, days))
    swing = rng.normal(0, 0.25, n_people)
    for day in range(days):
        swing = MOOD_MEMORY * swing + rng.normal(0, 0.12, n_people)
        mood_PD[:, day] = usual + swing
    return mood_PD


def utility(people: Shoppers, goods: Goods) -> NDArray[np.float32]:
    """What each person gets from each item once they need its line; shape `(P, M)`, the price level left out.

    Brand, traits, style, quality, popularity and language; the price is added when its level is known (gifts differ).
    """
    taste_PM = people.brand_liking[:, goods.brand] + people.trait_liking @ goods.traits.T
    taste_PM += 0.7 * people.style @ goods.style.T
    taste_PM += 0.45 * goods.quality + 0.45 * goods.popularity
    foreign_PM = people.language[:, None] != goods.language[None, :]
    taste_PM -= foreign_PM * np.where(people.is_bilingual, 0.6, 2.6)[:, None]
    return taste_PM.astype(np.float32)


def price_comfort(goods: Goods, rows: NDArray[np.int64], level: float) -> NDArray[np.float64]:
    """Utility of the prices of items for one who feels at home at `level`; 0 at best."""
    misfit: NDArray[np.float64] = (goods.price_rank[rows] - level) / PRICE_TOLERANCE
    comfort: NDArray[np.float64] = -0.5 * misfit**2
    return comfort
