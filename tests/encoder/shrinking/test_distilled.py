"""Distilling: sums of pieces that come near to a source's vectors, and fewer layers that do."""

from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from huaxiang.encoder import OnnxEncoder
from huaxiang.encoder.checkpoint import open_checkpoint
from huaxiang.encoder.export import write_serving
from huaxiang.encoder.model import Network, Shape, new_network
from huaxiang.encoder.optimising import torch_as
from huaxiang.encoder.shrinking.agreement import Likeness
from huaxiang.encoder.shrinking.layers import distil_layers, dropped
from huaxiang.encoder.shrinking.ridge import fit_sums
from huaxiang.encoder.shrinking.static import distil_static
from huaxiang.encoder.static import counted, unit_rows
from huaxiang.errors import ConfigError, DataError
from huaxiang.types import Vectors
from tests.encoder.conftest import KINDS, TINY, Trained

WORDS = [word for texts in KINDS.values() for text in texts for word in text.split()]


def shop_texts(n: int, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return list(dict.fromkeys(" ".join(rng.choice(WORDS, 3)) for _ in range(n)))


def sums(counts_NV: sparse.csr_array, table_VD: Vectors) -> Vectors:
    return unit_rows(np.asarray(counts_NV @ table_VD, dtype=np.float32))


@pytest.fixture(scope="module")
def known() -> tuple[sparse.csr_array, Vectors]:
    """300 texts of 4 of 20 pieces, and vectors of the pieces that their sums come from."""
    rng = np.random.default_rng(0)
    counts = np.zeros((300, 20), dtype=np.float32)
    for row in counts:
        row[rng.choice(20, 4, replace=False)] = 1.0
    return sparse.csr_array(counts), rng.normal(size=(20, 5)).astype(np.float32)


def test_vectors_that_sums_came_from_are_found_again(known: tuple[sparse.csr_array, Vectors]) -> None:
    counts, table = known
    start = np.random.default_rng(1).normal(size=table.shape).astype(np.float32)
    targets = sums(counts, table)
    found = fit_sums(counts, targets, start, reg=0.01, rounds=10)
    before, after = ((sums(counts, each) * targets).sum(axis=1).mean() for each in (start, found))
    assert before < 0.3
    assert after > 0.98


def test_a_piece_that_no_text_holds_stays_where_it_was(known: tuple[sparse.csr_array, Vectors]) -> None:
    counts, table = known
    wider = sparse.csr_array((counts.data, counts.indices, counts.indptr), shape=(300, 21))
    start = np.ones((21, 5), dtype=np.float32)
    np.testing.assert_array_equal(fit_sums(wider, sums(counts, table), start)[20], start[20])


def test_without_a_limit_on_change_nothing_changes(known: tuple[sparse.csr_array, Vectors]) -> None:
    counts, table = known
    start = np.ones((20, 5), dtype=np.float32)
    np.testing.assert_allclose(fit_sums(counts, sums(counts, table), start, reg=1e9), start, atol=1e-4)


@pytest.fixture(scope="module")
def source(trained: Trained) -> OnnxEncoder:
    return OnnxEncoder.load(trained.folder)


def test_fitting_brings_a_static_encoder_nearer_on_texts_it_was_not_fitted_to(source: OnnxEncoder) -> None:
    texts = shop_texts(1_500)
    held, learned = texts[:200], texts[200:]
    done = distil_static(source, learned, seconds=600)
    assert done.pieces_only_VE is not None
    counts = counted(source.tokens, held, source.tokens.n_pieces)
    theirs = source.encode(held)
    before, after = (
        Likeness.of(theirs, sums(counts, each), np.random.default_rng(0)).spearman
        for each in (done.pieces_only_VE, done.table_VE)
    )
    assert after > before
    assert after > 0.8


def test_with_few_texts_the_pieces_alone_are_taken(source: OnnxEncoder) -> None:
    done = distil_static(source, ["tea pot"], width=8, seconds=600)
    assert (done.n_texts, done.pieces_only_VE, done.table_VE.shape[1]) == (0, None, 8)
    assert done.n_pieces == source.tokens.n_pieces - len(source.tokens.special)


def test_special_pieces_have_no_vector(source: OnnxEncoder) -> None:
    table = distil_static(source, [], seconds=600).table_VE
    assert not table[sorted(source.tokens.special)].any()


def test_a_budget_that_is_over_is_named(source: OnnxEncoder) -> None:
    # 512 texts and as many pieces, which is all there are, are read in any case; then the time is over.
    done = distil_static(source, shop_texts(1_500), seconds=1e-3)
    assert done.n_texts == 512
    assert done.notes[0].startswith("the budget cut the texts to 512 of")


def three_layers() -> Network:
    """As made from nothing, but with layers that say something: ten times their first size."""
    import torch

    with torch_as(1, 0), torch.no_grad():
        shape = Shape(TINY.hidden, 3, TINY.heads, TINY.inner, TINY.vocabulary, TINY.max_tokens)
        network = new_network([" ".join(WORDS)] * 2, shape, dropout=0.0)
        for weight in network.lm.base_model.encoder.parameters():
            if weight.ndim > 1:
                weight.mul_(10.0)
        return network


def test_first_and_last_layer_stay_and_the_whole_network_is_not_touched() -> None:
    network = three_layers()
    small, n_source = dropped(network, 2)
    assert n_source == 3
    assert len(network.lm.base_model.encoder.layer) == 3
    kept = [layer.output.dense.weight for layer in small.lm.base_model.encoder.layer]
    whole = [layer.output.dense.weight for layer in network.lm.base_model.encoder.layer]
    assert all((a == b).all() for a, b in zip(kept, (whole[0], whole[2]), strict=True))


@pytest.mark.parametrize("n_layers", [0, 3, 4])
def test_layers_that_there_are_not_cannot_be_kept(n_layers: int) -> None:
    with pytest.raises(ConfigError, match="choose 1 to 2"):
        dropped(three_layers(), n_layers)


def test_a_small_network_learns_the_vectors_of_the_whole_one(tmp_path: Path) -> None:
    network = three_layers()
    write_serving(network, tmp_path / "whole")
    with torch_as(1, 0):
        small, report = distil_layers(
            network,
            OnnxEncoder.load(tmp_path / "whole"),
            1,
            shop_texts(300),
            seconds=600,
            rng=np.random.default_rng(0),
            precision="fp32",
            max_steps=40,
        )
    assert report.cosine_after > report.cosine_before + 0.01
    assert (report.layers, report.source_layers, report.steps) == (1, 3, 40)
    assert small.n_parameters < network.n_parameters
    texts = ["green tea", "绿茶 boots"]
    np.testing.assert_allclose(
        np.linalg.norm(small.encode_ids(small.tokens.ids(texts)).numpy(), axis=1), np.ones(2), atol=1e-5
    )


def test_what_was_worse_than_the_beginning_is_not_kept(tmp_path: Path) -> None:
    network = three_layers()
    write_serving(network, tmp_path / "whole")
    with torch_as(1, 0):
        small, report = distil_layers(
            network,
            OnnxEncoder.load(tmp_path / "whole"),
            1,
            shop_texts(100),
            seconds=600,
            rng=np.random.default_rng(0),
            precision="fp32",
            max_steps=0,
        )
        untouched = dropped(network, 1)[0]
    assert report.cosine_after == report.cosine_before
    rows = small.tokens.ids(["green tea"])
    np.testing.assert_array_equal(small.encode_ids(rows).numpy(), untouched.encode_ids(rows).numpy())


def test_too_few_texts_teach_nothing(trained: Trained, source: OnnxEncoder) -> None:
    network = open_checkpoint(str(trained.folder), 32)
    with pytest.raises(DataError, match="at least 50"):
        distil_layers(network, source, 1, ["tea"], seconds=1, rng=np.random.default_rng(0))
