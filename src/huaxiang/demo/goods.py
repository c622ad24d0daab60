"""The goods of the simulated shop: from the tables to items with a hidden quality, popularity and style.

Legend: M items, T traits (attribute values), S style.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.demo import labels
from huaxiang.demo.tables import Tables, Word

STYLE_WIDTH: Final = 6
MISSING_SHARE: Final = 0.06
"""Share of items whose payload lacks its attributes, and often its brand or description too."""

Payload = dict[str, Any]
Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Goods:
    """Items by column, `(M,)` unless said; what a payload does not say is hidden truth.

    Attributes:
        price_rank: where the price stands within its line's range, 0 to 1.
        style: shape `(M, S)`, what titles do not say but shoppers share a taste for.
        traits: shape `(M, T)`; which attribute values the item has, whether or not its payload says so.
        born, gone: days since the start, fractional; items are on sale in between.
        missing: the payload lacks fields.
        sale_day: when the price falls, infinite for most.
    """

    tables: Tables
    payloads: tuple[Payload, ...]
    line: NDArray[np.int64]
    kind: NDArray[np.int64]
    brand: NDArray[np.int64]
    language: NDArray[np.int64]
    price: NDArray[np.float64]
    price_rank: NDArray[np.float64]
    quality: NDArray[np.float64]
    popularity: NDArray[np.float64]
    style: NDArray[np.float64]
    traits: NDArray[np.float64]
    born: NDArray[np.float64]
    gone: NDArray[np.float64]
    missing: NDArray[np.bool_]
    sale_day: NDArray[np.float64]

    def price_on(self, row: int, day: float) -> float:
        """The price of an item on a day: from its sale day on, a fifth off."""
        price = float(self.price[row])
        return round(price * 0.8, 1) if day >= self.sale_day[row] else price

    def on_sale(self, rows: NDArray[np.int64], day: float) -> NDArray[np.int64]:
        """Those of the rows that are in the catalogue now and for the next hours."""
        return rows[(self.born[rows] < day) & (self.gone[rows] > day + 0.25)]

    def of_line(self, line: int) -> NDArray[np.int64]:
        """Rows of the items of a line."""
        return np.flatnonzero(self.line == line)


def stock_shop(rng: np.random.Generator, tables: Tables, *, n_items: int, days: int) -> Goods:
    """Draw the items: line, brand, traits, price, hidden quality, popularity and style.

    Every line gets an item before any gets a second, so small shops still have all families.
    """
    n_lines = len(tables.lines)
    more = rng.integers(n_lines, size=max(0, n_items - n_lines))
    line_M = np.concatenate([np.arange(min(n_lines, n_items)), more])
    brand_M = np.array([_draw_brand(rng, tables, tables.lines[line].family) for line in line_M], dtype=np.int64)
    kind_M = np.array([rng.integers(len(tables.lines[line].kinds)) for line in line_M], dtype=np.int64)
    traits_MT = np.zeros((n_items, len(tables.trait_values)))
    for row, line in enumerate(line_M):
        for key in tables.lines[line].traits:
            traits_MT[row, rng.choice(tables.traits[key][1])] = 1.0
    worth = _draw_worth(rng, tables, line_M, brand_M)
    born_M, gone_M = _draw_lives(rng, n_items, n_lines, days)
    missing_M = rng.random(n_items) < MISSING_SHARE
    prices = worth["price"]
    payloads = tuple(
        _payload(rng, tables, row, (int(line_M[row]), int(brand_M[row]), int(kind_M[row])), float(prices[row]), traits)
        for row, traits in enumerate(traits_MT)
    )
    for lost in np.flatnonzero(missing_M):
        _lose_fields(rng, payloads[lost])
    return Goods(
        tables=tables,
        payloads=payloads,
        line=line_M,
        kind=kind_M,
        brand=brand_M,
        traits=traits_MT,
        born=born_M,
        gone=gone_M,
        missing=missing_M,
        sale_day=np.where(rng.random(n_items) < 0.05, rng.uniform(5, days, n_items), np.inf),
        **worth,
    )


def _draw_worth(
    rng: np.random.Generator, tables: Tables, line_M: NDArray[np.int64], brand_M: NDArray[np.int64]
) -> Columns:
    """Price from the line's range and the brand's tier; quality follows the tier a little; style follows the brand."""
    n_items = len(line_M)
    tier_M = np.array([tables.brands[b].tier for b in brand_M], dtype=np.float64)
    rank_M = np.clip((tier_M + 0.5) / 3 + rng.normal(0, 0.13, n_items), 0.01, 0.99)
    low_M = np.array([tables.lines[line].low for line in line_M])
    high_M = np.array([tables.lines[line].high for line in line_M])
    brand_style_BS = rng.normal(0, 1, (len(tables.brands), STYLE_WIDTH))
    style_MS = 0.6 * brand_style_BS[brand_M] + 0.8 * rng.normal(0, 1, (n_items, STYLE_WIDTH))
    return {
        "price": np.array([_shelf_price(p) for p in low_M * (high_M / low_M) ** rank_M]),
        "price_rank": rank_M,
        "language": np.array([tables.brands[b].language for b in brand_M], dtype=np.int64),
        "quality": 0.4 * (tier_M - 1) + rng.normal(0, 0.8, n_items),
        "popularity": rng.normal(0, 1, n_items),
        "style": style_MS / np.sqrt(STYLE_WIDTH),
    }


def _draw_brand(rng: np.random.Generator, tables: Tables, family: int) -> int:
    own = [b for b, brand in enumerate(tables.brands) if brand.family == family]
    shares = np.array([tables.brands[b].share for b in own])
    return int(rng.choice(own, p=shares / shares.sum()))


def _shelf_price(price: float) -> float:
    """The price as a shop writes it: 9.9 below 20, whole yuan, ending in 9 from 100 up."""
    if price < 20:
        return round(price) - 0.1
    return float(round(price)) if price < 100 else float(round(price / 10) * 10 - 1)


def _draw_lives(
    rng: np.random.Generator, n_items: int, n_lines: int, days: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A fifth of the items come during the span, one in a hundred goes; the first of each line is always there."""
    born_M = np.where(rng.random(n_items) < 0.2, rng.uniform(1, days * 0.95, n_items), 0.0)
    gone_M = np.where(rng.random(n_items) < 0.01, rng.uniform(days * 0.6, days, n_items), np.inf)
    born_M[:n_lines], gone_M[:n_lines] = 0.0, np.inf
    gone_M[born_M > days * 0.5] = np.inf
    return born_M, gone_M


