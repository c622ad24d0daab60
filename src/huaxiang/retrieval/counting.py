"""What a matrix is made from: counts that add up over people, so that one person can be taken out again.

Legend: M items, E interactions of some people.
"""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from huaxiang.errors import DataError

Counts: TypeAlias = Mapping[str, Any]
"""By name: sparse matrices (M, M) or rows (M,), float64; those of two groups of people add up to those of both."""

_NOTHING: Final = 1e-9
"""What is left of a count by rounding when all of it was taken away; a count itself is larger by far."""


def less(counts: Counts, gone: Counts) -> Counts:
    """The counts without those of some people, who were counted among them.

    Raises:
        DataError: other kinds of counts, or of another catalogue.
    """
    kept = {}
    for name, whole in counts.items():
        part = gone.get(name)
        if part is None or part.shape != whole.shape:
            raise DataError(f"{name} of these people is no part of what was counted; give the catalogue of the fit")
        kept[name] = _cleaned(whole - part)
    return kept


def _cleaned(counts: Any) -> Any:
    """Rounding errors are no trace of anybody: what is next to nothing is nothing."""
    if isinstance(counts, np.ndarray):
        return np.where(np.abs(counts) < _NOTHING, 0.0, counts)
    cleaned = counts.tocsr()
    cleaned.data[np.abs(cleaned.data) < _NOTHING] = 0.0
    cleaned.eliminate_zeros()
    return cleaned


def to_arrays(counts: Counts) -> dict[str, NDArray[Any]]:
    """Flat, for a file; names begin with `counts.`."""
    arrays: dict[str, NDArray[Any]] = {}
    for name, value in counts.items():
        if isinstance(value, np.ndarray):
            arrays[f"counts.{name}"] = value
            continue
        for part in ("indptr", "indices", "data"):
            arrays[f"counts.{name}.{part}"] = getattr(value, part)
    return arrays


def from_arrays(arrays: Mapping[str, NDArray[Any]], n_items: int) -> Counts:
    """What `to_arrays` made flat; what is not named so is passed over."""
    counts: dict[str, sparse.csr_array | NDArray[np.float64]] = {}
    for name in dict.fromkeys(key.split(".")[1] for key in arrays if key.startswith("counts.")):
        start = f"counts.{name}"
        if start in arrays:
            counts[name] = arrays[start]
        else:
            data, indices, indptr = (arrays[f"{start}.{part}"] for part in ("data", "indices", "indptr"))
            counts[name] = sparse.csr_array((data, indices, indptr), shape=(n_items, n_items))
    return counts
