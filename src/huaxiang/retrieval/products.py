"""Products of a few vectors with all of a catalogue's, in 8-bit numbers: what a request over many items waits for is
memory, and these are a quarter of the bytes.

Legend: N asking vectors, M items, D width.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.types import Vectors

_ITEM_STEPS: Final = 127
_ASKED_STEPS: Final = 63
"""Half the range of what is asked with: the sum of two products has to fit 16 bits on machines without VNNI."""
_UINT8, _INT8, _INT32 = 2, 3, 6
_OPSET, _IR_VERSION = 17, 8


class Products:
    """Each item's vector as whole numbers in [-127, 127] times a scale of its own.

    Of unit vectors of 128 numbers a product is off by about .001, where products of different items lie .09 apart
    (standard deviations; `benchmarks.catalogue_sizes` prints the time). Memory: 2 M D bytes. Safe to use from many
    threads; one thread for a call.
    """

    def __init__(self, vectors_MD: Vectors) -> None:
        self._scales_M, whole_MD = _whole_numbers(vectors_MD, _ITEM_STEPS)
        self._session = _session(np.ascontiguousarray(whole_MD.astype(np.int8).T)) if whole_MD.size else None

    def __len__(self) -> int:
        return len(self._scales_M)

    def of(self, asked_ND: NDArray[np.float32]) -> NDArray[np.float32]:
        """Shape (N, M), float32."""
        if self._session is None:
            return np.zeros((len(asked_ND), len(self)), np.float32)
        scales_N, whole_ND = _whole_numbers(asked_ND, _ASKED_STEPS)
        asked = {"asked": (whole_ND + (_ASKED_STEPS + 1)).astype(np.uint8)}
        sums_NM: NDArray[np.int32] = self._session.run(None, asked)[0]
        found_NM = np.multiply(sums_NM, self._scales_M, dtype=np.float32)
        found_NM *= scales_N[:, None]
        return found_NM


def _whole_numbers(vectors_ND: Vectors, steps: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A scale of each row, 0 of a row of zeros, and the rows as whole numbers of it in [-steps, steps]."""
    largest_N = np.abs(vectors_ND).max(axis=1, initial=0.0)
    whole_ND = np.rint(vectors_ND * (steps / np.where(largest_N > 0.0, largest_N, 1.0))[:, None])
    return (largest_N / steps).astype(np.float32), whole_ND.astype(np.float32)


def _session(items_DM: NDArray[np.int8]) -> Any:
    from onnxruntime import InferenceSession, OrtValue, SessionOptions

    options = SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_external_initializers(["items"], [OrtValue.ortvalue_from_numpy(items_DM)])
    return InferenceSession(graph(*items_DM.shape), options, providers=["CPUExecutionProvider"])


def graph(d: int, m: int) -> bytes:
    """An ONNX model of one `MatMulInteger`, from `asked` (N, D) uint8, whose zero is 64, and the `items` (D, M) int8
    that are handed over with it, to sums (N, M) int32.

    Written here in the wire format of protocol buffers, because serving has onnxruntime and not onnx.
    """
    names = (_field(1, "asked"), _field(1, "items"), _field(1, "zero"), _field(2, "sums"), _field(4, "MatMulInteger"))
    elsewhere = _field(13, _field(1, "location") + _field(2, "handed over")) + _number(14, 1)
    items = _number(1, d) + _number(1, m) + _number(2, _INT8) + _field(8, "items") + elsewhere
    zero = _number(2, _UINT8) + _field(8, "zero") + _field(9, bytes([_ASKED_STEPS + 1]))
    inside = (_field(1, b"".join(names)), _field(2, "products"), _field(5, items), _field(5, zero))
    ends = (_field(11, _value("asked", _UINT8, d)), _field(12, _value("sums", _INT32, m)))
    opset = _field(8, _field(1, "") + _number(2, _OPSET))
    return _number(1, _IR_VERSION) + _field(7, b"".join((*inside, *ends))) + opset


def _value(name: str, kind: int, width: int) -> bytes:
    shape = _field(1, _field(2, "n")) + _field(1, _number(1, width))
    return _field(1, name) + _field(2, _field(1, _number(1, kind) + _field(2, shape)))


def _field(number: int, content: str | bytes) -> bytes:
    said = content.encode() if isinstance(content, str) else content
    return _varint(number << 3 | 2) + _varint(len(said)) + said


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])
