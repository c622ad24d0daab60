"""Typing errors undone in real queries, by what a shop knows.

python -m benchmarks.spelling [--slips 500] [--seed 1] [--half test] [--missed] [--json FILE]

Errors are drawn by a seed (`benchmarks.slipping`) in search terms of home_depot_relevance, algolia_query_suggestions
and multicpr_ecom_queries. The shop knows the titles of the first; of the second the other half of its queries; of the
third the titles of cn_ecom_title_ner and other people's queries. Rows `new`: nobody asked the query before. Rows
`asked before`: the shop knows it from its log, too, met once. An error is undone where the corrected query has the
terms of the one that was meant, or finds the same: it has those of its terms, or of its own correction, that anything
in the shop has. Errors in words of which the shop has nothing are passed over. Queries are halved by a hash: constants
were chosen on `validation`, `test` is reported. Status 1 where of queries that were asked before fewer than 90 % are
undone, or where a query takes more than 1 ms of CPU in the mean.
"""

import argparse
import csv
import gzip
import json
import os
import sys
import time
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.machine import ROOT, Figure, commit, judged, load, machine
from benchmarks.slipping import Slip, homophones, slip
from huaxiang.text.segment import normalise
from huaxiang.text.spelling import Speller
from huaxiang.text.terms import query_terms, read_words

LEAST_UNDONE: Final = 0.9
MOST_MS: Final = 1.0
SKIPPED: Final = "skipped: needs home_depot_relevance, algolia_query_suggestions or multicpr_ecom_queries"


@dataclass
class Texts:
    """What a shop knows, and the queries that are asked of it."""

    name: str
    titles: Sequence[str]
    queries: Sequence[str]

    @cached_property
    def terms(self) -> frozenset[str]:
        """All terms of the titles."""
        return frozenset(term for title in self.titles for term in query_terms(title))


def data_root() -> Path:
    """Where the public data sets are."""
    return Path(os.environ.get("HUAXIANG_DATA", ROOT / "../shared/data")).resolve()


def half_of(query: str) -> str:
    """`validation` or `test`."""
    return "validation" if zlib.crc32(query.encode()) % 2 else "test"


