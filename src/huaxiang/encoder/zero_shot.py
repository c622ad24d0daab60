"""Classification by the text of the labels alone: a text gets the label whose description is nearest to it.

Legend: N texts, C labels, T wordings of one label, D width.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from huaxiang.encoder.base import Encoder
from huaxiang.errors import ConfigError, DataError
from huaxiang.text.segment import HAN
from huaxiang.text.word_vectors import unit_rows
from huaxiang.types import Vectors

TEMPLATES: Final[Mapping[str, tuple[str, ...]]] = {
    "en": ("{}", "This text is about {}.", "The topic is {}.", "{}?"),
    "zh": ("{}", "这段话的意思是：{}", "{}。"),
}
"""Wordings whose vectors are averaged: on development halves up to .04 better than the label alone, never .01 worse."""

FEWEST: Final = 30
"""Texts from which it can be told how near a label is to everything."""
CORRECTION: Final = 0.5
_HAN: Final = re.compile(f"[{HAN}]")
_LONGEST_NAME: Final = 1_000
_UNFITTED: Final = 0.05
"""Softmax temperature where no text was seen; cosines of most encoders differ by about this much."""


class ZeroShot:
    """Scores are cosines with the labels' descriptions, less what a label is near to anyway (label bias).

    Half of each label's mean cosine over unlabelled texts is taken off. On average over encoders, over Chinese reviews
    of which 50 to 95 % praise, and over 5 and 77 intents, that was ahead of taking off none or all, and of cosines of
    texts without content (Zhao et al. 2021): all is too much where one label is rare (experiments/LOG.md).

    Args:
        labels: their names; `_` is read as a blank.
        descriptions: what stands for a label instead of its name, one text or several whose vectors are averaged.
        templates: wordings with `{}` in them; None: Chinese ones for a description with Chinese in it, else English.
        correction: share of the mean cosine that is taken off, 0 to 1.
    """

    def __init__(
        self,
        encoder: Encoder,
        labels: Sequence[str],
        descriptions: Mapping[str, str | Sequence[str]] | None = None,
        *,
        templates: Sequence[str] | None = None,
        correction: float = CORRECTION,
    ) -> None:
        _check(labels, descriptions or {}, templates, correction)
        self.encoder, self.labels, self.correction = encoder, tuple(labels), correction
        wordings = [_wordings(label, (descriptions or {}).get(label), templates) for label in labels]
        read_TD = encoder.encode([text for texts in wordings for text in texts])
        ends = np.cumsum([0, *map(len, wordings)])
        means = [read_TD[start:end].mean(axis=0) for start, end in itertools.pairwise(ends)]
        self._labels_CD: Vectors = unit_rows(np.array(means))
        self._bias_C = np.zeros(len(labels))
        self._temperature = _UNFITTED

    def fit(self, texts: Sequence[str]) -> Self:
        """Learn from unlabelled texts, such as those that are asked about, how near each label is to all of them.

        Blank texts say nothing; of fewer than 30 nothing is learned.
        """
        cosines_NC = self._cosines([text for text in texts if text.strip()])
        if len(cosines_NC) >= FEWEST:
            self._bias_C = self.correction * cosines_NC.mean(axis=0)
            scores_NC = cosines_NC - self._bias_C
            # how far apart labels lie for one text, so that probabilities mean alike for encoders of any spread
            self._temperature = max(float((scores_NC - scores_NC.mean(axis=1, keepdims=True)).std()), 1e-3)
        return self

    @property
    def label_vectors(self) -> Vectors:
        """Of each label, the mean over its wordings, length 1; shape `(C, D)`."""
        return self._labels_CD

    @property
    def is_corrected(self) -> bool:
        """Whether enough texts were seen."""
        return bool(self._bias_C.any())

    def scores(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Corrected cosines of shape `(N, C)`; a blank text has zeros."""
        scores_NC = self._cosines(texts) - self._bias_C
        scores_NC[[not text.strip() for text in texts]] = 0.0
        return scores_NC

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Shares of shape `(N, C)` that sum to 1; they tell clear texts from unclear ones and are not calibrated."""
        return np.asarray(softmax(self.scores(texts) / self._temperature, axis=1), dtype=np.float64)

    def predict(self, texts: Sequence[str]) -> tuple[list[str], NDArray[np.float64]]:
        """The likeliest label of each text, and its probability, shape `(N,)`; ties go to the label named first."""
        found_NC = self.probabilities(texts)
        best_N = found_NC.argmax(axis=1)
        return [self.labels[at] for at in best_N], found_NC[np.arange(len(texts)), best_N]

    def _cosines(self, texts: Sequence[str]) -> NDArray[np.float64]:
        return np.asarray(self.encoder.encode(texts) @ self._labels_CD.T, dtype=np.float64)


def _wordings(label: str, said: str | Sequence[str] | None, templates: Sequence[str] | None) -> list[str]:
    texts = [label.replace("_", " ")] if not said else [said] if isinstance(said, str) else list(said)
    return [
        template.replace("{}", text)
        for text in texts
        for template in templates or TEMPLATES["zh" if _HAN.search(text) else "en"]
    ]


def _check(
    labels: Sequence[str],
    descriptions: Mapping[str, str | Sequence[str]],
    templates: Sequence[str] | None,
    correction: float,
) -> None:
    if len(labels) < 2 or len(set(labels)) < len(labels) or not all(label.strip() for label in labels):
        raise DataError(f"zero-shot needs two labels or more, each once and none blank; got {', '.join(labels)!r}")
    if unknown := sorted(set(descriptions) - set(labels)):
        raise DataError(f"descriptions of {', '.join(unknown)}, which are no labels; name them among the labels")
    if templates is not None and (not templates or any("{}" not in template for template in templates)):
        raise ConfigError("each template needs {} where the label goes, as in 'This text is about {}.'")
    if not 0.0 <= correction <= 1.0:
        raise ConfigError(f"correction is {correction}; it is a share from 0 to 1")


def read_labels(said: str) -> dict[str, tuple[str, ...]]:
    """Labels with their descriptions, from `a,b,c`, from `a=what it means;b=one text|another`, or from such lines.

    A label without a description has none. The separators are `;` or a line's end where there is a `=`, `;` or line's
    end, else a comma; around them blanks do not count. Full-width `；，＝` are read as the plain ones.

    Raises:
        DataError: a label is blank, comes twice, or is alone.
    """
    plain = said.translate(str.maketrans("；，＝", ";,="))
    parts = re.split(r"[;\r\n]+", plain) if re.search(r"[=;\r\n]", plain.strip()) else plain.split(",")
    found: dict[str, tuple[str, ...]] = {}
    for part in filter(str.strip, parts):
        label, _, description = (piece.strip() for piece in part.partition("="))
        if not label or label in found:
            raise DataError(f"--labels: {part.strip()!r} has no name of its own; write a,b,c or a=meaning;b=meaning")
        found[label] = tuple(text.strip() for text in description.split("|") if text.strip())
    if len(found) < 2:
        raise DataError(f"--labels {said[:60]!r} names {len(found)} labels; two or more are needed")
    return found


def labels_of(said: str) -> dict[str, tuple[str, ...]]:
    """As `read_labels`, of a file where such a file is named.

    Raises:
        DataError: also where the file cannot be read.
    """
    path = Path(said)
    if len(said) > _LONGEST_NAME or "=" in said or not path.is_file():
        return read_labels(said)
    try:
        return read_labels(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"labels cannot be read from {path}: {error}; give a text file in UTF-8") from error
