"""Texts to the terms that search compares: words in one spelling, without endings, amounts with one name for a unit."""

import html
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import Stemmer

from huaxiang.text.segment import STOP_WORDS, normalise, segment

_UNITS: Final = """
ft: ft foot feet ' 英尺
in: in inch inches " 英寸 寸
yd: yd yds yard yards
mm: mm millimetre millimeter millimetres millimeters 毫米
cm: cm centimetre centimeter centimetres centimeters 厘米
m: m metre meter metres meters 米
sqft: sqft
cuft: cuft
sqin: sqin
cuin: cuin
sqyd: sqyd
cuyd: cuyd
sqm: sqm
lb: lb lbs pound pounds
oz: oz ounce ounces floz
mg: mg milligram milligrams 毫克
g: g gram grams 克
kg: kg kgs kilogram kilograms 公斤 千克
gal: gal gallon gallons
qt: qt quart quarts
pint: pint pints
l: l litre liter litres liters 升
ml: ml millilitre milliliter millilitres milliliters 毫升
ga: ga gauge
v: v volt volts
w: w watt watts 瓦
kw: kw kilowatt kilowatts
amp: amp amps ampere amperes
lumen: lumen lumens
degree: degree degrees deg °
pc: pc pcs piece pieces
pk: pk pack packs
ct: ct count
btu: btu btus
hp: hp horsepower
psi: psi
gpm: gpm
cfm: cfm
mah: mah
hz: hz
mb: mb
gb: gb
tb: tb
"""
_NAMED: Final = tuple(line.split(":") for line in _UNITS.strip().split("\n"))
UNITS: Final[Mapping[str, str]] = {spelling: name for name, said in _NAMED for spelling in said.split()}
"""Spellings of a unit of measure to its one name."""

_IRREGULAR: Final = {
    "women": "woman",
    "men": "man",
    "children": "child",
    "feet": "foot",
    "teeth": "tooth",
    "mice": "mouse",
    "shelves": "shelf",
    "knives": "knife",
    "leaves": "leaf",
    "scarves": "scarf",
    "halves": "half",
    "wolves": "wolf",
    "loaves": "loaf",
}
"""Plurals that no ending tells."""

_FRACTIONS: Final = {
    "½": "1/2",
    "¼": "1/4",
    "¾": "3/4",
    "⅓": "1/3",
    "⅔": "2/3",
    "⅛": "1/8",
    "⅜": "3/8",
    "⅝": "5/8",
    "⅞": "7/8",
}
_MARKS: Final = str.maketrans(
    {sign: f" {said}" for sign, said in _FRACTIONS.items()}
    | dict.fromkeys("′’‘", "'")
    | dict.fromkeys("″”“", '"')
    | dict.fromkeys("®™©", " ")
    | {"⁄": "/", "×": "x"}
)
"""What NFKC would spell so that numbers run together, and the many forms of one mark."""

