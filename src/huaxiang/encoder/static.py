"""A static encoder: one vector for each piece of the vocabulary, a text is their sum brought to length 1.

As fast as its tokenizer nearly: no network runs. Served by numpy, scipy and tokenizers alone; the folder opens in
sentence-transformers too, as a `StaticEmbedding`. `huaxiang export --format static` makes one (model2vec, Tulkens & van
Dongen 2024, showed that it is worth having).

Legend: N texts, T pieces of all texts, V pieces of the vocabulary, D width.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from scipy import sparse

from huaxiang.encoder.configuration import Kind
from huaxiang.encoder.serving import CONFIG_FILE, TOKENIZER_FILE
from huaxiang.encoder.tokens import Tokens
from huaxiang.errors import DataError
from huaxiang.types import Vectors

FORMAT: Final = 1
_WRITTEN: Final = Kind("static encoder", "huaxiang export --format static", "export the encoder again", FORMAT)
KIND: Final = "static"
WEIGHTS_FILE: Final = "model.safetensors"
_WEIGHTS: Final = "embedding.weight"
"""The name by which sentence-transformers looks for them."""
_AT_ONCE: Final = 4_096
"""Texts that are read together: what a tokenizer says of a text takes 30 times its size."""


@dataclass(frozen=True, slots=True)
class StaticConfig:
    """What `config.json` of a static encoder says."""

    d: int
    max_tokens: int
    name: str
    fingerprint: str = ""
    kind: str = KIND
    format: int = FORMAT

    @classmethod
    def load(cls, path: Path) -> "StaticConfig":
        """Read it, refusing another kind and a format this version does not know."""
        config = _WRITTEN.read(path, cls)
        if config.kind != KIND:
            raise DataError(f"{path} has kind {config.kind!r}, this reads {KIND!r}; export the encoder again")
        return config


class StaticEncoder:
    """An `Encoder` that looks up and adds. Safe to call from many threads.

    Memory: 4 bytes x pieces x width; 31 MB for 30,522 pieces of 256.
    """

    def __init__(self, table_VD: Vectors, tokens: Tokens, config: StaticConfig) -> None:
        self._table_VD, self._tokens, self._config = table_VD, tokens, config

    @classmethod
    def load(cls, folder: Path | str) -> "StaticEncoder":
        """Open a folder that `save_static` wrote."""
        root = Path(folder)
        config = StaticConfig.load(root / CONFIG_FILE)
        tokens = Tokens.load(root / TOKENIZER_FILE, config.max_tokens)
        try:
            table_VD = np.asarray(load_file(root / WEIGHTS_FILE)[_WEIGHTS], dtype=np.float32)
        except (OSError, SafetensorError, KeyError) as error:
            raise DataError(f"{root / WEIGHTS_FILE} holds no vectors: {error}; export the encoder again") from error
        if table_VD.ndim != 2 or table_VD.shape[0] < tokens.n_pieces or table_VD.shape[1] != config.d:
            raise DataError(
                f"{root} has vectors of shape {table_VD.shape} but {tokens.n_pieces} pieces of width {config.d}; its "
                "files belong to different encoders: export it again"
            )
        return cls(np.ascontiguousarray(table_VD), tokens, config)

    @property
    def d(self) -> int:
        """Width of the vectors."""
        return self._config.d

    @property
    def name(self) -> str:
        """What it was distilled from."""
        return self._config.name

    @property
    def fingerprint(self) -> str:
        """Digest of vectors, tokenizer and cut-off."""
        return self._config.fingerprint

    @property
    def max_tokens(self) -> int:
        """Where a text is cut."""
        return self._config.max_tokens

    @property
    def config(self) -> StaticConfig:
        """How it is served."""
        return self._config

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Vectors of shape `(len(texts), d)`, see `Encoder.encode`; zeros too where no piece of a text is known."""
        vectors_ND = np.zeros((len(texts), self.d), dtype=np.float32)
        for start in range(0, len(texts), _AT_ONCE):
            chunk = slice(start, start + _AT_ONCE)
            vectors_ND[chunk] = unit_rows(counted(self._tokens, texts[chunk], len(self._table_VD)) @ self._table_VD)
        return vectors_ND


def counted(tokens: Tokens, texts: Sequence[str], n_pieces: int) -> sparse.csr_array:
    """How often each piece stands in each text, shape `(N, V)`, a piece that comes twice as two entries.

    Its product with the table is the sum of the pieces' vectors: 15 times as fast as gathering them and adding by
    `np.add.reduceat`, since no row is copied.
    """
    ids_T, lengths_N = tokens.flat(texts)
    starts = np.zeros(len(texts) + 1, dtype=np.int32)
    np.cumsum(lengths_N, out=starts[1:])
    return sparse.csr_array((np.ones(len(ids_T), dtype=np.float32), ids_T, starts), shape=(len(texts), n_pieces))


def unit_rows(vectors_ND: NDArray[np.float32]) -> Vectors:
    """Rows of length 1; rows of zeros stay."""
    length_N1 = np.sqrt(np.einsum("nd,nd->n", vectors_ND, vectors_ND))[:, None]
    return np.asarray(vectors_ND / np.where(length_N1 > 0.0, length_N1, 1.0), dtype=np.float32)


def save_static(folder: Path, table_VD: Vectors, tokens: Tokens, name: str) -> None:
    """Write vectors, tokenizer and configuration, and how sentence-transformers opens them."""
    save_file({_WEIGHTS: np.ascontiguousarray(table_VD, dtype=np.float32)}, folder / WEIGHTS_FILE)
    tokens.save(folder / TOKENIZER_FILE)
    digest = hashlib.blake2b(digest_size=16)
    for file in (WEIGHTS_FILE, TOKENIZER_FILE):
        digest.update((folder / file).read_bytes())
    digest.update(f"cut at {tokens.max_tokens}".encode())
    config = replace(StaticConfig(table_VD.shape[1], tokens.max_tokens, name), fingerprint=digest.hexdigest())
    steps = ("StaticEmbedding", ""), ("Normalize", "1_Normalize")
    modules = [
        {"idx": at, "name": str(at), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for at, (kind, path) in enumerate(steps)
    ]
    for file, said in ((CONFIG_FILE, asdict(config)), ("modules.json", modules)):
        (folder / file).write_text(json.dumps(said, ensure_ascii=False, indent=2), encoding="utf-8")
