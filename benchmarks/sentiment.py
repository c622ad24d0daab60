"""Polarity of reviews on public labelled sets, beside the majority and VADER: `python -m benchmarks.sentiment`.

Each set loses its exact duplicates, is shuffled with a published seed, balanced, and cut into a development half, which
the lexicon may be looked at on, and a test half, which is reported. A text without polarity counts as wrong; accuracy
among the decided and their share stand beside it.
"""

import argparse
import csv
import gzip
import json
import os
import platform
import random
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from huaxiang.measure.intervals import wilson
from huaxiang.text.reader import READER, read
from huaxiang.text.sentiment import sentiment

SEED = 20261123
NEUTRAL = 0.5
"""Human scores from -4 to +4 within this of 0 are left out."""

Labelled = tuple[str, bool]
Judge = Callable[[str], float | None]


@dataclass(frozen=True)
class Row:
    """One system on one set; `low` and `high` are the 95 % interval (Wilson 1927) of `accuracy`."""

    data: str
    system: str
    n: int
    accuracy: float
    low: float
    high: float
    decided: float
    accuracy_decided: float
    texts_per_second: float


def opened(path: Path) -> TextIO:
    """A text file, gzip or plain."""
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def labelled_csv(path: Path, text: str, label: str) -> Iterator[Labelled]:
    """Rows of a CSV whose label is 1 or 0."""
    with opened(path) as lines:
        for row in csv.DictReader(lines):
            if row[label] in ("0", "1"):
                yield row[text].strip(), row[label] == "1"


def rated_csv(path: Path, text: str, rating: str) -> Iterator[Labelled]:
    """Rows of a CSV with ratings: 4 and 5 against 1 and 2."""
    with opened(path) as lines:
        for row in csv.DictReader(lines):
            if row[rating] and float(row[rating]) != 3.0:
                yield row[text].strip(), float(row[rating]) > 3.0


def scored_lines(path: Path) -> Iterator[Labelled]:
    """Lines of `id <tab> mean human score <tab> sentence`; near-neutral ones are left out."""
    with opened(path) as lines:
        for line in lines:
            _, score, sentence = line.rstrip("\n").split("\t", 2)
            if abs(float(score)) > NEUTRAL:
                yield sentence.strip(), float(score) > 0


def halves(rows: Iterator[Labelled], seed: int) -> tuple[list[Labelled], list[Labelled]]:
    """Development and test half: distinct texts, as many of either label in both."""
    labels: dict[str, bool] = {}
    for text, label in rows:
        if text:
            labels.setdefault(text, label)
    rng = random.Random(seed)
    by_label = {label: [text for text, its in labels.items() if its is label] for label in (False, True)}
    for texts in by_label.values():
        rng.shuffle(texts)
    n = min(map(len, by_label.values())) // 2
    first = [(text, label) for label, texts in by_label.items() for text in texts[:n]]
    return first, [(text, label) for label, texts in by_label.items() for text in texts[n : 2 * n]]


def measured(data: str, system: str, judge: Judge, rows: Sequence[Labelled]) -> Row:
    """How often the sign of a polarity is that of the label."""
    start = time.process_time()
    judged = [judge(text) for text, _ in rows]
    seconds = max(time.process_time() - start, 1e-9)
    decided = [(value > 0) == label for value, (_, label) in zip(judged, rows, strict=True) if value]
    hits, n = sum(decided), len(rows)
    low, high = wilson(hits, n)
    share = hits / len(decided) if decided else 0.0
    return Row(data, system, n, hits / n, low, high, len(decided) / n, share, n / seconds)


def commit() -> str:
    """The commit that is measured."""
    found = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"


def sets(root: Path, args: argparse.Namespace) -> dict[str, Iterator[Labelled]]:
    """The sets that are there, by name."""
    chinese = args.chinese or root / "cn_reviews/online_shopping_8_cats.csv.gz"
    rated = args.rated or root / "datafiniti_amazon_reviews/reviews.csv.gz"
    scored = args.scored or sorted((root / "vader_sentences").glob("*.txt.gz"))
    found: dict[str, Iterator[Labelled]] = {}
    if chinese.is_file():
        found["Chinese shop reviews"] = labelled_csv(chinese, "review", "label")
    if rated.is_file():
        found["English shop reviews"] = rated_csv(rated, "reviews.text", "reviews.rating")
    found.update({f"English sentences ({path.name.split('_')[0]})": scored_lines(path) for path in scored})
    return found


def main(argv: Sequence[str] | None = None) -> list[Row]:
    """Measure and print; the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("HUAXIANG_DATA", "../shared/data")))
    parser.add_argument("--chinese", type=Path, help="CSV with columns review, label (1/0)")
    parser.add_argument("--rated", type=Path, help="CSV with columns reviews.text, reviews.rating")
    parser.add_argument("--scored", type=Path, nargs="*", help="files of id, score, sentence, tab-separated")
    parser.add_argument("--half", choices=("development", "test"), default="test")
    parser.add_argument("--json", type=Path, help="write the figures here")
    args = parser.parse_args(argv)
    print(
        f"{READER} at {commit()}, {args.half} half, seed {SEED}, {platform.processor() or platform.machine()}, one core"
    )
    print(f"{'data':36} {'system':10} {'n':>6} {'accuracy':>22} {'decided':>8} {'of those':>8} {'texts/s':>8}")
    vader = SentimentIntensityAnalyzer()
    judges: dict[str, Judge] = {
        "majority": lambda _: 1.0,
        "vader": lambda text: float(vader.polarity_scores(text)["compound"]) or None,
        "huaxiang": lambda text: sentiment(text).polarity,
        "whole read": lambda text: read(text).polarity,
    }
    rows: list[Row] = []
    for name, labelled in sets(args.data, args).items():
        part = halves(labelled, SEED)[args.half == "test"]
        for system, judge in judges.items() if part else ():
            row = measured(name, system, judge, part)
            rows.append(row)
            accuracy = f"{row.accuracy:.4f} [{row.low:.4f}, {row.high:.4f}]"
            shares = f"{row.decided:8.3f} {row.accuracy_decided:8.4f} {row.texts_per_second:8.0f}"
            print(f"{name:36} {system:10} {row.n:6} {accuracy:>22} {shares}")
    if args.json:
        args.json.write_text(
            json.dumps({"commit": commit(), "seed": SEED, "rows": [asdict(row) for row in rows]}, indent=1)
        )
    return rows


if __name__ == "__main__":
    main()
