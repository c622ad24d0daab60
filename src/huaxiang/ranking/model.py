"""The learned ranker as it serves: boosted trees in ONNX, so that serving needs onnxruntime alone.

Legend: C candidates, G features.
"""

import json
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from huaxiang.errors import DataError, ReleaseError

_TREES: Final = "trees.onnx"
_ABOUT: Final = "ranker.json"


class Ranker:
    """Scores rows of features, higher is better. One thread for a request; safe to use from many.

    Args:
        trees: an ONNX graph from (C, G) float32 to (C, 1), as `learning.to_onnx` writes it.
        names: of the G features that it was taught with, which must be those it is asked with.
    """

    def __init__(self, trees: bytes, names: tuple[str, ...], about: dict[str, Any] | None = None) -> None:
        from onnxruntime import InferenceSession, SessionOptions

        options = SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._trees, self.names, self.about = trees, names, about or {}
        self._session = InferenceSession(trees, options, providers=["CPUExecutionProvider"])
        self._asks = self._session.get_inputs()[0].name

    def scores(self, features_CG: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores of shape (C,).

        Raises:
            DataError: another number of features than it was taught with.
        """
        if features_CG.shape[1] != len(self.names):
            raise DataError(
                f"the ranker reads {len(self.names)} features, {features_CG.shape[1]} were given; train anew"
            )
        if not len(features_CG):
            return np.empty(0, np.float32)
        found: NDArray[np.float32] = self._session.run(None, {self._asks: features_CG})[0]
        return found.reshape(-1)

    def save(self, folder: Path) -> None:
        """Write into an existing folder."""
        (folder / _TREES).write_bytes(self._trees)
        said = {"features": list(self.names), "about": self.about}
        (folder / _ABOUT).write_text(json.dumps(said, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote.

        Raises:
            ReleaseError: a file is missing or damaged.
        """
        from onnxruntime.capi import onnxruntime_pybind11_state as onnx

        damaged = (onnx.Fail, onnx.InvalidProtobuf, onnx.InvalidGraph, onnx.InvalidArgument)
        try:
            said = json.loads((folder / _ABOUT).read_text("utf-8"))
            return cls((folder / _TREES).read_bytes(), tuple(said["features"]), said["about"])
        except (OSError, ValueError, KeyError, *damaged) as error:
            raise ReleaseError(f"no ranker in {folder.name}: {error}; train a new release") from error
