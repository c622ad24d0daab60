"""A query in one spelling, and what is known of one that enough people typed."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from pydantic import BaseModel, Field

from huaxiang.types import ItemId

MOST_CHARACTERS: Final = 100
"""Of a query in one spelling; what is longer is cut."""


class QueryLogConfig(BaseModel, frozen=True, extra="forbid"):
    """How queries are counted, and how much of them is kept.

    Attributes:
        floor: people who must have typed a query before it is told of or learned from.
        half_life_days: after which a search counts half.
        click_half_life_days: after which what was shown and clicked counts half.
        session_minutes: for how long a search explains what is done without naming a query or a request.
        most_queries: kept, the rarest go first; most_items: of a query, those that are liked least go.
        most_searches, most_cells: rows in memory, of 36 and 42 bytes; of the searches the oldest go, of the cells (an
            item at a place of a query's lists) those of the rarest queries.
        most_days: an older search is not counted.
    """

    floor: int = Field(default=5, ge=1)
    half_life_days: float = Field(default=30.0, gt=0)
    click_half_life_days: float = Field(default=90.0, gt=0)
    session_minutes: float = Field(default=30.0, gt=0)
    most_queries: int = Field(default=200_000, ge=1)
    most_items: int = Field(default=50, ge=1)
    most_searches: int = Field(default=2_000_000, ge=1)
    most_cells: int = Field(default=2_000_000, ge=1)
    most_days: float = Field(default=365.0, gt=0)


@dataclass(frozen=True, slots=True)
class AskedQuery:
    """A query that enough people typed.

    Attributes:
        text: in the spelling of `one_spelling`.
        people: how many different people typed it in the last year.
        weight: searches, each person's of a day counted once, halved for every thirty days before the log's newest day.
        items: how much those who looked at an item after this query liked it, in (0, 1]: 1 is bought by everyone who
            looked, a quarter clicked by everyone; best first, at most fifty, of those that were clicked.
        clicks: behind `items`, halved for every ninety days.
        total: items that the shop said it had found, the last time; None where it never said.
    """

    text: str
    people: int
    weight: float
    last_asked: datetime
    items: Mapping[ItemId, float] = field(default_factory=dict)
    clicks: float = 0.0
    total: int | None = None


def one_spelling(text: str) -> str:
    """A query as all its spellings are counted: NFKC, case folded, blanks collapsed, at most 100 characters.

    Never raises; a text in one spelling is its own.
    """
    folded = text
    for _ in range(3):  # folding can bring letters that NFKC composes, and the other way round
        again = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", folded).casefold())
        if again == folded:
            break
        folded = again
    return " ".join(folded.split())[:MOST_CHARACTERS].rstrip()
