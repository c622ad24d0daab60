"""An encoder's graph in 8 bits: weights once and for all, activations row by row while it runs.

Each row of activations, which is one token, has a scale of its own (as in LLM.int8, Dettmers et al. 2022), so a text's
vector does not depend on its neighbours in a batch; onnxruntime's own dynamic quantisation takes one scale for the
whole batch. Before rounding, what is large in a channel of the activations is moved into the weights (SmoothQuant, Xiao
et al. 2023). Embeddings are rounded with a scale for each piece. The rest, attention and norms, stays in float32.

Measured on 6 layers of 384 (mean and smallest cosine to float32 over titles and short queries):

    onnxruntime's quantize_dynamic, per channel        .9925  .979
    scale per row                                      .9970  .991
    scale per row, smoothed                            .9989  .997
    the same with 7 bits for the weights               .9980  .996

Where that is too far, some matrices stay in float32, those first whose products err most on the texts of the
calibration: a quarter brought .9948 to .9968, half to .9978. Not taken: a smoothing chosen for each matrix by the error
of its products (.9846 for .9940), 8 bits for the weights (below), and rounding by second moments as GPTQ does (.9929 to
.9951, but half a minute and as much code again).

Legend: K inputs and N outputs of a matrix, T tokens, V pieces, D width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.encoder.batches import Rows

_WEIGHT_STEPS: Final = 63
"""Steps on each side of zero: 7 of 8 bits. Processors without VNNI add pairs of products in 16 bits, which 8 bits
overflow: the file would give other vectors there than where it was checked."""
_ACTIVATION_STEPS: Final = 127
_SMOOTHING: Final = 0.5
"""How much of an activation's unevenness moves into the weights, of 0 to 1; of .3, .5 and .7 the best (.3: .9973, .7:
.9987)."""
_LARGE_TABLE: Final = 1_024
"""Rows from which a table of embeddings is worth shrinking: positions and types are not."""
_REMEMBERED: Final = 256
"""Tokens whose activations the errors of products are measured on."""

Array = NDArray[np.float32]


@dataclass(slots=True)
class _Seen:
    """What was multiplied with a matrix: the largest absolute value of each channel, and the first tokens' values."""

    peak_K: Array
    first_TK: Array

    def add(self, values_TK: Array) -> None:
        """Some more tokens."""
        self.peak_K = np.maximum(self.peak_K, np.abs(values_TK).max(axis=0))
        if (room := _REMEMBERED - len(self.first_TK)) > 0:
            self.first_TK = np.concatenate([self.first_TK, values_TK[:room]])


def quantise(source: Path, out: Path, rows: Rows, *, whole: float = 0.0) -> int:
    """Write the graph of `source`, as `write_serving` exports it, in 8 bits.

    Args:
        rows: token ids of some texts, from which the size of each channel is read; a few dozen are enough.
        whole: share of the matrices that stay in float32.

    Returns:
        How many matrices and tables were shrunk.
    """
    import onnx

    model = onnx.load(str(source))
    _fold_transposes(model.graph)
    _replace(model.graph, list(model.graph.node))
    weights = _matrices(model.graph)
    rewrite = _Rewrite(model.graph, weights, _seen(model, weights, rows))
    n = rewrite.matrices(whole) + rewrite.tables()
    if not any(opset.domain == "com.microsoft" for opset in model.opset_import):
        model.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))
    onnx.save(model, str(out))
    return n


def _fold_transposes(graph: Any) -> None:
    """Transpose constant matrices now: the exporter leaves them as Linear layers keep them, outputs first."""
    from onnx import numpy_helper

    constants = _constants(graph)
    for node in list(graph.node):
        if node.op_type == "Transpose" and node.input[0] in constants:
            perm = next((list(each.ints) for each in node.attribute if each.name == "perm"), None)
            turned = numpy_helper.to_array(constants[node.input[0]]).transpose(perm)
            graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(turned), node.output[0]))
            graph.node.remove(node)


def _constants(graph: Any) -> dict[str, Any]:
    return {each.name: each for each in graph.initializer}


