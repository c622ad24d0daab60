"""Brand and product type in shop titles, beside a dictionary of the training spans and a CRF of the usual features.

python -m benchmarks.titles [--seeds 0 1 2] [--budget 15m] [--encoder auto] [--json FILE]

Trains on the training file of cn_ecom_title_ner and judges on its development file, which chooses nothing. Nearly half
of the development titles stand in the training file too, so every row is given twice: on all titles, and on those that
are new. `huaxiang` answers a title that a person tagged with those tags; `models alone` is the same without that.
Brackets are 95 % bootstrap intervals over titles. Rows are printed as they come.
"""

import argparse
import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import ROOT, Figure, commit, load, machine, table
from huaxiang.cli.train import seconds_of
from huaxiang.encoder.tagging.dictionary import Dictionary
from huaxiang.encoder.tagging.files import TaggedFile, read_tagged
from huaxiang.encoder.tagging.mixture import best, confidences
from huaxiang.encoder.tagging.spans import bounds_of
from huaxiang.measure.calibration import calibration_error

TARGET: Final = 0.70
SETTINGS: Final = {"c1": 0.1, "c2": 0.1, "max_iterations": 100}
"""Of the CRF: the usual ones; on held-out training titles .845 F1, and .843 with c1 .05, c2 .02."""

Labels = Sequence[Sequence[str]]


@dataclass(frozen=True)
class Row:
    """One system on all titles or on the new ones; `low` and `high` are the interval of `f1`."""

    system: str
    seed: int
    titles: str
    n: int
    f1: float
    low: float
    high: float
    precision: float
    recall: float
    per_type: dict[str, float]
    seconds: float
    ece: float | None = None


def measured(
    system: str, seed: int, test: TaggedFile, predicted: Labels, new: Sequence[int], seconds: float, ece: float | None
) -> Iterator[Row]:
    """The rows of one system, printed."""
    for titles, rows in (("all", list(range(len(test)))), ("new", list(new))):
        counts_N3, per_type = counted([test.texts[i].labels for i in rows], [predicted[i] for i in rows])
        hits, said, right = counts_N3.sum(axis=0)
        low, high = interval(counts_N3)
        shares = (f1_of(counts_N3.sum(axis=0)), low, high, float(hits / max(said, 1)), float(hits / max(right, 1)))
        row = Row(system, seed, titles, len(rows), *shares, per_type, seconds, ece if titles == "all" else None)
        types = " ".join(f"{name} {value:.3f}" for name, value in per_type.items())
        sure = "" if row.ece is None else f" ece {row.ece:.3f}"
        print(
            f"{system:12} seed {seed} {titles:4} {row.n:5} titles: f1 {row.f1:.4f} [{low:.4f}, {high:.4f}] "
            f"p {row.precision:.4f} r {row.recall:.4f} {types} {seconds:6.0f} s{sure}",
            flush=True,
        )
        yield row


def counted(right: Labels, predicted: Labels) -> tuple[NDArray[np.int64], dict[str, float]]:
    """Of each title hits, predicted and right spans, shape `(n, 3)`; and F1 of each type."""
    sides = [(set(bounds_of(ours)), set(bounds_of(theirs))) for ours, theirs in zip(predicted, right, strict=True)]
    counts_N3 = np.array([[len(ours & theirs), len(ours), len(theirs)] for ours, theirs in sides])
    types = sorted({name for _, theirs in sides for _, _, name in theirs})
    per_type = {}
    for name in types:
        own = [({s for s in ours if s[2] == name}, {s for s in theirs if s[2] == name}) for ours, theirs in sides]
        per_type[name] = f1_of(np.array([[len(a & b), len(a), len(b)] for a, b in own]).sum(axis=0))
    return counts_N3, per_type


def f1_of(counts_3: NDArray[np.int64]) -> float:
    """Micro F1 of hits, predicted and right."""
    return float(2 * counts_3[0] / max(counts_3[1] + counts_3[2], 1))


def interval(counts_N3: NDArray[np.int64], n_draws: int = 1000) -> tuple[float, float]:
    """95 % of the F1 of titles drawn with replacement."""
    n = len(counts_N3)
    drawn_D3 = np.random.default_rng(0).multinomial(n, np.full(n, 1.0 / n), size=n_draws) @ counts_N3
    f1_D = 2 * drawn_D3[:, 0] / np.maximum(drawn_D3[:, 1] + drawn_D3[:, 2], 1)
    low, high = np.quantile(f1_D, [0.025, 0.975])
    return float(low), float(high)


def by_dictionary(train: TaggedFile, test: TaggedFile) -> Labels:
    """Longest match of the training spans."""
    return Dictionary().fit(train.texts).predict(test.texts)


def by_crf(train: TaggedFile, test: TaggedFile) -> Labels:
    """Characters in a window of five, their bigrams, and the word boundaries of rjieba."""
    import sklearn_crfsuite

    model = sklearn_crfsuite.CRF(algorithm="lbfgs", all_possible_transitions=True, **SETTINGS)
    model.fit([features(text.text) for text in train.texts], [list(text.labels) for text in train.texts])
    said: Labels = model.predict([features(text.text) for text in test.texts])
    return said


