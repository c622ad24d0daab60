"""An encoder by what a person calls it: a folder, the name of an installed package, or `auto`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from huaxiang.encoder.base import Encoder
from huaxiang.encoder.folder import kind_of, open_folder
from huaxiang.encoder.serving import CONFIG_FILE
from huaxiang.encoder.sources import choose, find
from huaxiang.encoder.static import KIND
from huaxiang.errors import DataError, MissingExtraError
from huaxiang.types import Vectors

if TYPE_CHECKING:
    from huaxiang.encoder.model import Network

AUTO: Final = "auto"
_TOKENS: Final = 256


@dataclass(frozen=True, slots=True)
class Opened:
    """An encoder, and one sentence on why this one."""

    encoder: Encoder
    why: str


class NetworkEncoder:
    """A checkpoint as it came, read by torch. Not for serving: `huaxiang export` makes what is served."""

    def __init__(self, network: Network) -> None:
        self.network = network

    @property
    def d(self) -> int:
        """Width of the vectors."""
        return self.network.d

    @property
    def name(self) -> str:
        """Of the checkpoint."""
        return self.network.name

    @cached_property
    def fingerprint(self) -> str:
        """Digest of the weights and of where texts are cut."""
        digest = hashlib.blake2b(f"{self.network.prefix}|{self.network.tokens.max_tokens}".encode(), digest_size=8)
        for name, weights in sorted(self.network.lm.base_model.state_dict().items()):
            digest.update(name.encode())
            digest.update(weights.detach().numpy().tobytes())
        return digest.hexdigest()

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Vectors of shape `(len(texts), d)`, see `Encoder.encode`."""
        return np.asarray(self.network.encode_ids(self.network.tokens.ids(texts)).numpy(), dtype=np.float32)


def open_encoder(named: str, texts: Sequence[str], *, light: bool = True) -> Opened:
    """Open an encoder to read these texts with.

    Args:
        named: a folder that `huaxiang pretrain`, `train` or `export` wrote, or that of a Hugging Face checkpoint; the
            name of an installed one (`use`, `e5-small`, `minilm`) or of one in the local cache; `auto`.
        texts: what is to be read; `auto` goes by their languages.
        light: whether `auto` prefers what only encodes, without torch and several times as fast; else what tells more
            apart (zero-shot on Chinese reviews .89 against .78, experiments/LOG.md).

    Raises:
        MissingExtraError: `auto`, and nothing that reads these texts is installed.
        DataError, UnknownNameError: the name stands for no encoder.
    """
    if named == AUTO:
        return _choose(texts, light=light)
    folder = Path(named).expanduser()
    if (folder / CONFIG_FILE).is_file() or (folder / "serving").is_dir():
        found = _served(folder)
        if found is not None:
            return Opened(found, f"the encoder in {folder}")
    source = find(named)
    if source is not None and not source.trainable:
        return Opened(_use(), f"{source.name} of {source.package} {source.version}")
    return Opened(_network(named), f"the checkpoint {named}")


def _served(folder: Path) -> Encoder | None:
    """An exported encoder; None where the folder is a Hugging Face checkpoint, whose `config.json` is another."""
    root = folder / "serving" if (folder / "serving" / CONFIG_FILE).is_file() else folder
    return open_folder(root) if kind_of(root) == KIND or (root / "model.onnx").is_file() else None


def _choose(texts: Sequence[str], *, light: bool) -> Opened:
    choice = choose(texts, trainable=False)
    fitting = [source for source in choice.fitting if not source.trainable or find_spec("torch") is not None]
    if not fitting:
        if not choice.fitting and "installed" not in choice.why:
            raise DataError(f"no installed encoder reads these texts ({choice.why}); name one by its folder")
        raise MissingExtraError("an encoder without a folder of its own", "models")
    best = min(fitting, key=lambda source: (source.trainable == light, len(source.languages)))
    why = f"{best.name} of {best.package} {best.version} reads the language of these texts"
    return Opened(_network(best.name) if best.trainable else _use(), why)


def _use() -> Encoder:
    from huaxiang.encoder.sources.use import UseEncoder

    return UseEncoder()


def _network(named: str) -> Encoder:
    from huaxiang.encoder.checkpoint import open_checkpoint

    return NetworkEncoder(open_checkpoint(named, _TOKENS))
