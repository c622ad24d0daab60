"""Virtual tokens: prompt tuning (Lester et al. 2021) and prefix tuning (Li & Liang 2021) around an encoder.

The vectors come from PEFT's own modules. The forward pass is written here, since PEFT's gives the virtual tokens the
first positions and pushes the text beyond those that the network knows; here a text keeps the positions that it was
pretrained at, however long it is, and the hidden states that come back are those of the text alone.

Legend: B texts of a batch, L tokens, P virtual tokens, D width.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def prompted(base: Any, n_virtual: int, mark: int) -> torch.nn.Module:
    """An encoder that reads `n_virtual` trained vectors before each text.

    They begin near the vector of the token `mark`, which ends a text: MiniLM's vectors of questions then keep a cosine
    of .75 with what they were, but .42 where each begins as some piece of the vocabulary, PEFT's way.
    """
    import torch
    from transformers.modeling_outputs import BaseModelOutput

    class Prompted(torch.nn.Module):
        """Called as the encoder is."""

        def __init__(self) -> None:
            super().__init__()
            self.encoder = base
            self.virtual_PD = _vectors(base, n_virtual, mark)

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
            text_BLD = self.encoder.get_input_embeddings()(input_ids)
            prompt_BPD = self.virtual_PD.expand(input_ids.shape[0], -1, -1)
            mask_BP = torch.ones(input_ids.shape[0], n_virtual, dtype=torch.int64, device=input_ids.device)
            places_BL = positions(self.encoder, attention_mask)
            read = self.encoder(
                inputs_embeds=torch.cat((prompt_BPD, text_BLD), dim=1),
                attention_mask=torch.cat((mask_BP, attention_mask), dim=1),
                position_ids=torch.cat((positions(self.encoder, mask_BP), places_BL), dim=1),
            )
            return BaseModelOutput(last_hidden_state=read.last_hidden_state[:, n_virtual:])

    return Prompted()


def _vectors(base: Any, n_virtual: int, mark: int) -> Any:
    import torch
    from peft import PromptEmbedding, PromptTuningConfig

    words = base.get_input_embeddings()
    config = PromptTuningConfig(
        num_virtual_tokens=n_virtual, token_dim=words.embedding_dim, num_transformer_submodules=1
    )
    drawn: Any = PromptEmbedding(config, words)  # type: ignore[no-untyped-call]
    spread = float(getattr(base.config, "initializer_range", 0.02))
    return torch.nn.Parameter(words.weight[mark].detach() + drawn.embedding.weight.detach() * spread)


def prefixed(base: Any, n_virtual: int, n_layers: int) -> torch.nn.Module:
    """An encoder whose attention sees `n_virtual` trained keys and values more in each layer."""
    import torch
    from transformers.modeling_outputs import BaseModelOutput

    width, heads = int(base.config.hidden_size), int(base.config.num_attention_heads)

    class Prefixed(torch.nn.Module):
        """Called as the encoder is."""

        def __init__(self) -> None:
            super().__init__()
            self.encoder = base
            self.virtual_P = _keys_and_values(base, n_virtual, n_layers)

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
            n = input_ids.shape[0]
            pairs = self.virtual_P.view(n_virtual, n_layers, 2, 1, heads, width // heads).permute(1, 2, 3, 4, 0, 5)
            mask_BP = torch.ones(n, n_virtual, dtype=torch.int64, device=input_ids.device)
            seen_B11K = torch.cat((mask_BP, attention_mask), dim=1)[:, None, None, :].bool()
            shut = torch.zeros(seen_B11K.shape, dtype=self.virtual_P.dtype).masked_fill(~seen_B11K, -1e9)
            read = self.encoder(
                input_ids=input_ids,
                attention_mask=shut.expand(-1, -1, input_ids.shape[1], -1),
                position_ids=positions(self.encoder, attention_mask),
                past_key_values=_Past(pairs.expand(-1, -1, n, -1, -1, -1)),
            )
            return BaseModelOutput(last_hidden_state=read.last_hidden_state)

    return Prefixed()


class _Past:
    """Keys and values that stand before those of the text: what attention asks a cache for.

    Args:
        pairs: shape (layers, 2, B, heads, P, D of a head).
    """

    def __init__(self, pairs: torch.Tensor) -> None:
        self._pairs = pairs

    def get_seq_length(self, _layer: int = 0) -> int:
        return int(self._pairs.shape[-2])

    def update(self, key: torch.Tensor, value: torch.Tensor, layer: int) -> tuple[torch.Tensor, torch.Tensor]:
        import torch

        mine = self._pairs[layer].to(key.dtype)
        return torch.cat((mine[0], key), dim=2), torch.cat((mine[1], value), dim=2)


def _keys_and_values(base: Any, n_virtual: int, n_layers: int) -> Any:
    """As PEFT draws them, standard normal: begun fifty times smaller they touch the text less, but learned worse."""
    import torch
    from peft import PrefixEncoder, PrefixTuningConfig

    width = int(base.config.hidden_size)
    config = PrefixTuningConfig(num_virtual_tokens=n_virtual, token_dim=width, num_layers=n_layers)
    drawn: Any = PrefixEncoder(config)  # type: ignore[no-untyped-call]
    return torch.nn.Parameter(drawn.embedding.weight.detach().clone())


def positions(base: Any, mask_BL: torch.Tensor) -> torch.Tensor:
    """Position ids `(B, L)` as the encoder itself would give them; RoBERTa's kind counts from the padding id on."""
    import torch

    padding = getattr(base.embeddings.position_embeddings, "padding_idx", None)
    if padding is None:
        return torch.ones_like(mask_BL).cumsum(1) - 1
    return mask_BL.cumsum(1) * mask_BL + int(padding)
