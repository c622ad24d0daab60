"""A trained tagger, served by onnxruntime and tokenizers alone: nothing here reaches torch or transformers.

Legend: B texts of a batch, L tokens, U units, K labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.encoder.configuration import Kind
from huaxiang.encoder.serving import open_session
from huaxiang.encoder.tagging.alignment import Aligned, align, unit_places
from huaxiang.encoder.tagging.chain import Chain, unread
from huaxiang.encoder.tagging.memory import Memory
from huaxiang.encoder.tagging.ngrams import Ngrams
from huaxiang.encoder.tagging.spans import Span, placed
from huaxiang.encoder.tagging.units import MOST_CHARACTERS, cut
from huaxiang.encoder.tokens import Tokens, batches_by_length, padded
from huaxiang.errors import DataError

__all__ = ["Span", "Tagger", "TaggerConfig"]

FORMAT: Final = 1
_KIND: Final = Kind("tagger", "huaxiang finetune tag --out", "fine-tune the tagger again", FORMAT)
MODEL_FILE, TOKENIZER_FILE, CONFIG_FILE = "model.onnx", "tokenizer.json", "tagger.json"
INPUTS: Final = ("input_ids", "attention_mask", "token", "place")
OUTPUT: Final = "emissions"


@dataclass(frozen=True, slots=True)
class TaggerConfig:
    """What `tagger.json` beside the graph says.

    Attributes:
        labels: in BIO, `O` first.
        start, follow, end: scores of the chain over them, in nats.
        temperature: what all scores are divided by before they become probabilities.
        network_weight, ngram_weight: what the scores of either part count; 0 where it is not there.
        unit: what a label stands for, `characters` or `words`.
        prefix: what the encoder reads before each text.
        pad_id: fills short rows and is masked.
        n_remembered: texts whose tags are known from people.
    """

    labels: tuple[str, ...]
    start: tuple[float, ...]
    follow: tuple[tuple[float, ...], ...]
    end: tuple[float, ...]
    temperature: float
    unit: str
    network_weight: float
    ngram_weight: float
    max_tokens: int
    pad_id: int
    prefix: str
    n_remembered: int
    name: str
    fingerprint: str
    format: int = FORMAT

    @classmethod
    def load(cls, path: Path) -> TaggerConfig:
        """Read it, refusing a format this version does not know."""
        return _KIND.read(path, cls)

    @property
    def chain(self) -> Chain:
        """The scores of one label after another."""
        return Chain.of(self.labels, np.array(self.start), np.array(self.follow), np.array(self.end))


class Tagger:
    """Finds tagged spans in texts. Safe to call from many threads."""

    def __init__(
        self,
        config: TaggerConfig,
        session: Any = None,
        tokens: Tokens | None = None,
        ngrams: Ngrams | None = None,
        memory: Memory | None = None,
        *,
        max_batch_tokens: int = 2048,
    ) -> None:
        self._config, self._session, self._tokens, self._ngrams = config, session, tokens, ngrams
        self._memory = Memory() if memory is None else memory
        self._max_batch_tokens = max_batch_tokens
        self._chain = config.chain
        self._tempered = self._chain.tempered(config.temperature)

    @classmethod
    def load(cls, folder: Path | str, *, threads: int = 1) -> Tagger:
        """Open a folder that `huaxiang finetune tag --out` wrote.

        Args:
            threads: of one call; more than one pays only where cores stand idle.
        """
        root = Path(folder)
        config = TaggerConfig.load(root / CONFIG_FILE)
        ngrams = Ngrams.load(root, len(config.labels)) if config.ngram_weight else None
        memory = Memory.load(root) if config.n_remembered else Memory()
        if not config.network_weight:
            return cls(config, ngrams=ngrams, memory=memory)
        if not (root / MODEL_FILE).is_file():
            raise DataError(f"{root} holds no {MODEL_FILE}; fine-tune the tagger again")
        tokens = Tokens.load(root / TOKENIZER_FILE, config.max_tokens, config.prefix)
        return cls(config, open_session(root / MODEL_FILE, threads), tokens, ngrams, memory)

    @property
    def name(self) -> str:
        """What it was made from."""
        return self._config.name

    @property
    def fingerprint(self) -> str:
        """Digest of everything that an answer depends on."""
        return self._config.fingerprint

    @property
    def types(self) -> tuple[str, ...]:
        """The types of spans that it finds, by name."""
        return tuple(sorted({label[2:] for label in self._config.labels[1:]}))

    def tag(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        """The spans of each text, by their place, each with the probability that type and boundaries are right.

        A text that a person tagged has the spans that were given to it.
        What lies beyond the network's cut-off, or the first `MOST_CHARACTERS`, has no span.
        """
        known = [self._memory.spans(text) for text in texts]
        guessed = iter(self._guess([text for text, spans in zip(texts, known, strict=True) if spans is None]))
        return [next(guessed) if spans is None else spans for spans in known]

    def _guess(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        """The spans by the models."""
        units = [cut(text[:MOST_CHARACTERS], self._config.unit) for text in texts]
        scores = self._scores(texts, units)
        found: list[tuple[Span, ...]] = []
        for text, places, scores_UK in zip(texts, units, scores, strict=True):
            labels = self._chain.best(scores_UK[None], [len(places)])[0]
            said = self._tempered.spans(scores_UK / self._config.temperature, labels)
            found.append(tuple(placed(text, places, bounds, confidence) for bounds, confidence in said))
        return found

    def network_scores(self, texts: Sequence[Aligned]) -> list[NDArray[np.float64]]:
        """What the network alone says: scores `(U, K)` of each text, in nats; a unit that is not read is `O`."""
        found = [np.zeros((len(text.token_U), len(self._config.labels))) for text in texts]
        for batch in batches_by_length([len(text.ids) for text in texts], self._max_batch_tokens):
            said_BUK = self._run([texts[i] for i in batch])
            for row, i in enumerate(batch):
                found[i] = said_BUK[row, : len(found[i])]
        for text, each in zip(texts, found, strict=True):
            each[text.token_U < 0] = unread(len(self._config.labels))
        return found

    def _scores(self, texts: Sequence[str], units: Sequence[list[tuple[int, int]]]) -> list[NDArray[np.float64]]:
        """Both parts, weighed."""
        found = [np.zeros((len(places), len(self._config.labels))) for places in units]
        if self._tokens is not None:
            read = [align(self._tokens, text, places) for text, places in zip(texts, units, strict=True)]
            for i, scores_UK in enumerate(self.network_scores(read)):
                found[i] += self._config.network_weight * scores_UK
        if self._ngrams is not None:
            for i, (text, places) in enumerate(zip(texts, units, strict=True)):
                found[i] += self._config.ngram_weight * self._ngrams.emissions(text[:MOST_CHARACTERS], places)
        return found

    def _run(self, texts: Sequence[Aligned]) -> NDArray[np.float64]:
        given = (*padded([text.ids for text in texts], self._config.pad_id), *unit_places(texts))
        (emissions,) = self._session.run([OUTPUT], dict(zip(INPUTS, given, strict=True)))
        return np.asarray(emissions, dtype=np.float64)
