"""Which encoders a classifier begins with: by language, ordered by a head on each, on held-out texts."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import Final

from huaxiang.encoder.checkpoint import open_checkpoint
from huaxiang.encoder.classifying.frozen import SAMPLE, speed, suits, vectors
from huaxiang.encoder.classifying.material import Material
from huaxiang.encoder.model import Network
from huaxiang.encoder.precision import precision_of, sample_rows, training_step
from huaxiang.encoder.sources.choice import choose as choose_by_language
from huaxiang.encoder.sources.prune import prune
from huaxiang.errors import MissingExtraError

MAX_TOKENS: Final = 128
"""Of a text: nine of ten reviews are shorter, and training costs what its tokens cost."""
_FOR_MANY: Final = 90.0
"""Seconds below which one encoder only is opened: it takes about ten, and training on it the rest."""
_COMPARED_SHARE: Final = 0.06
"""Of the time that is left, at most, for reading a sample with each encoder that fits."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An encoder cut down to the texts, and whether this machine multiplies faster in bfloat16."""

    network: Network
    bf16: bool

    def fresh(self) -> Network:
        """A copy to train, so that the encoder as it came can still answer."""
        return replace(self.network, lm=copy.deepcopy(self.network.lm))


def open_networks(encoder: str, material: Material, *, needed: bool, precision: str = "auto") -> list[Opened]:
    """The encoder of this name or folder; `auto`: what of all installed reads the texts' language, most suitable first.

    Args:
        needed: whether to refuse, instead of a note, where nothing is installed.
    """
    if encoder != "auto":
        return [_open(encoder, material, precision)]
    choice = choose_by_language(material.train.texts)
    fitting = list(choice.fitting)
    if not fitting:
        if needed:
            raise MissingExtraError("an encoder to begin with", "models")
        material.notes.append(f"no encoder was tried: {choice.why}")
        return []
    if len(fitting) == 1:
        material.notes.append(choice.why)
    elif material.clock.left < _FOR_MANY:
        fitting = fitting[:1]
        material.notes.append(f"{fitting[0].name} was taken by language alone: there is no time to open others")
    return _ordered([_open(source.name, material, precision) for source in fitting], material)


def _ordered(opened: list[Opened], material: Material) -> list[Opened]:
    """By what a linear head on a sample says; by language where there is no time to find out."""
    if len(opened) == 1:
        return opened
    n = min(SAMPLE, len(material.train))
    rows = [each.network.tokens.ids(material.train.texts[:256]) for each in opened]
    needed = sum(n / speed(each.network, own, each.bf16) for each, own in zip(opened, rows, strict=True))
    if needed > _COMPARED_SHARE * len(opened) * material.clock.left:
        material.notes.append(
            f"{opened[0].network.name} comes first by language alone: to compare encoders takes about {needed:.0f} s"
        )
        return opened
    found = [(suits(each.network, material, bf16=each.bf16), each) for each in opened]
    said = ", ".join(f"{each.network.name} {value:.4f}" for value, each in found)
    material.notes.append(f"a linear head on {n} of the texts put the encoders in order: {said}")
    return [each for _, each in sorted(found, key=lambda pair: -pair[0])]


def _open(name: str, material: Material, precision: str) -> Opened:
    network = open_checkpoint(name, MAX_TOKENS)
    material.notes.append(f"{network.name}: {prune(network, material.train.texts).note}")
    rows = sample_rows(network, material.train.texts)
    vectors(network, rows, False)
    return Opened(network, precision_of(precision, training_step(network, rows)).bf16)
