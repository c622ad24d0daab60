"""Numbers of a query against those of titles: 12 ft is not 8 ft, but 1 ft is 12 in.

Legend: S numbers of all titles below each other, C candidates.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.text.terms import UNITS, Word

_BASES: Final[dict[str, tuple[str, float]]] = {
    **{"in": ("length", 1.0), "ft": ("length", 12.0), "yd": ("length", 36.0)},
    **{"mm": ("length", 1 / 25.4), "cm": ("length", 1 / 2.54), "m": ("length", 100 / 2.54)},
    **{"oz": ("weight", 1.0), "lb": ("weight", 16.0), "g": ("weight", 1 / 28.3495), "kg": ("weight", 1000 / 28.3495)},
    **{"mg": ("weight", 0.001 / 28.3495), "qt": ("volume", 1.0), "pint": ("volume", 0.5), "gal": ("volume", 4.0)},
    **{"l": ("volume", 1.05669), "ml": ("volume", 0.00105669), "w": ("power", 1.0), "kw": ("power", 1000.0)},
    **{"mb": ("memory", 1.0), "gb": ("memory", 1024.0), "tb": ("memory", 1024.0**2)},
}
"""Units that measure one thing, and how many of its smallest they are."""
_THINGS: Final = {
    name: at for at, name in enumerate(dict.fromkeys(_BASES.get(unit, (unit, 0))[0] for unit in UNITS.values()))
}
_BARE: Final = -1
"""What a number without a unit measures."""
_NONE: Final = -2
"""Of the row that stands for a title without numbers."""
_SAME: Final = 0.006
"""Difference of logarithms up to which two amounts are one: 5.5 in is 140 mm."""
_NEAR: Final = 0.1
"""Difference of logarithms over which nearness falls to 1 / e."""
_MOST: Final = 4
"""Numbers of a query that are looked at."""


@dataclass(frozen=True, slots=True, eq=False)
class Quantities:
    """Numbers of one text; the first row stands for none.

    Attributes:
        things_S: what each measures. logs_S: logarithm of it in the smallest unit of that. bare_S: of the number as it
            is written.
    """

    things_S: NDArray[np.int32]
    logs_S: NDArray[np.float32]
    bare_S: NDArray[np.float32]


def quantities(words: Sequence[Word]) -> Quantities:
    """The numbers above 0 of a text."""
    rows = [(_NONE, 0.0, 0.0)]
    for word in words:
        if word.is_number and word.number > 0.0:
            thing, base = _BASES.get(word.unit, (word.unit, 1.0))
            bare = math.log(word.number)
            rows.append((_THINGS[thing] if word.unit else _BARE, bare + math.log(base), bare))
    things, logs, bares = zip(*rows, strict=True)
    return Quantities(np.array(things, np.int32), np.array(logs, np.float32), np.array(bares, np.float32))


def agreement(query: Quantities, titles: Sequence[Quantities]) -> NDArray[np.float32]:
    """Shares of the query's numbers, shape (C, 3): found in the title; contradicted, where the title measures the same
    thing otherwise; and how near the nearest of the same thing is, 1 where it is the same. Zeros where it asks for
    none.

    A number without a unit may be any number of the title, and contradicts none.
    """
    found_C3 = np.zeros((len(titles), 3), np.float32)
    n = min(len(query.things_S) - 1, _MOST)
    if not n or not titles:
        return found_C3
    things_S = np.concatenate([each.things_S for each in titles])
    logs_S = np.concatenate([each.logs_S for each in titles])
    bare_S = np.concatenate([each.bare_S for each in titles])
    starts_C = np.cumsum([0, *(len(each.things_S) for each in titles[:-1])])
    for at in range(1, n + 1):
        thing = query.things_S[at]
        if thing == _BARE:
            same_S = things_S != _NONE
            apart_S = np.abs(bare_S - query.bare_S[at])
        else:
            same_S = things_S == thing
            apart_S = np.abs(logs_S - query.logs_S[at])
            unnamed_S = things_S == _BARE
            apart_S = np.where(unnamed_S, np.abs(bare_S - query.bare_S[at]), apart_S)
        near_S = np.where(same_S, np.exp(-apart_S / _NEAR), 0.0)
        hit_S = (apart_S < _SAME) & (same_S | (things_S == _BARE))
        hit_C = np.maximum.reduceat(hit_S, starts_C)
        found_C3[:, 0] += hit_C
        if thing != _BARE:
            found_C3[:, 1] += np.maximum.reduceat(same_S, starts_C) & ~hit_C
        found_C3[:, 2] += np.maximum(np.maximum.reduceat(near_S, starts_C), hit_C)
    return found_C3 / np.float32(n)
