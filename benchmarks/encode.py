"""Texts to vectors, beside sentence-transformers on the same weights: `python -m benchmarks.encode`.

python -m benchmarks.encode [--encoder NAME] [--texts N] [--repeats N] [--json FILE]

Real titles and search queries of the public data are encoded by sentence-transformers (torch, fp32, its defaults), by
the exported encoder in fp32 and in int8, by the static one, by its tokenizer alone, and out of a cache. All take the
same texts on one thread; the rounds are interleaved, so that a busy moment meets everyone, and each one's best counts.
Time is processor time of this process: on a machine that others use too, the clock on the wall measures them.
"""

import argparse
import csv
import gzip
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from benchmarks.machine import ROOT, commit, load, machine
from huaxiang.encoder import Encoder
from huaxiang.encoder.cache import CachedEncoder
from huaxiang.encoder.folder import open_folder
from huaxiang.encoder.shrinking import Wish, export_encoder

INT8_OF_PEER = 2.5
STATIC_OF_TOKENIZER = 0.6
PEER, FP32, INT8, STATIC, TOKENIZER, CACHE = (
    "sentence-transformers",
    "fp32",
    "int8",
    "static",
    "tokenizer alone",
    "cache",
)

Work = Callable[[Sequence[str]], object]


@dataclass(frozen=True)
class Row:
    """Texts a second of one way to encode one kind of text.

    Attributes:
        of: what `ratio` is taken of, in the same run; the target is a least ratio.
    """

    texts: str
    way: str
    n: int
    tokens_per_text: float
    texts_per_second: float
    of: str
    ratio: float
    target: float | None = None

    @property
    def is_met(self) -> bool:
        """Whether the target was reached; True where there is none."""
        return self.target is None or self.ratio >= self.target


def data_root() -> Path:
    """Where the public data sets are."""
    return Path(os.environ.get("HUAXIANG_DATA", ROOT / "../shared/data")).resolve()


