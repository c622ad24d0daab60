"""All ways to fine-tune side by side on small sets, in two languages: `python -m benchmarks.efficient [--quick]`.

For each method the weights that are trained, how much memory the training adds, how long an epoch takes, and how good
it is on held-out and on test texts: means over seeds with 95 % intervals (Student's t), each seed with training texts
of its own and the same test texts. `frozen` is logistic regression on the vectors of the encoder as it came. Each
method is trained in a process of its own on one thread. Nothing is chosen by the test texts.
"""

import argparse
import csv
import gc
import gzip
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.machine import ROOT, commit, load, machine

FROZEN: Final = "frozen"
BATCH: Final = 16
_STUDENT: Final = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776}
"""Two-sided 95 % quantiles of Student's t by degrees of freedom."""


@dataclass(frozen=True)
class Setting:
    """One set: where it is, which encoder reads it, how much of it is taken, how long it is learned."""

    name: str
    file: str
    text: str
    label: str
    encoder: str
    classes: int
    train: int
    held: int
    test: int
    epochs: int
    max_tokens: int


INTENTS: Final = Setting(
    "English intents",
    "banking77/train.csv.gz",
    "text",
    "category",
    "minilm",
    classes=20,
    train=200,
    held=200,
    test=400,
    epochs=6,
    max_tokens=48,
)
REVIEWS: Final = Setting(
    "Chinese reviews",
    "cn_reviews/online_shopping_8_cats.csv.gz",
    "review",
    "label",
    "e5-small",
    classes=2,
    train=160,
    held=100,
    test=240,
    epochs=3,
    max_tokens=32,
)
SETTINGS: Final = (INTENTS, REVIEWS)
"""So small that all of it takes a quarter of an hour on two idle cores; `--scale 10` takes ten times the texts."""


@dataclass(frozen=True)
class Row:
    """One method on one set; accuracies by seed."""

    data: str
    method: str
    trained: int
    share: float
    memory_mb: float
    seconds_per_epoch: float
    held: list[float]
    test: list[float]


def scaled(setting: Setting, times: int) -> Setting:
    """The same with so many times the texts."""
    return replace(setting, train=setting.train * times, held=setting.held * times, test=setting.test * times)


Texts = list[tuple[str, int]]
Parts = tuple[Texts, Texts, Texts]


def read(setting: Setting, root: Path) -> Texts:
    """Distinct texts with the number of their class, of the first classes by name."""
    with gzip.open(root / setting.file, "rt", encoding="utf-8", newline="") as file:
        rows = [(row[setting.text].strip(), row[setting.label]) for row in csv.DictReader(file)]
    kept = {name: at for at, name in enumerate(sorted({label for _, label in rows})[: setting.classes])}
    return sorted({text: kept[label] for text, label in rows if text and label in kept}.items())


def divide(texts: Texts, setting: Setting, seed: int) -> Parts:
    """Training, held-out and test texts, classes alike in each; the test texts are the same for every seed."""
    fixed, own = np.random.default_rng(0), np.random.default_rng((1, seed))
    parts: Parts = ([], [], [])
    for at in range(setting.classes):
        of_class = [each for each in texts if each[1] == at]
        order = fixed.permutation(len(of_class))
        n_test = setting.test // setting.classes
        rest = own.permutation(order[n_test:])
        n_train, n_held = setting.train // setting.classes, setting.held // setting.classes
        for part, chosen in zip(parts, (rest[:n_train], rest[n_train : n_train + n_held], order[:n_test]), strict=True):
            part.extend(of_class[i] for i in chosen)
    return parts


@contextmanager
def growth() -> Iterator[Callable[[], float]]:
    """How far the process's memory grows inside the block over what it was at its beginning, in MB."""
    gc.collect()
    page = os.sysconf("SC_PAGE_SIZE")

    def now() -> int:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * page

    before = most = now()
    ended = threading.Event()

    def watch() -> None:
        nonlocal most
        while not ended.wait(0.01):
            most = max(most, now())

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield lambda: (max(most, now()) - before) / 1e6
    finally:
        ended.set()
        watching.join()


