"""A tokenizer trained on the shop's own text: WordPiece, each Chinese character a piece of its own."""

from collections.abc import Sequence
from string import punctuation
from typing import TYPE_CHECKING, Final

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

SPECIAL: Final = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
PAD_ID: Final = 0
_MAX_ALPHABET: Final = 6_000
"""Single characters kept: more than the 3,500 of everyday Chinese, so that trimming meets only rarities."""


def train_tokenizer(texts: Sequence[str], max_vocabulary: int = 8_000) -> Tokenizer:
    """Train on `texts`; a small shop gets fewer pieces, since a piece must occur at least twice.

    Case, accents and full-width forms are folded. Deterministic: the same texts give the same tokenizer.
    """
    learner = _reader(models.WordPiece(unk_token="[UNK]"))
    # The trainer numbers the characters inside words in the order of a hash table that differs from run to run, and
    # breaks ties by those numbers; naming them beforehand, in code point order, makes it repeatable.
    inside = [f"##{character}" for character in _characters(learner, texts)]
    trainer = trainers.WordPieceTrainer(
        vocab_size=max(max_vocabulary, len(SPECIAL) + len(inside)),
        min_frequency=2,
        special_tokens=[*SPECIAL, *inside],
        limit_alphabet=_MAX_ALPHABET,
        show_progress=False,
    )
    learner.train_from_iterator(texts, trainer)
    vocabulary = learner.get_vocab(with_added_tokens=True)
    tokenizer = _reader(models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=64))
    tokenizer.add_special_tokens(list(SPECIAL))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B [SEP]",
        special_tokens=[(piece, vocabulary[piece]) for piece in ("[CLS]", "[SEP]")],
    )
    return tokenizer


def _reader(model: models.Model) -> Tokenizer:
    """A tokenizer that cuts text into words the way of BERT, after folding what looks alike."""
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.BertNormalizer(handle_chinese_chars=True, strip_accents=True, lowercase=True)]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def _characters(reader: Tokenizer, texts: Sequence[str]) -> list[str]:
    """The characters that can stand inside a word, sorted: no blanks, no punctuation, no Chinese."""
    raw = "\n".join(sorted(set().union(*map(set, texts))))
    words = reader.pre_tokenizer.pre_tokenize_str(
        reader.normalizer.normalize_str(raw.encode("utf-8", "ignore").decode())
    )
    return sorted({c for word, _ in words for c in word if c not in punctuation and not "\u4e00" <= c <= "\u9fff"})


def as_transformers(tokenizer: Tokenizer, max_tokens: int) -> "PreTrainedTokenizerFast":
    """The same tokenizer as Transformers knows it, ready for `save_pretrained`."""
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=max_tokens,
        model_input_names=["input_ids", "attention_mask"],
    )
