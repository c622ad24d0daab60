"""A trained classifier as it is served: parts that score, their weights, a temperature. No torch.

Legend: N texts, C classes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_softmax, softmax

from huaxiang.encoder.base import Encoder
from huaxiang.encoder.heads.linear import Linear, Scores
from huaxiang.encoder.heads.ngrams import Ngrams
from huaxiang.errors import DataError

FORMAT: Final = 1
_CONFIG: Final = "classifier.json"


class Part(Protocol):
    """One way to score a text."""

    def scores(self, texts: Sequence[str]) -> Scores:
        """Logits of shape `(N, C)`."""
        ...


@dataclass(frozen=True, slots=True)
class NgramPart:
    """TF-IDF features under a linear head."""

    ngrams: Ngrams
    head: Linear

    def scores(self, texts: Sequence[str]) -> Scores:
        """Logits of shape `(N, C)`."""
        return self.head.scores(self.ngrams.transform(texts))


@dataclass(frozen=True, slots=True)
class EncoderPart:
    """An encoder's vectors under a linear head."""

    encoder: Encoder
    head: Linear

    def scores(self, texts: Sequence[str]) -> Scores:
        """Logits of shape `(N, C)`."""
        return self.head.scores(self.encoder.encode(texts))


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a text was taken for.

    Attributes:
        labels: one, or of several labels all that are likelier than not, likeliest first; empty where it abstains.
        probability: of the first label, calibrated.
    """

    labels: tuple[str, ...]
    probability: float


def combine(scores: Mapping[str, Scores], weights: Mapping[str, float], *, many: bool) -> Scores:
    """The weighted sum of the parts' log probabilities (one label) or logits (many), shape `(N, C)`."""
    return np.asarray(
        sum(weight * (scores[name] if many else log_softmax(scores[name], axis=1)) for name, weight in weights.items()),
        dtype=np.float64,
    )


class TextClassifier:
    """Scores texts by weighted parts. Safe to call from many threads.

    Args:
        parts: by name; `weights` says what each counts.
        temperature: what the sum is divided by before softmax or sigmoid.
        threshold: below this probability the classifier abstains when it is asked to.
        outside: the label of texts that are none of the others, for which it abstains too.
    """

    def __init__(
        self,
        labels: Sequence[str],
        parts: Mapping[str, Part],
        weights: Mapping[str, float],
        *,
        temperature: float = 1.0,
        threshold: float = 0.0,
        many: bool = False,
        prior_C: NDArray[np.float64] | None = None,
        outside: str | None = None,
    ) -> None:
        self.labels, self.parts, self.weights = tuple(labels), dict(parts), dict(weights)
        self.temperature, self.threshold, self.many, self.outside = temperature, threshold, many, outside
        uniform_C = np.full(len(self.labels), 1.0 / len(self.labels))
        self.prior_C = uniform_C if prior_C is None else prior_C

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Calibrated, of shape `(N, C)`; a blank text gets the shares of the training labels."""
        scores = {name: self.parts[name].scores(texts) for name in self.weights}
        return self.calibrated(combine(scores, self.weights, many=self.many), texts)

    def calibrated(self, scores_NC: Scores, texts: Sequence[str]) -> NDArray[np.float64]:
        """Probabilities of combined scores."""
        scaled = scores_NC / self.temperature
        found_NC = expit(scaled) if self.many else softmax(scaled, axis=1)
        found_NC[[not text.strip() for text in texts]] = self.prior_C
        return np.asarray(found_NC, dtype=np.float64)

    def predict(self, texts: Sequence[str], *, abstain: bool = False) -> list[Prediction]:
        """What each text is.

        Args:
            abstain: give no label where the probability is below `threshold`, or the label would be `outside`.
        """
        return [self._prediction(row, abstain) for row in self.probabilities(texts)]

    def _prediction(self, row_C: NDArray[np.float64], abstain: bool) -> Prediction:
        order = np.argsort(-row_C, kind="stable")
        first = float(row_C[order[0]])
        if abstain and (first < self.threshold or self.labels[order[0]] == self.outside):
            return Prediction((), first)
        chosen = [at for at in order if row_C[at] >= 0.5] if self.many else order[:1]
        return Prediction(tuple(self.labels[at] for at in chosen), first)

    def save(self, folder: Path, about: Mapping[str, Any] | None = None) -> None:
        """Write what is not a part; parts lie in folders of their names, written by who made them."""
        said = {
            "format": FORMAT,
            "labels": self.labels,
            "weights": self.weights,
            "temperature": self.temperature,
            "threshold": self.threshold,
            "many": self.many,
            "prior": self.prior_C.tolist(),
            "outside": self.outside,
            "about": dict(about or {}),
        }
        (folder / _CONFIG).write_text(json.dumps(said, ensure_ascii=False, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path | str) -> TextClassifier:
        """Open a folder that `huaxiang finetune classify --out` wrote.

        Raises:
            DataError: none is there, a part is missing, or it is of another format.
        """
        root = Path(folder)
        try:
            said = json.loads((root / _CONFIG).read_text(encoding="utf-8"))
            if said["format"] != FORMAT:
                raise DataError(f"{root} has format {said['format']}, this version reads {FORMAT}; train it again")
            parts = {name: _open_part(root / name) for name in said["weights"]}
            return cls(
                said["labels"],
                parts,
                said["weights"],
                temperature=said["temperature"],
                threshold=said["threshold"],
                many=said["many"],
                prior_C=np.array(said["prior"]),
                outside=said.get("outside"),
            )
        except FileNotFoundError:
            raise DataError(f"no classifier at {root}; `huaxiang finetune classify --out` makes one") from None
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{root / _CONFIG} is no classifier: {error}; train it again") from error


def _open_part(folder: Path) -> Part:
    head = Linear.load(folder)
    if (folder / "encoder").is_dir():
        from huaxiang.encoder.serving import OnnxEncoder

        return EncoderPart(OnnxEncoder.load(folder / "encoder"), head)
    return NgramPart(Ngrams.load(folder), head)
