"""The simulated shop's tables as objects: families, lines, brands and attribute values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from huaxiang.demo import assortment, labels

LANGUAGES: Final = ("en", "zh")

Word = tuple[str, str]
"""One word in both languages, `(English, Chinese)`, indexed by the position in `LANGUAGES`."""


@dataclass(frozen=True, slots=True)
class Line:
    """A sub-category: what it is called, costs, and is bought with."""

    family: int
    name: Word
    low: float
    high: float
    repeat_days: float | None
    traits: tuple[str, ...]
    kinds: tuple[Word, ...]
    goes_with: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Brand:
    """A brand of one family, writing one language, at one price tier (0 low to 2 high), with a share of the range."""

    name: str
    family: int
    language: int
    tier: int
    share: float


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables, parsed. `traits` maps a trait's key to its name and the columns of its values."""

    families: tuple[tuple[str, Word], ...]
    lines: tuple[Line, ...]
    brands: tuple[Brand, ...]
    traits: Mapping[str, tuple[Word, tuple[int, ...]]]
    trait_values: tuple[tuple[Word, Word], ...]
    uses: Mapping[str, tuple[Word, ...]]
    merits: Mapping[str, tuple[Word, ...]]

    def family_path(self, family: int) -> str:
        """The top category as items carry it, in both languages: one taxonomy for the whole shop."""
        return " ".join(self.families[family][1])

    def line_path(self, line: int) -> str:
        """The full category path of a line, `"A > B"`."""
        row = self.lines[line]
        return f"{self.family_path(row.family)} > {row.name[0]} {row.name[1]}"


def _rows(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in row.split(" | ")] for row in table.strip().splitlines()]


def _words(cell: str) -> tuple[Word, ...]:
    pairs = (part.strip().split("=") for part in cell.split(";"))
    return tuple((en, zh) for en, zh in pairs)


def read_tables() -> Tables:
    """The tables as objects; a few milliseconds."""
    families = tuple((key, (en, zh)) for key, en, zh in _rows(assortment.FAMILIES))
    number = {key: i for i, (key, _) in enumerate(families)}
    rows = _rows(assortment.LINES)
    line_number = {row[1]: i for i, row in enumerate(rows)}
    lines = tuple(
        Line(
            number[key],
            (en, zh),
            float(span.split("-")[0]),
            float(span.split("-")[1]),
            None if repeat == "-" else float(repeat),
            tuple(traits.split()),
            _words(kinds),
            tuple(line_number[name.strip()] for name in after.split(";")),
        )
        for key, en, zh, span, repeat, traits, kinds, after in rows
    )
    traits, values = _read_traits()
    uses = {key: _words(cell) for key, cell in _rows(labels.USES)}
    merits = {key: _words(cell) for key, cell in _rows(labels.MERITS)}
    return Tables(families, lines, _read_brands(number), traits, values, uses, merits)


def _read_traits() -> tuple[dict[str, tuple[Word, tuple[int, ...]]], tuple[tuple[Word, Word], ...]]:
    """Two traits that share a name and a value share its column: a liking for Yunnan covers tea and coffee."""
    columns: dict[tuple[Word, Word], int] = {}
    traits: dict[str, tuple[Word, tuple[int, ...]]] = {}
    for key, en, zh, cell in _rows(assortment.TRAITS):
        values = tuple(columns.setdefault(((en, zh), word), len(columns)) for word in _words(cell))
        traits[key] = ((en, zh), values)
    return traits, tuple(columns)


def _read_brands(number: Mapping[str, int]) -> tuple[Brand, ...]:
    brands = []
    for key, chinese, english in _rows(labels.BRANDS):
        for language, cell in ((1, chinese), (0, english)):
            for place, part in enumerate(cell.split(";")):
                name, tier = part.strip().rsplit(" ", 1)
                brands.append(Brand(name, number[key], language, int(tier) - 1, (place + 2) ** -0.5))
    return tuple(brands)
