"""A tokenizer of the shop's own under a checkpoint: what the checkpoint knows of a piece is carried over.

Legend: V new pieces, D width.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from huaxiang.encoder.model import Network
from huaxiang.encoder.tokenizer import PAD_ID, SPECIAL, as_transformers, train_tokenizer
from huaxiang.encoder.tokens import Tokens
from huaxiang.errors import DataError

_ROLES: Final = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
"""What the special pieces are for, in the order of `SPECIAL`."""
_STAND_INS: Final = {"cls_token": "bos_token", "sep_token": "eos_token"}
_INSIDE: Final = "##"
_BLANK: Final = ("▁", "Ġ")


@dataclass(frozen=True, slots=True)
class Transferred:
    """How the pieces of the new tokenizer began.

    Attributes:
        known: pieces that the checkpoint has too, and whose vectors were taken over.
        joined: pieces that began as the mean of the pieces that the checkpoint cuts them into.
        unknown: pieces that it has no spelling for; they began as noise.
    """

    pieces: int
    known: int
    joined: int
    unknown: int

    @property
    def note(self) -> str:
        """One sentence for people."""
        return (
            f"the shop's tokenizer has {self.pieces:,} pieces: {self.known:,} began with the checkpoint's vectors, "
            f"{self.joined:,} with the mean of the pieces it cuts them into, {self.unknown:,} with noise"
        )


def use_shop_tokenizer(
    network: Network, texts: Sequence[str], max_vocabulary: int, rng: np.random.Generator, *, transfer: bool = True
) -> Transferred:
    """Train a tokenizer on `texts` and put it under `network`, in place.

    Args:
        transfer: whether pieces begin with what the checkpoint knows of them, which is the mean of the former pieces
            for a new one (Gee et al. 2022); else all begin as noise, and only the layers above keep what they learned.
    """
    old, lm = network.tokenizer, network.lm
    if type(table := lm.get_input_embeddings()).__name__ != "Embedding":
        raise DataError(
            f"encoder {network.name!r} looks pieces up in a {type(table).__name__}; it keeps its own tokenizer"
        )
    tokenizer = _padding_at(train_tokenizer(texts, max_vocabulary), network.pad_id)
    cuts = _cuts(tokenizer, old) if transfer else [[] for _ in range(tokenizer.get_vocab_size())]
    _begin_table(lm, cuts, rng)
    network.tokenizer = as_transformers(tokenizer, network.tokens.max_tokens)
    network.tokens = Tokens(Tokenizer.from_str(tokenizer.to_str()), network.tokens.max_tokens, network.tokens.prefix)
    for role, stands_in in {**dict.fromkeys(_ROLES, ""), **_STAND_INS}.items():
        for name in filter(None, (role, stands_in)):
            if getattr(lm.config, f"{name}_id", None) is not None:
                setattr(lm.config, f"{name}_id", getattr(network.tokenizer, f"{role}_id"))
    lengths = [len(cut) for cut in cuts]
    return Transferred(
        len(cuts), sum(n == 1 for n in lengths), sum(n > 1 for n in lengths), sum(n == 0 for n in lengths)
    )


def _padding_at(tokenizer: Tokenizer, pad_id: int) -> Tokenizer:
    """The same tokenizer whose padding has this id, so that networks that count positions from it go on counting."""
    if pad_id == PAD_ID or pad_id >= tokenizer.get_vocab_size():
        return tokenizer
    spec: dict[str, Any] = json.loads(tokenizer.to_str())
    swap = {PAD_ID: pad_id, pad_id: PAD_ID}
    spec["model"]["vocab"] = {piece: swap.get(i, i) for piece, i in spec["model"]["vocab"].items()}
    for added in spec["added_tokens"]:
        added["id"] = swap.get(added["id"], added["id"])
    for token in spec["post_processor"]["special_tokens"].values():
        token["ids"] = [swap.get(i, i) for i in token["ids"]]
    return Tokenizer.from_str(json.dumps(spec, ensure_ascii=False))


def _cuts(tokenizer: Tokenizer, old: Any) -> list[list[int]]:
    """For each new piece the old ids that stand for it: one where the old tokenizer has it too, none where unknown."""
    special = {piece: _special_id(old, role) for piece, role in zip(SPECIAL, _ROLES, strict=True)}
    known: dict[str, int] = old.get_vocab()
    blanks = [blank for blank in _BLANK if any(piece.startswith(blank) for piece in known)]
    cuts: list[list[int]] = []
    for piece, _ in sorted(tokenizer.get_vocab().items(), key=lambda each: each[1]):
        if piece in special:
            cuts.append([] if special[piece] is None else [special[piece]])
        else:
            cuts.append(_cut(piece, known, blanks, old))
    return cuts


def _special_id(old: Any, role: str) -> Any:
    found = getattr(old, f"{role}_id", None)
    return getattr(old, f"{_STAND_INS[role]}_id", None) if found is None and role in _STAND_INS else found


def _cut(piece: str, known: dict[str, int], blanks: Sequence[str], old: Any) -> list[int]:
    """Look for the same place in a word first: where blanks are written as signs, `##ing` is `ing`, and `tea` is
    `▁tea`; Chinese characters stand anywhere."""
    inside = piece.startswith(_INSIDE)
    bare = piece.removeprefix(_INSIDE)
    spellings = [piece]
    if blanks:
        spellings = [bare] if inside else [*(f"{blank}{bare}" for blank in blanks), bare]
    for spelling in spellings:
        if spelling in known:
            return [known[spelling]]
    ids = old(bare, add_special_tokens=False)["input_ids"]
    return [i for i in ids if i != old.unk_token_id]


def _begin_table(lm: Any, cuts: Sequence[Sequence[int]], rng: np.random.Generator) -> None:
    """New embeddings, and a new bias of the prediction head where it has one."""
    import torch

    former_VD = lm.get_input_embeddings().weight.detach().numpy().copy()
    head = lm.get_output_embeddings()
    former_head_VD = None if head is None else head.weight.detach().numpy().copy()
    former_bias_V = None if head is None or head.bias is None else head.bias.detach().numpy().copy()
    lm.resize_token_embeddings(len(cuts), mean_resizing=False)
    if (table := lm.get_input_embeddings()).padding_idx is not None:
        table.padding_idx = lm.config.pad_token_id if lm.config.pad_token_id < len(cuts) else None
    with torch.no_grad():
        table.weight.copy_(torch.from_numpy(_joined(former_VD, cuts, rng)))
        head = lm.get_output_embeddings()
        if head is not None and former_head_VD is not None and head.weight is not table.weight:
            head.weight.copy_(torch.from_numpy(_joined(former_head_VD, cuts, rng)))
        if head is not None and former_bias_V is not None:
            head.bias.copy_(torch.from_numpy(_joined(former_bias_V[:, None], cuts, rng)[:, 0]))


def _joined(
    former_VD: NDArray[np.float32], cuts: Sequence[Sequence[int]], rng: np.random.Generator
) -> NDArray[np.float32]:
    """The mean of the former rows of each cut; rows drawn like the former ones where there is none."""
    mean_D, spread_D = former_VD.mean(axis=0), former_VD.std(axis=0)
    new_VD = rng.normal(mean_D, spread_D, size=(len(cuts), former_VD.shape[1])).astype(np.float32)
    for at, cut in enumerate(cuts):
        if cut:
            new_VD[at] = former_VD[list(cut)].mean(axis=0)
    return new_VD
