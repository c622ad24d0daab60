"""An encoder out of the house: for onnxruntime, for Transformers, or static; checked against its source first."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huaxiang.encoder.export import write_config, write_transformers
from huaxiang.encoder.optimising import torch_as
from huaxiang.encoder.schedule import Progress
from huaxiang.encoder.serving import MODEL_FILE, TOKENIZER_FILE, OnnxEncoder
from huaxiang.encoder.shrinking.agreement import REQUIRED, REQUIRED_RANK, Cosines, Likeness
from huaxiang.encoder.shrinking.source import Source
from huaxiang.encoder.shrinking.texts import Material
from huaxiang.encoder.static import StaticEncoder, save_static
from huaxiang.encoder.writing import replacing
from huaxiang.errors import ConfigError, DataError
from huaxiang.types import Vectors

if TYPE_CHECKING:
    from huaxiang.encoder.shrinking.layers import LayersReport

FORMATS: Final = ("onnx", "hf", "static")
_CALIBRATED: Final = 64
"""Texts that 8 bits are calibrated on: 64 of another shop's, or generated ones, gave the same agreement to .001."""
_WHOLE: Final = (0.0, 0.25, 0.5)
"""Shares of the matrices that stay in float32, tried until the agreement is enough."""
_MIN_OWN: Final = 100
"""The shop's texts of the check from which likeness is compared on them alone."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for.

    Attributes:
        precision: of the format `onnx`: `int8` or `fp32`.
        layers: of the format `hf`: distil to so many; None keeps all.
        width: of the format `static`: of its vectors, at most.
        force: ship whatever the check says.
        seconds: that distilling may take, to fewer layers or to a static encoder.
        max_steps: of distilling to fewer layers, at most.
    """

    format: str = "onnx"
    precision: str = "int8"
    layers: int | None = None
    width: int = 256
    force: bool = False
    seconds: float = 600.0
    seed: int = 0
    threads: int = 1
    max_steps: int | None = None

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise ConfigError(f"format {self.format!r} is unknown; choose one of {', '.join(FORMATS)}")
        if self.precision not in REQUIRED:
            raise ConfigError(f"precision {self.precision!r} is unknown; choose one of {', '.join(REQUIRED)}")
        if self.layers is not None and self.format != "hf":
            raise ConfigError(
                f"--layers goes with --format hf, not {self.format}; export what that wrote to {self.format} after"
            )


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What was written, and how it agrees with its source.

    Attributes:
        precision: None for a static encoder.
        cosines: with the source, or of a distilled network with its file; None for a static encoder.
        likeness: of a static encoder, and that of its pieces before they were fitted.
        layers: what distilling to fewer layers did.
        n_generated: texts of the check that the shop did not give.
        megabytes, source_megabytes: of all files, and of the source's float32 graph.
        notes: what was cut, filled up or forced, one sentence each.
    """

    name: str
    format: str
    d: int
    fingerprint: str
    precision: str | None
    cosines: Cosines | None
    likeness: Likeness | None
    likeness_of_pieces: Likeness | None
    layers: LayersReport | None
    n_generated: int
    megabytes: float
    source_megabytes: float
    seconds: float
    notes: tuple[str, ...]

    def figures(self) -> dict[str, Any]:
        """The same as JSON-compatible values."""
        return asdict(self)


@dataclass(slots=True)
class _Export:
    """One export on its way; each format fills in what it has found out."""

    source: Source
    material: Material
    wish: Wish
    rng: np.random.Generator
    progress: Progress | None
    notes: list[str]
    found: dict[str, Any] = field(default_factory=dict)


def export_encoder(
    named: str, out: Path, wish: Wish, *, texts: Iterable[str] | None = None, progress: Progress | None = None
) -> ExportReport:
    """Write the encoder `named` to `out`, replacing an export that was there only when the new one has passed.

    Args:
        texts: the shop's, to check on and to learn from; without them the tokenizer's own pieces make some.

    Raises:
        DataError: `out` holds something else or the source; the export agrees too little with its source.
        ConfigError: more layers than there are.
        MissingExtraError: torch or onnx is needed and not installed.
    """
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="huaxiang-export-") as scratch:
        source = Source(named, Path(scratch) / "graph", threads=wish.threads)
        _check_place(out, source)
        rng = np.random.default_rng(wish.seed)
        with torch_as(wish.threads, wish.seed, "exporting an encoder"):
            material = Material.of(texts, source.served.tokens, rng)
            export = _Export(source, material, wish, rng, progress, list(material.notes))
            with replacing(out) as partial:
                _WRITE[wish.format](export, partial)
        return _report(export, out, time.monotonic() - began)


def _check_place(out: Path, source: Source) -> None:
    """Refuse to write over what is no export, or over what is read."""
    if out.resolve() == source.folder.resolve() or out.resolve() in source.folder.resolve().parents:
        raise DataError(f"{out} is where the encoder is read from; give another folder")
    if out.is_dir() and (strange := sorted(each.name for each in out.iterdir() if each.name not in _WRITTEN)):
        raise DataError(f"{out} holds other files, such as {strange[0]}; give an empty or new folder for the export")
    if out.is_file():
        raise DataError(f"{out} is a file; give a folder for the export")


def _write_onnx(export: _Export, folder: Path) -> None:
    source, precision = export.source, export.wish.precision
    shutil.copyfile(source.graph / TOKENIZER_FILE, folder / TOKENIZER_FILE)
    if precision == "int8":
        cosines = _write_int8(export, folder, source.served.encode(export.material.checked))
    else:
        shutil.copyfile(source.graph / MODEL_FILE, folder / MODEL_FILE)
        cosines = _compared(export, folder, source.served.encode(export.material.checked))
    _require(export, cosines.least, REQUIRED[precision], f"the {precision} graph", "smallest cosine")
    written = OnnxEncoder.load(folder)
    export.found |= {"d": written.d, "name": written.name, "fingerprint": written.fingerprint}
    export.found |= {"precision": precision, "cosines": cosines}


def _write_int8(export: _Export, folder: Path, source_ND: Vectors) -> Cosines:
    """In 8 bits all of it, or as much as agrees well enough with the source."""
    from huaxiang.encoder.shrinking.int8 import quantise

    source = export.source
    rows = [row for row in source.served.tokens.ids(export.material.learned[:_CALIBRATED]) if row]
    tried: list[str] = []
    for whole in _WHOLE:
        quantise(source.graph / MODEL_FILE, folder / MODEL_FILE, rows, whole=whole)
        cosines = _compared(export, folder, source_ND)
        if cosines.least >= REQUIRED["int8"]:
            break
        tried.append(f"{cosines.least:.4f} with {whole:.0%}")
    if tried:
        export.notes.append(
            f"{whole:.0%} of the matrices stayed in fp32: the smallest cosine was {', '.join(tried)} of them in fp32"
        )
    return cosines


def _compared(export: _Export, folder: Path, source_ND: Vectors) -> Cosines:
    """The graph in `folder` beside the source's vectors."""
    write_config(folder, replace(export.source.served.config, precision=export.wish.precision))
    return Cosines.of(source_ND, OnnxEncoder.load(folder, threads=export.wish.threads).encode(export.material.checked))


