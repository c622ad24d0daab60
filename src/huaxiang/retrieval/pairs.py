"""From the log to pairs of a text and the item that was met next: what contrastive fine-tuning learns from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from huaxiang.retrieval.log import TrainingLog
from huaxiang.text.wording import history_text
from huaxiang.types import Item, ItemId

_MOST_PAIRS: Final = 30_000
_RECENT_ITEMS: Final = 20
_RECENT_QUERIES: Final = 5


@dataclass(frozen=True, slots=True)
class NextItems:
    """What contrastive fine-tuning learns from.

    Attributes:
        people: the person of each pair.
        pairs: what came before, as text, and the index of the item that they met next.
        before: indices of the items in that history, newest first; none where the text is a query.
    """

    people: list[str]
    pairs: list[tuple[str, int]]
    before: list[tuple[int, ...]]


def next_item_pairs(
    log: TrainingLog, items: Sequence[Item], rng: np.random.Generator, *, before: int | None = None
) -> NextItems:
    """A person's history as text, and the item that they met next: at most 30,000 pairs, drawn evenly.

    The text is worded as serving words it: the newest items and the newest queries of that moment.
    """
    place = {item.item_id: at for at, item in enumerate(items)}
    met = log.interactions.filter(pl.col("item_id").is_in(list(place))).select("person", "at", "item_id")
    both = pl.concat([met, log.searches], how="diagonal").sort("at", maintain_order=True)
    if before is not None:
        both = both.filter(pl.col("at") < before)
    spots: list[tuple[str, list[ItemId], list[str], ItemId]] = []
    for person, names, queries in both.group_by("person", maintain_order=True).agg("item_id", "query").iter_rows():
        spots += [(person, seen, asked, target) for seen, asked, target in _spots(names, queries)]
    if len(spots) > _MOST_PAIRS:
        spots = [spots[at] for at in np.sort(rng.choice(len(spots), _MOST_PAIRS, replace=False))]
    seen_of = [[place[name] for name in seen] for _, seen, _, _ in spots]
    texts = [history_text([items[at] for at in seen], spot[2]) for seen, spot in zip(seen_of, spots, strict=True)]
    return NextItems(
        [spot[0] for spot in spots],
        [(text, place[spot[3]]) for text, spot in zip(texts, spots, strict=True)],
        [tuple(reversed(seen)) for seen in seen_of],
    )


def _spots(
    names: Sequence[ItemId | None], queries: Sequence[str | None]
) -> Iterator[tuple[list[ItemId], list[str], ItemId]]:
    """Each first meeting with an item, after the items and queries before it."""
    seen: list[ItemId] = []
    asked: list[str] = []
    for name, query in zip(names, queries, strict=True):
        if query is not None:
            asked = [*asked, query][-_RECENT_QUERIES:]
        elif name is not None and name not in seen:
            if seen or asked:
                yield seen, asked, name
            seen = [*seen, name][-_RECENT_ITEMS:]


def query_item_pairs(log: TrainingLog, items: Sequence[Item], rng: np.random.Generator) -> NextItems:
    """A query alone, and the item that its asker met next, before another query; as `next_item_pairs` answers."""
    place = {item.item_id: at for at, item in enumerate(items)}
    met = log.interactions.filter(pl.col("item_id").is_in(list(place))).select("person", "at", "item_id")
    both = pl.concat([log.searches, met], how="diagonal").sort("at", maintain_order=True)
    found: list[tuple[str, tuple[str, int]]] = []
    asked: dict[str, str] = {}
    for person, query, item_id in both.select("person", "query", "item_id").iter_rows():
        if query is not None:
            asked[person] = query
        elif (last := asked.pop(person, None)) is not None:
            found.append((person, (last, place[item_id])))
    if len(found) > _MOST_PAIRS:
        found = [found[at] for at in np.sort(rng.choice(len(found), _MOST_PAIRS, replace=False))]
    return NextItems([person for person, _ in found], [pair for _, pair in found], [() for _ in found])
