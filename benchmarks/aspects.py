"""Polarity and aspects of reviews by trained heads, the lexicon, VADER and SnowNLP: `python -m benchmarks.aspects`.

Four questions, each on public sets under HUAXIANG_DATA:

- a head that learned from ratings, beside the lexicon, VADER (English) and SnowNLP (Chinese; only where it was not
  trained on the set: its model holds texts of the shop reviews), on the test half of `benchmarks.sentiment`;
- the same head on restaurant reviews with stars, which it never saw;
- which aspects of a restaurant review are found, micro F1 on the reviews that chose nothing (the test part);
- of the aspects that are found, on how many the sign of the polarity is right.
"""

import argparse
import csv
import json
import os
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from benchmarks.machine import commit, machine
from benchmarks.sentiment import SEED, Labelled, halves, labelled_csv, opened, rated_csv
from huaxiang.encoder.aspects import AspectReader, Mention
from huaxiang.encoder.opening import open_encoder
from huaxiang.encoder.polarity import Polarity, by_lexicon, train_polarity_from_ratings
from huaxiang.errors import HuaxiangError
from huaxiang.measure.intervals import wilson

MOST = 3_000
"""Test texts of one set; SnowNLP reads about 200 a second."""

OURS: Mapping[str, str] = {
    "service_wait_time": "service",
    "service_waiters_attitude": "service",
    "service_parking_convenience": "service",
    "service_serving_speed": "service",
    "price_level": "price",
    "price_cost_effective": "price",
    "price_discount": "price",
    "dish_portion": "size",
    "dish_taste": "taste",
    "dish_look": "appearance",
}
"""Columns of the restaurant reviews that are aspects of a shop; places and recommendations are none."""
ASKED = ("price", "service", "taste", "size", "appearance")

Judge = Callable[[Sequence[str]], NDArray[np.float64]]


@dataclass(frozen=True)
class Row:
    """One system on one set; `balanced` is the mean over praise and blame of the share that is right."""

    table: str
    data: str
    system: str
    n: int
    value: float
    low: float
    high: float
    balanced: float


@dataclass(frozen=True)
class Meal:
    """A restaurant review: its stars, and the sign of each of our aspects that it judges (0 where it wavers)."""

    text: str
    stars: float
    aspects: Mapping[str, int]


def signs(judge: Judge, rows: Sequence[Labelled]) -> tuple[int, float]:
    """How many texts have the sign of their label, and the mean of the shares of either sign; .5 is no answer."""
    said_N = judge([text for text, _ in rows]) - 0.5
    right_N = np.array([label for _, label in rows])
    hit_N = np.where(right_N, said_N > 0, said_N < 0)
    return int(hit_N.sum()), float(np.mean([hit_N[right_N == side].mean() for side in (True, False)]))


def vader() -> Judge:
    """VADER's compound."""
    analyser = SentimentIntensityAnalyzer()
    return lambda texts: np.array([0.5 + analyser.polarity_scores(text)["compound"] / 2 for text in texts])


def snownlp() -> Judge | None:
    """SnowNLP's probability of praise; None where it is not installed."""
    try:
        from snownlp import SnowNLP
    except ImportError:
        print("skipped: SnowNLP is not installed (pip install 'huaxiang[peers]')")
        return None
    return lambda texts: np.array([SnowNLP(text).sentiments if text.strip() else 0.5 for text in texts])


def head(rows: Sequence[Labelled]) -> Polarity:
    """A head on rows whose label stands for a rating."""
    return train_polarity_from_ratings([text for text, _ in rows], [5.0 if label else 1.0 for _, label in rows])


def segmented(folder: Path) -> Iterator[Labelled]:
    """Comments on stocks, put together again from their words."""
    for name, label in (("positive", True), ("negative", False)):
        with opened(folder / f"{name}.txt.gz") as lines:
            yield from (("".join(line.split()), label) for line in lines)


