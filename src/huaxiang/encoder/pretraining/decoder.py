"""Decoders, which write text: a small one made from nothing, or any causal checkpoint."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from huaxiang.encoder.checkpoint import locate_folder, open_tokenizer, quietly
from huaxiang.encoder.model import Network, Shape
from huaxiang.encoder.tokens import Tokens
from huaxiang.encoder.writing import replacing
from huaxiang.errors import DataError

SPECIAL: Final = ("<pad>", "<unk>", "<s>", "</s>")
PAD_ID: Final = 0
_BYTES: Final = tuple(f"<0x{byte:02X}>" for byte in range(256))
_MAX_ALPHABET: Final = 6_000
"""Single characters kept: more than the 3,500 of everyday Chinese; what is rarer is spelled in bytes."""
_PROMPT: Final = 6
"""Tokens of a text that a sample begins with."""
_LENGTH: Final = 48
_TEMPERATURE: Final = 0.8
_NUCLEUS: Final = 0.9


@dataclass(frozen=True, slots=True)
class Sample:
    """A beginning out of the shop's text, and how the decoder goes on."""

    prompt: str
    continuation: str


def train_decoder_tokenizer(texts: Sequence[str], max_vocabulary: int = 8_000) -> Tokenizer:
    """Byte-pair encoding that gives back what it read: nothing is folded, and what has no piece is spelled in bytes.

    Deterministic: the same texts give the same tokenizer.
    """
    learner = _reader(models.BPE())
    trainer = trainers.BpeTrainer(
        vocab_size=max(max_vocabulary, len(SPECIAL) + len(_BYTES) + 1),
        min_frequency=2,
        special_tokens=[*SPECIAL, *_BYTES],
        limit_alphabet=_MAX_ALPHABET,
        show_progress=False,
    )
    learner.train_from_iterator(texts, trainer)
    # The signs for bytes are pieces, but no special ones: a text that has "<0x41>" in it means just that.
    learned = json.loads(learner.to_str())["model"]
    merges = [tuple(pair) for pair in learned["merges"]]
    tokenizer = _reader(models.BPE(learned["vocab"], merges, unk_token="<unk>", byte_fallback=True))
    tokenizer.add_special_tokens(list(SPECIAL))
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", SPECIAL.index("<s>"))]
    )
    return tokenizer


def _reader(model: models.Model) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Metaspace(prepend_scheme="never"), pre_tokenizers.Punctuation()]
    )
    return tokenizer


def new_decoder(texts: Sequence[str], shape: Shape) -> Network:
    """A tokenizer trained on `texts` and a random Llama (Touvron et al. 2023); draws from torch's generator."""
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    tokenizer = train_decoder_tokenizer(texts, shape.vocabulary)
    pad, unknown, begin, end = SPECIAL
    wrapped = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        pad_token=pad,
        unk_token=unknown,
        bos_token=begin,
        eos_token=end,
        model_max_length=shape.max_tokens,
        model_input_names=["input_ids", "attention_mask"],
        clean_up_tokenization_spaces=False,
    )
    config = LlamaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.heads,
        intermediate_size=shape.inner,
        max_position_embeddings=shape.max_tokens,
        tie_word_embeddings=True,
        pad_token_id=PAD_ID,
        bos_token_id=SPECIAL.index(begin),
        eos_token_id=SPECIAL.index(end),
    )
    lm: Any = LlamaForCausalLM(config)
    name = f"shop-llama-{shape.layers}x{shape.hidden}"
    return Network(lm, wrapped, Tokens(tokenizer, shape.max_tokens), PAD_ID, name, has_head=True)


def open_decoder(named: str, max_tokens: int) -> Network:
    """The causal checkpoint at a folder, or of that name in the local cache; nothing is downloaded, no pickle is read.

    Raises:
        DataError: not found, not in safetensors, no decoder, weights missing, or no fast tokenizer.
    """
    source = locate_folder(named)
    lm = _open_causal(named, source)
    tokenizer = open_tokenizer(named, source)
    if (n_pieces := len(tokenizer)) > lm.config.vocab_size:
        raise DataError(
            f"decoder {named!r} has {n_pieces} pieces but vectors for {lm.config.vocab_size}; its files differ"
        )
    ids = (tokenizer.pad_token_id, tokenizer.eos_token_id, 0)
    pad_id = next(int(i) for i in ids if i is not None)
    length = min(max_tokens, int(getattr(lm.config, "max_position_embeddings", max_tokens)))
    tokens = Tokens(Tokenizer.from_str(tokenizer.backend_tokenizer.to_str()), length)
    return Network(lm, tokenizer, tokens, pad_id, Path(named).name, has_head=True)


def _open_causal(named: str, source: str) -> Any:
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM

    try:
        with quietly():
            opened: Any = AutoModelForCausalLM.from_pretrained(
                source, local_files_only=True, use_safetensors=True, output_loading_info=True
            )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise DataError(
            f"decoder {named!r} could not be opened as a causal language model in safetensors: "
            f"{str(error).splitlines()[0]}; give a checkpoint of the GPT family, saved with save_pretrained"
        ) from error
    lm, said = opened[0].float(), opened[1]
    if _looks_ahead(lm):
        raise DataError(
            f"{named!r} is no decoder, its tokens see those that come after them; give a checkpoint of the GPT family, "
            "or leave out --objective next-word"
        )
    if missing := sorted(said["missing_keys"]):
        raise DataError(f"decoder {named!r} lacks {len(missing)} weights, such as {missing[0]}; fetch it again")
    return lm


def _looks_ahead(lm: Any) -> bool:
    """Whether what a network says of the first token depends on the second."""
    import torch

    lm.eval()
    with torch.no_grad():
        first = [lm(input_ids=torch.tensor([[1, second]])).logits[0, 0] for second in (2, 3)]
    return not torch.allclose(first[0], first[1], rtol=1e-4, atol=1e-5)


def save_decoder(network: Network, out: Path) -> None:
    """Write `out/hf`, which opens in Transformers' AutoModelForCausalLM; what was there is replaced when it is whole.

    Raises:
        DataError: `out` holds something else, or there is no room.
    """
    check_free(out)
    with replacing(out) as partial, quietly():
        network.lm.eval()
        network.lm.save_pretrained(partial / "hf")
        network.tokenizer.save_pretrained(partial / "hf")


def check_free(out: Path) -> None:
    """Refuse a folder that holds something else than a network of ours."""
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / "hf" / "config.json").is_file())):
        raise DataError(f"{out} holds other files; give an empty or new folder")


def write_samples(network: Network, texts: Sequence[str], seed: int) -> list[Sample]:
    """Let the decoder go on from the beginning of each text, so that people see what it learned."""
    import torch

    network.lm.eval()
    samples = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for ids in network.tokens.ids(texts):
            begun = torch.tensor([ids[: min(_PROMPT, max(len(ids) // 2, 1))]])
            room = max(min(_LENGTH, network.tokens.max_tokens - begun.shape[1]), 1)
            with torch.no_grad(), quietly():
                written = network.lm.generate(
                    begun,
                    attention_mask=torch.ones_like(begun),
                    max_new_tokens=room,
                    do_sample=True,
                    temperature=_TEMPERATURE,
                    top_p=_NUCLEUS,
                    top_k=0,
                    pad_token_id=network.pad_id,
                )[0]
            read = [network.tokenizer.decode(part, skip_special_tokens=True) for part in (begun[0], written)]
            samples.append(Sample(read[0], read[1].removeprefix(read[0])))
    return samples
