"""Whether a profile is as sure as it says, and whether it knows who buys again.

python -m benchmarks.behaviour [--only demo invoices scientific grocery beauty] [--people 2000] [--json FILE]

Half of the people of a shop teach, as `train` lets them, and the other half is asked. A profile is read at the first
moment of a day (UTC) on which its person met something; each interest that it shows says how sure it is that an item of
that day has it. Calibration error is over 15 bins of equal width, of each person's newest day and of the last eight.
Buying again within thirty days is asked of the same half, thirty days before the end of the log: log loss (nats) of the
model less that of recency alone, paired over people, and the area under both curves. The demo shop, whose seed nothing
was chosen on, also says how well prices and brands are read: rank correlation with its hidden truth.

Status 1 where a calibration error is above .05.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from scipy.stats import spearmanr

from benchmarks import facets as goods_of
from benchmarks.classify import data_root
from benchmarks.machine import commit, load, machine
from benchmarks.sequence_shops import take_all
from huaxiang.config import load_settings
from huaxiang.demo.score import SCORE_SEED
from huaxiang.demo.simulation import DemoShop, simulate
from huaxiang.demo.truth import Truth
from huaxiang.evaluation.buying_again import ask, compared, learn_buying_again, log_losses, log_odds, moments
from huaxiang.evaluation.coming_back import learned
from huaxiang.evaluation.sureness import said_before
from huaxiang.evaluation.sureness_score import LIMIT
from huaxiang.measure.calibration import calibration_error
from huaxiang.measure.intervals import bootstrap
from huaxiang.measure.lists import auc
from huaxiang.profiles.buying import HORIZON_DAYS, N_FEATURES, RECENCY_ALONE
from huaxiang.profiles.state import DAY, from_micros, to_micros
from huaxiang.retrieval.log import read_log
from huaxiang.shop import Shop

_END: Final = datetime(2026, 11, 1, tzinfo=UTC)
_MOST_DAYS: Final = 8
_BATCH: Final = 5_000
_ITEMS: Final = ("StockCode", "Description", "UnitPrice", "Quantity")


@dataclass(frozen=True)
class Filled:
    """A shop with its people, in an order of chance.

    Attributes:
        has_times: whether the log's times are real, so that it can be asked when people come back.
        truth: of a simulated shop.
    """

    shop: Shop
    people: Sequence[str]
    has_times: bool
    truth: Truth | None = None


def _shuffled(people: Sequence[str], most: int) -> list[str]:
    drawn = np.random.default_rng(1).permutation(len(people))[:most]
    return [people[at] for at in drawn]


def demo(folder: Path, most: int) -> Filled:
    """The simulated shop at the seed that is scored; bots are not asked."""
    simulated = simulate(seed=SCORE_SEED, until=_END)
    shop = Shop(load_settings(None, (), data_dir=folder))
    _take_what_is_allowed(shop, simulated)
    people = [user for user in simulated.truth.users if user not in simulated.truth.bots]
    return Filled(shop, _shuffled(people, most), True, simulated.truth)


def _take_what_is_allowed(shop: Shop, simulated: DemoShop) -> None:
    log = simulated.log()
    for start in range(0, len(log), _BATCH):
        shop.intake.take(log[start : start + _BATCH])  # what somebody who denied it did is refused, rightly
    shop.refresh()


def invoices(folder: Path, most: int) -> Filled:
    """Invoices of a wholesaler with their times and prices, of a sample of the customers; cancelled ones left out."""
    rows = pl.read_parquet(data_root() / "uci_online_retail" / "Online_Retail.parquet").filter(
        pl.col("CustomerID").is_not_null() & pl.col("StockCode").str.contains(r"^\d") & (pl.col("Quantity") > 0)
    )
    people = _shuffled([str(int(one)) for one in rows["CustomerID"].unique().sort()], most)
    rows = rows.with_columns(pl.col("CustomerID").cast(pl.Int64).cast(pl.String).alias("user"))
    rows = rows.filter(pl.col("user").is_in(people)).sort("InvoiceDate")
    shop = Shop(load_settings(None, (), data_dir=folder))
    take_all(shop, _stock(rows))
    take_all(shop, _orders(rows))
    shop.refresh()
    return Filled(shop, people, True)


def _stock(rows: pl.DataFrame) -> Iterator[dict[str, Any]]:
    known = rows.group_by("StockCode").agg(pl.col("Description").mode().first(), pl.col("UnitPrice").median())
    start = rows["InvoiceDate"].min()
    assert isinstance(start, datetime)
    for code, name, price in known.sort("StockCode").iter_rows():
        moment = (start - timedelta(days=1)).replace(tzinfo=UTC).isoformat()
        said = {"name": name or code, "price": price}
        yield {"event": "set_item", "event_id": f"set-{code}", "item_id": code, "timestamp": moment, "properties": said}


def _orders(rows: pl.DataFrame) -> Iterator[dict[str, Any]]:
    for (invoice, user), own in rows.group_by(["InvoiceNo", "user"], maintain_order=True):
        lines = own.unique("StockCode", maintain_order=True).select(_ITEMS).iter_rows()
        yield {
            "event": "purchase",
            "event_id": f"{invoice}-{user}",
            "user_id": user,
            "session_id": invoice,
            "timestamp": own["InvoiceDate"][0].replace(tzinfo=UTC).isoformat(),
            "items": [{"item_id": code, "price": price, "quantity": n} for code, _, price, n in lines],
        }


def sequences(name: str) -> Callable[[Path, int], Filled]:
    """One of the sets of `benchmarks.facets`, whole."""

    def fill(folder: Path, most: int) -> Filled:
        goods = goods_of.GOODS[name]()
        rows = [at for at, row in enumerate(goods.read.rows) if len(row) >= 2]
        kept = [rows[at] for at in np.random.default_rng(1).permutation(len(rows))[:most]]
        shop = goods_of.filled(folder, goods, kept, is_whole=True)[0]
        return Filled(shop, [f"u{at}" for at in kept], name == "grocery")

    return fill


SHOPS: Final[dict[str, Callable[[Path, int], Filled]]] = {
    "demo": demo,
    "invoices": invoices,
    **{name: sequences(name) for name in goods_of.GOODS},
}


def sureness(shop: Shop, people: Sequence[str]) -> tuple[list[tuple[int, float, bool]], list[str]]:
    """For each interest that a profile shows before one of its person's last days: how many days from the newest, how
    sure it is, and whether it was met; and its kind."""
    said = list(said_before(shop.portraits, people, now=_END + timedelta(days=2), days=_MOST_DAYS))
    return [(one.days_back, one.sure, one.was_met) for one in said], [one.kind for one in said]


def errors_of(found: Sequence[tuple[int, float, bool]], kinds: Sequence[str]) -> dict[str, Any]:
    """Calibration errors, of all and by kind."""
    rank_N, sure_N, met_N = (np.array(column) for column in zip(*found, strict=True))
    newest_N, kind_N = rank_N == 0, np.array(kinds)
    return {
        "newest day": calibration_error(sure_N[newest_N], met_N[newest_N]),
        "last eight days": calibration_error(sure_N, met_N),
        "n": len(found),
        "mean": float(met_N.mean()),
        **{kind: calibration_error(sure_N[kind_N == kind], met_N[kind_N == kind]) for kind in sorted(set(kinds))},
    }


def buying(filled: Filled, taught: Sequence[str], asked: Sequence[str]) -> dict[str, Any]:
    """Those who taught did so before the last thirty days; the others are asked at their beginning."""
    rows = read_log(filled.shop.store, portraits=filled.shop.portraits).interactions
    first, last = int(rows["at"].min()), int(rows["at"].max())  # type: ignore[arg-type]
    cut = from_micros(last + 1 - HORIZON_DAYS * DAY)
    portraits = filled.shop.portraits
    before = rows.filter((pl.col("at") < to_micros(cut)) & pl.col("person").is_in(list(taught)))
    rng = np.random.default_rng(0)
    _, said = learn_buying_again(portraits, before, taught, rng=rng, seconds=600.0)
    known = ask(portraits, taught, moments(first, to_micros(cut) - 1), seconds=600.0)
    own = ask(portraits, asked, [cut], seconds=600.0)
    if not len(known.bought_N):
        return {"at training": said}
    gain = compared(known, own)
    odds = {n: log_odds(known, own, n) for n in (RECENCY_ALONE, N_FEATURES)}
    sure_N = 1.0 / (1.0 + np.exp(-odds[N_FEATURES]))
    return {
        "at training": said,
        "with the whole log": learn_buying_again(portraits, rows, filled.people, rng=rng, seconds=600.0)[1],
        "n_people": len(own.bought_N),
        "bought": float(own.bought_N.mean()),
        "log loss, recency": float(log_losses(odds[RECENCY_ALONE], own.bought_N).mean()),
        "log loss, model": float(log_losses(odds[N_FEATURES], own.bought_N).mean()),
        "gain": list(bootstrap(gain, rng=rng)),
        "auc, recency": auc(odds[RECENCY_ALONE], own.bought_N),
        "auc, model": auc(odds[N_FEATURES], own.bought_N),
        "calibration error": calibration_error(sure_N, own.bought_N),
    }


def habits_of(filled: Filled) -> dict[str, Any]:
    """Rank correlation of prices and brands with what a simulated shop hides."""
    assert filled.truth is not None
    truth = filled.truth
    pairs: dict[str, list[tuple[float, float]]] = {"price_sensitivity": [], "loyalty": []}
    for user in filled.people:
        if user in truth.shared:
            continue
        said = filled.shop.portraits.profile(user, now=_END).behaviour
        hidden = {"price_sensitivity": 1.0 - truth.price_level(user), "loyalty": loyalty_of(truth, user)}
        for name, value in hidden.items():
            if said.get(name) is not None:
                pairs[name].append((value, said[name]))
    return {name: [float(spearmanr(np.array(rows)).statistic), len(rows)] for name, rows in pairs.items()}


def loyalty_of(truth: Truth, user: str) -> float:
    """How much more often than by chance two of the next choices within a line are of one brand."""
    goods, chance_M = truth.goods, truth.choices(user, at=_END)
    shape = (int(goods.line.max()) + 1, int(goods.brand.max()) + 1)
    own_LB, shelf_LB = np.zeros(shape), np.zeros(shape)
    np.add.at(own_LB, (goods.line, goods.brand), chance_M)
    np.add.at(shelf_LB, (goods.line, goods.brand), 1.0)
    weight_L = own_LB.sum(axis=1)
    alike_L, by_chance_L = (
        ((of_LB / np.maximum(of_LB.sum(axis=1, keepdims=True), 1e-12)) ** 2).sum(axis=1) for of_LB in (own_LB, shelf_LB)
    )
    has_choice_L = (shelf_LB > 0).sum(axis=1) > 1
    over_L, room_L = weight_L * (alike_L - by_chance_L), weight_L * (1.0 - by_chance_L)
    return float(over_L[has_choice_L].sum() / room_L[has_choice_L].sum())


def measured(name: str, most: int, seconds: float) -> dict[str, Any]:
    """All figures of one shop."""
    with tempfile.TemporaryDirectory() as folder:
        filled = SHOPS[name](Path(folder) / "shop", most)
        half = len(filled.people) // 2
        taught, asked = filled.people[:half], filled.people[half:]
        found: dict[str, Any] = {"without a release": errors_of(*sureness(filled.shop, asked))}
        filled.shop.item_facets.recurrence = learned(
            filled.shop.portraits, taught, now=_END + timedelta(days=2), seconds=seconds
        )
        found["taught"] = errors_of(*sureness(filled.shop, asked))
        if filled.has_times:
            found["buying again"] = buying(filled, taught, asked)
        if filled.truth is not None:
            found["hidden truth"] = habits_of(filled)
        filled.shop.close()
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(SHOPS), default=list(SHOPS))
    parser.add_argument("--people", type=int, default=2_000)
    parser.add_argument("--seconds", type=float, default=600.0, help="for reading those who teach confidence")
    parser.add_argument("--json", type=Path)
    wanted = parser.parse_args(arguments)
    print(f"{machine()}; commit {commit()}; load {load()}")
    found: dict[str, Any] = {}
    for name in wanted.only:
        found[name] = measured(name, wanted.people, wanted.seconds)
        print(f"{name}, load {load()}")
        for part, figures in found[name].items():
            print(f"  {part}: " + ", ".join(f"{key} {_plain(value)}" for key, value in figures.items()), flush=True)
    if wanted.json:
        wanted.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
    return int(
        any(shop["taught"][asked] > LIMIT for shop in found.values() for asked in ("newest day", "last eight days"))
    )


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_plain, value)) + "]"
    return f"{value:.4f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main())
