"""What an export begins with: an encoder as a graph that runs without torch, as a network, or as both."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from huaxiang.encoder.folder import kind_of
from huaxiang.encoder.serving import OnnxEncoder
from huaxiang.encoder.static import KIND
from huaxiang.errors import DataError

if TYPE_CHECKING:
    from huaxiang.encoder.model import Network

_TOKENS: Final = 256
"""Where an encoder that does not say cuts texts."""


class Source:
    """An encoder by its folder or name.

    Args:
        named: a folder that `huaxiang pretrain`, `train` or `export` wrote, one of a Hugging Face checkpoint, the name
            of an installed checkpoint or of one in the local cache.
        scratch: a folder for the graph, where there is none yet.
    """

    def __init__(self, named: str, scratch: Path, *, threads: int = 1) -> None:
        self.named, self._scratch, self._threads = named, scratch, threads
        self.folder = Path(named).expanduser()
        kinds = {place: kind_of(place) for place in (self.folder / "serving", self.folder)}
        if KIND in kinds.values():
            raise DataError(
                f"{named} holds a static encoder, which nothing shrinks further; name what it was made from"
            )
        self._graph = next((place for place, kind in kinds.items() if kind is not None), None)

    @cached_property
    def served(self) -> OnnxEncoder:
        """Its float32 graph, exported now where the folder holds none."""
        opened = OnnxEncoder.load(self.graph, threads=self._threads)
        if opened.config.precision != "fp32":
            raise DataError(
                f"{self.named} is in {opened.config.precision} already; name the encoder that it was exported from"
            )
        return opened

    @cached_property
    def graph(self) -> Path:
        """The folder of that graph."""
        if self._graph is not None:
            return self._graph
        from huaxiang.encoder.export import PROBES, compare, write_serving

        self.network.lm.eval()
        write_serving(self.network, self._scratch)
        compare(self.network, OnnxEncoder.load(self._scratch), PROBES)
        return self._scratch

    @cached_property
    def network(self) -> Network:
        """Its weights, in torch."""
        from huaxiang.encoder.checkpoint import open_checkpoint

        if self._graph is not None and not (self.folder / "hf").is_dir():
            raise DataError(
                f"{self.named} holds a graph and no weights for Transformers, as a parameter-efficient method leaves "
                "an encoder: it can become --format onnx or static, or merge the method first"
            )
        return open_checkpoint(self.named, _TOKENS)
