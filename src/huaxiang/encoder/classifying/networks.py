"""Which encoder a classifier begins with: by language, and of two that fit by a head on each, on held-out texts."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import Final

from huaxiang.encoder.checkpoint import open_checkpoint
from huaxiang.encoder.classifying.frozen import SAMPLE, speed, suits, vectors
from huaxiang.encoder.classifying.material import Material
from huaxiang.encoder.classifying.tuned import training_step
from huaxiang.encoder.model import Network
from huaxiang.encoder.precision import precision_of
from huaxiang.encoder.sources.choice import choose as choose_by_language
from huaxiang.encoder.sources.prune import prune
from huaxiang.errors import MissingExtraError

MAX_TOKENS: Final = 128
"""Of a text: nine of ten reviews are shorter, and training costs what its tokens cost."""
_COMPARED_SHARE: Final = 0.06
"""Of the time that is left, at most, for reading a sample with each encoder that fits."""
_TIMED_ROWS: Final = 16


@dataclass(frozen=True, slots=True)
class Opened:
    """An encoder cut down to the texts, and whether this machine multiplies faster in bfloat16."""

    network: Network
    bf16: bool

    def fresh(self) -> Network:
        """A copy to train, so that the encoder as it came can still answer."""
        return replace(self.network, lm=copy.deepcopy(self.network.lm))


def open_network(encoder: str, material: Material, *, needed: bool, precision: str = "auto") -> Opened | None:
    """The encoder of this name or folder; `auto`: what suits the texts best of what is installed.

    Args:
        needed: whether to refuse, instead of a note, where nothing is installed.
    """
    if encoder != "auto":
        return _open(encoder, material, precision)
    choice = choose_by_language(material.train.texts)
    fitting = list(choice.fitting)
    if not fitting:
        if needed:
            raise MissingExtraError("an encoder to begin with", "models")
        material.notes.append(f"no encoder was tried: {choice.why}")
        return None
    first = _open(fitting[0].name, material, precision)
    if len(fitting) == 1:
        material.notes.append(choice.why)
        return first
    return _best([first, *(_open(source.name, material, precision) for source in fitting[1:])], material)


def _best(opened: list[Opened], material: Material) -> Opened:
    """What does best under a linear head on a sample; the first where there is no time to find out."""
    n = min(SAMPLE, len(material.train))
    rows = [each.network.tokens.ids(material.train.texts[:256]) for each in opened]
    needed = sum(n / speed(each.network, own, each.bf16) for each, own in zip(opened, rows, strict=True))
    if needed > _COMPARED_SHARE * len(opened) * material.clock.left:
        material.notes.append(
            f"{opened[0].network.name} was taken by language alone: to compare encoders takes about {needed:.0f} s"
        )
        return opened[0]
    found = [(suits(each.network, material, bf16=each.bf16), each) for each in opened]
    said = ", ".join(f"{each.network.name} {value:.4f}" for value, each in found)
    material.notes.append(f"a linear head on {n} of the texts chose the encoder: {said}")
    return max(found, key=lambda pair: pair[0])[1]


def _open(name: str, material: Material, precision: str) -> Opened:
    network = open_checkpoint(name, MAX_TOKENS)
    material.notes.append(f"{network.name}: {prune(network, material.train.texts).note}")
    rows = [row for row in network.tokens.ids(material.train.texts[:_TIMED_ROWS]) if row] or [[network.pad_id]]
    vectors(network, rows, False)
    return Opened(network, precision_of(precision, training_step(network, rows)).bf16)
