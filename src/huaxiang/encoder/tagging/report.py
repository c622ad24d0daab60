"""What a tagger finds in texts that it has not seen, in figures, beside a dictionary of the training spans.

Legend: N spans.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.encoder.tagging.dictionary import Dictionary
from huaxiang.encoder.tagging.files import TaggedFile
from huaxiang.encoder.tagging.mixture import Part, best, confidences
from huaxiang.encoder.tagging.spans import Tagged, agreement
from huaxiang.encoder.tagging.training import Trained, same
from huaxiang.measure.calibration import calibration_error
from huaxiang.measure.figures import plain

THRESHOLDS: Final = (0.5, 0.8, 0.9, 0.95)
"""Of a span's confidence; for each the report says how many spans stay and how many of those are right."""

Labels = Sequence[Sequence[str]]


def figures(trained: Trained, train: TaggedFile, test: TaggedFile) -> dict[str, Any]:
    """Every figure of the report, as JSON-compatible values.

    On top stands what the tagger answers. `unseen` is of the texts that the training file does not hold, `by_models` of
    all, were the tags that people gave forgotten; `confidence` is of texts that nobody tagged.
    """
    part = trained.scores(test.texts)
    guessed = best(part)
    predicted = trained.predict(test.texts, guessed)
    new = _new(train, test)
    found = agreement([text.labels for text in test.texts], predicted)
    return {
        **found.figures(),
        "per_type": {name: each.figures() for name, each in found.per_type.items()},
        "method": trained.method,
        "n_train": len(train),
        "n_test": len(test),
        "by_models": _of(test.texts, guessed, range(len(test))),
        "unseen": _of(test.texts, predicted, new),
        "baselines": _baselines(train, test, new),
        "confidence": _calibration(trained, part, test.texts),
        "unit": train.unit,
        "n_repaired": {"train": train.n_repaired, "test": test.n_repaired},
        "validation": {name: plain(round(value, 4)) for name, value in trained.validation.items()},
        "n_fit": trained.n_fit,
        "n_held": trained.n_held,
        "encoder": trained.parts.name,
        "weights": _weights(trained),
        "temperature": round(trained.parts.temperature, 4),
        "precision_of_products": "bf16" if trained.bf16 else "fp32",
        "training": None if trained.report is None else plain(asdict(trained.report)),
        "notes": [*trained.notes, *test.notes],
    }


def _weights(trained: Trained) -> dict[str, float]:
    """What the scores of each part count."""
    parts = {"network": trained.parts.network, "ngrams": trained.parts.ngrams}
    said = zip(parts, trained.parts.weights, strict=True)
    return {name: weight for name, weight in said if parts[name] is not None}


def _new(train: TaggedFile, test: TaggedFile) -> list[int]:
    """Test texts that the training file does not hold: of copies the answer is known."""
    known = {same(text.text) for text in train.texts}
    return [at for at, text in enumerate(test.texts) if same(text.text) not in known]


def _of(texts: Sequence[Tagged], predicted: Labels, rows: Sequence[int]) -> dict[str, Any]:
    found = agreement([texts[i].labels for i in rows], [predicted[i] for i in rows])
    return {"n_test": len(rows), **found.figures()}


def _baselines(train: TaggedFile, test: TaggedFile, new: Sequence[int]) -> dict[str, Any]:
    predicted = Dictionary().fit(train.texts).predict(test.texts)
    found = agreement([text.labels for text in test.texts], predicted)
    return {"dictionary": {**found.figures(), "unseen": _of(test.texts, predicted, new)}}


def _calibration(trained: Trained, part: Part, texts: Sequence[Tagged]) -> dict[str, Any]:
    """How far the confidence of a span can be believed, before and after the temperature, in texts that are guessed."""
    part, texts = guessed_only(trained, part, texts)
    predicted = best(part)
    raw_N, right_N = confidences(part, texts, predicted, 1.0)
    sure_N, _ = confidences(part, texts, predicted, trained.parts.temperature)
    return {
        "ece": plain(round(calibration_error(sure_N, right_N), 4)),
        "ece_before": plain(round(calibration_error(raw_N, right_N), 4)),
        "at": [_kept(sure_N, right_N, threshold) for threshold in THRESHOLDS],
    }


def guessed_only(trained: Trained, part: Part, texts: Sequence[Tagged]) -> tuple[Part, list[Tagged]]:
    """The texts that nobody tagged, and what the models say of them."""
    rows = [at for at, text in enumerate(texts) if trained.parts.memory.spans(text.text) is None]
    return Part([part.emissions[at] for at in rows], part.chain), [texts[at] for at in rows]


def _kept(sure_N: NDArray[np.float64], right_N: NDArray[np.bool_], threshold: float) -> dict[str, float | None]:
    kept_N = sure_N >= threshold
    share = float(kept_N.mean()) if len(kept_N) else math.nan
    precision = float(right_N[kept_N].mean()) if kept_N.any() else math.nan
    return {"threshold": threshold, "kept": plain(round(share, 4)), "precision": plain(round(precision, 4))}
