"""Products in 8-bit numbers: near the exact ones, and in a graph that the standard's own checker accepts."""

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from huaxiang.retrieval.products import Products, graph


def unit(n: int, d: int, seed: int) -> np.ndarray:
    rows_ND = np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)
    return np.asarray(rows_ND / np.linalg.norm(rows_ND, axis=1, keepdims=True))


def test_products_of_unit_vectors_are_near_the_exact_ones() -> None:
    items_MD, asked_ND = unit(3_000, 128, 0), unit(5, 128, 1)
    off_NM = Products(items_MD).of(asked_ND) - asked_ND @ items_MD.T
    assert off_NM.std() < 0.0015
    assert np.abs(off_NM).max() < 0.008


def test_the_nearest_ten_are_nearly_those_of_exact_products() -> None:
    items_MD, asked_ND = unit(3_000, 128, 0), unit(50, 128, 1)
    exact, near = asked_ND @ items_MD.T, Products(items_MD).of(asked_ND)
    shared = [len(set(np.argsort(-a)[:10]) & set(np.argsort(-b)[:10])) for a, b in zip(exact, near, strict=True)]
    assert np.mean(shared) > 9.5


def test_a_row_of_zeros_has_a_product_of_nothing_and_so_has_asking_with_one() -> None:
    items_MD = np.concatenate([unit(3, 16, 0), np.zeros((1, 16), np.float32)])
    found_NM = Products(items_MD).of(np.concatenate([unit(1, 16, 1), np.zeros((1, 16), np.float32)]))
    assert not found_NM[:, 3].any()
    assert not found_NM[1].any()
    assert found_NM[0, :3].all()


@pytest.mark.parametrize("shape", [(0, 8), (3, 0)])
def test_a_catalogue_of_nothing_is_answered_with_nothing(shape: tuple[int, int]) -> None:
    found_NM = Products(np.zeros(shape, np.float32)).of(np.zeros((2, shape[1]), np.float32))
    assert found_NM.shape == (2, shape[0])
    assert not found_NM.any()


@settings(deadline=None, max_examples=40)
@given(
    items_MD=hnp.arrays(np.float32, st.tuples(st.integers(1, 300), st.just(24)), elements=st.floats(-9, 9, width=16)),
    asked_ND=hnp.arrays(np.float32, st.tuples(st.integers(1, 5), st.just(24)), elements=st.floats(-9, 9, width=16)),
)
def test_a_product_is_off_by_no_more_than_rounding_allows(items_MD: np.ndarray, asked_ND: np.ndarray) -> None:
    half_M, half_N = (np.abs(rows).max(axis=1) / steps / 2 for rows, steps in ((items_MD, 127), (asked_ND, 63)))
    bound_NM = np.abs(asked_ND).sum(axis=1)[:, None] * half_M + half_N[:, None] * np.abs(items_MD).sum(axis=1)
    bound_NM += 24 * half_N[:, None] * half_M + 1e-3
    assert (np.abs(Products(items_MD).of(asked_ND) - asked_ND @ items_MD.T) <= bound_NM).all()


@pytest.mark.parametrize("m", [1, 127, 128, 100_000])
def test_the_graph_is_a_model_that_onnx_accepts(m: int) -> None:
    model = onnx.load_model_from_string(graph(128, m))
    model.graph.initializer[0].ClearField("external_data")  # the checker would look for a file
    model.graph.initializer[0].data_location = onnx.TensorProto.DEFAULT
    model.graph.initializer[0].raw_data = bytes(128 * m)
    onnx.checker.check_model(model, full_check=True)
    assert list(model.graph.initializer[0].dims) == [128, m]