def read_home_depot(root: Path) -> Texts:
    """Titles and search terms."""
    folder = root / "home_depot_relevance"
    with gzip.open(next(folder.glob("*.csv.gz")), "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    titles = list(dict.fromkeys(row["product_title"] for row in rows))
    return Texts("home_depot", titles, sorted({normalise(row["search_term"]) for row in rows}))


def read_algolia(root: Path, half: str) -> Texts:
    """Query suggestions; the other half's texts are the shop's words."""
    with gzip.open(next((root / "algolia_query_suggestions").glob("instant*.gz")), "rt", encoding="utf-8") as file:
        found = json.loads(file.read())
    queries = sorted({normalise(row["query"]) for row in _rows(found)})
    return Texts("algolia", [query for query in queries if half_of(query) != half], queries)


def _rows(found: Any) -> Iterator[Mapping[str, Any]]:
    return (row for row in found if row.get("query"))


def read_multicpr(root: Path) -> Texts:
    """Chinese queries; titles of another set and the training queries are what the shop knows."""
    folder = root / "multicpr_ecom_queries"
    said = [_lines(folder / f"{part}.query.txt.gz") for part in ("train", "dev")]
    log, asked = ([line.split("\t", 1)[1] for line in lines if "\t" in line] for lines in said)
    titles = ["".join(line.split(" ")[0] for line in block.split("\n")) for block in _blocks(root)]
    known = set(asked)
    return Texts("multicpr", [*titles, *(query for query in log if query not in known)], sorted(map(normalise, known)))


def _blocks(root: Path) -> list[str]:
    text = "\n".join(_lines(root / "cn_ecom_title_ner" / "train.txt.gz"))
    return [block for block in text.split("\n\n") if block.strip()]


def _lines(path: Path) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return file.read().split("\n")


@dataclass
class Undone:
    """How many errors of each kind were undone, of how many."""

    right: Counter[str] = field(default_factory=Counter)
    of: Counter[str] = field(default_factory=Counter)
    unchanged: int = 0
    took_ms: list[float] = field(default_factory=list)
    missed: list[tuple[str, str, str]] = field(default_factory=list)

    def add(self, made: Slip, said: str, is_right: bool) -> None:
        """Count one."""
        size = "Chinese" if not made.word.isascii() else "4 letters and more" if len(made.word) > 3 else "short"
        for name in (made.kind, f"in a word of {size}", "all"):
            self.of[name] += 1
            self.right[name] += is_right
        if not is_right:
            self.missed.append((made.meant, made.typed, said))

    def share(self, name: str = "all") -> float:
        """Of the errors those that were undone."""
        return self.right[name] / max(1, self.of[name])


def undone(texts: Texts, errors: Sequence[Slip], *, asked_before: bool) -> Undone:
    """Let a speller that read the titles undo errors."""
    began = time.process_time()
    speller = Speller({}, texts.titles)
    if asked_before:
        speller.learn({made.meant for made in errors})
    known = speller.known
    print(
        f"{texts.name}, {'asked before' if asked_before else 'new'}: {len(known):,} words and runs of "
        f"{len(texts.titles):,} texts in {time.process_time() - began:.1f} s, arrays of {known.n_bytes / 2**20:.1f} MB",
        flush=True,
    )
    report = Undone()
    for made in errors:
        words = _content(made.typed)
        began = time.thread_time()
        said = " ".join(speller.correct_query(words))
        report.took_ms.append(1_000 * (time.thread_time() - began))
        meant, clean = " ".join(_content(made.meant)), " ".join(speller.correct_query(_content(made.meant)))
        finds = {tuple(found_by(query, texts.terms)) for query in (meant, clean)}
        report.add(made, said, query_terms(said) == query_terms(meant) or tuple(found_by(said, texts.terms)) in finds)
        report.unchanged += query_terms(clean) == query_terms(meant)
    return report


def errors_of(texts: Texts, n: int, half: str, seed: int) -> list[Slip]:
    """Errors in queries of a half, each in another query; none that changes nothing of what is found."""
    alike = homophones(texts.titles) if not texts.queries[0].isascii() else {}
    rng = np.random.default_rng(seed)
    asked = [query for query in texts.queries if half_of(query) == half]
    rng.shuffle(asked)
    found: list[Slip] = []
    for query in asked:
        made = slip(query, alike, rng)
        if made is not None and found_by(made.typed, texts.terms) != found_by(query, texts.terms):
            found.append(made)
        if len(found) == n:
            break
    return found


def _content(query: str) -> list[str]:
    return [word.spelled for word in read_words(query) if not word.is_stop]


def found_by(query: str, shop_terms: frozenset[str]) -> list[str]:
    """The terms of a query that anything in the shop has."""
    return sorted({term for word in read_words(query) if not word.is_stop for term in word.terms} & shop_terms)


def read_all(root: Path, half: str) -> list[Texts]:
    """The sets that are there."""
    readers = {
        "home_depot_relevance": read_home_depot,
        "algolia_query_suggestions": lambda folder: read_algolia(folder, half),
        "multicpr_ecom_queries": read_multicpr,
    }
    return [read(root) for name, read in readers.items() if (root / name).is_dir()]


def measured(sets: Sequence[Texts], n: int, half: str, seed: int, *, shows_missed: bool = False) -> list[Figure]:
    """Figures of each set, and of all, an equal number of errors of each."""
    figures: list[Figure] = []
    errors = [errors_of(texts, -(-n // len(sets)), half, seed) for texts in sets]
    for asked_before in (False, True):
        reports = [undone(texts, made, asked_before=asked_before) for texts, made in zip(sets, errors, strict=True)]
        how = "asked before" if asked_before else "new"
        for texts, report in zip(sets, reports, strict=True):
            for kind in report.of:
                print(
                    f"  {texts.name}, {kind:32} {report.right[kind]:4} of {report.of[kind]:4} {report.share(kind):.3f}"
                )
            if shows_missed:
                print("".join(f"    {meant} | {typed} | {said}\n" for meant, typed, said in report.missed))
            kept, total = report.unchanged, max(1, report.of["all"])
            figures.append(Figure(f"{texts.name}, {how}: errors undone", round(report.share(), 4), "", load=load()))
            figures.append(Figure(f"{texts.name}, {how}: kept without one", round(kept / total, 4), "", load=load()))
        right, total = sum(report.right["all"] for report in reports), sum(report.of["all"] for report in reports)
        target = LEAST_UNDONE if asked_before else None
        share = round(right / max(1, total), 4)
        figures.append(Figure(f"errors undone of {total}, {how}", share, "", target, True, load()))
        took = np.concatenate([report.took_ms for report in reports])
        mean, p99 = round(float(took.mean()), 3), round(float(np.quantile(took, 0.99)), 3)
        figures.append(Figure(f"CPU of a query, {how}, mean", mean, "ms", MOST_MS, False, load()))
        figures.append(Figure(f"CPU of a query, {how}, p99", p99, "ms", load=load()))
    return figures


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slips", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--half", choices=["validation", "test"], default="test")
    parser.add_argument("--missed", action="store_true", help="print what was not undone: meant, typed, said")
    parser.add_argument("--only", nargs="*", help="names of sets")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)
    about = {"machine": machine(), "commit": commit(), "load": os.getloadavg()}
    sets = [texts for texts in read_all(data_root(), asked.half) if not asked.only or texts.name in asked.only]
    if not sets:
        print(SKIPPED)
        return 0
    return judged(measured(sets, asked.slips, asked.half, asked.seed, shows_missed=asked.missed), about, asked.json)


if __name__ == "__main__":
    sys.exit(main())
