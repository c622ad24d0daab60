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

from huaxiang.errors import ReleaseError
from huaxiang.text.tags import PATH

Key = tuple[str, str]
"""Kind and value of a facet."""

_FILE: Final = "recurrence.json"
_PRIOR: Final = 1.0
"""Whole histories that the ratio of the group weighs as."""
_FEWEST: Final = 5
"""People who met a value, for a ratio of its own."""


def group(key: Key) -> str:
    """Facets that are alike in how surely they are met again: of one kind, of categories those of one depth."""
    return f"category {key[1].count(PATH) + 1}" if key[0] == "category" else key[0]


class Recurrence:
    """Ratios of a shop's facets. Immutable.

    Args:
        groups: by group. values: by facet, where it was met often enough. n_days: that they were counted on.
    """

    def __init__(
        self, groups: Mapping[str, float] | None = None, values: Mapping[Key, float] | None = None, n_days: int = 0
    ) -> None:
        self._groups, self._values = dict(groups or {}), dict(values or {})
        self.n_days = n_days

    def __len__(self) -> int:
        return len(self._values)

    def chance(self, key: Key, share: float) -> float:
        """Expected share of the facet in what is met on the next day, in [0, 1], after a share of what was met."""
        ratio = self._values.get(key)
        return min(1.0, max(0.0, share) * (self._groups.get(group(key), 1.0) if ratio is None else ratio))

    @classmethod
    def learn(cls, seen: Iterable[tuple[str, Mapping[Key, float], Mapping[Key, float]]]) -> Self:
        """From days: whose it is, shares of facets in what they met before it, and in what they met on it.

        A value that fewer than five people met has the ratio of its group: what one person does is nobody's business.

        Args:
            seen: the days of a person one after the other.
        """
        before: dict[Key, float] = defaultdict(float)
        after: dict[Key, float] = defaultdict(float)
        people: dict[Key, set[str]] = defaultdict(set)
        n_days = 0
        for person, shares, came in seen:
            n_days += 1
            for key, share in shares.items():
                if share > 0.0:
                    before[key] += share
                    after[key] += came.get(key, 0.0)
                    people[key].add(person)
        masses: dict[str, float] = defaultdict(float)
        hits: dict[str, float] = defaultdict(float)
        for key, mass in before.items():
            masses[group(key)] += mass
            hits[group(key)] += after[key]
        groups = {name: hits[name] / mass for name, mass in masses.items()}
        known = (key for key, who in people.items() if len(who) >= _FEWEST)
        values = {key: (after[key] + _PRIOR * groups[group(key)]) / (before[key] + _PRIOR) for key in known}
        return cls(groups, values, n_days)

    def save(self, folder: Path) -> None:
        """Write into an existing folder."""
        said = {
            "n_days": self.n_days,
            "groups": self._groups,
            "values": [[*key, ratio] for key, ratio in self._values.items()],
        }
        (folder / _FILE).write_text(json.dumps(said, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote; ratios of 1 for a release that was made before there were any.

        Raises:
            ReleaseError: the file is damaged.
        """
        path = folder / _FILE
        if not path.exists():
            return cls()
        try:
            said = json.loads(path.read_text("utf-8"))
            values = {(kind, value): float(ratio) for kind, value, ratio in said["values"]}
            return cls(said["groups"], values, said["n_days"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ReleaseError(f"the ratios in {folder.name} cannot be read: {error}; train a new release") from error
