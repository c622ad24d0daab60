"""`huaxiang pretrain` makes an encoder from files of text; `huaxiang encode` turns texts into vectors."""

import csv
import gzip
import io
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from huaxiang.errors import DataError

if TYPE_CHECKING:
    from huaxiang.encoder.report import EncoderReport

_SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3600}
_COLUMNS: Final = ("text", "name", "title", "content", "sentence", "review", "query")
"""Columns that are read when none is named and the file has exactly one of them."""


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.command("pretrain")(pretrain)
    app.command("encode")(encode)


def pretrain(
    texts: Annotated[list[Path], typer.Option(help="Lines of text, or CSV, TSV, JSONL; plain or gzip. Repeatable.")],
    out: Annotated[Path, typer.Option(help="Folder to write: hf/ for Transformers, serving/ for onnxruntime.")],
    encoder: Annotated[
        str | None,
        typer.Option(help="Begin with this Hugging Face checkpoint: a folder, or a name in the local cache."),
    ] = None,
    column: Annotated[str | None, typer.Option(help="Column of CSV, TSV or JSONL that holds the text.")] = None,
    budget: Annotated[str, typer.Option(help="Wall time for everything: 90s, 5m, 1h.")] = "5m",
    seed: Annotated[int, typer.Option(help="Same seed, same encoder, where the budget cuts nothing.")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="Threads of the training.")] = 1,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures here.")] = None,
) -> None:
    """Pretrain an encoder by masked language modelling on your own text."""
    seconds = parse_budget(budget)
    read = [text for path in texts for text in read_texts(path, column)]
    from huaxiang.encoder.training import train_encoder

    with _bar() as progress:
        report = train_encoder(
            read, [], out=out, checkpoint=encoder, budget_seconds=seconds, seed=seed, threads=threads, progress=progress
        )
    _say(report, out)
    if json_file is not None:
        json_file.write_text(json.dumps(report.figures(), ensure_ascii=False, indent=2), encoding="utf-8")


def encode(
    encoder: Annotated[Path, typer.Option(help="Folder that `huaxiang pretrain` or `train` wrote.")],
    texts: Annotated[Path, typer.Option(help="Lines of text, or CSV, TSV, JSONL; plain or gzip.")],
    out: Annotated[Path, typer.Option(help="FILE.npy for vectors alone, FILE.parquet for text and vector.")],
    column: Annotated[str | None, typer.Option(help="Column of CSV, TSV or JSONL that holds the text.")] = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads of the encoder.")] = 1,
) -> None:
    """Turn each line of a file into a vector of length 1, in the file's order; a blank line into zeros."""
    import numpy as np

    from huaxiang.encoder import OnnxEncoder

    if out.suffix not in {".npy", ".parquet"}:
        raise DataError(f"{out} ends in {out.suffix or 'nothing'}; vectors are written as .npy or .parquet")
    opened = OnnxEncoder.load(encoder, threads=threads)
    read = list(read_texts(texts, column, keep_blank=True))
    vectors = np.zeros((len(read), opened.d), dtype=np.float32)
    with _bar() as progress:
        for start in range(0, len(read), 1024):
            vectors[start : start + 1024] = opened.encode(read[start : start + 1024])
            progress("encode", min(start + 1024, len(read)), len(read), 0.0)
    if out.suffix == ".npy":
        np.save(out, vectors, allow_pickle=False)
    else:
        _write_parquet(out, read, vectors, opened.fingerprint)
    typer.echo(f"{len(read)} texts -> {out}: shape {vectors.shape}, encoder {opened.name} ({opened.fingerprint})")


