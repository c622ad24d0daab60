"""The word lists of `lexicon/`, plain data files written for this project."""

from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).parent / "lexicon"


def lines_of(name: str) -> list[str]:
    """The lines of one list without comments (from `#` followed by a blank) and empty lines."""
    text = (_FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("# ")]


def words_of(name: str) -> frozenset[str]:
    """All words of a list."""
    return frozenset(word for line in lines_of(name) for word in line.split())


def weights_of(name: str) -> dict[str, float]:
    """The words of a list whose lines begin with the weight of their words."""
    weighed: dict[str, float] = {}
    for line in lines_of(name):
        weight, *words = line.split()
        weighed.update(dict.fromkeys(words, float(weight)))
    return weighed