def meals(folder: Path, parts: Sequence[str]) -> Iterator[Meal]:
    """Restaurant reviews with the signs of our aspects."""
    for part in parts:
        with opened(folder / f"{part}_sample.csv.gz") as lines:
            for row in csv.DictReader(line.lstrip("\ufeff") for line in lines):
                said: dict[str, int] = {}
                for column, aspect in OURS.items():
                    if (value := int(float(row[column]))) != -2:
                        said[aspect] = said.get(aspect, 0) + value
                aspects = {aspect: (total > 0) - (total < 0) for aspect, total in said.items()}
                yield Meal(row["reviewbody"], float(row["star"]), aspects)


def polarity_rows(root: Path) -> tuple[list[Row], Polarity | None]:
    """The first two tables, and the head on Chinese shop reviews for the others."""
    sets: dict[str, tuple[Iterator[Labelled], dict[str, Judge | None]]] = {}
    chinese, rated = (
        root / "cn_reviews/online_shopping_8_cats.csv.gz",
        root / "datafiniti_amazon_reviews/reviews.csv.gz",
    )
    if chinese.is_file():
        sets["Chinese shop reviews"] = labelled_csv(chinese, "review", "label"), {}
    if rated.is_file():
        sets["English shop reviews"] = rated_csv(rated, "reviews.text", "reviews.rating"), {"vader": vader()}
    if (root / "cn_stock_comments").is_dir():
        sets["Chinese comments on stocks"] = segmented(root / "cn_stock_comments"), {"snownlp": snownlp()}
    rows, of_shops = list[Row](), None
    for name, (labelled, peers) in sets.items():
        learned, test = halves(labelled, SEED)
        test = random.Random(SEED).sample(test, min(MOST, len(test)))
        trained = head(learned)
        print(f"{name}: {trained.name}; {trained.why}", flush=True)
        of_shops = trained if name.startswith("Chinese shop") else of_shops
        judges = {"lexicon": by_lexicon(), "trained head": trained, **peers}
        rows += [judged("polarity", name, system, judge, test) for system, judge in judges.items() if judge]
    return rows, of_shops


def judged(table: str, data: str, system: str, judge: Judge, test: Sequence[Labelled]) -> Row:
    """One row."""
    hits, balanced = signs(judge, test)
    return shown(Row(table, data, system, len(test), hits / len(test), *wilson(hits, len(test)), balanced))


def shown(row: Row) -> Row:
    """Print a row."""
    interval = f"{row.value:.4f} [{row.low:.4f}, {row.high:.4f}]"
    print(f"{row.table:16} {row.data:30} {row.system:34} {row.n:6} {interval:>26} {row.balanced:9.4f}", flush=True)
    return row


def found_rows(test: Sequence[Meal], readers: Mapping[str, AspectReader]) -> list[Row]:
    """Micro F1 of the aspects that are found; the interval is the bootstrap over reviews."""
    rows = []
    gold = [set(meal.aspects) for meal in test]
    every = {"each aspect in each review": [set(ASKED)] * len(test)}
    for name, reader in readers.items():
        said: list[set[str]] = [set() for _ in test]
        for mention in reader.read([meal.text for meal in test]):
            said[mention.review].add(mention.aspect)
        every[name] = [aspects & set(ASKED) for aspects in said]
    for name, said in every.items():
        counts = np.array([[len(s & g), len(s), len(g)] for s, g in zip(said, gold, strict=True)])
        draws = [f1(counts[np.random.default_rng(at).integers(0, len(counts), len(counts))]) for at in range(500)]
        low, high = np.quantile(draws, [0.025, 0.975])
        rows.append(
            shown(Row("aspects found", "restaurant reviews", name, len(test), f1(counts), low, high, float("nan")))
        )
    return rows


def f1(counts: NDArray[np.int64]) -> float:
    """Twice what is right over what was said and what was asked."""
    hits, said, asked = counts.sum(axis=0)
    return float(2 * hits / max(said + asked, 1))