def features(text: str) -> list[list[str]]:
    """What the CRF is told of each character."""
    import rjieba

    places = [
        ("S" if len(word) == 1 else "B" if at == 0 else "E" if at == len(word) - 1 else "M", word)
        for word in rjieba.cut(text)
        for at in range(len(word))
    ]
    c = ["<", "<", *text, ">", ">"]
    p = ["<", *(place for place, _ in places), ">"]
    found = []
    for at, character in enumerate(text):
        k = at + 2
        own = [f"c{d}={c[k + d]}" for d in (-2, -1, 0, 1, 2)]
        own += [f"b{d}={c[k + d]}{c[k + d + 1]}" for d in (-2, -1, 0, 1)]
        own += [f"s={c[k - 1]}{c[k + 1]}", f"t={c[k - 1]}{c[k]}{c[k + 1]}"]
        own += [f"p{d}={p[at + 1 + d]}" for d in (-1, 0, 1)]
        own += [f"ppp={''.join(p[at : at + 3])}", f"w={places[at][1]}", f"k={kind(character)}", "bias"]
        found.append(own)
    return found


def kind(character: str) -> str:
    """Digit, Latin letter, sign or Chinese."""
    if character.isdigit():
        return "9"
    return "a" if character.isascii() and character.isalpha() else "h" if character.isalnum() else "."


def ours(
    train: TaggedFile, test: TaggedFile, new: Sequence[int], seed: int, asked: argparse.Namespace
) -> Iterator[Row]:
    """Network, n-grams and memory; without the memory; the network of the same training alone."""
    from huaxiang.encoder.tagging.alignment import align
    from huaxiang.encoder.tagging.mixture import Part
    from huaxiang.encoder.tagging.report import guessed_only
    from huaxiang.encoder.tagging.training import Settings, train_tagger

    began = time.monotonic()
    settings = Settings(encoder=asked.encoder, seconds=seconds_of(asked.budget), seed=seed, threads=asked.threads)
    trained = train_tagger(train, settings)
    part = trained.scores(test.texts)
    predicted = best(part)
    guessed, texts = guessed_only(trained, part, test.texts)
    sure_N, right_N = confidences(guessed, texts, best(guessed), trained.parts.temperature)
    seconds = time.monotonic() - began
    for note in trained.notes:
        print(f"  note: {note}")
    print(f"  validation {trained.validation}, weights {trained.parts.weights}, {trained.parts.temperature:.2f}")
    ece = calibration_error(sure_N, right_N)
    yield from measured("huaxiang", seed, test, trained.predict(test.texts, predicted), new, seconds, ece)
    yield from measured("models alone", seed, test, predicted, new, seconds, None)
    network, task = trained.parts.network, trained.parts.task
    assert network is not None
    assert task is not None
    read = [align(network.tokens, text.text, text.units) for text in test.texts]
    alone = best(Part(task.scores(network, read), task.chain()))
    yield from measured("network", seed, test, alone, new, seconds, None)


def ngrams(train: TaggedFile, test: TaggedFile, new: Sequence[int], seed: int) -> Iterator[Row]:
    """N-grams alone."""
    from huaxiang.encoder.tagging.training import Settings, train_tagger

    began = time.monotonic()
    trained = train_tagger(train, Settings(method="ngrams", seconds=600.0, seed=seed))
    yield from measured("ngrams", seed, test, best(trained.scores(test.texts)), new, time.monotonic() - began, None)


def main(arguments: Sequence[str] | None = None) -> list[Row]:
    """Measure and print; the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("HUAXIANG_DATA", ROOT / "../shared/data")))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--budget", default="15m", help="wall time of each seed")
    parser.add_argument("--encoder", default="auto")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)
    folder = asked.data / "cn_ecom_title_ner"
    if not folder.is_dir():
        print("skipped: cn_ecom_title_ner is not under HUAXIANG_DATA")
        return []
    train, test = read_tagged(folder / "train.txt.gz"), read_tagged(folder / "dev.txt.gz")
    known = {text.text for text in train.texts}
    new = [at for at, text in enumerate(test.texts) if text.text not in known]
    print(f"{machine()}, commit {commit()}, {len(train)} titles train, {len(test)} judge, {len(new)} of them new")
    rows: list[Row] = []
    for system, judge in {"dictionary": by_dictionary, "crf": by_crf}.items():
        began = time.monotonic()
        rows += measured(system, 0, test, judge(train, test), new, time.monotonic() - began, None)
    for seed in asked.seeds:
        rows += ngrams(train, test, new, seed)
        rows += ours(train, test, new, seed, asked)
    print(table(figures(rows)))
    if asked.json:
        said: dict[str, Any] = {"machine": machine(), "commit": commit(), "rows": [asdict(row) for row in rows]}
        asked.json.write_text(json.dumps(said | {"figures": [asdict(each) for each in figures(rows)]}, indent=1))
    return rows


def figures(rows: Sequence[Row]) -> list[Figure]:
    """Means over the seeds; on all titles the target is `TARGET`, or the CRF of this run where that does better."""
    made = []
    crf = max((row.f1 for row in rows if (row.system, row.titles) == ("crf", "all")), default=0.0)
    for titles in ("all", "new"):
        for system in dict.fromkeys(row.system for row in rows):
            f1 = np.mean([row.f1 for row in rows if (row.system, row.titles) == (system, titles)])
            target = max(TARGET, round(crf, 4)) if (system, titles) == ("huaxiang", "all") else None
            made.append(Figure(f"span F1, {titles} titles, {system}", round(float(f1), 4), "", target, load=load()))
    return made


if __name__ == "__main__":
    main()
