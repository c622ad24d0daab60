"""A network and n-grams that answer together, and how sure they may be of a span.

Legend: U units, K labels, N spans.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from huaxiang.encoder.tagging.chain import Chain
from huaxiang.encoder.tagging.spans import Tagged, agreement, bounds_of
from huaxiang.encoder.tokens import batches_by_length

WEIGHTS: Final = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 4.0)
"""Of the n-grams beside the network's 1, of which held-out texts choose."""
WITHOUT_CHOICE: Final = 0.5
_BATCH_UNITS: Final = 4_096
_CALIBRATED: Final = 400
"""Texts that tell the temperature; more cost seconds and moved it by less than a tenth."""

Emissions = Sequence[NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Part:
    """What one model says: scores `(U, K)` of each text in nats, and its chain."""

    emissions: Emissions
    chain: Chain


def mixed(parts: Sequence[tuple[float, Part]]) -> Part:
    """Weighted sums of scores: a product of the models' odds (Hinton 2002)."""
    labels = parts[0][1].chain.labels
    n_texts = len(parts[0][1].emissions)
    emissions = [sum((w * part.emissions[i] for w, part in parts), np.zeros(1)) for i in range(n_texts)]
    return Part(emissions, mixed_chain([(w, part.chain) for w, part in parts], labels))


def mixed_chain(chains: Sequence[tuple[float, Chain]], labels: Sequence[str]) -> Chain:
    """Weighted sums of the chains; what is forbidden stays so."""
    start_K = sum((w * chain.start_K for w, chain in chains), np.zeros(1))
    follow_KK = sum((w * chain.follow_KK for w, chain in chains), np.zeros(1))
    end_K = sum((w * chain.end_K for w, chain in chains), np.zeros(1))
    return Chain.of(labels, start_K, follow_KK, end_K)


def best(part: Part) -> list[tuple[str, ...]]:
    """The best labels of each text."""
    found: list[tuple[str, ...]] = [()] * len(part.emissions)
    lengths = [len(each) for each in part.emissions]
    for batch in batches_by_length(lengths, _BATCH_UNITS):
        padded_BUK = np.zeros((len(batch), max(lengths[i] for i in batch), len(part.chain.labels)))
        for row, i in enumerate(batch):
            padded_BUK[row, : lengths[i]] = part.emissions[i]
        for i, labels in zip(batch, part.chain.best(padded_BUK, [lengths[i] for i in batch]), strict=True):
            found[i] = labels
    return found


def choose_weight(network: Part, ngrams: Part, held: Sequence[Tagged]) -> tuple[float, dict[float, float]]:
    """The weight of the n-grams with the highest micro F1 on held-out texts, of equals the one nearest to
    `WITHOUT_CHOICE`; and the F1 of each.

    Without held-out texts `WITHOUT_CHOICE`.
    """
    if not held:
        return WITHOUT_CHOICE, {}
    right = [text.labels for text in held]
    f1 = {w: agreement(right, best(mixed([(1.0, network), (w, ngrams)]))).f1 for w in WEIGHTS}
    return max(f1, key=lambda w: (f1[w], -abs(w - WITHOUT_CHOICE))), f1


def confidences(
    part: Part, texts: Sequence[Tagged], predicted: Sequence[Sequence[str]], temperature: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Of each predicted span of all texts its confidence, and whether type and boundaries are right; both `(N,)`.

    Args:
        predicted: what `best` gives.
    """
    tempered = part.chain.tempered(temperature)
    sure: list[float] = []
    right: list[bool] = []
    for text, emissions_UK, labels in zip(texts, part.emissions, predicted, strict=True):
        truth = set(bounds_of(text.labels))
        for bounds, confidence in tempered.spans(emissions_UK / temperature, labels):
            sure.append(confidence)
            right.append(bounds in truth)
    return np.array(sure), np.array(right, dtype=bool)


def fitted_temperature(part: Part, held: Sequence[Tagged]) -> float:
    """What scores are divided by so that the log loss of the spans' confidence is smallest (Guo et al. 2017), within
    0.2 to 10; 1 where no span is predicted on held-out texts."""
    n = min(len(held), _CALIBRATED)
    few = Part(part.emissions[:n], part.chain)
    predicted = best(few)
    if not any(map(bounds_of, predicted)):
        return 1.0

    def loss(log_t: float) -> float:
        sure_N, right_N = confidences(few, held[:n], predicted, float(np.exp(log_t)))
        sure_N = np.clip(sure_N, 1e-6, 1.0 - 1e-6)
        return float(-np.where(right_N, np.log(sure_N), np.log1p(-sure_N)).mean())

    found = minimize_scalar(loss, bounds=(np.log(0.2), np.log(10.0)), method="bounded", options={"maxiter": 10})
    return float(np.exp(found.x))
