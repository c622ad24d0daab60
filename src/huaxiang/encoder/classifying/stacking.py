"""Which candidate answers, or which of them together: by held-out texts.

Legend: H held-out texts, C classes, P parts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_softmax

from huaxiang.encoder.classifying.classifier import combine
from huaxiang.encoder.classifying.material import Judged, judge
from huaxiang.measure.calibration import temperature

_WORTH: Final = 0.01
"""Share of the log loss that a part must take away: it costs time whenever a text is read."""
FEWEST: Final = 50
"""Held-out texts below which no weights are fitted: on 16 texts n-grams looked better than an encoder in one draw of
five and were worse in all."""
_SMALLEST: Final = 0.02
"""Share of the weight below which a part is dropped."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What answers.

    Attributes:
        weights: of the parts that answer, summing to 1.
        judged: on held-out texts; a stack is judged on those its weights were fitted to, `n_parts` numbers in all.
        temperature: brings the combined scores to probabilities.
        why: one sentence for people.
        loss: log loss after calibration.
    """

    weights: Mapping[str, float]
    judged: Judged
    temperature: float
    why: str
    loss: float = float("nan")


def choose(found: Mapping[str, Judged], targets_HC: NDArray[np.float32], *, many: bool) -> Choice:
    """All candidates together, weighed by log loss on held-out texts, without those that hardly lower it.

    The part that is missed least goes first, as long as the loss rises by no more than `_WORTH` of it. Accuracy on a
    few hundred texts is too coarse to choose by; see experiments/LOG.md.
    """
    said = ", ".join(f"{name} {judged.accuracy:.4f}" for name, judged in found.items())
    if not len(targets_HC):
        best = max(found, key=lambda name: (found[name].accuracy, -found[name].log_loss))
        return Choice({best: 1.0}, found[best], 1.0, f"{best}: nothing was held out that could judge")
    if len(targets_HC) < FEWEST:
        return _unweighed(found, targets_HC, many, said)
    now = _stack(list(found), found, targets_HC, many)
    while len(now.weights) > 1:
        tried = [_stack([one for one in now.weights if one != out], found, targets_HC, many) for out in now.weights]
        narrower = min(tried, key=lambda choice: choice.loss)
        if narrower.loss > (1.0 + _WORTH) * now.loss:
            break
        now = narrower
    if len(now.weights) == 1:
        return replace(now, why=f"{next(iter(now.weights))} alone is as good as any stack on held-out texts: {said}")
    shares = " + ".join(f"{weight:.2f} {name}" for name, weight in now.weights.items())
    return replace(now, why=f"the stack {shares} has {now.judged.accuracy:.4f} on held-out texts; alone: {said}")


def _unweighed(found: Mapping[str, Judged], targets_HC: NDArray[np.float32], many: bool, said: str) -> Choice:
    """All that read with an encoder, alike; n-grams, which know only the words of those few texts, where there is no
    encoder or they are ahead of each by more than two standard errors."""
    read = [name for name in found if name != "ngrams"]
    margin = 2.0 * (0.5 / len(targets_HC)) ** 0.5
    if "ngrams" in found and all(found[name].accuracy + margin < found["ngrams"].accuracy for name in read):
        read = ["ngrams"]
    choice = _choice(dict.fromkeys(read, 1.0 / len(read)), found, targets_HC, many)
    few = f"{len(targets_HC)} held-out texts are too few to weigh by"
    return replace(choice, why=f"{few}, so {' and '.join(read)} answer alike: {said}")


def _stack(names: Sequence[str], found: Mapping[str, Judged], targets_HC: NDArray[np.float32], many: bool) -> Choice:
    return _choice(_weights({name: found[name] for name in names}, targets_HC, many), found, targets_HC, many)


def _choice(
    weights: Mapping[str, float], found: Mapping[str, Judged], targets_HC: NDArray[np.float32], many: bool
) -> Choice:
    scores_HC = combine({name: found[name].scores_HC for name in weights}, weights, many=many)
    warmth = 1.0 if many else temperature(scores_HC, targets_HC.argmax(axis=1))
    calibrated = judge(scores_HC / warmth, targets_HC, many=many)
    return Choice(weights, replace(calibrated, scores_HC=scores_HC), warmth, "", calibrated.log_loss)


def _weights(found: Mapping[str, Judged], targets_HC: NDArray[np.float32], many: bool) -> dict[str, float]:
    """Weights, none negative, with the smallest log loss: convex, so the start does not matter."""
    names = list(found)
    parts_PHC = np.stack(
        [found[name].scores_HC if many else log_softmax(found[name].scores_HC, axis=1) for name in names]
    )
    right_HC = targets_HC > 0

    def loss(weight_P: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scores_HC = np.tensordot(weight_P, parts_PHC, axes=1)
        if many:
            loss_HC = np.logaddexp(0.0, np.where(right_HC, -scores_HC, scores_HC))
            return float(loss_HC.mean()), ((expit(scores_HC) - right_HC) * parts_PHC).mean(axis=(1, 2))
        log_HC = log_softmax(scores_HC, axis=1)
        slope_HC = np.exp(log_HC) - right_HC
        return float(-(log_HC * right_HC).sum() / len(right_HC)), (slope_HC * parts_PHC).sum(axis=(1, 2)) / len(
            right_HC
        )

    start_P = np.full(len(names), 1.0 / len(names))
    fitted = minimize(loss, start_P, jac=True, bounds=[(0.0, None)] * len(names), method="L-BFGS-B").x
    share_P = fitted / max(float(fitted.sum()), 1e-12)
    kept = {name: float(share) for name, share in zip(names, share_P, strict=True) if share >= _SMALLEST}
    total = sum(kept.values())
    return {name: share / total for name, share in kept.items()}