def _write_hf(export: _Export, folder: Path) -> None:
    from huaxiang.encoder.checkpoint import open_checkpoint
    from huaxiang.encoder.opening import NetworkEncoder

    network = export.source.network
    if (n_layers := export.wish.layers) is not None:
        from huaxiang.encoder.shrinking.layers import distil_layers

        if not export.material.is_own:
            export.notes.append("distilled on texts made of the tokenizer's pieces: --texts of the shop teach far more")
        network, export.found["layers"] = distil_layers(
            network,
            export.source.served,
            n_layers,
            export.material.learned,
            seconds=export.wish.seconds,
            rng=export.rng,
            max_steps=export.wish.max_steps,
            progress=export.progress,
        )
    write_transformers(network, folder)
    written = NetworkEncoder(open_checkpoint(str(folder), network.tokens.max_tokens))
    checked = export.material.checked
    cosines = Cosines.of(NetworkEncoder(network).encode(checked), written.encode(checked))
    _require(export, cosines.least, REQUIRED["fp32"], "what Transformers opens", "smallest cosine")
    export.found |= {"d": network.d, "name": network.name, "fingerprint": written.fingerprint}
    export.found |= {"precision": "fp32", "cosines": cosines}


def _write_static(export: _Export, folder: Path) -> None:
    from huaxiang.encoder.shrinking.static import distil_static

    served, wish = export.source.served, export.wish
    own = export.material.learned if export.material.is_own else ()
    done = distil_static(served, own, width=wish.width, seconds=wish.seconds, progress=export.progress)
    export.notes += done.notes
    if done.n_texts == 0:
        export.notes.append("made of pieces alone: --texts of the shop, a few hundred or more, bring it much nearer")
    save_static(folder, done.table_VE, served.tokens, f"{served.name}-static")
    written = StaticEncoder.load(folder)
    own_checked = export.material.own_checked
    checked = own_checked if len(own_checked) >= _MIN_OWN else export.material.checked
    source_ND = served.encode(checked)
    likeness = Likeness.of(source_ND, written.encode(checked), np.random.default_rng(wish.seed))
    if done.pieces_only_VE is not None:
        before = StaticEncoder(done.pieces_only_VE, served.tokens, written.config).encode(checked)
        export.found["likeness_of_pieces"] = Likeness.of(source_ND, before, np.random.default_rng(wish.seed))
    _require(export, likeness.spearman, REQUIRED_RANK, "the static encoder", "rank correlation")
    export.found |= {"d": written.d, "name": written.name, "fingerprint": written.fingerprint, "likeness": likeness}


_WRITE: Final[dict[str, Callable[[_Export, Path], None]]] = {
    "onnx": _write_onnx,
    "hf": _write_hf,
    "static": _write_static,
}
_WRITTEN: Final = frozenset(
    [
        *("config.json", "model.onnx", "tokenizer.json", "model.safetensors", "tokenizer_config.json", "modules.json"),
        *("special_tokens_map.json", "vocab.txt", "sentence_bert_config.json", "config_sentence_transformers.json"),
        *("1_Pooling", "2_Normalize", "1_Normalize", "huaxiang.json", "added_tokens.json", "sentencepiece.bpe.model"),
    ]
)
"""What an export may consist of; a folder with anything else is not replaced."""


def _require(export: _Export, value: float, least: float, what: str, of: str) -> None:
    """Refuse to ship below the least agreement, or note that it was forced."""
    if value >= least:
        return
    said = f"{what} agrees with {export.source.named} to a {of} of {value:.4f}, and {least} is required"
    if not export.wish.force:
        raise DataError(f"{said}, so nothing was written: choose another format or precision, or insist by --force")
    export.notes.append(f"{said}: forced")


def _report(export: _Export, out: Path, seconds: float) -> ExportReport:
    nothing = dict.fromkeys(("precision", "cosines", "likeness", "likeness_of_pieces", "layers"))
    return ExportReport(
        **{**nothing, **export.found},
        format=export.wish.format,
        n_generated=export.material.n_generated,
        megabytes=_megabytes(out),
        source_megabytes=_megabytes(export.source.graph),
        seconds=seconds,
        notes=tuple(export.notes),
    )


def _megabytes(folder: Path) -> float:
    return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file()) / 1e6
