"""A retriever on disk: `settings.json` beside `arrays.safetensors`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from huaxiang.errors import ReleaseError

_SETTINGS: Final = "settings.json"
_ARRAYS: Final = "arrays.safetensors"


def write_part(folder: Path, name: str, settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write a retriever's settings and arrays into an existing folder."""
    (folder / _SETTINGS).write_text(json.dumps({"retriever": name, **settings}, ensure_ascii=False, indent=1) + "\n")
    save_file({key: np.ascontiguousarray(value) for key, value in arrays.items()}, folder / _ARRAYS)


def read_part(folder: Path, name: str | None = None) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """What `write_part` wrote, checked to be of that retriever where one is named; settings hold `retriever`.

    Raises:
        ReleaseError: a file is missing, or the folder holds another retriever.
    """
    try:
        settings: dict[str, Any] = json.loads((folder / _SETTINGS).read_text())
        arrays = load_file(folder / _ARRAYS)
    except (OSError, ValueError) as error:
        raise ReleaseError(f"no {name or ''} retriever in {folder.name}: {error}; train a new release") from error
    if (found := settings.get("retriever")) is None or name not in (None, found):
        raise ReleaseError(f"{folder.name} holds the retriever {found!r}, not {name!r}; train a new release")
    return settings, arrays