def prepare(setting: Setting, root: Path, folder: Path) -> None:
    """The encoder, cut down to the vocabulary of the set, written once so that no measurement pays for it."""
    from huaxiang.encoder.checkpoint import open_checkpoint, quietly
    from huaxiang.encoder.sources.prune import prune

    network = open_checkpoint(setting.encoder, setting.max_tokens)
    prune(network, [text for text, _ in read(setting, root)])
    with quietly():
        network.lm.save_pretrained(folder)
        network.tokenizer.save_pretrained(folder)


@dataclass(frozen=True)
class Run:
    """One training."""

    trained: int
    memory_mb: float
    seconds_per_epoch: float
    held: float
    test: float


def one(setting: Setting, method: str, folder: Path, root: Path, seeds: int) -> Row:
    """Train by one method on every seed, in this process; memory is that of the first, before anything was freed."""
    import torch

    from huaxiang.encoder.checkpoint import open_checkpoint

    torch.set_num_threads(1)
    texts, runs, whole = read(setting, root), [], 0
    for seed in range(seeds):
        torch.manual_seed(seed)
        network = open_checkpoint(str(folder), setting.max_tokens)
        whole = network.n_parameters
        parts = divide(texts, setting, seed)
        runs.append(frozen(network, parts) if method == FROZEN else tuned(network, setting, method, parts, seed))
    trained = runs[0].trained
    return Row(
        setting.name,
        method,
        trained,
        trained / whole,
        runs[0].memory_mb,
        statistics.mean(run.seconds_per_epoch for run in runs),
        [run.held for run in runs],
        [run.test for run in runs],
    )


def frozen(network: Any, parts: Parts) -> Run:
    """Logistic regression on frozen vectors, its regularisation by the held-out texts; an epoch is all it takes."""
    from sklearn.linear_model import LogisticRegression

    began = time.process_time()
    with growth() as grown:
        x, x_held = (network.encode_ids(network.tokens.ids([t for t, _ in part])).numpy() for part in parts[:2])
        y, y_held, y_test = ([label for _, label in part] for part in parts)
        fitted = [LogisticRegression(C=c, max_iter=2000).fit(x, y) for c in (1.0, 10.0, 100.0)]
        memory = grown()
    seconds = time.process_time() - began
    best = max(fitted, key=lambda head: float(head.score(x_held, y_held)))
    x_test = network.encode_ids(network.tokens.ids([text for text, _ in parts[2]])).numpy()
    return Run(0, memory, seconds, float(best.score(x_held, y_held)), float(best.score(x_test, y_test)))


