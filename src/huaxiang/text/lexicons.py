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