def read(path: Path) -> str:
    """The text of a gzip file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return lines.read()


def titles(root: Path) -> list[str]:
    """Product titles, English."""
    rows = json.loads(read(root / "amazon2018_scientific_text/collisiongenrec/Scientific.item.json.gz"))
    return [row["title"] for row in rows.values() if row.get("title")]


def queries(root: Path) -> list[str]:
    """Search queries, English."""
    found: list[str] = []
    for path in sorted((root / "algolia_query_suggestions").glob("*.json.gz")):
        raw = read(path)
        rows = json.loads(raw) if raw.startswith("[") else [json.loads(line) for line in raw.splitlines() if line]
        found += [row["query"] for row in rows if row.get("query")]
    return found


def chinese_queries(root: Path) -> list[str]:
    """Search queries, Chinese: id and text."""
    lines = csv.reader(read(root / "multicpr_ecom_queries/train.query.txt.gz").splitlines(), delimiter="\t")
    return [row[1] for row, _ in zip(lines, range(20_000), strict=False)]


def material(root: Path, n: int) -> Iterator[tuple[str, list[str]]]:
    """The kinds of text that are there, by name, `n` of each."""
    kinds = {"titles": titles, "queries": queries, "Chinese queries": chinese_queries}
    for name, reader in kinds.items():
        try:
            texts = reader(root)
        except FileNotFoundError as error:
            print(f"skipped: {name} needs {error.filename}; set HUAXIANG_DATA")
            continue
        chosen = np.random.default_rng(0).permutation(len(texts))[:n]
        yield name, [texts[i] for i in chosen]


def exported(encoder: str, texts: Sequence[str], folder: Path) -> dict[str, Encoder]:
    """The encoder in each form, made anew; other texts than those that are timed would make no difference to speed."""
    wishes = {FP32: Wish(precision="fp32"), INT8: Wish(), STATIC: Wish(format="static", seconds=300.0)}
    for way, wish in wishes.items():
        report = export_encoder(encoder, folder / way, wish, texts=texts)
        agreement = report.cosines or report.likeness
        print(f"{way}: {report.megabytes:.1f} MB, {agreement}")
    return {way: open_folder(folder / way) for way in wishes}


def peer(encoder: str) -> Work:
    """sentence-transformers with its defaults, on one thread."""
    import torch
    from sentence_transformers import SentenceTransformer

    from huaxiang.encoder.sources import is_known, locate

    torch.set_num_threads(1)
    folder = locate(encoder) if is_known(encoder) else encoder
    opened = SentenceTransformer(str(folder), device="cpu")
    return lambda texts: opened.encode(list(texts), show_progress_bar=False)


def best_seconds(ways: dict[str, Work], texts: Sequence[str], repeats: int) -> dict[str, float]:
    """Least processor seconds of each, over interleaved rounds."""
    seconds = dict.fromkeys(ways, np.inf)
    for _ in range(repeats):
        for way, work in ways.items():
            began = time.process_time()
            work(texts)
            seconds[way] = min(seconds[way], time.process_time() - began)
    return seconds


def measure(encoder: str, n: int, repeats: int) -> list[Row]:
    """Time every way on every kind of text."""
    kinds = dict(material(data_root(), n))
    if not kinds:
        return []
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="huaxiang-bench-") as folder:
        encoders = exported(encoder, [text for texts in kinds.values() for text in texts], Path(folder))
        alone = Tokenizer.from_file(str(Path(folder) / STATIC / "tokenizer.json"))
        alone.enable_truncation(256)
        their = peer(encoder)
        for name, texts in kinds.items():
            kept = CachedEncoder(encoders[INT8], Path(folder) / CACHE)
            kept.encode(texts)
            ways: dict[str, Work] = {
                PEER: their,
                **{way: each.encode for way, each in encoders.items()},
                TOKENIZER: alone.encode_batch_fast,
                CACHE: kept.encode,
            }
            seconds = best_seconds(ways, texts, repeats)
            kept.close()
            rows += judged(name, texts, float(np.mean([len(each.ids) for each in alone.encode_batch(texts)])), seconds)
    return rows


def judged(name: str, texts: Sequence[str], tokens_per_text: float, seconds: dict[str, float]) -> list[Row]:
    """Each way's rate beside what it is measured against."""
    beside = {FP32: PEER, INT8: PEER, STATIC: TOKENIZER, CACHE: INT8}
    targets = {INT8: INT8_OF_PEER, STATIC: STATIC_OF_TOKENIZER}
    return [
        Row(
            name,
            way,
            len(texts),
            tokens_per_text,
            len(texts) / each,
            beside.get(way, way),
            seconds[beside.get(way, way)] / each,
            targets.get(way),
        )
        for way, each in seconds.items()
    ]


def show(rows: Sequence[Row]) -> None:
    """A line for each."""
    print(f"{'texts':16} {'tokens':>6} {'way':22} {'texts/s':>10}   ratio")
    for row in rows:
        target = "" if row.target is None else f" (target {row.target}: {'met' if row.is_met else 'MISSED'})"
        ratio = "" if row.of == row.way else f"{row.ratio:7.2f} of {row.of}{target}"
        print(f"{row.texts:16} {row.tokens_per_text:6.1f} {row.way:22} {row.texts_per_second:10,.0f} {ratio}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print; status 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", default="minilm", help="folder, checkpoint or name of an installed one")
    parser.add_argument("--texts", type=int, default=1_500, help="of each kind")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)
    os.environ |= {"TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    about: dict[str, Any] = {"machine": machine(), "commit": commit(), "threads": 1, "load": load()}
    print(f"encoder {asked.encoder}; {about['machine']}, one thread, commit {about['commit']}, load {about['load']}")
    rows = measure(asked.encoder, asked.texts, asked.repeats)
    show(rows)
    if asked.json is not None:
        asked.json.write_text(json.dumps({**about, "rows": [asdict(row) for row in rows]}, indent=1), encoding="utf-8")
    return 0 if all(row.is_met for row in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
