"""How surely people come back to what they met: it turns a share of a history into a chance.

Where a facet has the share s of what somebody met lately, it will have about the share r s of what they meet on their
next day. The ratio r is counted in the shop's own log, for each facet value, and drawn towards that of its group where
the value is rare. Without a release every r is 1, and the chances are shares that nobody has checked.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, Self

from huaxiang.errors import DataError, ReleaseError
from huaxiang.profiles.buying import BuyingAgain
from huaxiang.profiles.confidence import Confidence
from huaxiang.text.tags import PATH

Key = tuple[str, str]
"""Kind and value of a facet."""
Day = tuple[str, Mapping[Key, float], Mapping[Key, float]]
"""Whose it is, shares of facets in what they met before it, and in what they met on it."""

_FILE: Final = "recurrence.json"
_PRIOR: Final = 1.0
"""Whole histories that the ratio of the group weighs as."""
_FEWEST: Final = 5
"""People who met a value, for a ratio of its own."""


def group(key: Key) -> str:
    """Facets that are alike in how surely they are met again: of one kind, of categories those of one depth."""
    return f"category {key[1].count(PATH) + 1}" if key[0] == "category" else key[0]


def family(key: Key) -> str:
    """Groups whose sureness is learned together: attributes are many, and each is rare."""
    return "attribute" if key[0].startswith("attribute:") else group(key)


class Recurrence:
    """What a release learned of coming back: ratios of facets, how sure a facet is, who buys again. Immutable.

    Args:
        groups: by group. values: by facet, where it was met often enough. n_days: that they were counted on.
        confidence: how sure facets are. None: nobody has checked.
        buying_again: chance to buy again. None: nobody has found one that is better than recency alone.
    """

    def __init__(
        self,
        groups: Mapping[str, float] | None = None,
        values: Mapping[Key, float] | None = None,
        n_days: int = 0,
        *,
        confidence: Confidence | None = None,
        buying_again: BuyingAgain | None = None,
    ) -> None:
        self._groups, self._values = dict(groups or {}), dict(values or {})
        self.n_days = n_days
        self.confidence = confidence or Confidence()
        self.buying_again = buying_again

    def __len__(self) -> int:
        return len(self._values)

    def chance(self, key: Key, share: float) -> float:
        """Expected share of the facet in what is met on the next day, in [0, 1], after a share of what was met."""
        ratio = self._values.get(key)
        return min(1.0, max(0.0, share) * (self._groups.get(group(key), 1.0) if ratio is None else ratio))

    def chances(self, shares: Mapping[Key, float]) -> dict[Key, float]:
        """`chance` of every facet with a share above 0."""
        if not self._groups and not self._values:
            return {key: min(1.0, share) for key, share in shares.items() if share > 0.0}
        return {key: self.chance(key, share) for key, share in shares.items() if share > 0.0}

    @classmethod
    def learn(cls, seen: Iterable[Day]) -> Self:
        """Ratios from days, those of a person one after the other; see `Counts`."""
        counts = Counts()
        for day in seen:
            counts.add(day)
        return cls(*counts.ratios())

    def judged(self, confidence: Confidence | None, buying_again: BuyingAgain | None) -> "Recurrence":
        """The same ratios with what was found out by them."""
        return Recurrence(self._groups, self._values, self.n_days, confidence=confidence, buying_again=buying_again)

    def save(self, folder: Path) -> None:
        """Write into an existing folder."""
        said = {
            "n_days": self.n_days,
            "groups": self._groups,
            "values": [[*key, ratio] for key, ratio in self._values.items()],
            "confidence": self.confidence.to_json(),
            "buying_again": self.buying_again.to_json() if self.buying_again is not None else None,
        }
        (folder / _FILE).write_text(json.dumps(said, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote; of a release that was made before any of it was learned, as if nobody had checked.

        Raises:
            ReleaseError: the file is damaged.
        """
        path = folder / _FILE
        if not path.exists():
            return cls()
        try:
            said = json.loads(path.read_text("utf-8"))
            values = {(kind, value): float(ratio) for kind, value, ratio in said["values"]}
            again = said.get("buying_again")
            return cls(
                said["groups"],
                values,
                said["n_days"],
                confidence=Confidence.from_json(said.get("confidence", {})),
                buying_again=BuyingAgain.from_json(again) if again is not None else None,
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError, DataError) as error:
            raise ReleaseError(f"the ratios in {folder.name} cannot be read: {error}; train a new release") from error


class Counts:
    """Sums over days from which ratios are taken; a person's days come one after the other."""

    def __init__(self) -> None:
        self._before: dict[Key, float] = defaultdict(float)
        self._after: dict[Key, float] = defaultdict(float)
        self._people: dict[Key, set[str]] = defaultdict(set)
        self._n_days = 0

    def add(self, day: Day) -> None:
        """Count a day."""
        person, shares, came = day
        self._n_days += 1
        for key, share in shares.items():
            if share > 0.0:
                self._before[key] += share
                self._after[key] += came.get(key, 0.0)
                self._people[key].add(person)

    def ratios(self) -> tuple[dict[str, float], dict[Key, float], int]:
        """By group, by value, and the days that they were counted on.

        A value that fewer than five people met has the ratio of its group: what one person does is nobody's business.
        """
        masses: dict[str, float] = defaultdict(float)
        hits: dict[str, float] = defaultdict(float)
        for key, mass in self._before.items():
            masses[group(key)] += mass
            hits[group(key)] += self._after[key]
        groups = {name: hits[name] / mass for name, mass in masses.items()}
        known = (key for key, who in self._people.items() if len(who) >= _FEWEST)
        values = {key: (self._after[key] + _PRIOR * groups[group(key)]) / (self._before[key] + _PRIOR) for key in known}
        return groups, values, self._n_days
