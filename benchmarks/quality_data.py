"""Public sets of sequences as the evaluator reads them; the product knows none of them."""

import gzip
import json
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.classify import data_root
from huaxiang.evaluation.sequence_file import ItemTerms, Sequences, read_items, read_sequences
from huaxiang.text.segment import content_words

SESSIONS: Final = 100_000
SESSION_SEED: Final = 20261128
"""Of the sample of sessions: none that was looked at while the code was written."""

_FEWEST: Final = 5
"""Items of a user of the set with times."""

Read = tuple[Sequences, ItemTerms | None]


def sequences_of(rows: Iterable[tuple[str, list[str]]]) -> Sequences:
    """Users with their items in order, oldest first."""
    known: dict[str, int] = {}
    users, made, repeats = [], [], 0
    for user, items in rows:
        row = np.array([known.setdefault(item, len(known)) for item in items], dtype=np.int32)
        repeats += len(row) - len(np.unique(row))
        users.append(user)
        made.append(row)
    return Sequences(tuple(known), tuple(users), tuple(made), (), repeats)


def _text_lines(path: Path) -> Iterator[list[str]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from (line.rstrip("\n").split("\t") for line in file)


def amazon_2014(name: str) -> Read:
    """The 5-core sequences of a category, with key words and attributes."""
    folder = data_root() / "amazon2014_seq" / name
    read = read_sequences(folder / "sequences.txt.gz")
    return read, read_items(folder / "items.tsv.gz", read.item_ids)


def scientific() -> Read:
    """UniSRec's published files: texts of titles, and each user's items in order."""
    folder = data_root() / "amazon2018_scientific_text" / "unisrec"
    place = dict(_text_lines(folder / "Scientific.item2index.gz"))
    texts = {place[row[0]]: row[1] for row in _text_lines(folder / "Scientific.text.gz") if row[0] in place}
    lines = (row for row in _text_lines(folder / "Scientific.test.inter.gz") if row[0].isdigit())
    read = sequences_of((user, [*before.split(), last]) for user, before, last in lines)
    words = tuple(content_words(texts.get(item, "")) for item in read.item_ids)
    return read, ItemTerms(words, tuple([] for _ in words), 0, 0)


def games() -> Read:
    """LC-Rec's published sequences, without texts."""
    with gzip.open(data_root() / "amazon2018_lcrec" / "Games" / "Games.inter.json.gz", "rt") as file:
        said: dict[str, list[int]] = json.load(file)
    return sequences_of((user, [str(item) for item in items]) for user, items in said.items()), None


def grocery() -> Read:
    """Ratings with their days, a user's in the order of days and of the file, without texts."""
    read, _ = _grocery()
    return read, None


@cache
def _grocery() -> tuple[Sequences, list[NDArray[np.float64]]]:
    rows: dict[str, list[tuple[float, str]]] = {}
    lines = _text_lines(data_root() / "amazon2014_grocery_timestamps" / "train.tsv.gz")
    next(lines)
    for user, item, time in lines:
        rows.setdefault(user, []).append((float(time), item))
    ordered = {user: sorted(met, key=lambda one: one[0]) for user, met in rows.items() if len(met) >= _FEWEST}
    days = [np.array([time for time, _ in met]) / 86_400.0 for met in ordered.values()]
    return sequences_of((user, [item for _, item in met]) for user, met in ordered.items()), days


def moments(name: str, read: Sequences) -> list[NDArray[np.float64]]:
    """For each user when each item was met, as far as it is known, so that ties can be shuffled.

    The files of 2014 have no times and hold what was met on one day in the order of item ids; so a run of ascending ids
    is taken for one day. That is at least every tie, and about as many runs again that are none.
    """
    if name == "grocery":
        return _grocery()[1]
    if name not in ("beauty", "sports"):
        raise SystemExit(f"nothing is known of ties in {name}; name beauty, sports or grocery")
    names = np.array(read.item_ids)
    return [np.cumsum(np.append(1.0, names[row[1:]] <= names[row[:-1]])) for row in read.rows]


def diginetica() -> Read:
    """100,000 sessions drawn by `SESSION_SEED`; a session stands for a user."""
    with gzip.open(data_root() / "sessions" / "diginetica" / "train_sessions.txt.gz", "rt") as file:
        lines = file.readlines()
    drawn = np.sort(np.random.default_rng(SESSION_SEED).permutation(len(lines))[:SESSIONS])
    return sequences_of((str(at), lines[at].split()) for at in drawn if lines[at].strip()), None


SETS: Final[dict[str, Any]] = {
    "beauty": lambda: amazon_2014("Beauty"),
    "sports": lambda: amazon_2014("Sports_and_Outdoors"),
    "scientific": scientific,
    "games": games,
    "diginetica": diginetica,
    "grocery": grocery,
}
PUBLISHED: Final = tuple(name for name in SETS if name != "grocery")
"""Sets with tables of others or a figure to reach; the other one has times, which say what ties are worth."""
