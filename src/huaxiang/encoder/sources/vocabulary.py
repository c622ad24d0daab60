"""The pieces of a `tokenizer.json`, which of them are needed, and the same tokenizer with fewer of them.

Kinds: Unigram (SentencePiece: XLM-R, e5), WordPiece (BERT), BPE (RoBERTa) and WordLevel.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import pairwise, zip_longest
from typing import Any, Final

KINDS: Final = ("Unigram", "WordPiece", "BPE", "WordLevel")

_BLANK: Final = ("▁", "Ġ")
"""How a piece says that a blank stands before it: SentencePiece's sign and that of byte-level BPE."""
_INSIDE: Final = "##"
"""How WordPiece says that a piece stands inside a word."""
_ALWAYS_READ: Final = frozenset({"LATIN", "CJK"})
_WIDESPREAD: Final = 0.01
"""Share of the letters from which on a script is one of the shop's and no stray name."""


class Vocabulary:
    """Pieces by id, from the JSON of a tokenizer.

    Attributes:
        pieces: by id; "" where an id has none.
    """

    def __init__(self, spec: dict[str, Any]) -> None:
        self._spec, self._model = spec, spec["model"]
        self.kind = str(self._model.get("type"))
        self.pieces: list[str] = []
        if self.kind in KINDS:
            self.pieces = _by_id(self.kind, self._model["vocab"], spec.get("added_tokens", ()))

    @property
    def unsupported(self) -> str:
        """Why this tokenizer cannot be cut down, "" where it can."""
        if self.kind not in KINDS:
            return f"a tokenizer of the kind {self.kind} cannot be cut down, only {', '.join(KINDS)}"
        if self.kind == "BPE" and (
            self._model.get("continuing_subword_prefix") or self._model.get("end_of_word_suffix")
        ):
            return "a BPE tokenizer that marks the inside or the end of words cannot be cut down"
        return ""

    def essential(self) -> set[int]:
        """Ids without which the tokenizer would not work, or would read what it keeps in another way."""
        ids = {int(added["id"]) for added in self._spec.get("added_tokens", ())}
        ids |= set(_processor_ids(self._spec.get("post_processor")))
        if self.kind == "Unigram":
            vocab = self._model["vocab"]
            # An unknown character costs a fixed amount more than the rarest piece, so the rarest decides other cuts.
            ids.add(min(range(len(vocab)), key=lambda i: (vocab[i][1], i)))
            ids |= set() if self._model.get("unk_id") is None else {int(self._model["unk_id"])}
        elif (unknown := self._model.get("unk_token")) is not None and unknown in self._model["vocab"]:
            ids.add(int(self._model["vocab"][unknown]))
        if self._model.get("byte_fallback"):
            ids |= {i for i, piece in enumerate(self.pieces) if piece.startswith("<0x") and len(piece) == 6}
        if self.kind == "BPE":
            ids |= {i for i, piece in enumerate(self.pieces) if len(piece) == 1}
        return ids

    def steps_to(self, ids: Iterable[int]) -> set[int]:
        """Ids that are merged on the way to these; nothing but for BPE, which builds a piece out of smaller ones."""
        if self.kind != "BPE":
            return set()
        ranks = {pair: rank for rank, pair in enumerate(map(_pair, self._model["merges"]))}
        vocab = self._model["vocab"]
        return {int(vocab[step]) for i in ids for step in _merged(self.pieces[i], ranks) if step in vocab}

    def likely(self, counts: Sequence[int]) -> tuple[list[int], list[int]]:
        """Ids of single characters, and of longer pieces, in the scripts that are read; the likeliest first.

        Vocabularies are numbered by falling frequency in general text. The longer pieces alternate between Latin and
        the shop's other scripts, since one of them would else fill the list.

        Args:
            counts: by id, how often the shop's own text has the piece; it tells the scripts.
        """
        scripts = _scripts(self.pieces, counts)
        read = scripts | _ALWAYS_READ
        single: list[int] = []
        longer: tuple[list[int], list[int]] = ([], [])
        for i, piece in enumerate(self.pieces):
            bare = _bare(piece)
            written = {_script(character) for character in bare}
            if len(bare) == 1 and written <= read:
                single.append(i)
            elif written and written <= scripts | {"LATIN"}:
                longer[written != {"LATIN"}].append(i)
        return single, [i for pair in zip_longest(*longer) for i in pair if i is not None]

    def cut(self, kept: Sequence[int]) -> dict[str, Any]:
        """The JSON of a tokenizer with these ids alone, numbered from 0 in the order given."""
        new = {old: at for at, old in enumerate(kept)}
        model = dict(self._model)
        if self.kind == "Unigram":
            vocab = model["vocab"]
            model["vocab"] = [vocab[old] for old in kept if old < len(vocab)]
            model["unk_id"] = None if model.get("unk_id") is None else new[model["unk_id"]]
        else:
            vocab = model["vocab"]
            model["vocab"] = {piece: new[old] for piece, old in vocab.items() if old in new}
        if self.kind == "BPE":
            known = model["vocab"]
            pairs = map(_pair, model["merges"])
            model["merges"] = [[a, b] for a, b in pairs if a in known and b in known and a + b in known]
        added = [token | {"id": new[token["id"]]} for token in self._spec.get("added_tokens", ())]
        after = _renumbered(self._spec.get("post_processor"), new)
        # Padding names an id too; whoever opens the tokenizer sets its own.
        return self._spec | {"model": model, "added_tokens": added, "post_processor": after, "padding": None}