def parse_budget(said: str) -> float:
    """Seconds of `90`, `90s`, `5m`, `1.5h`."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", said.strip().lower())
    if found is None or float(found[1]) == 0:
        raise DataError(f"budget {said!r} is no time; write it like 90s, 5m or 1h")
    return float(found[1]) * _SECONDS[found[2]]


def read_texts(path: Path, column: str | None, *, keep_blank: bool = False) -> Iterator[str]:
    """The texts of a file, in order; by its ending (before `.gz`) a table, JSON lines or plain lines."""
    if not path.is_file():
        raise DataError(f"no file {path}")
    kind = Path(path.name.removesuffix(".gz")).suffix.lower()
    with _opened(path) as lines:
        try:
            if kind in {".csv", ".tsv"}:
                found = _table(path, lines, column, "\t" if kind == ".tsv" else ",")
            elif kind in {".jsonl", ".ndjson"}:
                found = _json_lines(path, lines, column)
            elif column is not None:
                raise DataError(
                    f"{path} is read as plain lines, which have no column {column!r}; end it in .csv or .jsonl"
                )
            else:
                found = (line.rstrip("\r\n") for line in lines)
            yield from (text for text in found if keep_blank or text.strip())
        except UnicodeDecodeError as error:
            raise DataError(f"{path} is not UTF-8 ({error.reason}); convert it first") from error
        except (EOFError, gzip.BadGzipFile) as error:
            raise DataError(f"{path} is no complete gzip file: {error}") from error


def _opened(path: Path) -> IO[str]:
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
    if packed:
        return io.TextIOWrapper(gzip.open(path, "rb"), encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _table(path: Path, lines: IO[str], column: str | None, delimiter: str) -> Iterator[str]:
    reader = csv.DictReader(lines, delimiter=delimiter)
    chosen = _choose(path, column, list(reader.fieldnames or ()))
    for row in reader:
        yield row[chosen] or ""


def _json_lines(path: Path, lines: IO[str], column: str | None) -> Iterator[str]:
    chosen = column
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(f"{path} line {number} is no JSON: {error.msg}") from error
        if not isinstance(row, dict):
            raise DataError(f"{path} line {number} is no JSON object; each line is one, with a column of text")
        chosen = chosen or _choose(path, None, list(row))
        if chosen not in row and number == 1:
            _choose(path, chosen, list(row))
        value = row.get(chosen)
        yield "" if value is None else str(value)


def _choose(path: Path, column: str | None, known: list[str]) -> str:
    if column is not None:
        if column not in known:
            raise DataError(f"{path} has no column {column!r}; it has: {', '.join(known)}")
        return column
    likely = [name for name in known if name.lower() in _COLUMNS]
    if len(likely) == 1 or len(known) == 1:
        return (likely or known)[0]
    raise DataError(f"{path}: which column holds the text? name it by --column; there are: {', '.join(known)}")


def _write_parquet(out: Path, texts: list[str], vectors: "object", fingerprint: str) -> None:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    array = np.asarray(vectors, dtype=np.float32)
    column = pa.FixedSizeListArray.from_arrays(pa.array(array.ravel()), array.shape[1])
    table = pa.table({"text": pa.array(texts, pa.string()), "vector": column})
    pq.write_table(table.replace_schema_metadata({"encoder": fingerprint}), out)


@contextmanager
def _bar() -> Iterator[Callable[[str, int, int, float], None]]:
    """A bar on a terminal, nothing elsewhere."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal or "CI" in os.environ) as shown:
        tasks: dict[str, int] = {}

        def advance(stage: str, step: int, planned: int, _seconds_left: float) -> None:
            if stage not in tasks:
                tasks[stage] = int(shown.add_task(stage, total=planned))
            shown.update(shown.task_ids[list(tasks).index(stage)], completed=step, total=planned)

        yield advance


def _say(report: "EncoderReport", out: Path) -> None:
    typer.echo(
        f"{out}: {report.name}, {report.parameters:,} weights, {report.vocabulary:,} pieces, vectors of {report.d}; "
        f"read {report.n_texts:,} texts in {report.seconds:.0f} s"
    )
    if (masked := report.pretrain) is not None:
        typer.echo(
            f"pretraining: {masked.steps} of {masked.planned_steps} steps; held-out perplexity "
            f"{masked.perplexity_before:.1f} before, {masked.perplexity_after:.1f} after"
        )
    for note in report.notes:
        typer.echo(f"note: {note}")
