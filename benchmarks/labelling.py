"""What 50 answers are worth, chosen by `huaxiang label` and at random: `python -m benchmarks.labelling`.

Reviews of a Chinese shop (two labels) and ten intents of a bank (English), 2,000 texts at most, ten seeds. The share of
the other texts that are right, and how far the estimate that the command gives is from it. Strategies were chosen on
these sets; `--part` takes other texts of them.
"""

import argparse
import csv
import json
import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.machine import commit, machine
from benchmarks.sentiment import labelled_csv, opened
from huaxiang.encoder.labelling import ROUND, Labelling
from huaxiang.encoder.opening import open_encoder
from huaxiang.encoder.zero_shot import ZeroShot
from huaxiang.types import Vectors

N_TEXTS, N_INTENTS, N_SEEDS = 2_000, 10, 10


@dataclass(frozen=True)
class Table:
    """Texts, the place of the label of each, and the labels with the words that stand for them."""

    name: str
    texts: Sequence[str]
    right: Sequence[int]
    labels: Sequence[str]


@dataclass(frozen=True)
class Row:
    """Means over the seeds; `sd` is the deviation of one seed, `covered` how often the interval held the truth."""

    data: str
    encoder: str
    chosen: str
    answers: int
    accuracy: float
    sd: float
    estimate: float
    covered: float


def tables(root: Path, part: int) -> Iterator[Table]:
    """The sets that are there; `part` 0, 1, 2 ... are texts that no other part has."""
    chinese = root / "cn_reviews/online_shopping_8_cats.csv.gz"
    if chinese.is_file():
        sides = {True: ["好评"], False: ["差评"]}
        rows = list(dict(labelled_csv(chinese, "review", "label")).items())
        random.Random(0).shuffle(rows)
        half = N_TEXTS // 2
        each = [
            [text for text, label in rows if label is side and text][part * half : (part + 1) * half] for side in sides
        ]
        right = [at for at, texts in enumerate(each) for _ in texts]
        yield Table("Chinese shop reviews", [*each[0], *each[1]], right, [words[0] for words in sides.values()])
    intents = root / "banking77/train.csv.gz"
    if intents.is_file():
        with opened(intents) as lines:
            asked = [(row["text"].strip(), row["category"]) for row in csv.DictReader(lines)]
        names = sorted({name for _, name in asked})
        random.Random(part).shuffle(names)
        kept = sorted(names[:N_INTENTS])
        found = [(text, kept.index(name)) for text, name in asked if name in kept]
        yield Table("ten intents of a bank", [text for text, _ in found], [at for _, at in found], kept)


def ask(labelling: Labelling, right: Sequence[int], n: int) -> dict[int, int]:
    """The answers to what is asked about."""
    answers: dict[int, int] = {}
    while len(answers) < n:
        answers |= {at: right[at] for at in labelling.next_texts(answers, (), min(ROUND, n - len(answers)))}
    return answers


def measured(table: Table, encoder: str, vectors_ND: Vectors, labels_CD: Vectors, chosen: str, n: int) -> Row:
    """Ten sessions."""
    right_N, found = np.array(table.right), []
    for seed in range(N_SEEDS):
        labelling = Labelling(vectors_ND, labels_CD, seed=seed)
        if chosen == "random":
            drawn = np.random.default_rng(seed).choice(len(right_N), n, replace=False)
            answers = {int(at): table.right[at] for at in drawn}
        else:
            answers = ask(labelling, table.right, n)
        rest = np.setdiff1d(np.arange(len(right_N)), list(answers))
        accuracy = float((labelling.probabilities(answers)[rest].argmax(axis=1) == right_N[rest]).mean())
        said = labelling.estimate(answers)
        found.append((accuracy, said.accuracy, said.low <= accuracy <= said.high))
    accuracies, estimates, covered = (np.array(column, float) for column in zip(*found, strict=True))
    row = Row(table.name, encoder, chosen, n, float(accuracies.mean()), float(accuracies.std()), 0.0, 0.0)
    row = Row(**{**asdict(row), "estimate": float(estimates.mean()), "covered": float(covered.mean())})
    print(
        f"{row.data:24} {row.encoder:10} {row.chosen:8} {row.answers:4} {row.accuracy:.4f} (sd {row.sd:.4f}) "
        f"estimate {row.estimate:.4f}, covered {row.covered:.1f}",
        flush=True,
    )
    return row


def main(argv: Sequence[str] | None = None) -> list[Row]:
    """Measure and print; the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("HUAXIANG_DATA", "../shared/data")))
    parser.add_argument("--encoders", nargs="*", default=["use"])
    parser.add_argument("--answers", nargs="*", type=int, default=[50])
    parser.add_argument("--part", type=int, default=1, help="0 is what the strategy was chosen on")
    parser.add_argument("--json", type=Path, help="write the figures here")
    asked = parser.parse_args(argv)
    print(f"{commit()}, {machine()}, {N_SEEDS} seeds, part {asked.part}")
    rows: list[Row] = []
    for table in tables(asked.data, asked.part):
        for name in asked.encoders:
            encoder = open_encoder(name, table.texts).encoder
            vectors_ND = encoder.encode(list(table.texts))
            labels_CD = ZeroShot(encoder, table.labels).label_vectors
            for n in asked.answers:
                rows += [measured(table, name, vectors_ND, labels_CD, how, n) for how in ("random", "chosen")]
    if asked.json:
        said = {"commit": commit(), "machine": machine(), "rows": [asdict(row) for row in rows]}
        asked.json.write_text(json.dumps(said, indent=1), encoding="utf-8")
    return rows


if __name__ == "__main__":
    main()
