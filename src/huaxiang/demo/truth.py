"""The hidden truth of a simulated shop: what a profile should have found out.

Legend: P people, M items, L lines (sub-categories), B brands, T traits (attribute values).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.demo.diary import Written
from huaxiang.demo.goods import Goods
from huaxiang.demo.shoppers import Shoppers, price_comfort
from huaxiang.demo.tables import LANGUAGES
from huaxiang.demo.visit import DAY, Goal, World, item_id, user_id
from huaxiang.errors import DataError

BANDS: Final = ("low", "middle", "high")
SHARPNESS: Final = 1.5
"""How sharply utility decides between the items of a line; the clicks of the simulator use the same."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What each shopper is like, at any moment, and which events say nothing of it.

    A hidden second person of a shared account is not part of the account's truth.

    Attributes:
        noise: event id to the kind of noise: bot, shared_account, gift, no_login, popularity, position, misclick,
            missing_attributes or typo. Events that are not in it are honest.
        actor: event id to the account that did it, where the payload does not say so (no log-in); absent for a
            second person on a shared account.
        tone: event id of a text to the polarity in [-1, 1] it was written in.
        bots, shared: user ids.
        goals: session id to what the visit was for; gifts, window shopping and follow-ups are not drawn from interest.
    """

    start: datetime
    noise: Mapping[str, str]
    actor: Mapping[str, str]
    tone: Mapping[str, float]
    bots: frozenset[str]
    shared: frozenset[str]
    people: Shoppers
    goods: Goods
    taste: NDArray[np.float32]
    goals: Mapping[str, Goal]
    rows: Mapping[str, int]

    @classmethod
    def of(cls, world: World, written: Written, *, start: datetime) -> "Truth":
        """The truth of a finished simulation."""
        people = world.people
        actor = {
            str(event["event_id"]): user_id(written.person[event["event_id"]])
            for event in written.events
            if "user_id" not in event and written.person[event["event_id"]] < people.n_users
        }
        return cls(
            start=start,
            noise=written.noise,
            actor=actor,
            tone=written.tone,
            bots=frozenset(user_id(int(row)) for row in np.flatnonzero(people.is_bot)),
            shared=frozenset(user_id(int(row)) for row in np.flatnonzero(people.partner >= 0)),
            people=people,
            goods=world.goods,
            taste=world.taste,
            goals=world.goals,
            rows={user_id(row): row for row in range(people.n_users)},
        )

    @property
    def users(self) -> tuple[str, ...]:
        """All accounts, bots too."""
        return tuple(self.rows)

    def day(self, at: datetime) -> float:
        """Days since the start."""
        return (at - self.start).total_seconds() / DAY

    def interests(self, user: str, *, at: datetime) -> dict[str, float]:
        """Interest in each category path, top (`"A"`) and sub (`"A > B"`); each level sums to 1."""
        share_L = self.people.interest(self._row(user), self.day(at))
        tables = self.goods.tables
        paths: dict[str, float] = {}
        for line, share in enumerate(share_L):
            family = tables.family_path(tables.lines[line].family)
            paths[family] = paths.get(family, 0.0) + float(share)
            paths[tables.line_path(line)] = float(share)
        return paths

    def choices(self, user: str, *, at: datetime) -> NDArray[np.float64]:
        """How likely each item of the catalogue is what the shopper would choose next; shape `(M,)`, sums to 1.

        The line by interest, the item within it by utility: what the simulator does, without lists and places.
        """
        row, goods = self._row(user), self.goods
        rows_M = np.arange(len(goods.line))
        worth_M = self.taste[row] + price_comfort(goods, rows_M, float(self.people.price_level[row]))
        pull_M = np.exp(SHARPNESS * (worth_M - worth_M.max()))
        day = self.day(at)
        pull_M = pull_M * ((goods.born <= day) & (goods.gone > day))
        share_L = self.people.interest(row, day)
        total_L = np.bincount(goods.line, weights=pull_M, minlength=len(share_L))
        chosen: NDArray[np.float64] = pull_M * (share_L / np.maximum(total_L, 1e-12))[goods.line]
        shares: NDArray[np.float64] = chosen / chosen.sum()
        return shares

    def brands(self, user: str, *, at: datetime) -> dict[str, float]:
        """How likely the next choice is of each brand; sums to 1."""
        names = [brand.name for brand in self.goods.tables.brands]
        share_B = np.bincount(self.goods.brand, weights=self.choices(user, at=at), minlength=len(names))
        return dict(zip(names, share_B.tolist(), strict=True))

    def attributes(self, user: str, *, at: datetime) -> dict[int, float]:
        """How much more likely than chance an attribute value is in the next choice, for the values that are liked.

        By column of the attribute value (`concept`): the same value in two languages is one.
        """
        row, goods = self._row(user), self.goods
        present_T = self.choices(user, at=at) @ goods.traits
        liking_T = self.people.trait_liking[row]
        return {int(t): float(present_T[t] * liking_T[t]) for t in np.flatnonzero(liking_T > 0) if present_T[t] > 0}

    def concept(self) -> dict[tuple[str, str], int]:
        """Attribute name and value, as items write them in either language, to the column of the value."""
        return {
            (name[language], value[language]): column
            for column, (name, value) in enumerate(self.goods.tables.trait_values)
            for language in range(len(LANGUAGES))
        }

    def price_level(self, user: str) -> float:
        """Where in the price range of a sub-category the shopper is at home, 0 to 1."""
        return float(self.people.price_level[self._row(user)])

    def price_band(self, user: str) -> str:
        """The third of the range that the price level lies in: low, middle or high."""
        return BANDS[min(2, int(3 * self.price_level(user)))]

    def language(self, user: str) -> str:
        """The language the shopper writes and prefers, `"en"` or `"zh"`."""
        return LANGUAGES[int(self.people.language[self._row(user)])]

    def mood(self, user: str, *, at: datetime) -> float:
        """Mood in [-1, 1], by the day."""
        return self.people.mood_on(self._row(user), self.day(at) - 1e-9)

    def item_row(self) -> dict[str, int]:
        """Item id to its row in the columns of `goods`."""
        return {item_id(row): row for row in range(len(self.goods.line))}

    def _row(self, user: str) -> int:
        if user not in self.rows:
            raise DataError(
                f"user {user!r} is not in this simulated shop; its users are u0001 to {list(self.rows)[-1]}"
            )
        return self.rows[user]
