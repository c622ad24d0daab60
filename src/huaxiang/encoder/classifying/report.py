"""What a classifier does on texts that it has not seen, in figures, and the folder it is kept in.

Legend: N texts, C classes.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.encoder.classifying.auto import Trained
from huaxiang.encoder.classifying.classifier import TextClassifier
from huaxiang.encoder.classifying.table import Labelled
from huaxiang.encoder.classifying.tuned import Tuned
from huaxiang.encoder.writing import replacing
from huaxiang.errors import DataError
from huaxiang.measure.calibration import calibration_error
from huaxiang.measure.classification import PerClass, confusion, per_class, per_label
from huaxiang.measure.figures import plain
from huaxiang.measure.intervals import wilson

_SAMPLES: Final = 200


def figures(trained: Trained, test: Labelled, probabilities_NC: NDArray[np.float64]) -> dict[str, Any]:
    """Every figure of the report, as JSON-compatible values; `accuracy`, `macro_f1`, `method` ... on top."""
    classes, targets_NC = trained.material.classes, test.targets(trained.material.classes)
    many = trained.material.many
    found = _many(targets_NC > 0, probabilities_NC) if many else _one(targets_NC, probabilities_NC, trained.classifier)
    by_class: PerClass = found.pop("by_class")
    table = [
        {"label": name, "precision": p, "recall": r, "f1": f, "support": n, "answered": said}
        for name, p, r, f, n, said in zip(classes, *(column.tolist() for column in by_class), strict=True)
    ]
    return {
        **found,
        "macro_f1": by_class.macro_f1,
        "method": trained.method,
        "n_train": len(trained.material.train),
        "n_test": len(test),
        "n_classes": len(classes),
        "why": trained.choice.why,
        "validation": {name: _judged(each) for name, each in trained.judged.items()},
        "weights": dict(trained.choice.weights),
        "temperature": trained.choice.temperature,
        "encoder": trained.encoder,
        "precision": "bf16" if trained.bf16 else "fp32",
        "threads": trained.threads,
        "training": [plain(asdict(each)) for each in _fits(trained)],
        "classes": table,
        "notes": [*trained.material.notes, *test.notes],
    }


def _one(
    targets_NC: NDArray[np.float32], probabilities_NC: NDArray[np.float64], classifier: TextClassifier
) -> dict[str, Any]:
    right_N, said_N = targets_NC.argmax(axis=1), probabilities_NC.argmax(axis=1)
    hit_N, sure_N = right_N == said_N, probabilities_NC.max(axis=1)
    matrix_CC = confusion(right_N, said_N, targets_NC.shape[1])
    answered_N = sure_N >= classifier.threshold
    if classifier.outside is not None:
        answered_N &= said_N != classifier.labels.index(classifier.outside)
    low, high = wilson(int(hit_N.sum()), len(hit_N))
    return {
        "accuracy": float(hit_N.mean()),
        "accuracy_interval": [low, high],
        "log_loss": float(-np.log(np.maximum(probabilities_NC[np.arange(len(right_N)), right_N], 1e-12)).mean()),
        "ece": calibration_error(sure_N, hit_N),
        "abstention": {
            "threshold": classifier.threshold,
            "coverage": float(answered_N.mean()),
            "accuracy": float(hit_N[answered_N].mean()) if answered_N.any() else None,
        },
        "outside": _outside(right_N, answered_N, hit_N, classifier),
        "confusion": matrix_CC.tolist(),
        "by_class": per_class(matrix_CC),
    }


def _outside(
    right_N: NDArray[np.int64], answered_N: NDArray[np.bool_], hit_N: NDArray[np.bool_], classifier: TextClassifier
) -> dict[str, Any] | None:
    """How texts that are none of the classes are told from those that are; an unanswered one of these counts wrong."""
    if classifier.outside is None:
        return None
    none_N = right_N == classifier.labels.index(classifier.outside)
    return {
        "label": classifier.outside,
        "accuracy_inside": float((answered_N & hit_N)[~none_N].mean()) if not none_N.all() else None,
        "recall_outside": float((~answered_N)[none_N].mean()) if none_N.any() else None,
        "n_inside": int((~none_N).sum()),
        "n_outside": int(none_N.sum()),
    }


def _many(right_NC: NDArray[np.bool_], probabilities_NC: NDArray[np.float64]) -> dict[str, Any]:
    said_NC = probabilities_NC >= 0.5
    return {
        "accuracy": float((said_NC == right_NC).all(axis=1).mean()),
        "micro_f1": 2.0 * float((said_NC & right_NC).sum()) / max(int(said_NC.sum() + right_NC.sum()), 1),
        "by_class": per_label(right_NC, said_NC),
    }


def _judged(judged: Any) -> dict[str, float | None]:
    said = {name: getattr(judged, name) for name in ("accuracy", "balanced_accuracy", "log_loss", "seconds")}
    return {name: float(value) if np.isfinite(value) else None for name, value in said.items()}


def _fits(trained: Trained) -> list[Any]:
    return [report for model in trained.models.values() if isinstance(model, Tuned) for report in model.reports]


def save_classifier(trained: Trained, out: Path, about: dict[str, Any]) -> None:
    """Write the classifier as it is served, replacing one that was there only when the new one is complete.

    Raises:
        DataError: `out` holds something else, or the disk is full; what was there is untouched.
    """
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / "classifier.json").is_file())):
        raise DataError(f"{out} holds other files; give an empty or new folder for the classifier")
    with replacing(out) as partial:
        for name in trained.choice.weights:
            _save_part(trained, name, partial / name)
        trained.classifier.save(partial, about)


def _save_part(trained: Trained, name: str, folder: Path) -> None:
    model = trained.models[name]
    if name == "ngrams":
        model.save(folder)
    else:
        model.save(folder, trained.material.train.texts[:_SAMPLES])