def _matrices(graph: Any) -> dict[str, Array]:
    """Constant float32 matrices of shape `(K, N)` that activations are multiplied with, by the name of the product."""
    from onnx import TensorProto, numpy_helper

    constants = _constants(graph)
    return {
        node.output[0]: numpy_helper.to_array(constants[node.input[1]])
        for node in graph.node
        if node.op_type == "MatMul"
        and (found := constants.get(node.input[1])) is not None
        and found.data_type == TensorProto.FLOAT
        and len(found.dims) == 2
    }


def _seen(model: Any, weights: Mapping[str, Array], rows: Rows) -> dict[str, _Seen]:
    """Everything that is multiplied with a constant matrix, over these texts."""
    import onnx
    import onnxruntime

    names = sorted({node.input[0] for node in model.graph.node if node.output[0] in weights})
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    del watched.graph.output[:]
    watched.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in names)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(watched.SerializeToString(), options, providers=["CPUExecutionProvider"])
    seen: dict[str, _Seen] = {}
    for row in rows:
        ids_1L = np.array([row], dtype=np.int64)
        found = session.run(names, {"input_ids": ids_1L, "attention_mask": np.ones_like(ids_1L)})
        for name, value in zip(names, found, strict=True):
            values_TK = value.reshape(-1, value.shape[-1])
            seen.setdefault(name, _Seen(np.zeros_like(values_TK[0]), values_TK[:0])).add(values_TK)
    return seen


