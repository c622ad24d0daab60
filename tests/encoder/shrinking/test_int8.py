"""An encoder in 8 bits: near to its source, smaller, and a text's vector is its own."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from huaxiang.encoder import Encoder, OnnxEncoder
from huaxiang.encoder.shrinking import Wish, export_encoder
from huaxiang.encoder.shrinking.int8 import quantise
from huaxiang.types import Vectors
from tests.contracts.encoder import EncoderContract
from tests.encoder.conftest import Trained


@pytest.fixture(scope="module")
def int8(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("export") / "int8"
    export_encoder(str(trained.folder), out, Wish(), texts=trained.shop.items)
    return out


class TestInt8(EncoderContract):
    @pytest.fixture
    def encoder(self, int8: Path) -> Encoder:
        return OnnxEncoder.load(int8)


def graph_of(table_VD: Vectors, matrix_KN: Vectors, *, transposed: bool = False) -> onnx.ModelProto:
    """Ids looked up in a table and multiplied with a matrix: the two things that are shrunk."""
    matrix = np.ascontiguousarray(matrix_KN.T) if transposed else matrix_KN
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["read"]),
        helper.make_node("MatMul", ["read", "turned" if transposed else "matrix"], ["product"]),
        helper.make_node("Cast", ["attention_mask"], ["seen"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["seen", "last"], ["seen_1"]),
        helper.make_node("Mul", ["product", "seen_1"], ["vectors"]),
    ]
    if transposed:
        nodes.insert(0, helper.make_node("Transpose", ["matrix"], ["turned"], perm=[1, 0]))
    constants = {"table": table_VD, "matrix": matrix, "last": np.array([-1])}
    ids = [helper.make_tensor_value_info(n, TensorProto.INT64, ["N", "L"]) for n in ("input_ids", "attention_mask")]
    graph = helper.make_graph(
        nodes,
        "small",
        ids,
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["N", "L", matrix_KN.shape[1]])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def run(path: Path, ids: list[list[int]]) -> Vectors:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    feed = {"input_ids": np.array(ids), "attention_mask": np.ones_like(np.array(ids))}
    return np.asarray(session.run(None, feed)[0])


@pytest.mark.parametrize("transposed", [False, True])
def test_products_come_out_within_a_step_of_the_weights_and_one_of_the_row(tmp_path: Path, transposed: bool) -> None:
    rng = np.random.default_rng(0)
    table, matrix = (rng.normal(size=shape).astype(np.float32) for shape in ((2_000, 8), (8, 3)))
    onnx.save(graph_of(table, matrix, transposed=transposed), tmp_path / "fp32.onnx")
    assert quantise(tmp_path / "fp32.onnx", tmp_path / "int8.onnx", [[0, 1, 2]]) == 2
    expected = table[[5, 6]] @ matrix
    # Each of 8 terms errs by half a step, of 127 for the row and of 63 for a column, and the table by one of 63 more.
    np.testing.assert_allclose(run(tmp_path / "int8.onnx", [[5, 6]])[0], expected, atol=0.25)


def test_a_token_s_product_does_not_depend_on_a_large_one_beside_it(tmp_path: Path) -> None:
    table = np.ones((2_000, 4), dtype=np.float32)
    table[1] = 1e6
    onnx.save(graph_of(table, np.eye(4, dtype=np.float32)), tmp_path / "fp32.onnx")
    quantise(tmp_path / "fp32.onnx", tmp_path / "int8.onnx", [[0]])
    np.testing.assert_allclose(run(tmp_path / "int8.onnx", [[0, 1]])[0, 0], np.ones(4), rtol=1e-3)


def test_one_channel_a_thousand_times_as_large_does_not_drown_the_others(tmp_path: Path) -> None:
    # Rounded in units of the largest channel alone, 1 beside 1,000 would be nothing: 1,000 / 127 is a step.
    table = np.tile(np.array([1_000, 1, 1, 1], dtype=np.float32), (100, 1))
    onnx.save(graph_of(table, np.eye(4, dtype=np.float32)), tmp_path / "fp32.onnx")
    quantise(tmp_path / "fp32.onnx", tmp_path / "int8.onnx", [[0]])
    np.testing.assert_allclose(run(tmp_path / "int8.onnx", [[0]])[0, 0], [1_000, 1, 1, 1], rtol=0.25)


def test_a_small_table_stays_as_it_is(tmp_path: Path) -> None:
    onnx.save(graph_of(np.ones((100, 4), dtype=np.float32), np.eye(4, dtype=np.float32)), tmp_path / "fp32.onnx")
    assert quantise(tmp_path / "fp32.onnx", tmp_path / "int8.onnx", [[0]]) == 1


def test_of_two_matrices_the_one_that_errs_more_stays_whole(tmp_path: Path) -> None:
    # Columns of one size are rounded to nothing worse than half a step; a column of 100 beside 0.1 loses the 0.1.
    table = np.ones((100, 2), dtype=np.float32)
    even = np.array([[63, 0], [0, 63]], dtype=np.float32)
    uneven = np.array([[100, 0], [-99.4, 1]], dtype=np.float32)
    model = graph_of(table, even)
    model.graph.initializer.append(numpy_helper.from_array(uneven, "second"))
    model.graph.node[1].output[0] = "first"
    model.graph.node.insert(2, helper.make_node("MatMul", ["first", "second"], ["product"]))
    onnx.save(model, tmp_path / "fp32.onnx")
    assert quantise(tmp_path / "fp32.onnx", tmp_path / "half.onnx", [[0]], whole=0.5) == 1
    np.testing.assert_allclose(run(tmp_path / "half.onnx", [[0]])[0, 0], [37.8, 63.0], rtol=1e-3)
    assert quantise(tmp_path / "fp32.onnx", tmp_path / "none.onnx", [[0]], whole=1.0) == 0
    assert (run(tmp_path / "none.onnx", [[0]]) == run(tmp_path / "fp32.onnx", [[0]])).all()


def test_no_weight_uses_the_eighth_bit(int8: Path) -> None:
    graph = onnx.load(int8 / "model.onnx").graph
    weights = [numpy_helper.to_array(each) for each in graph.initializer if each.data_type == TensorProto.INT8]
    assert max(int(np.abs(each.astype(int)).max()) for each in weights) == 63


def test_nothing_of_the_float_weights_is_left_in_the_file(tmp_path: Path) -> None:
    # 2,000 pieces of 64: 512 kB, now 128 kB and 8 kB of steps; a matrix of 64 x 64: 16 kB, now 4.
    table, matrix = np.ones((2_000, 64), dtype=np.float32), np.ones((64, 64), dtype=np.float32)
    onnx.save(graph_of(table, matrix, transposed=True), tmp_path / "fp32.onnx")
    quantise(tmp_path / "fp32.onnx", tmp_path / "int8.onnx", [[0]])
    assert 140_000 <= (tmp_path / "int8.onnx").stat().st_size <= 145_000


def test_it_says_its_precision(int8: Path, trained: Trained) -> None:
    assert (OnnxEncoder.load(int8).config.precision, OnnxEncoder.load(trained.folder).config.precision) == (
        "int8",
        "fp32",
    )


def test_onnxruntime_and_tokenizers_alone_open_it(int8: Path) -> None:
    from tokenizers import Tokenizer

    read = Tokenizer.from_file(str(int8 / "tokenizer.json")).encode("green tea 绿茶")
    session = onnxruntime.InferenceSession(str(int8 / "model.onnx"), providers=["CPUExecutionProvider"])
    feed = {"input_ids": np.array([read.ids]), "attention_mask": np.array([read.attention_mask])}
    expected = OnnxEncoder.load(int8).encode(["green tea 绿茶"])
    np.testing.assert_allclose(session.run(None, feed)[0], expected, atol=1e-6)