def tuned(network: Any, setting: Setting, method: str, parts: Parts, seed: int) -> Run:
    """Fine-tuning by a method, at its own learning rate."""
    from huaxiang.encoder.finetuning.loop import Plan, fit
    from huaxiang.encoder.finetuning.methods import apply_method
    from huaxiang.encoder.tasks.base import Score
    from huaxiang.encoder.tasks.classify import Classify, Examples

    learned, held, test = (
        Examples(
            network.tokens.ids([text for text, _ in part]),
            np.eye(setting.classes, dtype=np.float32)[[label for _, label in part]],
        )
        for part in parts
    )
    task = Classify(learned, held, network.d)
    steps = -(-len(learned) // BATCH) * setting.epochs
    began = time.process_time()
    with growth() as grown:
        applied = apply_method(network, method, total_steps=steps, seed=seed)
        plan = Plan(epochs=setting.epochs, batch_size=BATCH, learning_rate=applied.learning_rate, checks=2, patience=9)
        report = fit(
            network,
            task,
            plan,
            seconds=1e9,
            rng=np.random.default_rng(seed),
            before=Score(-math.inf),  # a random head, which need not be judged
            after_step=applied.after_step,
            penalty=applied.penalty,
        )
        memory = grown()
    seconds = (time.process_time() - began) / setting.epochs
    applied.finish()
    right = task.scores(network, test.rows).argmax(axis=1) == test.targets_NC.argmax(axis=1)
    return Run(applied.n_trained, memory, seconds, report.after.figures["accuracy"], float(right.mean()))


def interval(values: Sequence[float]) -> str:
    """Mean and half the width of its 95 % interval."""
    if len(values) < 2:
        return f"{values[0]:.3f}        "
    half = _STUDENT[len(values) - 1] * statistics.stdev(values) / len(values) ** 0.5
    return f"{statistics.mean(values):.3f} ± {half:.3f}"


def table(rows: Sequence[Row]) -> str:
    """For people."""
    head = f"{'data':16} {'method':8} {'trained':>11} {'share':>8} {'memory':>8} {'s/epoch':>8}"
    lines = [
        f"{row.data:16} {row.method:8} {row.trained:11,} {row.share:8.3%} {row.memory_mb:5.0f} MB "
        f"{row.seconds_per_epoch:8.1f} {interval(row.held):>14} {interval(row.test):>14}"
        for row in rows
    ]
    return "\n".join([f"{head} {'held-out':>14} {'test':>14}", *lines])


def measured(setting: Setting, method: str, folder: Path, more: Sequence[str]) -> Row:
    """One method in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.efficient", "--one", setting.name, method, str(folder), *more],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{setting.name}, {method}: {done.stderr[-2000:]}")
    return Row(**json.loads(done.stdout.splitlines()[-1]))


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    from huaxiang.encoder.finetuning.methods import METHODS

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("HUAXIANG_DATA", ROOT / "../shared/data")))
    parser.add_argument("--methods", nargs="+", choices=[FROZEN, *METHODS], default=[FROZEN, *METHODS])
    parser.add_argument("--only", nargs="+", choices=[each.name for each in SETTINGS])
    parser.add_argument("--seeds", type=int, choices=range(1, 6), default=3)
    parser.add_argument("--scale", type=int, default=1, help="times as many training, held-out and test texts")
    parser.add_argument("--quick", action="store_true", help="one seed")
    parser.add_argument("--workers", type=int, default=1, help="methods at once; times and memory are per process")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", nargs=3, metavar=("SET", "METHOD", "FOLDER"), help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.one:
        setting = scaled(next(each for each in SETTINGS if each.name == args.one[0]), args.scale)
        print(json.dumps(asdict(one(setting, args.one[1], Path(args.one[2]), args.data, args.seeds))))
        return 0
    chosen = [
        each for each in SETTINGS if (args.data / each.file).is_file() and each.name in (args.only or [each.name])
    ]
    if not chosen:
        print(f"skipped: neither {' nor '.join(each.file for each in SETTINGS)} is under HUAXIANG_DATA")
        return 0
    began, rows = time.monotonic(), []
    with tempfile.TemporaryDirectory(prefix="huaxiang-efficient-") as work, ThreadPoolExecutor(args.workers) as pool:
        for setting in chosen:
            folder = Path(work) / setting.encoder
            prepare(setting, args.data, folder)
            more = (
                "--data",
                str(args.data),
                "--seeds",
                str(1 if args.quick else args.seeds),
                "--scale",
                str(args.scale),
            )
            running = [pool.submit(measured, setting, method, folder, more) for method in args.methods]
            rows += [each.result() for each in running]
    print(f"machine {machine()}, load {load()}, commit {commit()}; one thread, seconds of CPU; {args.workers} at once")
    for setting in chosen:
        print(f"{setting.name}: {setting}")
    print(table(rows))
    print(f"{time.monotonic() - began:.0f} s")
    if args.json:
        about = {"machine": machine(), "commit": commit(), "settings": [asdict(each) for each in chosen]}
        args.json.write_text(json.dumps(about | {"rows": [asdict(row) for row in rows]}, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