def _by_id(kind: str, vocab: Any, added: Iterable[dict[str, Any]]) -> list[str]:
    numbered = (
        {i: piece for i, (piece, _) in enumerate(vocab)} if kind == "Unigram" else {i: p for p, i in vocab.items()}
    )
    numbered |= {int(token["id"]): str(token["content"]) for token in added}
    return [numbered.get(i, "") for i in range(max(numbered, default=-1) + 1)]


def _pair(merge: Any) -> tuple[str, str]:
    """A merge as both versions of the format write it: `"a b"` or `["a", "b"]`."""
    left, right = merge.split(" ", 1) if isinstance(merge, str) else merge
    return str(left), str(right)


def _merged(piece: str, ranks: dict[tuple[str, str], int]) -> list[str]:
    """What is made on the way from the characters of a piece to the piece (Sennrich et al. 2016)."""
    parts, made = list(piece), list(piece)
    while len(parts) > 1:
        rank, at = min((ranks.get((a, b), len(ranks)), i) for i, (a, b) in enumerate(pairwise(parts)))
        if rank == len(ranks):
            break
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
        made.append(parts[at])
    return made


def _bare(piece: str) -> str:
    """A piece without the marks of its place in a word."""
    return piece.removeprefix(_INSIDE).lstrip("".join(_BLANK)) or piece


@cache
def _script(character: str) -> str:
    """The script of a character; signs, digits and what stands in every script count as Latin."""
    if character.isascii() or not character.isalpha():
        return "LATIN"
    return unicodedata.name(character, "UNNAMED").split()[0].split("-")[0]


def _scripts(pieces: Sequence[str], counts: Sequence[int]) -> set[str]:
    """Scripts with at least `_WIDESPREAD` of the letters read."""
    letters: Counter[str] = Counter()
    for i, count in enumerate(counts):
        if count:
            for character in _bare(pieces[i]):
                letters[_script(character)] += int(count)
    return {script for script, n in letters.items() if n >= _WIDESPREAD * letters.total()}


def _processor_ids(processor: Any) -> Iterable[int]:
    if not isinstance(processor, dict):
        return
    for inner in processor.get("processors", ()):
        yield from _processor_ids(inner)
    for end in ("sep", "cls"):
        if end in processor:
            yield int(processor[end][1])
    if processor.get("type") == "TemplateProcessing":
        for token in processor["special_tokens"].values():
            yield from map(int, token["ids"])


def _renumbered(processor: Any, new: dict[int, int]) -> Any:
    if not isinstance(processor, dict):
        return processor
    out = dict(processor)
    if "processors" in out:
        out["processors"] = [_renumbered(inner, new) for inner in out["processors"]]
    for end in ("sep", "cls"):
        if end in out:
            out[end] = [out[end][0], new[out[end][1]]]
    if out.get("type") == "TemplateProcessing":
        tokens = out["special_tokens"]
        out["special_tokens"] = {name: t | {"ids": [new[i] for i in t["ids"]]} for name, t in tokens.items()}
    return out