def sign_rows(reviews: Sequence[Meal], readers: Mapping[str, AspectReader], judges: Mapping[str, Judge]) -> list[Row]:
    """The sign of each aspect that the lexicon finds and people gave one, by how the clauses about it are judged."""
    clauses: dict[tuple[int, str], list[Mention]] = {}
    rows = []
    for name, reader in readers.items():
        told: dict[tuple[int, str], list[Mention]] = {}
        for mention in reader.read([meal.text for meal in reviews]):
            if mention.found_by == "lexicon" and reviews[mention.review].aspects.get(mention.aspect):
                told.setdefault((mention.review, mention.aspect), []).append(mention)
        clauses = clauses or told
        sums = [sum(mention.polarity for mention in told[key]) for key in clauses]
        rows.append(sign_row(name, reviews, list(clauses), sums))
    for name, judge in judges.items():
        sums = [float((judge([mention.clause for mention in each]) - 0.5).sum()) for each in clauses.values()]
        rows.append(sign_row(name, reviews, list(clauses), sums))
    return rows


def sign_row(name: str, reviews: Sequence[Meal], keys: Sequence[tuple[int, str]], sums: Sequence[float]) -> Row:
    """One row of signs."""
    right_N = np.array([reviews[at].aspects[aspect] > 0 for at, aspect in keys])
    said_N = np.array(sums)
    hit_N = np.where(right_N, said_N > 0, said_N < 0)
    balanced = float(np.mean([hit_N[right_N == side].mean() for side in (True, False)]))
    low, high = wilson(int(hit_N.sum()), len(hit_N))
    return shown(
        Row("sign of an aspect", "restaurant reviews", name, len(keys), float(hit_N.mean()), low, high, balanced)
    )


def restaurant_rows(folder: Path, of_shops: Polarity, encoders: Sequence[str]) -> list[Row]:
    """The tables on restaurant reviews, which nothing here learned from."""
    every = list(meals(folder, ("train", "dev", "test")))
    starred = [(meal.text, meal.stars >= 4.0) for meal in every if meal.stars >= 4.0 or meal.stars <= 2.0]
    peers = {"snownlp": peer} if (peer := snownlp()) else {}
    judges: dict[str, Judge] = {"lexicon": by_lexicon(), "trained head (shop reviews)": of_shops, **peers}
    rows = [judged("polarity", "restaurant reviews, stars", name, judge, starred) for name, judge in judges.items()]
    readers: dict[str, AspectReader] = {"lexicon": AspectReader()}
    for name in encoders:
        try:
            readers[f"lexicon, then {name}"] = AspectReader(open_encoder(name, []).encoder)
        except HuaxiangError as error:
            print(f"skipped: {error}")
    rows += found_rows(list(meals(folder, ("test",))), readers)
    by_clause = {"lexicon": AspectReader(), "lexicon, then trained head": AspectReader(None, of_shops)}
    alone: dict[str, Judge] = {"trained head alone": of_shops, **peers}
    return rows + sign_rows(every, by_clause, alone)


def main(argv: Sequence[str] | None = None) -> list[Row]:
    """Measure and print; the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("HUAXIANG_DATA", "../shared/data")))
    parser.add_argument("--encoders", nargs="*", default=["use"], help="use, e5-small ...: beside the lexicon")
    parser.add_argument("--json", type=Path, help="write the figures here")
    asked = parser.parse_args(argv)
    print(f"{commit()}, seed {SEED}, {machine()}")
    rows, of_shops = polarity_rows(asked.data)
    folder = asked.data / "asap_sample"
    if of_shops is not None and folder.is_dir():
        rows += restaurant_rows(folder, of_shops, asked.encoders)
    else:
        print("skipped: aspects need cn_reviews and asap_sample under HUAXIANG_DATA")
    if asked.json:
        said: dict[str, Any] = {"commit": commit(), "machine": machine(), "rows": [asdict(row) for row in rows]}
        asked.json.write_text(json.dumps(said, indent=1), encoding="utf-8")
    return rows


if __name__ == "__main__":
    main()