_WITH: Final = re.compile(r"(?<!\w)w/(o\b)?")
# Looks behind stand after a first digit, not before it: a search runs fast to a digit, and slowly to "not after".
_TWO_IN_ONE: Final = re.compile(r"(\d)(?<![\w.]\d)[\s-]+in[\s-]+(\d|one)\b(?!\s*(?:/|\d|in\b|ft\b))")
_THOUSANDS: Final = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_BARE_POINT: Final = re.compile(r"\.(?<![\w.]\.)(?=\d)")
_FRACTION: Final = re.compile(r"(?<![\w./])(?:(\d+)(?:\s+|-))?(\d{1,2})/(2|3|4|5|8|10|16|32|64)(?![\d/])")
_TIMES: Final = re.compile(r"(?<=[\d'\"])\s*[x*]\s*(?=\d)")
_COMPOUND_UNIT: Final = re.compile(
    r"(?<![a-z])(sq|square|cu|cubic|fl|fluid)\.?[\s-]*(ft|feet|foot|inches|inch|in|yards|yard|yd|meters|meter|m|oz|ounces|ounce)\b\.?"
)
_QUOTED: Final = re.compile(r'(?<!\S)"(?=[^\W\d])')
_LATIN: Final = "|".join(sorted((re.escape(name) for name in UNITS if name[0].isascii()), key=len, reverse=True))
_OTHER: Final = "|".join(sorted((name for name in UNITS if not name[0].isascii()), key=len, reverse=True))
_AMOUNT: Final = re.compile(rf"(\d(?<![a-z0-9.]\d)\d*(?:\.\d+)?)(?:[\s-]?({_LATIN})\.?(?![a-z0-9])|\s?({_OTHER}))")
_RUN_TOGETHER: Final = re.compile(r"(\d(?<![\w.-]\d)\d*)(?=[a-z]{4,}(?![\w-]))")
_DIGIT: Final = re.compile(r"\d")
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")
_MEASURED: Final = re.compile(rf"(\d+(?:\.\d+)?)({'|'.join(sorted(set(UNITS.values()), key=len, reverse=True))})")
_PARTS: Final = re.compile(r"[-'._/]|(?<=\w\w)\+")
_OWNER: Final = re.compile(r"'s?$|'s(?=-)")
_stemmer: Final = Stemmer.Stemmer("english")


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text, or an amount.

    Attributes:
        spelled: in lower case, with its ending: what spelling and prefixes are compared by.
        parts: of a compound, each with its ending; of another word itself.
        terms: the parts without their endings; an amount is one term, such as `12ft`.
        indexed: what it is found by, as `index_terms`.
        number, unit: of an amount or of a bare number, else NaN and "".
        is_stop: whether it carries no content.
    """

    spelled: str
    parts: tuple[str, ...]
    terms: tuple[str, ...]
    indexed: tuple[str, ...]
    number: float = float("nan")
    unit: str = ""
    is_stop: bool = False

    @property
    def is_number(self) -> bool:
        """Whether it is an amount or a bare number."""
        return not math.isnan(self.number)


def query_terms(text: str) -> list[str]:
    """The terms of a query, in order: words without endings, parts of compounds apart, amounts as `12ft`.

    Never raises; empty for a text without letters or digits.
    """
    return [term for word in read_words(text) for term in word.terms]


def index_terms(text: str) -> list[str]:
    """The terms under which a text is found: those of `query_terms`, each compound joined (`rainfal`), and the number
    of each amount (`12`), so that who names no unit finds it too."""
    return [term for word in _words(text) for term in _indexed(word)]


def read_words(text: str) -> list[Word]:
    """The words of a text, in order; see `query_terms` for what becomes of them."""
    return [_word(word) for word in _words(text)]


def _words(text: str) -> list[str]:
    """As they stand in the text, amounts tidied; without the sign between two measures."""
    words = segment(_tidied(text))
    if "x" not in words:
        return words
    last = len(words) - 1
    return [
        word for at, word in enumerate(words) if not (word == "x" and at and at < last and words[at + 1][0].isdigit())
    ]


def _tidied(text: str) -> str:
    """Numbers in one form, and each amount one word: `1-1/2 in. x 4'` becomes `1.5in 4ft`."""
    if "&" in text:
        text = html.unescape(text)
    text = normalise(text if text.isascii() else text.translate(_MARKS))
    if "w/" in text:
        text = _WITH.sub(lambda found: " without " if found[1] else " with ", text)
    return _with_amounts(text) if _DIGIT.search(text) else text


def _with_amounts(text: str) -> str:
    """Each step is taken only where its sign stands in the text: most titles have few."""
    if "in" in text:
        text = _TWO_IN_ONE.sub(r"\1in\2", text)
    if "," in text:
        text = _THOUSANDS.sub("", text)
    if "." in text:
        text = _BARE_POINT.sub("0.", text)
    if "/" in text:
        text = _FRACTION.sub(_decimal, text)
    if "sq" in text or "cu" in text or "fl" in text:
        text = _COMPOUND_UNIT.sub(_compound, text)
    if '"' in text and _QUOTED.search(text):
        text = text.replace('"', " ")
    if "x" in text or "*" in text:
        text = _TIMES.sub(" x ", text)
    return _AMOUNT.sub(_joined, _RUN_TOGETHER.sub(r"\1 ", text))


def _decimal(found: re.Match[str]) -> str:
    whole, above, below = found.groups()
    if int(above) >= int(below):
        return found[0]
    return f"{round(int(whole or 0) + int(above) / int(below), 4)}"


def _compound(found: re.Match[str]) -> str:
    kind = {"square": "sq", "cubic": "cu", "fluid": "fl"}.get(found[1], found[1])
    return f"{kind}{UNITS[found[2]]} "


def _joined(found: re.Match[str]) -> str:
    return f" {_plain(found[1])}{UNITS[found[2] or found[3]]} "


def _plain(number: str) -> str:
    """Without zeros that say nothing: `08` and `8.0` are `8`."""
    whole, _, rest = number.partition(".")
    rest = rest.rstrip("0")
    return (whole.lstrip("0") or "0") + (f".{rest}" if rest else "")


def _read(word: str) -> Word:
    """A word without its ending; a compound's parts, each without its own."""
    if _NUMBER.fullmatch(word):
        plain = _plain(word)
        return Word(word, (word,), (plain,), (plain,), float(plain))
    if found := _MEASURED.fullmatch(word):
        return Word(word, (word,), (word,), (word, found[1]), float(found[1]), found[2])
    parts = [part for part in _PARTS.split(_OWNER.sub("", word)) if part] if word.isascii() else [word]
    if len(parts) > 1 and all(len(part) == 1 for part in parts):
        parts = ["".join(parts)]  # an abbreviation: u.s.a
    parts = parts or [word]
    terms = tuple(stem(part) for part in parts)
    joined = (stem("".join(parts)),) if len(parts) > 1 else ()
    return Word(word, tuple(parts), terms, terms + joined, is_stop=word in STOP_WORDS)


_word: Final = lru_cache(maxsize=5_000)(_read)
"""What queries say: about 500 bytes each."""


@lru_cache(maxsize=50_000)
def _indexed(word: str) -> tuple[str, ...]:
    """What is kept of the words of a catalogue: more of them, and about 200 bytes each."""
    return _read(word).indexed


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """A lower-case word without its ending; what is not of the letters a to z stays as it is."""
    if not (word.isascii() and word.isalpha()):
        return _plain(word) if word.isdecimal() else word
    cut = str(_stemmer.stemWord(_IRREGULAR.get(word, word)))
    return _IRREGULAR.get(cut, cut)  # womens
