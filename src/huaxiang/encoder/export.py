"""Writing an encoder: `hf/` opens in Transformers, `serving/` in onnxruntime, and both give the same vectors."""

from __future__ import annotations

import hashlib
import json
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from huaxiang.encoder.checkpoint import quietly
from huaxiang.encoder.model import Network, pooled
from huaxiang.encoder.serving import CONFIG_FILE, MODEL_FILE, TOKENIZER_FILE, OnnxEncoder, ServingConfig
from huaxiang.encoder.sources.cache import ABOUT_FILE
from huaxiang.encoder.writing import replacing
from huaxiang.errors import DataError

MIN_COSINE: Final = 0.9999
PROBES: Final = ("", "a", "红色 连衣裙", "waterproof hiking boots 防水登山鞋, size 42 🥾", "tea pot " * 200)
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
    check_out(out)
    with replacing(out) as partial:
        network.lm.eval()
        if network.body is None:
            write_transformers(network, partial / "hf")
        write_serving(network, partial / "serving")
        return compare(network, OnnxEncoder.load(partial / "serving"), (*PROBES, *samples))


def check_out(out: Path) -> None:
    """Refuse a folder of something else; to be asked before the work."""
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / "serving" / CONFIG_FILE).is_file())):
        raise DataError(f"{out} holds other files; give an empty or new folder for the encoder")


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


def write_transformers(network: Network, folder: Path) -> None:
    """What Transformers opens as a model and a tokenizer, and sentence-transformers as one that gives unit vectors."""
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
    _write_sentence_transformers(network, folder)


def _write_sentence_transformers(network: Network, folder: Path) -> None:
    """How to pool, and what stands before a text: three steps, as sentence-transformers writes them down."""
    steps = ("Transformer", ""), ("Pooling", "1_Pooling"), ("Normalize", "2_Normalize")
    modules = [
        {"idx": at, "name": str(at), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for at, (kind, path) in enumerate(steps)
    ]
    prompts = {"prompts": {"text": network.prefix}, "default_prompt_name": "text"} if network.prefix else {}
    said = {
        "modules.json": modules,
        "sentence_bert_config.json": {"max_seq_length": network.tokens.max_tokens, "do_lower_case": False},
        "1_Pooling/config.json": {"word_embedding_dimension": network.d, "pooling_mode_mean_tokens": True},
        "config_sentence_transformers.json": {"similarity_fn_name": "cosine", **prompts},
    }
    for name, value in said.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(value, ensure_ascii=False, indent=2), encoding="utf-8")


def write_serving(network: Network, folder: Path) -> None:
    """What onnxruntime and tokenizers open: the graph from ids to unit vectors, the tokenizer, the configuration."""
    folder.mkdir(exist_ok=True)
    _save_graph(network, folder / MODEL_FILE)
    network.tokenizer.backend_tokenizer.save(str(folder / TOKENIZER_FILE))
    length, prefix = network.tokens.max_tokens, network.tokens.prefix
    write_config(folder, ServingConfig(network.d, length, network.pad_id, network.name, "", prefix=prefix))


def _save_graph(network: Network, path: Path) -> None:
    import torch

    class Served(torch.nn.Module):
        """From token ids to unit vectors, so that whoever serves need not know how to pool."""

        def __init__(self, base: Any) -> None:
            super().__init__()
            self.base = base

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            return pooled(self.base, input_ids, attention_mask)

    save_graph(Served(network.base), network.pad_id, path, "vectors")


def save_graph(served: Any, pad_id: int, path: Path, output: str) -> None:
    """Write the graph of a module that reads ids and mask and gives one tensor, under this name."""
    import torch

    ids_BL = torch.full((2, 7), pad_id, dtype=torch.int64)
    mask_BL = torch.ones_like(ids_BL)
    mask_BL[1, 4:] = 0
    free = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    with exporter_chatter():
        torch.onnx.export(
            served.eval(),
            (ids_BL, mask_BL),
            str(path),
            input_names=["input_ids", "attention_mask"],
            output_names=[output],
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


def write_config(folder: Path, config: ServingConfig) -> None:
    """Write down how the graph and the tokenizer in `folder` are served, with the fingerprint they have."""
    digest = hashlib.blake2b(digest_size=16)
    for name in (MODEL_FILE, TOKENIZER_FILE):
        digest.update((folder / name).read_bytes())
    digest.update(f"cut at {config.max_tokens}{config.prefix}".encode())
    said = asdict(replace(config, fingerprint=digest.hexdigest()))
    (folder / CONFIG_FILE).write_text(json.dumps(said, ensure_ascii=False, indent=2), encoding="utf-8")
