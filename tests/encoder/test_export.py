"""An encoder on disk: it opens in Transformers, equals torch, and never half replaces another."""

from pathlib import Path

import numpy as np
import pytest

from huaxiang.encoder import OnnxEncoder
from huaxiang.encoder.checkpoint import open_checkpoint, quietly
from huaxiang.encoder.export import MIN_COSINE, compare, export
from huaxiang.errors import DataError
from tests.encoder.conftest import Trained


def test_transformers_opens_it_and_pools_to_the_served_vector(trained: Trained) -> None:
    import torch
    from transformers import AutoModel, AutoTokenizer

    with quietly():
        model = AutoModel.from_pretrained(trained.folder / "hf")
        tokenizer = AutoTokenizer.from_pretrained(trained.folder / "hf")
    read = tokenizer(["green tea 绿茶"], return_tensors="pt")
    with torch.no_grad():
        mean = model(**read).last_hidden_state.mean(dim=1)[0].numpy()
    served = OnnxEncoder.load(trained.folder).encode(["green tea 绿茶"])[0]
    assert float(mean @ served / np.linalg.norm(mean)) == pytest.approx(1.0, abs=1e-5)


def test_the_graph_agreed_with_torch_when_it_was_written(trained: Trained) -> None:
    assert trained.report.export_cosine >= MIN_COSINE


def test_a_graph_of_other_weights_is_refused(trained: Trained) -> None:
    import torch

    network = open_checkpoint(str(trained.folder), 32)
    with torch.no_grad():
        network.lm.base_model.embeddings.word_embeddings.weight.normal_()
    with pytest.raises(DataError, match="disagree"):
        compare(network, OnnxEncoder.load(trained.folder), ["green tea"])


def test_a_network_that_diverged_is_refused(trained: Trained) -> None:
    import torch

    network = open_checkpoint(str(trained.folder), 32)
    with torch.no_grad():
        network.lm.base_model.embeddings.word_embeddings.weight.fill_(float("nan"))
    with pytest.raises(DataError, match="not finite"):
        compare(network, OnnxEncoder.load(trained.folder), ["green tea"])


def test_a_folder_of_something_else_is_not_overwritten(trained: Trained, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(DataError, match="holds other files"):
        export(open_checkpoint(str(trained.folder), 32), tmp_path, [])


def test_no_pickle_is_written(trained: Trained) -> None:
    assert {path.suffix for path in trained.folder.rglob("*") if path.is_file()} == {".json", ".onnx", ".safetensors"}
