"""Small checkpoints of every kind of tokenizer, and a small file packed in 4 bits."""

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from huaxiang.encoder.model import Network, Shape, new_network
from huaxiang.encoder.tokens import Tokens

CORPUS = [
    *(
        "green tea 绿茶 from the hills",
        "black tea 红茶 with milk",
        "a tea pot of clay 茶壶",
        "tea cups, four pieces 茶杯",
    ),
    *("hiking boots 登山鞋 for wet hills", "rain boots 雨靴", "laces for boots 鞋带", "wax for leather boots 鞋油"),
    *("oak desk 书桌", "a lamp for the desk 台灯", "office chair 办公椅", "the book shelf 书架 of oak"),
]
SHOP = CORPUS[:4]
"""What the shop sells: tea. The rest of the corpus is what the checkpoint knows beyond it."""


def wordpiece() -> Network:
    torch.manual_seed(0)
    return new_network(CORPUS * 3, Shape(hidden=32, layers=1, heads=2, inner=64, vocabulary=400, max_tokens=32))


def unigram() -> Network:
    """The shape of XLM-R: SentencePiece's signs, positions that count from the padding id."""
    words = list(dict.fromkeys("▁" + word for text in CORPUS for word in text.split()))
    letters = sorted({letter for word in words for letter in word})
    scored = [(special, 0.0) for special in ("<s>", "<pad>", "</s>", "<unk>")]
    scored += [(word, -4.0 - at / 100) for at, word in enumerate(words)] + [(letter, -9.0) for letter in letters]
    learner = Tokenizer(models.Unigram([*scored, ("<mask>", 0.0)], unk_id=3, byte_fallback=False))
    learner.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    learner.normalizer = normalizers.NFKC()
    learner.pre_tokenizer = pre_tokenizers.Metaspace()
    learner.decoder = decoders.Metaspace()
    learner.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return _like_roberta(learner)


def byte_level() -> Network:
    """The shape of RoBERTa: pieces merged from bytes."""
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=480,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    learner.train_from_iterator(CORPUS * 3, trainer)
    learner.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    return _like_roberta(learner)


KINDS: dict[str, Callable[[], Network]] = {"wordpiece": wordpiece, "unigram": unigram, "byte_level": byte_level}


def _like_roberta(tokenizer: Tokenizer) -> Network:
    from transformers import PreTrainedTokenizerFast, RobertaConfig, RobertaForMaskedLM

    torch.manual_seed(0)
    config = RobertaConfig(
        vocab_size=tokenizer.get_vocab_size() + 3,  # XLM-R too has rows that no piece uses
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=40,
        pad_token_id=1,
    )
    named = {"bos_token": "<s>", "cls_token": "<s>", "eos_token": "</s>", "sep_token": "</s>", "pad_token": "<pad>"}
    wrapped = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, unk_token="<unk>", mask_token="<mask>", model_max_length=32, **named
    )
    tokens = Tokens(Tokenizer.from_str(tokenizer.to_str()), 32)
    return Network(RobertaForMaskedLM(config), wrapped, tokens, 1, "tiny", has_head=True)


PIECES = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0), ("▁tea", -3.0), ("茶", -4.0)]
PIECES += [("t", -5.0), ("e", -5.0), ("a", -5.0), ("～", -6.0), ("~", -6.0), ("<mask>", 0.0)]
HIDDEN, INNER, POSITIONS, ROWS = 32, 64, 16, 16


def packed_bytes() -> bytes:
    """A packed file of one layer, 32 wide, whose vocabulary has 13 pieces and 16 rows."""
    rng = np.random.default_rng(0)
    square, wide = HIDDEN * HIDDEN, HIDDEN * INNER
    counts = {"emb.word": ROWS * HIDDEN, "emb.pos": POSITIONS * HIDDEN, "emb.type": 2 * HIDDEN}
    counts |= {"emb.ln.w": HIDDEN, "emb.ln.b": HIDDEN, "l0.fi.b": INNER, "l0.fi.w": wide, "l0.fo.w": wide}
    counts |= {f"l0.{name}.w": square for name in ("q", "k", "v", "ao")}
    counts |= {f"l0.{name}.b": HIDDEN for name in ("q", "k", "v", "ao", "fo", "aln", "oln")}
    counts |= {f"l0.{name}.w": HIDDEN for name in ("aln", "oln")}
    four_bits = {"emb.word", *(f"l0.{name}.w" for name in ("q", "k", "v", "ao", "fi", "fo"))}
    bodies = {name: _blocks(rng, n) if name in four_bits else _floats(rng, n) for name, n in counts.items()}
    head = b"E5S1" + struct.pack("<I7ifi", 1, HIDDEN, 1, 2, INNER, ROWS, POSITIONS, 2, 1e-12, 32)
    letters = [piece.encode() for piece, _ in PIECES]
    starts = np.cumsum([0, *map(len, letters)]).astype("<u4")
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, starts[-1]) + starts.tobytes()
    head += np.array([score for _, score in PIECES], "<f4").tobytes() + b"".join(letters) + struct.pack("<iI", 0, 0)
    at = len(head) + 4 + sum(2 + len(name) + 21 for name in bodies)
    directory = struct.pack("<i", len(bodies))
    for name, body in bodies.items():
        directory += struct.pack("<H", len(name)) + name.encode()
        directory += struct.pack("<BIQQ", name in four_bits, counts[name], at, len(body))
        at += len(body)
    return head + directory + b"".join(bodies.values())


def _floats(rng: np.random.Generator, n: int) -> bytes:
    return rng.normal(0, 0.1, n).astype("<f4").tobytes()


def _blocks(rng: np.random.Generator, n: int) -> bytes:
    blocks: NDArray[np.void] = np.zeros(n // 32, [("scale", "<f2"), ("pairs", "u1", 16)])
    blocks["scale"] = 0.02
    blocks["pairs"] = rng.integers(0, 256, (n // 32, 16))
    return blocks.tobytes()


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    path = tmp_path / "tiny-q4.bin"
    path.write_bytes(packed_bytes())
    return path
