"""Cutting a multilingual vocabulary down to what a shop reads: multilingual-e5-small is 118 M weights, 96 M of them
vectors of 250,000 pieces, most for languages that the shop never meets (Abdaoui et al. 2020)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tokenizers import Tokenizer

from huaxiang.encoder.sources.vocabulary import Vocabulary
from huaxiang.encoder.tokens import Tokens

if TYPE_CHECKING:
    from huaxiang.encoder.model import Network

_CHARACTERS: Final = 5_000
_AT_LEAST: Final = 12_000
"""Chosen on text of another kind than was pruned on: 500 Chinese reviews, then Chinese product searches. Mean cosine to
the whole vocabulary .941 with the pieces of the reviews alone, .969 with 3,000 and 10,000, .983 with 5,000 and 12,000,
.987 with 26,000 pieces. A row costs 1.5 KB and no time, so the larger of the cheap ones."""
_SMALLEST: Final = 60_000
"""Vocabularies below this are of one or two languages and in use: MiniLM's 30,522 WordPieces cut to 12,000 on 1,000
titles gave other titles a mean cosine of .95 and the worst one of .7, for 8 of 23 million weights."""
_WORTH: Final = 0.9
"""Where more than this share would stay, nothing is cut."""
_LOW: Final = 256
"""Padding ids below this keep their place, with all ids before them; see `_kept`."""
_TOKEN_IDS: Final = ("pad", "bos", "eos", "cls", "sep", "unk", "mask", "decoder_start")


@dataclass(frozen=True, slots=True)
class Pruned:
    """What pruning did.

    Attributes:
        before, kept: pieces of the vocabulary; equal where nothing was cut.
        parameters_before, parameters: weights of the encoder.
        ids: the former id of each piece that is left.
        reason: why nothing was cut; "" where it was.
    """

    before: int
    kept: int
    parameters_before: int
    parameters: int
    ids: tuple[int, ...]
    reason: str = ""

    @property
    def note(self) -> str:
        """One sentence for people."""
        if self.reason:
            return f"the vocabulary was left as it is: {self.reason}"
        return (
            f"the vocabulary was cut from {self.before:,} to {self.kept:,} pieces, "
            f"the encoder from {self.parameters_before / 1e6:.1f} to {self.parameters / 1e6:.1f} million weights"
        )


def prune(
    network: Network,
    texts: Sequence[str],
    *,
    at_least: int = _AT_LEAST,
    characters: int = _CHARACTERS,
    smallest: int = _SMALLEST,
) -> Pruned:
    """Keep the pieces that `texts` use and those that text to come will likely use; changes `network` in place.

    Text made of kept pieces alone is cut as before and gets the same vectors; other text is spelled in smaller pieces.
    (WordPiece: except for words that had no spelling before.) A tokenizer that cannot be cut down is left as it is.

    Args:
        texts: what the shop reads; of each as much as the network reads.
        at_least: fill up to so many pieces with the most frequent ones of the shop's scripts and of Latin.
        characters: so many single characters, the most frequent ones, are always kept, Latin and Chinese among them.
        smallest: a vocabulary below this is left alone.
    """
    before, weights = int(network.lm.get_input_embeddings().num_embeddings), network.n_parameters

    def unchanged(reason: str) -> Pruned:
        return Pruned(before, before, weights, weights, tuple(range(before)), reason)

    if before < smallest:
        return unchanged(f"of {before:,} pieces few would go, and text to come would be read worse")
    spec = json.loads(network.tokenizer.backend_tokenizer.to_str())
    vocabulary = Vocabulary(spec)
    if reason := vocabulary.unsupported or _unsupported(network):
        return unchanged(reason)
    ids = _kept(network, vocabulary, texts, at_least, characters)
    if len(ids) > _WORTH * before:
        return unchanged(f"{len(ids):,} of {before:,} pieces are in use, cutting the rest would save little")
    smaller = json.dumps(vocabulary.cut(ids), ensure_ascii=False)
    _shrink_network(network, ids)
    network.tokenizer = _as_transformers(network.tokenizer, Tokenizer.from_str(smaller))
    network.tokens = Tokens(Tokenizer.from_str(smaller), network.tokens.max_tokens, network.tokens.prefix)
    network.pad_id = ids.index(network.pad_id)
    return Pruned(before, len(ids), weights, network.n_parameters, tuple(ids))


def _unsupported(network: Network) -> str:
    from torch.nn import Embedding

    table = network.lm.get_input_embeddings()
    if type(table) is not Embedding:
        return f"its pieces are looked up in a {type(table).__name__}, not in one table of vectors"
    known = {id(weight) for weight in _rows_of_pieces(network.lm)}
    others = (
        name for name, w in network.lm.named_parameters() if table.num_embeddings in w.shape and id(w) not in known
    )
    if other := next(others, None):
        return f"its weights {other} belong to pieces too, in a way that is not known"
    if network.pad_id >= _LOW and _counts_from_padding(network):
        return f"it numbers positions from the padding piece, which is as far back as {network.pad_id}"
    return ""


def _rows_of_pieces(lm: Any) -> list[Any]:
    """The weights that have a row for each piece, each once."""
    head = lm.get_output_embeddings()
    found = [lm.get_input_embeddings().weight] + ([] if head is None else [head.weight, head.bias])
    return list({id(weight): weight for weight in found if weight is not None}.values())


def _counts_from_padding(network: Network) -> bool:
    """Whether positions begin behind the padding id, as RoBERTa's kind does."""
    table = getattr(getattr(network.lm.base_model, "embeddings", None), "position_embeddings", None)
    return getattr(table, "padding_idx", None) is not None


