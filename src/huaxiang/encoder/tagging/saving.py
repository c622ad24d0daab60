"""Writing a tagger: an ONNX graph from tokens to scores of units, checked against torch before it replaces anything."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from huaxiang.encoder.export import exporter_chatter
from huaxiang.encoder.model import Network
from huaxiang.encoder.tagger import CONFIG_FILE, INPUTS, MODEL_FILE, OUTPUT, TOKENIZER_FILE, Tagger, TaggerConfig
from huaxiang.encoder.tagging.alignment import N_PLACES, align
from huaxiang.encoder.tagging.chain import Chain
from huaxiang.encoder.tagging.memory import Memory
from huaxiang.encoder.tagging.ngrams import Ngrams
from huaxiang.encoder.tagging.units import cut
from huaxiang.encoder.tasks.tag import Tag
from huaxiang.encoder.writing import replacing
from huaxiang.errors import DataError

MAX_DIFFERENCE: Final = 1e-2
"""Between torch's and the served scores, in nats: far below what moves a label or a confidence's second digit."""
_PROBES: Final = ("红", "a", "耐克 Nike 男鞋2024新款 ①㎡", "waterproof hiking boots 🥾 防水 " * 40)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a tagger is made of; a network with its head, n-grams, or both.

    Attributes:
        weights: of the network's scores and of the n-grams'.
        chain: of both, already weighed.
        memory: what people said of texts.
    """

    unit: str
    chain: Chain
    temperature: float
    name: str
    network: Network | None = None
    task: Tag | None = None
    ngrams: Ngrams | None = None
    weights: tuple[float, float] = (1.0, 1.0)
    memory: Memory = field(default_factory=Memory)


def save_tagger(parts: Parts, out: Path, samples: Sequence[str]) -> str:
    """Write the folder, replacing a tagger that was there only when the new one is complete; its fingerprint.

    Args:
        samples: real texts, on which torch and onnxruntime are compared.

    Raises:
        DataError: `out` holds something else, or the engines disagree.
    """
    check_out(out)
    with replacing(out) as partial:
        if parts.network is not None and parts.task is not None:
            _save_graph(parts.network, parts.task, partial / MODEL_FILE)
            parts.network.tokenizer.backend_tokenizer.save(str(partial / TOKENIZER_FILE))
        if parts.ngrams is not None:
            parts.ngrams.save(partial)
        if len(parts.memory):
            parts.memory.save(partial)
        config = _config(parts, partial)
        (partial / CONFIG_FILE).write_text(json.dumps(asdict(config), ensure_ascii=False, indent=1), encoding="utf-8")
        if parts.network is not None and parts.task is not None:
            _compare(parts.network, parts.task, Tagger.load(partial), parts.unit, (*_PROBES, *samples))
    return config.fingerprint


def check_out(out: Path) -> None:
    """Refuse a folder of something else; to be asked before the work."""
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / CONFIG_FILE).is_file())):
        raise DataError(f"{out} holds other files; give an empty or new folder for the tagger")


def _config(parts: Parts, folder: Path) -> TaggerConfig:
    network, chain = parts.network, parts.chain
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(folder.iterdir()):
        digest.update(path.read_bytes())
    numbers = [chain.start_K.tolist(), chain.follow_KK.tolist(), chain.end_K.tolist(), parts.temperature]
    digest.update(json.dumps([*numbers, chain.labels, parts.weights, parts.unit]).encode())
    return TaggerConfig(
        labels=chain.labels,
        start=chain.start_K.tolist(),
        follow=chain.follow_KK.tolist(),
        end=chain.end_K.tolist(),
        temperature=parts.temperature,
        unit=parts.unit,
        network_weight=0.0 if network is None else parts.weights[0],
        ngram_weight=0.0 if parts.ngrams is None else parts.weights[1],
        max_tokens=0 if network is None else network.tokens.max_tokens,
        pad_id=0 if network is None else network.pad_id,
        prefix="" if network is None else network.tokens.prefix,
        n_remembered=len(parts.memory),
        name=parts.name,
        fingerprint=digest.hexdigest(),
    )


def _save_graph(network: Network, task: Tag, path: Path) -> None:
    import torch

    class Served(torch.nn.Module):
        """From token ids and the tokens of units to the units' scores."""

        def __init__(self, base: Any, head: Any) -> None:
            super().__init__()
            self.base, self.head = base, head

        def forward(
            self,
            input_ids: torch.Tensor,
            attention_mask: torch.Tensor,
            token: torch.Tensor,
            place: torch.Tensor,
        ) -> Any:
            hidden_BLD = self.base(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            return self.head(hidden_BLD, token, place)

    n, tokens, units = torch.export.Dim.DYNAMIC, torch.export.Dim.DYNAMIC, torch.export.Dim.DYNAMIC
    free = [{0: n, 1: tokens}] * 2 + [{0: n, 1: units}] * 2
    with exporter_chatter():
        torch.onnx.export(
            Served(network.base, task.head).eval(),
            _example(network.pad_id),
            str(path),
            input_names=list(INPUTS),
            output_names=[OUTPUT],
            dynamo=True,
            dynamic_shapes=dict(zip(INPUTS, free, strict=True)),
            external_data=False,
            optimize=False,  # onnxruntime optimises when it opens the graph
            verbose=False,
        )


def _example(pad_id: int) -> tuple[Any, ...]:
    """Two texts of unequal length, as the graph takes them."""
    import torch

    ids_BL = torch.full((2, 7), pad_id, dtype=torch.int64)
    mask_BL = torch.ones_like(ids_BL)
    mask_BL[1, 4:] = 0
    token_BU = torch.tensor([[1, 1, 2, 3, 4], [1, 2, 0, 0, 0]])
    place_BU = torch.zeros_like(token_BU)
    place_BU[0, 1] = N_PLACES - 1
    return ids_BL, mask_BL, token_BU, place_BU


def _compare(network: Network, task: Tag, served: Tagger, unit: str, texts: Sequence[str]) -> None:
    read = [align(network.tokens, text, cut(text, unit)) for text in texts]
    pairs = zip(task.scores(network, read), served.network_scores(read), strict=True)
    worst = max((float(np.abs(ours - theirs).max()) for ours, theirs in pairs if ours.size), default=0.0)
    if not worst <= MAX_DIFFERENCE:
        raise DataError(
            f"the exported graph and torch disagree: scores differ by {worst:.4f}, at most {MAX_DIFFERENCE} is "
            "allowed; this checkpoint's architecture cannot be exported faithfully, use another"
        )
