"""Queries of simulated shoppers, judged by what each of them would choose: what search has to bring forward.

Legend: M items.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from huaxiang.demo.goods import Goods
from huaxiang.demo.tables import LANGUAGES
from huaxiang.demo.truth import Truth
from huaxiang.demo.visit import item_id
from huaxiang.errors import DataError

Kind = Literal["ambiguous", "narrow", "exact"]

GRADES: Final = ((0.1, 3.0), (0.3, 2.0), (1.0, 1.0))
"""Of the items that a query means: the tenth that the shopper would most likely choose has grade 3, the next fifth 2,
the others 1."""
_FEWEST: Final = 8
"""Items that an ambiguous query must mean: of fewer there is nothing to choose among the first ten."""


@dataclass(frozen=True, slots=True)
class JudgedQuery:
    """A query of a shopper.

    Attributes:
        kind: `ambiguous` names a kind of thing, `narrow` also a trait or a brand, `exact` one item.
        grades: of the items that it means, by id; all others have 0.
    """

    user_id: str
    query: str
    kind: Kind
    grades: Mapping[str, float]


def judged_queries(
    truth: Truth, users: Sequence[str], *, at: datetime, rng: np.random.Generator, n_each: int = 2
) -> list[JudgedQuery]:
    """For each user as many queries of each kind as `n_each`, drawn by what they would choose.

    Raises:
        DataError: nothing is on sale at that moment.
    """
    found: list[JudgedQuery] = []
    goods, day = truth.goods, truth.day(at)
    here_M = (goods.born < day) & (goods.gone > day)
    if not here_M.any():
        raise DataError(f"nothing is on sale at {at.isoformat()}; choose a moment within the simulated days")
    for user in users:
        chance_M = truth.choices(user, at=at) * here_M
        language = LANGUAGES.index(truth.language(user))
        for _ in range(n_each):
            wanted = int(rng.choice(len(chance_M), p=chance_M / chance_M.sum()))
            found += _of_one(user, wanted, goods, chance_M, here_M, language)
    return found


def _of_one(
    user: str, wanted: int, goods: Goods, chance_M: NDArray[np.float64], here_M: NDArray[np.bool_], language: int
) -> list[JudgedQuery]:
    """The queries that a shopper who wants an item may type, from the widest to the narrowest."""
    kind_M = here_M & (goods.line == goods.line[wanted]) & (goods.kind == goods.kind[wanted])
    words = goods.tables.lines[int(goods.line[wanted])].kinds[int(goods.kind[wanted])][language]
    queries = []
    if kind_M.sum() >= _FEWEST:
        queries.append(JudgedQuery(user, _typed(words, language), "ambiguous", _graded(kind_M, chance_M)))
    traits = np.flatnonzero(goods.traits[wanted])
    if len(traits):
        said = goods.tables.trait_values[int(traits[0])][1][language]
        both_M = kind_M & (goods.traits[:, traits[0]] > 0)
        queries.append(JudgedQuery(user, _typed(f"{said} {words}", language), "narrow", _graded(both_M, chance_M)))
    name = str(goods.payloads[wanted]["name"])
    queries.append(JudgedQuery(user, name, "exact", {item_id(wanted): 3.0}))
    return queries


def _typed(words: str, language: int) -> str:
    return words if LANGUAGES[language] == "zh" else words.lower()


def _graded(meant_M: NDArray[np.bool_], chance_M: NDArray[np.float64]) -> dict[str, float]:
    rows = np.flatnonzero(meant_M)
    order = rows[np.argsort(-chance_M[rows], kind="stable")]
    grades: dict[str, float] = {}
    for share, grade in GRADES:
        for row in order[: max(1, round(share * len(order)))]:
            grades.setdefault(item_id(int(row)), grade)
    return grades
