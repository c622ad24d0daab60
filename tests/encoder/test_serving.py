"""Serving an exported encoder: the contract, no torch, and clear words for what is wrong with a folder."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from huaxiang.encoder import Encoder, OnnxEncoder
from huaxiang.encoder.tokens import batches_by_length
from huaxiang.errors import DataError
from tests.contracts.encoder import EncoderContract
from tests.encoder.conftest import Trained


class TestOnnxEncoder(EncoderContract):
    @pytest.fixture
    def encoder(self, trained: Trained) -> Encoder:
        return OnnxEncoder.load(trained.folder / "serving")


def test_the_folder_above_serving_opens_too(trained: Trained) -> None:
    assert OnnxEncoder.load(trained.folder).fingerprint == trained.report.fingerprint


def test_serving_reaches_neither_torch_nor_transformers_nor_sklearn(trained: Trained) -> None:
    code = (
        "import sys; from huaxiang.encoder import OnnxEncoder; "
        f"OnnxEncoder.load({str(trained.folder)!r}).encode(['tea 茶']); "
        "print([m for m in ('torch', 'transformers', 'sklearn', 'onnx') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_onnxruntime_alone_gives_the_same_vectors(trained: Trained) -> None:
    import onnxruntime
    from tokenizers import Tokenizer

    serving = trained.folder / "serving"
    found = Tokenizer.from_file(str(serving / "tokenizer.json")).encode("green tea 绿茶")
    session = onnxruntime.InferenceSession(str(serving / "model.onnx"), providers=["CPUExecutionProvider"])
    feed = {"input_ids": np.array([found.ids]), "attention_mask": np.array([found.attention_mask])}
    expected = OnnxEncoder.load(serving).encode(["green tea 绿茶"])
    np.testing.assert_allclose(session.run(None, feed)[0], expected, atol=1e-6)


def test_two_threads_give_the_vectors_of_one(trained: Trained) -> None:
    one, two = (OnnxEncoder.load(trained.folder, threads=n).encode(trained.shop.items) for n in (1, 2))
    np.testing.assert_allclose(one, two, atol=1e-5)


def test_a_folder_without_an_encoder_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="huaxiang pretrain"):
        OnnxEncoder.load(tmp_path)


def test_a_folder_of_a_later_format_is_refused(trained: Trained, tmp_path: Path) -> None:
    shutil.copytree(trained.folder / "serving", tmp_path / "serving")
    path = tmp_path / "serving" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))
    with pytest.raises(DataError, match="format 99"):
        OnnxEncoder.load(tmp_path)


def test_a_folder_that_lost_its_graph_is_refused(trained: Trained, tmp_path: Path) -> None:
    shutil.copytree(trained.folder / "serving", tmp_path / "serving")
    (tmp_path / "serving" / "model.onnx").unlink()
    with pytest.raises(DataError, match=r"model\.onnx"):
        OnnxEncoder.load(tmp_path)


def test_texts_of_like_length_share_a_batch_within_the_tokens_allowed() -> None:
    # Sorted: 2, 3, 9, 10; 2 rows of 3 fit 12 tokens, 3 rows of 9 do not, nor 2 of 10; the empty text is left out.
    assert batches_by_length([9, 2, 0, 10, 3], max_batch_tokens=12) == [[1, 4], [0], [3]]
