"""The candidate that only reads with an encoder: its vectors under a linear head, and which encoder suits the texts.

Legend: N training texts, D width.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from huaxiang.encoder.batches import Rows
from huaxiang.encoder.classifying.classical import VECTOR_CS, Head, fit_head
from huaxiang.encoder.classifying.material import Material
from huaxiang.encoder.classifying.splits import Fold, folds
from huaxiang.encoder.classifying.table import Labelled
from huaxiang.encoder.heads.linear import Scores
from huaxiang.encoder.model import Network
from huaxiang.encoder.precision import autocast
from huaxiang.encoder.shrinking.layers import with_layers
from huaxiang.errors import DataError
from huaxiang.types import Vectors

_TIMED: Final = 64
_CHUNK: Final = 512
SAMPLE: Final = 1_000
"""Texts on which encoders are compared."""
MOST_SAMPLED: Final = 8_000
"""Of more texts than there is time to read, so many are: a linear head hardly learns more from others."""
_FEWEST_SAMPLED: Final = 500
SCARCE: Final = 16
"""Texts a class, on average, up to which a head is fitted as `fit_scarce` does."""
SCARCE_CS: Final = (10.0,)
"""Inverse regularisation there: few texts cannot choose it, and this one lost nowhere."""
_WORD: Final = re.compile(r"[^\W\d_]+")


@dataclass(slots=True)
class Frozen:
    """An encoder as it came, with a head."""

    network: Network
    head: Head
    bf16: bool

    def scores(self, texts: Sequence[str]) -> Scores:
        """Logits of shape `(n, C)`."""
        return self.head.linear.scores(vectors(self.network, self.network.tokens.ids(texts), self.bf16))

    def save(self, folder: Path, samples: Sequence[str]) -> None:
        """Write the encoder as it is served, and the head."""
        from huaxiang.encoder.export import export

        folder.mkdir(parents=True, exist_ok=True)
        export(self.network, folder / "encoder", samples)
        self.head.linear.save(folder)


def fit_frozen(network: Network, material: Material, *, bf16: bool, seconds: float) -> Frozen | None:
    """Encode the training texts and train a head.

    Where that takes longer than `seconds`, a sample of those that are learned from, within half of them; None where
    that is not worth it either. Both are noted. Of few texts a class, see `fit_scarce`.
    """
    n, pace = len(material.train), speed(network, network.tokens.ids(material.train.texts), bf16)
    if is_scarce(material) and n <= pace * seconds:
        return fit_scarce(network, material, bf16, below=2 * n <= pace * seconds)
    if n > pace * seconds:
        sample = _sample(material, int(0.5 * pace * seconds))
        if sample is None:
            said = f"reading all texts takes about {n / pace:.0f} s"
            material.notes.append(f"a frozen {network.name} under a linear head was left out: {said}")
            return None
        material.notes.append(f"a frozen {network.name} under a linear head read {len(sample.train)} of the texts")
        return _fit_read(network, sample, bf16)
    return _fit_read(network, material, bf16)


def _sample(material: Material, affordable: int) -> Material | None:
    """All that judges and some of what is learned from; None where those would be too few."""
    n_learned = min(affordable, MOST_SAMPLED) - len(material.held_N)
    if len(material.folds) != 1 or n_learned < max(_FEWEST_SAMPLED, 10 * material.n_classes):
        return None
    fold = material.folds[0]
    learned = np.sort(material.rng.choice(fold.fit, min(n_learned, len(fold.fit)), replace=False))
    read = np.sort(np.concatenate([learned, fold.held]))
    divided = [Fold(np.searchsorted(read, learned), np.searchsorted(read, fold.held))]
    targets_NC = material.targets_NC[read]
    return replace(material, train=material.train.at(read.tolist()), targets_NC=targets_NC, folds=divided)


def is_scarce(material: Material) -> bool:
    """Whether there are so few texts a class that a mean is told more surely than a deviation."""
    return not material.many and len(material.train) <= SCARCE * material.n_classes


def fit_scarce(network: Network, material: Material, bf16: bool, *, below: bool = True) -> Frozen:
    """A head of few texts: on the encoder and on the one below its last layer, without and with the labels' own words
    as one more text each; the least log loss on held-out texts chooses.

    The last layer is made for telling subjects apart; praise and blame are told better below it (experiments/LOG.md).

    Args:
        below: whether to read the texts below the last layer too, which takes as long again.
    """
    views = [network, *(_below_last(network) if below else ())]
    words = label_words(material.classes)
    tried: list[tuple[float, Frozen, str]] = []
    for view in views:
        own_ND = vectors(view, view.tokens.ids(material.train.texts), bf16)
        plain = fit_head(own_ND, material, SCARCE_CS, dense=True, one_scale=True)
        tried.append((plain.judged.log_loss, Frozen(view, plain, bf16), f"{view.name} under a linear head"))
        if words:
            all_ND = np.concatenate([own_ND, vectors(view, view.tokens.ids(words), bf16)])
            named = fit_head(all_ND, _with_words(material, words), SCARCE_CS, dense=True, one_scale=True)
            said = f"{view.name} under a linear head that the labels' words taught too"
            tried.append((named.judged.log_loss, Frozen(view, named, bf16), said))
        material.tell(f"read with {view.name}", len(tried), 2 * len(views))
    loss, best, said = min(tried, key=lambda one: one[0] if material.folds else 0.0)
    judged = f"held-out log loss {loss:.3f}" if material.folds else "nothing was held out that could judge"
    material.notes.append(f"of {len(material.train)} texts: {said}, {judged}")
    return best


def _below_last(network: Network) -> list[Network]:
    """The network without its last layer; none of one that is not deep, or whose layers cannot be taken apart."""
    deep = int(getattr(network.lm.config, "num_hidden_layers", 1))
    try:
        return [with_layers(network, range(deep - 1))] if deep > 2 else []
    except DataError:  # such as ALBERT's, which are one layer many times over
        return []


def label_words(classes: Sequence[str]) -> list[str]:
    """The labels as texts, none where one of them says nothing: a number, a letter."""
    said = [" ".join(_WORD.findall(name)) for name in classes]
    return said if all((len(words) > 1 and not words.isascii()) or len(words) > 2 for words in said) else []


def _with_words(material: Material, words: Sequence[str]) -> Material:
    """The material with one more text a class, which is always learned from and never judges."""
    n, n_words = len(material.train), len(words)
    added_N = np.arange(n, n + n_words)
    train = Labelled((*material.train.texts, *words), (*material.train.labels, *((name,) for name in material.classes)))
    divided = [Fold(np.concatenate([fold.fit, added_N]), fold.held) for fold in material.folds]
    targets_NC = np.concatenate([material.targets_NC, np.eye(n_words, dtype=np.float32)])
    return replace(material, train=train, targets_NC=targets_NC, folds=divided)


def _fit_read(network: Network, material: Material, bf16: bool) -> Frozen:
    """Encode all of these and train a head."""
    rows = network.tokens.ids(material.train.texts)
    features_ND = np.zeros((len(rows), network.d), dtype=np.float32)
    for start in range(0, len(rows), _CHUNK):
        features_ND[start : start + _CHUNK] = vectors(network, rows[start : start + _CHUNK], bf16)
        material.tell(f"read with {network.name}", min(start + _CHUNK, len(rows)), len(rows))
    return Frozen(network, fit_head(features_ND, material, VECTOR_CS, dense=True), bf16)


def vectors(network: Network, rows: Rows, bf16: bool) -> Vectors:
    """Unit vectors in float32, shape `(N, D)`."""
    with autocast(bf16):
        return np.asarray(network.encode_ids(rows).float().numpy(), dtype=np.float32)


def speed(network: Network, rows: Rows, bf16: bool) -> float:
    """Texts a second that `network` reads, by a timed sample of them."""
    sample = [rows[i] for i in np.random.default_rng(0).permutation(len(rows))[:_TIMED]]
    vectors(network, sample[:8], bf16)
    began = time.monotonic()
    vectors(network, sample, bf16)
    return max(len(sample), 1) / max(time.monotonic() - began, 1e-9)


def suits(network: Network, material: Material, *, bf16: bool) -> float:
    """How well a linear head on the encoder's vectors does on held-out ones of a sample of the training texts.

    Of many labels micro F1, else accuracy.
    """
    chosen = np.sort(material.rng.permutation(len(material.train))[:SAMPLE])
    part = material.train.at(chosen.tolist())
    firsts = [labels[0] if labels else "" for labels in part.labels]
    divided = folds(part.texts, firsts, np.random.default_rng(0))
    small = Material(
        part, material.classes, material.targets_NC[chosen], divided, material.clock, material.rng, material.many
    )
    return fit_head(
        vectors(network, network.tokens.ids(part.texts), bf16), small, VECTOR_CS[1:], dense=True
    ).judged.accuracy
