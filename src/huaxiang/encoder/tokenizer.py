"""A tokenizer trained on the shop's own text: WordPiece, each Chinese character a piece of its own."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

SPECIAL: Final = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
PAD_ID: Final = 0
_MAX_ALPHABET: Final = 6_000
"""Single characters kept: more than the 3,500 of everyday Chinese, so that trimming meets only rarities."""


def train_tokenizer(texts: Iterable[str], max_vocabulary: int = 8_000) -> Tokenizer:
    """Train on `texts`; a small shop gets fewer pieces, since a piece must occur at least twice.

    Case, accents and full-width forms are folded. Deterministic: the same texts give the same tokenizer.
    """
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=64))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.BertNormalizer(handle_chinese_chars=True, strip_accents=True, lowercase=True)]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=max_vocabulary,
        min_frequency=2,
        special_tokens=list(SPECIAL),
        limit_alphabet=_MAX_ALPHABET,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B [SEP]",
        special_tokens=[(piece, tokenizer.token_to_id(piece)) for piece in ("[CLS]", "[SEP]")],
    )
    return tokenizer


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
