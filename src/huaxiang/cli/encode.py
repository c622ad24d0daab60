"""`huaxiang encode` turns texts into vectors."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from huaxiang.cli.progress import bar
from huaxiang.encoder.texts import read_texts
from huaxiang.errors import DataError

if TYPE_CHECKING:
    from huaxiang.encoder import Encoder


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(encode)


def encode(
    encoder: Annotated[str, typer.Option(help="Folder that `pretrain`, `train` or `export` wrote; auto, or a name.")],
    texts: Annotated[Path, typer.Option(help="Lines of text, or CSV, TSV, JSONL; plain or gzip.")],
    out: Annotated[Path, typer.Option(help="FILE.npy for vectors alone, FILE.parquet for text and vector.")],
    column: Annotated[str | None, typer.Option(help="Column of CSV, TSV or JSONL that holds the text.")] = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads of an exported encoder.")] = 1,
    cache: Annotated[
        Path | None, typer.Option(help="Folder that keeps vectors: what was encoded once is free.")
    ] = None,
    cache_mb: Annotated[
        float, typer.Option(help="Space of that folder, in MB; what was used longest ago goes.")
    ] = 1_024,
) -> None:
    """Turn each line of a file into a vector of length 1, in the file's order; a blank line into zeros."""
    import numpy as np

    from huaxiang.encoder.cache import CachedEncoder

    if out.suffix not in {".npy", ".parquet"}:
        raise DataError(f"{out} ends in {out.suffix or 'nothing'}; vectors are written as .npy or .parquet")
    read = list(read_texts(texts, column, keep_blank=True))
    plain = _opened(encoder, read, threads)
    opened = plain if cache is None else CachedEncoder(plain, cache, max_mb=cache_mb)
    vectors = np.zeros((len(read), opened.d), dtype=np.float32)
    with bar() as progress:
        for start in range(0, len(read), 1024):
            vectors[start : start + 1024] = opened.encode(read[start : start + 1024])
            progress("encode", min(start + 1024, len(read)), len(read), 0.0)
    if out.suffix == ".npy":
        np.save(out, vectors, allow_pickle=False)
    else:
        _write_parquet(out, read, vectors, opened.fingerprint)
    typer.echo(f"{len(read)} texts -> {out}: shape {vectors.shape}, encoder {opened.name} ({opened.fingerprint})")
    if isinstance(opened, CachedEncoder):
        opened.close()
        typer.echo(f"{opened.hits} of the texts were in the cache {cache}, {opened.misses} were not")
        for note in opened.notes:
            typer.echo(f"note: {note}")


def _opened(named: str, texts: list[str], threads: int) -> "Encoder":
    """An exported encoder by its folder, without torch; else what the name stands for."""
    from huaxiang.encoder.folder import kind_of, open_folder
    from huaxiang.encoder.opening import open_encoder

    folder = Path(named).expanduser()
    if named != "auto" and (kind_of(folder) or kind_of(folder / "serving")):
        return open_folder(folder, threads=threads)
    opened = open_encoder(named, texts)
    typer.echo(opened.why)
    return opened.encoder


def _write_parquet(out: Path, texts: list[str], vectors: "object", fingerprint: str) -> None:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    array = np.asarray(vectors, dtype=np.float32)
    column = pa.FixedSizeListArray.from_arrays(pa.array(array.ravel()), array.shape[1])
    table = pa.table({"text": pa.array(texts, pa.string()), "vector": column})
    pq.write_table(table.replace_schema_metadata({"encoder": fingerprint}), out)