class _Rewrite:
    """A graph whose products with constants become products of integers."""

    def __init__(self, graph: Any, weights: Mapping[str, Array], seen: Mapping[str, _Seen]) -> None:
        self._graph, self._weights, self._seen = graph, weights, seen
        self._read = {node.output[0]: node.input[0] for node in graph.node if node.output[0] in weights}
        self._smoothing = {name: self._evened(name) for name in seen}
        self._constant("int8_step", np.float32(1.0 / _ACTIVATION_STEPS))
        self._constant("int8_zero", np.uint8(_ACTIVATION_STEPS + 1))
        self._constant("int8_least", np.float32(1e-6))
        self._constant("int8_last_axis", np.array([-1], dtype=np.int64))

    def matrices(self, whole: float) -> int:
        """Replace each product but those of the share that errs most; inputs that several share are rounded once."""
        by_error = sorted(self._weights, key=self._error, reverse=True) if whole > 0.0 else []
        kept = set(by_error[: round(whole * len(by_error))])
        nodes: list[Any] = []
        rounded: set[str] = set()
        for node in self._graph.node:
            out = node.output[0]
            if out not in self._weights or out in kept:
                nodes.append(node)
                continue
            if (read := self._read[out]) not in rounded:
                rounded.add(read)
                nodes += self._rounded(read)
            nodes += self._product(read, out)
        _replace(self._graph, nodes)
        return len(self._weights) - len(kept)

    def tables(self) -> int:
        """Replace each look-up in a large table of embeddings."""
        from onnx import TensorProto, helper, numpy_helper

        constants = _constants(self._graph)
        nodes: list[Any] = []
        found: set[str] = set()
        for node in self._graph.node:
            table = constants.get(node.input[0]) if node.op_type == "Gather" else None
            if table is None or len(table.dims) != 2 or table.dims[0] < _LARGE_TABLE or _axis(node) != 0:
                nodes.append(node)
                continue
            if (name := node.input[0]) not in found:
                found.add(name)
                values_VD, steps_V1 = _rounded_weights(numpy_helper.to_array(table), axis=1)
                self._constant(f"{name}_int8", values_VD)
                self._constant(f"{name}_step", steps_V1)
            out, ids = node.output[0], node.input[1]
            nodes += [
                helper.make_node("Gather", [f"{name}_int8", ids], [f"{out}_read"]),
                helper.make_node("Cast", [f"{out}_read"], [f"{out}_read_float"], to=TensorProto.FLOAT),
                helper.make_node("Gather", [f"{name}_step", ids], [f"{out}_read_step"]),
                helper.make_node("Mul", [f"{out}_read_float", f"{out}_read_step"], [out]),
            ]
        _replace(self._graph, nodes)
        return len(found)

    def _evened(self, name: str) -> Array:
        """What each channel is divided by: `peak^a / weight^(1 - a)`, around 1; shape `(K,)`."""
        weights = [self._weights[out] for out, read in self._read.items() if read == name]
        peak_K = np.maximum(self._seen[name].peak_K, 1e-5)
        weight_K = np.maximum(np.max([np.abs(each).max(axis=1) for each in weights], axis=0), 1e-5)
        log_K = _SMOOTHING * np.log(peak_K) - (1.0 - _SMOOTHING) * np.log(weight_K)
        return np.asarray(np.exp(log_K - log_K.mean()), dtype=np.float32)

    def _error(self, out: str) -> float:
        """Squared error of a product on the tokens that were remembered, as a share of its square."""
        name = self._read[out]
        smoothing_K, values_TK = self._smoothing[name], self._seen[name].first_TK
        exact_TN = values_TK @ self._weights[out]
        smooth_TK = values_TK / smoothing_K
        row_T1 = np.maximum(np.abs(smooth_TK).max(axis=1, keepdims=True), 1e-6) / _ACTIVATION_STEPS
        steps_KN, step_1N = _rounded_weights(self._weights[out] * smoothing_K[:, None], axis=0)
        given_TN = (np.round(smooth_TK / row_T1) @ steps_KN.astype(np.float32)) * row_T1 * step_1N
        return float(np.square(given_TN - exact_TN).sum() / max(float(np.square(exact_TN).sum()), 1e-30))

    def _rounded(self, name: str) -> list[Any]:
        """`name` without its unevenness, in units of each row's largest value, as bytes around 128."""
        from onnx import helper

        self._constant(f"{name}_even", 1.0 / self._smoothing[name])
        return [
            helper.make_node("Mul", [name, f"{name}_even"], [f"{name}_smooth"]),
            helper.make_node("Abs", [f"{name}_smooth"], [f"{name}_size"]),
            helper.make_node("ReduceMax", [f"{name}_size", "int8_last_axis"], [f"{name}_largest"], keepdims=1),
            helper.make_node("Max", [f"{name}_largest", "int8_least"], [f"{name}_row"]),
            helper.make_node("Div", [f"{name}_smooth", f"{name}_row"], [f"{name}_unit"]),
            helper.make_node("QuantizeLinear", [f"{name}_unit", "int8_step", "int8_zero"], [f"{name}_int8"]),
        ]

    def _product(self, name: str, out: str) -> list[Any]:
        from onnx import helper

        values_KN, steps_1N = _rounded_weights(self._weights[out] * self._smoothing[name][:, None], axis=0)
        self._constant(f"{out}_weights", values_KN)
        self._constant(f"{out}_steps", steps_1N.ravel())
        inputs = [f"{name}_int8", f"{out}_weights", "int8_step", f"{out}_steps", "int8_zero"]
        return [
            helper.make_node("MatMulIntegerToFloat", inputs, [f"{out}_unit"], domain="com.microsoft"),
            helper.make_node("Mul", [f"{out}_unit", f"{name}_row"], [out]),
        ]

    def _constant(self, name: str, value: Any) -> None:
        from onnx import numpy_helper

        self._graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))


def _replace(graph: Any, nodes: Sequence[Any]) -> None:
    """Take these nodes, and drop the constants that none of them reads."""
    del graph.node[:]
    graph.node.extend(nodes)
    read = {name for node in nodes for name in node.input} | {each.name for each in graph.output}
    kept = [each for each in graph.initializer if each.name in read]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def _rounded_weights(weights: Array, axis: int) -> tuple[NDArray[np.int8], Array]:
    """Whole numbers, and the step between them, kept along `axis`: one for each of the other axis' entries."""
    steps = np.maximum(np.abs(weights).max(axis=axis, keepdims=True), 1e-12) / _WEIGHT_STEPS
    return np.round(weights / steps).astype(np.int8), np.asarray(steps, dtype=np.float32)


def _axis(node: Any) -> int:
    return next((int(each.i) for each in node.attribute if each.name == "axis"), 0)
