"""An encoder by its name."""

from pathlib import Path

import numpy as np
import pytest

from huaxiang.encoder import Encoder, opening
from huaxiang.encoder.opening import NetworkEncoder, open_encoder
from huaxiang.encoder.sources import Choice, Source
from huaxiang.errors import DataError, MissingExtraError
from tests.contracts.encoder import EncoderContract
from tests.encoder.conftest import Trained
from tests.encoder.toy import ToyEncoder


class TestNetworkEncoder(EncoderContract):
    @pytest.fixture
    def encoder(self, trained: Trained) -> Encoder:
        return open_encoder(str(trained.folder / "hf"), []).encoder


def test_a_folder_that_training_wrote_opens_what_is_served(trained: Trained) -> None:
    opened = open_encoder(str(trained.folder), [])
    assert not isinstance(opened.encoder, NetworkEncoder)
    assert str(trained.folder) in opened.why


def test_a_checkpoint_and_its_export_say_the_same(trained: Trained) -> None:
    texts = ["green tea 绿茶", "rain boots"]
    network, served = (open_encoder(str(trained.folder / name), []).encoder for name in ("hf", "serving"))
    np.testing.assert_allclose(network.encode(texts), served.encode(texts), atol=0.05)  # served is quantised


def test_the_fingerprint_is_that_of_the_weights(trained: Trained) -> None:
    one, other = (open_encoder(str(trained.folder / "hf"), []).encoder for _ in range(2))
    assert one.fingerprint == other.fingerprint
    changed = open_encoder(str(trained.folder / "hf"), []).encoder
    assert isinstance(changed, NetworkEncoder)
    next(changed.network.lm.base_model.parameters()).data[0, 0] += 1.0
    assert changed.fingerprint != one.fingerprint


def source(name: str, *, trainable: bool) -> Source:
    said = {"aliases": (), "package": f"{name}-package", "version": "1", "languages": ("en", "zh"), "licence": "MIT"}
    return Source(name, trainable=trainable, d=4, path=Path(name), sha256="", prefix="", how="", **said)  # type: ignore[arg-type]


def test_auto_prefers_what_needs_no_torch_and_says_what_it_took(monkeypatch: pytest.MonkeyPatch) -> None:
    both = (source("big", trainable=True), source("light", trainable=False))
    monkeypatch.setattr(opening, "choose", lambda *_, **__: Choice(both[0], "", both))
    monkeypatch.setattr(opening, "_use", ToyEncoder)
    opened = open_encoder("auto", ["tea"])
    assert isinstance(opened.encoder, ToyEncoder)
    assert opened.why == "light of light-package 1 reads the language of these texts"


def test_auto_without_any_says_what_to_install_and_a_language_that_none_reads_is_another_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(opening, "choose", lambda *_, **__: Choice(None, "no package with a checkpoint is installed"))
    with pytest.raises(MissingExtraError, match=r"huaxiang\[models\]"):
        open_encoder("auto", ["tea"])
    monkeypatch.setattr(opening, "choose", lambda *_, **__: Choice(None, "the texts are sw 100%"))
    with pytest.raises(DataError, match="sw 100%"):
        open_encoder("auto", ["chai"])


def test_a_name_that_is_nothing_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere"):
        open_encoder(str(tmp_path / "nowhere"), [])
