"""A shop's own synonyms: a file with one group of names a line."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from huaxiang.apps.search.asked import MOST_CHARACTERS
from huaxiang.apps.search.synonyms import key_of
from huaxiang.errors import DataError

MOST_LINES: Final = 100_000
MOST_IN_A_GROUP: Final = 50
_NEVER: Final = "!"


@dataclass(frozen=True, slots=True)
class OwnSynonyms:
    """What a shop says of names.

    Attributes:
        groups: names of the same thing. never: names that are not to be taken for each other, whatever is clicked.
    """

    groups: tuple[tuple[str, ...], ...] = ()
    never: tuple[tuple[str, ...], ...] = ()


def read_synonyms(path: Path) -> OwnSynonyms:
    """Read a file of UTF-8 text: `sneaker, running shoe, 跑鞋` is a group of names for the same thing.

    A line that begins with `!` names what is never the same: `!red, blue`. Empty lines and lines that begin with `#`
    are passed over; commas may be of full width, and a name that holds one stands in double quotes.

    Raises:
        DataError: the file cannot be read, or a line has fewer than two names, too many, a name without a letter or
            digit, one that is too long, or the same name twice; the line and the way out are named.
    """
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read the synonyms in {path}: {error}; save the file as UTF-8 text") from error
    lines = text.splitlines()
    if len(lines) > MOST_LINES:
        raise DataError(f"{path} has {len(lines):,} lines; the most is {MOST_LINES:,}")
    groups: list[tuple[str, ...]] = []
    never: list[tuple[str, ...]] = []
    for number, line in enumerate(lines, start=1):
        said = line.strip()
        if said and not said.startswith("#"):
            kept = never if said.startswith(_NEVER) else groups
            kept.append(_names(said.removeprefix(_NEVER), f"{path} line {number}"))
    return OwnSynonyms(tuple(groups), tuple(never))


def _names(line: str, where: str) -> tuple[str, ...]:
    try:
        cells = next(csv.reader([line.replace("，", ",")], skipinitialspace=True, strict=True), [])
    except csv.Error as error:
        raise DataError(f"{where}: {error}; put a name that holds a comma in double quotes") from error
    names = [" ".join(cell.split()) for cell in cells if cell.strip()]
    if not 2 <= len(names) <= MOST_IN_A_GROUP:
        raise DataError(f"{where} has {len(names)} names; a group has 2 to {MOST_IN_A_GROUP}, with commas between them")
    for name in names:
        if not key_of(name):
            raise DataError(f"{where}: {name!r} has no letter or digit; write a word, or remove it")
        if len(name) > MOST_CHARACTERS:
            raise DataError(f"{where}: a name has {len(name)} characters; the longest has {MOST_CHARACTERS}")
    keys = [key_of(name) for name in names]
    if len(set(keys)) < len(keys):
        twice = next(name for at, name in enumerate(names) if keys[at] in keys[:at])
        raise DataError(f"{where}: {twice!r} is there twice, whatever its endings; remove one")
    return tuple(names)
