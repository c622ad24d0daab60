"""The network: a small BERT made from nothing, or any Hugging Face checkpoint; and its sentence vectors.

Legend: B texts of a batch, L tokens, D width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from huaxiang.encoder.batches import Rows, pad
from huaxiang.encoder.tokenizer import PAD_ID, as_transformers, train_tokenizer
from huaxiang.encoder.tokens import Tokens, batches_by_length

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class Shape:
    """Size of an encoder made from nothing: small enough for a hundred steps of fine-tuning in a minute on one core."""

    hidden: int = 128
    layers: int = 2
    heads: int = 4
    inner: int = 256
    vocabulary: int = 8_000
    max_tokens: int = 96


@dataclass(slots=True)
class Network:
    """A masked language model with its tokenizer.

    Attributes:
        lm: a Hugging Face `...ForMaskedLM`; its `base_model` is the encoder.
        tokenizer: the Transformers tokenizer that is saved beside it.
        has_head: whether the prediction head was trained; without one masked prediction starts from noise.
        prefix: what this checkpoint reads before every text, such as e5's `query: `; `tokens` puts it there.
        body: takes the encoder's place in a forward pass while a parameter-efficient method wraps it; else None.
    """

    lm: Any
    tokenizer: Any
    tokens: Tokens
    pad_id: int
    name: str
    has_head: bool
    prefix: str = ""
    body: Any = None

    @property
    def d(self) -> int:
        """Width of the vectors."""
        return int(self.lm.config.hidden_size)

    @property
    def n_parameters(self) -> int:
        """Weights of the encoder, without the prediction head."""
        return sum(p.numel() for p in self.lm.base_model.parameters())

    @property
    def base(self) -> Any:
        """What is called with ids and mask: the encoder, or what a parameter-efficient method has put around it."""
        return self.lm.base_model if self.body is None else self.body

    def hidden(self, rows: Rows) -> tuple[torch.Tensor, torch.Tensor]:
        """Last hidden states `(B, L, D)` with their gradient, and the mask `(B, L)`."""
        ids_BL, mask_BL = pad(rows, self.pad_id)
        return self.base(input_ids=ids_BL, attention_mask=mask_BL).last_hidden_state, mask_BL

    def vectors(self, rows: Rows) -> torch.Tensor:
        """Unit vectors of shape `(B, D)`, with their gradient."""
        return pooled(self.base, *pad(rows, self.pad_id))

    def encode_ids(self, rows: Rows, max_batch_tokens: int = 8_192) -> torch.Tensor:
        """Unit vectors of many texts without gradient, dropout off; an empty row gives zeros."""
        import torch

        was_training = self.lm.training
        self.lm.eval()
        out_ND = torch.zeros(len(rows), self.d)
        with torch.no_grad():
            for batch in batches_by_length([len(row) for row in rows], max_batch_tokens, max_rows=256):
                out_ND[batch] = self.vectors([rows[i] for i in batch])
        self.lm.train(was_training)
        return out_ND


def pooled(base: Any, ids_BL: torch.Tensor, mask_BL: torch.Tensor) -> torch.Tensor:
    """Mean of the last hidden states over the tokens, brought to length 1 (Reimers & Gurevych 2019); `(B, D)`."""
    from torch.nn.functional import normalize

    hidden_BLD = base(input_ids=ids_BL, attention_mask=mask_BL).last_hidden_state
    weight_BL1 = mask_BL.unsqueeze(-1).to(hidden_BLD.dtype)
    return normalize((hidden_BLD * weight_BL1).sum(1) / weight_BL1.sum(1).clamp(min=1.0), dim=-1)


def new_network(texts: Sequence[str], shape: Shape, *, dropout: float = 0.1) -> Network:
    """A tokenizer trained on `texts` and a random network under it; draws from torch's generator."""
    from transformers import BertConfig, BertForMaskedLM

    tokenizer = train_tokenizer(texts, shape.vocabulary)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=shape.inner,
        max_position_embeddings=shape.max_tokens,
        type_vocab_size=1,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
        pad_token_id=PAD_ID,
    )
    wrapped = as_transformers(tokenizer, shape.max_tokens)
    lm: Any = BertForMaskedLM(config)
    name = f"shop-bert-{shape.layers}x{shape.hidden}"
    return Network(lm, wrapped, Tokens(tokenizer, shape.max_tokens), PAD_ID, name, has_head=False)
