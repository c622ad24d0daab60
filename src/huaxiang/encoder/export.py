"""Writing an encoder: `hf/` opens in Transformers, `serving/` in onnxruntime, and both give the same vectors."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np

from huaxiang.encoder.checkpoint import quietly
from huaxiang.encoder.model import Network, pooled
from huaxiang.encoder.serving import CONFIG_FILE, MODEL_FILE, TOKENIZER_FILE, OnnxEncoder, ServingConfig
from huaxiang.encoder.sources.cache import ABOUT_FILE
from huaxiang.errors import DataError

MIN_COSINE: Final = 0.9999
_PROBES: Final = ("", "a", "红色 连衣裙", "waterproof hiking boots 防水登山鞋, size 42 🥾", "tea pot " * 200)
"""Read beside the shop's own texts: what is short, long, mixed or strange must come out equal too."""


def export(network: Network, out: Path, samples: Sequence[str]) -> float:
    """Write `out/hf` and `out/serving`, replacing an encoder that was there only when the new one is complete.

    There is no `hf` where a method stays around the encoder (`network.body`): Transformers alone would give other
    vectors.

    Args:
        samples: real texts, on which torch and onnxruntime are compared.

    Returns:
        The smallest cosine between the two engines' vectors.

    Raises:
        DataError: `out` holds something else, a vector is not finite, or the engines disagree (below `MIN_COSINE`).
    """
    if out.exists() and any(out.iterdir()) and not (out / "serving" / CONFIG_FILE).is_file():
        raise DataError(f"{out} holds other files; give an empty or new folder for the encoder")
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    serving = partial / "serving"
    serving.mkdir(parents=True)
    network.lm.eval()
    if network.body is None:
        _save_transformers(network, partial / "hf")
    _save_graph(network, serving / MODEL_FILE)
    _save_tokenizer(network, serving / TOKENIZER_FILE)
    _save_config(network, serving)
    cosine = compare(network, OnnxEncoder.load(serving), (*_PROBES, *samples))
    if out.exists():
        shutil.rmtree(out)
    partial.rename(out)
    return cosine


def compare(network: Network, served: OnnxEncoder, texts: Sequence[str]) -> float:
    """Smallest cosine over `texts` between torch's and the served vectors; refuses what serving must not show."""
    ours_ND = network.encode_ids(network.tokens.ids(texts)).numpy()
    theirs_ND = served.encode(texts)
    if not (np.isfinite(ours_ND).all() and np.isfinite(theirs_ND).all()):
        raise DataError("the encoder gives vectors that are not finite; train again with a smaller learning rate")
    empty_N = ~ours_ND.any(axis=1)
    cosine = float(np.where(empty_N, 1.0 - np.abs(theirs_ND).sum(axis=1), (ours_ND * theirs_ND).sum(axis=1)).min())
    if cosine < MIN_COSINE:
        raise DataError(
            f"the exported graph and torch disagree: cosine {cosine:.5f} on some text, at least {MIN_COSINE} is "
            "required; this checkpoint's architecture cannot be exported faithfully, use another"
        )
    return cosine


def _save_transformers(network: Network, folder: Path) -> None:
    with quietly():
        (network.lm if network.has_head else network.lm.base_model).save_pretrained(folder)
        network.tokenizer.save_pretrained(folder)
    if network.prefix:
        (folder / ABOUT_FILE).write_text(json.dumps({"prefix": network.prefix}), encoding="utf-8")
    path = folder / "tokenizer_config.json"
    said = json.loads(path.read_text(encoding="utf-8"))
    if said.get("tokenizer_class") == "TokenizersBackend":
        said["tokenizer_class"] = "PreTrainedTokenizerFast"  # the name that Transformers 4 knows too
        path.write_text(json.dumps(said, ensure_ascii=False, indent=2), encoding="utf-8")


def _save_graph(network: Network, path: Path) -> None:
    import torch

    class Served(torch.nn.Module):
        """From token ids to unit vectors, so that whoever serves need not know how to pool."""

        def __init__(self, base: Any) -> None:
            super().__init__()
            self.base = base

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            return pooled(self.base, input_ids, attention_mask)

    ids_BL = torch.full((2, 7), network.pad_id, dtype=torch.int64)
    mask_BL = torch.ones_like(ids_BL)
    mask_BL[1, 4:] = 0
    free = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    with exporter_chatter():
        torch.onnx.export(
            Served(network.base).eval(),
            (ids_BL, mask_BL),
            str(path),
            input_names=["input_ids", "attention_mask"],
            output_names=["vectors"],
            dynamo=True,
            dynamic_shapes={"input_ids": free, "attention_mask": free},
            external_data=False,
            optimize=False,  # onnxruntime optimises when it opens the graph; twice costs seconds and gains nothing
            verbose=False,
        )


@contextmanager
def exporter_chatter() -> Iterator[None]:
    """Hide two known remarks of the exporter that say nothing of the graph: a deprecation inside torch itself, and
    that torchvision is not installed. Whether the graph is right is checked afterwards, by `compare`."""
    registration = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = registration.level
    registration.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*LeafSpec.*", category=FutureWarning)
            yield
    finally:
        registration.setLevel(level)


def _save_tokenizer(network: Network, path: Path) -> None:
    network.tokenizer.backend_tokenizer.save(str(path))


def _save_config(network: Network, serving: Path) -> None:
    digest = hashlib.blake2b(digest_size=16)
    for name in (MODEL_FILE, TOKENIZER_FILE):
        digest.update((serving / name).read_bytes())
    length, prefix = network.tokens.max_tokens, network.tokens.prefix
    digest.update(f"cut at {length}{prefix}".encode())
    config = ServingConfig(network.d, length, network.pad_id, network.name, digest.hexdigest(), prefix=prefix)
    (serving / CONFIG_FILE).write_text(json.dumps(asdict(config), ensure_ascii=False, indent=2), encoding="utf-8")
