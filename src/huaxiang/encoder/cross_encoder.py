"""A trained cross-encoder, served by onnxruntime and tokenizers alone: nothing here reaches torch or transformers.

Legend: N pairs, L tokens of the longest pair of a batch.
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
from huaxiang.encoder.tokens import Tokens, batches_by_length, padded
from huaxiang.errors import DataError

FORMAT: Final = 1
_KIND: Final = Kind("cross-encoder", "huaxiang finetune rank --out", "fine-tune the cross-encoder again", FORMAT)
MODEL_FILE, TOKENIZER_FILE, CONFIG_FILE = "model.onnx", "tokenizer.json", "cross_encoder.json"
OUTPUT: Final = "scores"


@dataclass(frozen=True, slots=True)
class CrossEncoderConfig:
    """What `cross_encoder.json` beside the graph says.

    Attributes:
        max_tokens: where a pair is cut, the longer of its texts first.
        pad_id: fills short rows and is masked.
        fingerprint: digest of everything that a score depends on.
    """

    max_tokens: int
    pad_id: int
    name: str
    fingerprint: str
    format: int = FORMAT

    @classmethod
    def load(cls, path: Path) -> CrossEncoderConfig:
        """Read it, refusing a format this version does not know."""
        return _KIND.read(path, cls)


class CrossEncoder:
    """Reads a history and an item together and says how well they fit. Safe to call from many threads.

    Each pair is read anew, so it orders a few hundred candidates, not a catalogue.
    """

    def __init__(
        self, session: Any, tokens: Tokens, config: CrossEncoderConfig, *, max_batch_tokens: int = 2_048
    ) -> None:
        self._session, self._tokens, self._config = session, tokens, config
        self._max_batch_tokens = max_batch_tokens

    @classmethod
    def load(cls, folder: Path | str, *, threads: int = 1) -> CrossEncoder:
        """Open a folder that `huaxiang finetune rank --out` wrote.

        Args:
            threads: of one call; more than one pays only where cores stand idle.
        """
        root = Path(folder)
        config = CrossEncoderConfig.load(root / CONFIG_FILE)
        if not (root / MODEL_FILE).is_file():
            raise DataError(f"{root} holds no {MODEL_FILE}; fine-tune the cross-encoder again")
        tokens = Tokens.load(root / TOKENIZER_FILE, config.max_tokens)
        return cls(open_session(root / MODEL_FILE, threads), tokens, config)

    @property
    def name(self) -> str:
        """What it was made from."""
        return self._config.name

    @property
    def fingerprint(self) -> str:
        """Changes whenever any score could."""
        return self._config.fingerprint

    def scores(self, histories: Sequence[str] | str, items: Sequence[str]) -> NDArray[np.float32]:
        """How well each item fits its history, in nats, higher is better; shape `(len(items),)`.

        Scores of one history compare its items; those of different histories compare only where it was trained without
        lists.

        Args:
            histories: one for each item, or one for all.
        """
        given = [histories] * len(items) if isinstance(histories, str) else histories
        if len(given) != len(items):
            raise DataError(f"{len(given)} histories but {len(items)} items; give one for each, or one for all")
        rows = self._tokens.pair_ids(given, items)
        scores_N = np.zeros(len(rows), dtype=np.float32)
        for batch in batches_by_length([len(row) for row in rows], self._max_batch_tokens):
            scores_N[batch] = self._run([rows[i] for i in batch])
        return scores_N

    def _run(self, rows: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        ids_NL, mask_NL = padded(rows, self._config.pad_id)
        (said_N,) = self._session.run([OUTPUT], {"input_ids": ids_NL, "attention_mask": mask_NL})
        return np.asarray(said_N, dtype=np.float32)
