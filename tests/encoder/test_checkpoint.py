"""Beginning with somebody's checkpoint: found by folder, or a clear word why not."""

import json
import shutil
from pathlib import Path

import pytest

from huaxiang.encoder.checkpoint import open_checkpoint
from huaxiang.errors import DataError
from tests.encoder.conftest import Trained


def test_the_folder_that_pretraining_wrote_opens_with_its_own_cut(trained: Trained) -> None:
    network = open_checkpoint(str(trained.folder), max_tokens=512)
    assert (network.d, network.tokens.max_tokens) == (32, 32)


def test_a_name_that_is_not_in_the_cache_is_refused_and_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(DataError, match="hf download nobody/nothing"):
        open_checkpoint("nobody/nothing", 32)


def test_what_can_be_no_name_is_refused() -> None:
    with pytest.raises(DataError, match="no folder here and no name"):
        open_checkpoint("not a / name / at all", 32)


def test_a_folder_without_a_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no config\.json"):
        open_checkpoint(str(tmp_path), 32)


def test_a_checkpoint_whose_weights_are_cut_off_is_refused(trained: Trained, tmp_path: Path) -> None:
    shutil.copytree(trained.folder / "hf", tmp_path / "hf")
    path = tmp_path / "hf" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(DataError, match="could not be opened"):
        open_checkpoint(str(tmp_path / "hf"), 32)


def test_pickled_weights_are_not_read(trained: Trained, tmp_path: Path) -> None:
    shutil.copytree(trained.folder / "hf", tmp_path / "hf")
    (tmp_path / "hf" / "model.safetensors").rename(tmp_path / "hf" / "pytorch_model.bin")
    with pytest.raises(DataError, match="safetensors"):
        open_checkpoint(str(tmp_path / "hf"), 32)


def test_a_network_that_is_no_encoder_is_refused(trained: Trained, tmp_path: Path) -> None:
    shutil.copytree(trained.folder / "hf", tmp_path / "hf")
    path = tmp_path / "hf" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"model_type": "gpt2"}))
    with pytest.raises(DataError, match="BERT family"):
        open_checkpoint(str(tmp_path / "hf"), 32)
