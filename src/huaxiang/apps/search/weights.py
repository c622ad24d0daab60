"""The weights of search in a release."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from huaxiang.apps.search.scoring import FEATURES, WEIGHTS
from huaxiang.errors import ReleaseError

FOLDER: Final = "search"
"""Of a release."""
_FILE: Final = "weights.json"


def save_weights(folder: Path, weights: Mapping[str, float], about: Mapping[str, Any]) -> None:
    """Write into an existing folder, with how they came about."""
    said = {"weights": dict(weights), "about": dict(about)}
    (folder / _FILE).write_text(json.dumps(said, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def load_weights(folder: Path) -> Mapping[str, float]:
    """What `save_weights` wrote into a release's folder; those that search begins with where it has none.

    Raises:
        ReleaseError: the file is damaged, or has other features than there are.
    """
    if not (folder / _FILE).exists():
        return WEIGHTS
    try:
        said = json.loads((folder / _FILE).read_text("utf-8"))["weights"]
        weights = {str(name): float(weight) for name, weight in said.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReleaseError(f"no weights of search in {folder.name}: {error}; train a new release") from error
    if unknown := sorted(set(weights) - set(FEATURES)):
        raise ReleaseError(f"weights of search name {unknown[0]!r}, which is no feature; train a new release")
    return weights