def _payload(
    rng: np.random.Generator,
    tables: Tables,
    row: int,
    place: tuple[int, int, int],
    price: float,
    traits_T: NDArray[np.float64],
) -> Payload:
    line, brand, kind = tables.lines[place[0]], tables.brands[place[1]], place[2]
    lang = brand.language
    columns = [t for key in line.traits for t in tables.traits[key][1] if traits_T[t]]
    values = [tables.trait_values[t] for t in columns]
    attributes = {name[lang]: value[lang] for name, value in values}
    leads = {t for key in line.traits if key in labels.LEADS for t in tables.traits[key][1]}
    words = [tables.trait_values[t][1] for t in sorted(columns, key=lambda t: t not in leads)]
    lead, rest = (words[0], words[1:]) if leads.intersection(columns) else (("", ""), words)
    title = _title(rng, brand.name, line.kinds[kind], lead[lang], [word[lang] for word in rest], lang)
    return {
        "item_id": f"P{row + 1:05d}",
        "name": title,
        "brand": brand.name,
        "category": tables.line_path(place[0]),
        "description": _description(rng, tables, place[0], line.kinds[kind][lang], attributes, lang),
        "price": price,
        "currency": "CNY",
        "in_stock": True,
        "attributes": attributes,
    }


def _title(rng: np.random.Generator, brand: str, kind: Word, lead: str, rest: list[str], lang: int) -> str:
    names = labels.SERIES_ZH if lang else labels.SERIES_EN
    series = names[int(rng.integers(len(names)))]
    if lang:
        shape = int(rng.integers(3))
        body = (f"{series}{lead}{kind[1]}", f"{lead}{kind[1]} {series}系列", f"{lead}{kind[1]} {series}款")[shape]
        return " ".join([brand, body, *rest])
    thing = f"{' '.join(word[:1].upper() + word[1:] for word in lead.split())} {kind[0]}".strip()
    body = (f"{series} {thing}", f"{thing} '{series}'")[int(rng.integers(2))]
    return ", ".join([f"{brand} {body}", *rest])


def _description(
    rng: np.random.Generator, tables: Tables, line: int, kind: str, attributes: dict[str, str], lang: int
) -> str:
    family = tables.families[tables.lines[line].family][0]
    use = tables.uses[family][int(rng.integers(len(tables.uses[family])))][lang]
    merit = tables.merits[family][int(rng.integers(len(tables.merits[family])))][lang]
    name, value = list(attributes.items())[int(rng.integers(len(attributes)))]
    if lang:
        return f"{kind}，{use}。{name}：{value}。{merit}" if rng.random() < 0.7 else f"{use}的{kind}。{merit}"
    opening = f"{kind} {use}. {name.capitalize()}: {value}."
    return f"{opening} {merit}" if rng.random() < 0.7 else f"{kind} {use}. {merit}"


def _lose_fields(rng: np.random.Generator, payload: Payload) -> None:
    """What a careless catalogue import loses: attributes always, the rest by chance."""
    payload["attributes"] = {}
    for name, chance in (("brand", 0.5), ("description", 0.6), ("category", 0.3)):
        if rng.random() < chance:
            del payload[name]