def _kept(network: Network, vocabulary: Vocabulary, texts: Sequence[str], at_least: int, characters: int) -> list[int]:
    """Ids to keep, ascending."""
    n_pieces = len(vocabulary.pieces)
    found: Counter[int] = Counter()
    for text in texts:
        found.update(*network.tokens.ids([text]))
    counts = [found.get(i, 0) for i in range(n_pieces)]
    kept = vocabulary.essential() | set(found) | {i for i in _special_ids(network) if i < n_pieces}
    if network.pad_id < _LOW:
        # RoBERTa's kind numbers positions from the padding id on, so that id must stay what it was.
        kept |= set(range(network.pad_id + 1))
    single, longer = vocabulary.likely(counts)
    kept |= set(single[:characters])
    kept |= vocabulary.steps_to(kept)
    for i in longer:
        if len(kept) >= at_least:
            break
        kept |= {i} | vocabulary.steps_to([i])
    return sorted(i for i in kept if vocabulary.pieces[i])


def _special_ids(network: Network) -> set[int]:
    config = network.lm.config
    named = (getattr(config, f"{name}_token_id", None) for name in _TOKEN_IDS)
    return {int(i) for i in named if isinstance(i, int)} | set(network.tokenizer.all_special_ids) | {network.pad_id}


def _shrink_network(network: Network, ids: Sequence[int]) -> None:
    """Bring the kept rows to the front of table and prediction head, then let Transformers cut both off behind them."""
    import torch

    lm = network.lm
    old = lm.get_input_embeddings()
    rows = torch.tensor(ids)
    with torch.no_grad():
        for weight in _rows_of_pieces(lm):
            weight[: len(ids)] = weight[rows]
    lm.resize_token_embeddings(len(ids), mean_resizing=False)
    new = lm.get_input_embeddings()
    new.padding_idx = None if old.padding_idx is None else ids.index(old.padding_idx)
    for name in _TOKEN_IDS:
        if isinstance(was := getattr(lm.config, f"{name}_token_id", None), int) and was in ids:
            setattr(lm.config, f"{name}_token_id", ids.index(was))


def _as_transformers(old: Any, smaller: Tokenizer) -> Any:
    """The same tokenizer as Transformers knows it; of the general class, which takes its pieces as they are."""
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=smaller,
        model_max_length=old.model_max_length,
        model_input_names=list(old.model_input_names),
        padding_side=old.padding_side,
        truncation_side=old.truncation_side,
        **old.special_tokens_map,
    )
