"""A tagger in a folder: served without torch, equal to what was trained, whole or not at all."""

import json
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from huaxiang.encoder.tagger import CONFIG_FILE, Tagger
from huaxiang.encoder.tagging.files import TaggedFile, read_tagged
from huaxiang.errors import DataError
from tests.encoder.tagging.conftest import checkpoint, shop, titles

pytest.importorskip("torch")

from huaxiang.encoder.tagging import training
from huaxiang.encoder.tagging.mixture import best
from huaxiang.encoder.tagging.report import figures
from huaxiang.encoder.tagging.saving import save_tagger
from huaxiang.encoder.tagging.training import Settings, Trained, split, train_tagger

__all__ = ["checkpoint", "shop"]


@dataclass(frozen=True)
class Made:
    """A tagger in this process and the same in a folder."""

    trained: Trained
    folder: Path
    fingerprint: str


@pytest.fixture(scope="module")
def made(shop: TaggedFile, checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Network and n-grams, a few steps each."""
    settings = Settings(encoder=str(checkpoint), seconds=120.0, max_steps=20, epochs=10.0)
    trained = train_tagger(shop, settings)
    assert trained.parts.network is not None
    folder = tmp_path_factory.mktemp("tagger") / "out"
    return Made(trained, folder, save_tagger(trained.parts, folder, [text.text for text in shop.texts[:5]]))


def test_the_served_tagger_finds_what_the_trained_one_does(made: Made, tmp_path: Path) -> None:
    (tmp_path / "test.txt").write_text(titles(20, 7), encoding="utf-8")
    texts = read_tagged(tmp_path / "test.txt").texts
    labels = made.trained.predict(texts, best(made.trained.scores(texts)))
    expected = [
        [(s.start, s.end, s.label) for s in type(t)(t.text, t.units, said).spans]
        for t, said in zip(texts, labels, strict=True)
    ]
    served = Tagger.load(made.folder).tag([text.text for text in texts])
    assert [[(span.start, span.end, span.label) for span in spans] for spans in served] == expected
    assert all(0.0 < span.confidence <= 1.0 for spans in served for span in spans)


def test_a_known_brand_and_type_are_found_in_a_new_title(made: Made) -> None:
    spans = Tagger.load(made.folder).tag(["正品红牛饮料2024"])[0]
    assert [(span.label, span.text) for span in spans] == [("brand", "红牛"), ("type", "饮料")]


def test_a_text_does_not_depend_on_its_neighbours(made: Made) -> None:
    tagger = Tagger.load(made.folder)
    together = tagger.tag(["红牛饮料", "", "  ", "正品宜兴茶壶包邮2024" * 3, "\ud83d红牛"])
    assert together[1] == together[2] == ()
    alone = tagger.tag(["红牛饮料"])[0]
    assert [span.confidence for span in alone] == pytest.approx([span.confidence for span in together[0]], abs=1e-4)


def test_serving_imports_no_training_library(made: Made) -> None:
    code = (
        "import sys; from huaxiang.encoder.tagger import Tagger; import huaxiang.encoder.tagging.catalogue; "
        f"print(Tagger.load({str(made.folder)!r}).tag(['红牛']) is not None, "
        "sorted({'torch', 'transformers', 'sklearn'} & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "True []"


def test_the_report_has_what_was_promised(made: Made, shop: TaggedFile, tmp_path: Path) -> None:
    (tmp_path / "test.txt").write_text(titles(12, 9), encoding="utf-8")
    said = figures(made.trained, shop, read_tagged(tmp_path / "test.txt"))
    assert {"f1", "precision", "recall", "per_type", "method", "n_train", "n_test", "baselines"} <= said.keys()
    assert (said["n_train"], said["n_test"], set(said["per_type"])) == (60, 12, {"brand", "type"})
    assert said["baselines"]["dictionary"]["f1"] == 1.0
    assert 0 < said["unseen"]["n_test"] < 12
    json.dumps(said, allow_nan=False)


def test_the_fingerprint_is_of_the_content(made: Made, shop: TaggedFile, tmp_path: Path) -> None:
    assert Tagger.load(made.folder).fingerprint == made.fingerprint
    parts = train_tagger(shop, Settings(method="ngrams", seconds=60.0)).parts
    one, again = (save_tagger(parts, tmp_path / name, []) for name in "ab")
    other = save_tagger(replace(parts, temperature=parts.temperature + 1.0), tmp_path / "c", [])
    assert one == again != other


def test_a_folder_of_something_else_is_not_overwritten(made: Made, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(DataError, match="holds other files"):
        save_tagger(made.trained.parts, tmp_path, [])


def test_a_folder_without_a_tagger_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no tagger at"):
        Tagger.load(tmp_path)


@pytest.mark.parametrize(
    ("key", "value", "rule"), [("format", 9, "format 9"), ("oops", 1, "no tagger's configuration")]
)
def test_a_configuration_of_another_kind_is_refused(
    made: Made, tmp_path: Path, key: str, value: int, rule: str
) -> None:
    said = json.loads((made.folder / CONFIG_FILE).read_text(encoding="utf-8")) | {key: value}
    (tmp_path / CONFIG_FILE).write_text(json.dumps(said), encoding="utf-8")
    with pytest.raises(DataError, match=rule):
        Tagger.load(tmp_path)


def test_no_pickle_is_written(made: Made) -> None:
    assert {path.suffix for path in made.folder.iterdir()} <= {".json", ".onnx", ".safetensors"}


def test_a_field_of_a_million_characters_costs_no_more_than_a_long_title(made: Made) -> None:
    spans = Tagger.load(made.folder).tag(["红牛饮料包邮" * 170_000])[0]
    assert spans[0].text == "红牛"
    assert spans[-1].end <= 2_000


def test_copies_of_a_title_are_never_parted(shop: TaggedFile) -> None:
    import numpy as np

    fit, held = split([*shop.texts, *shop.texts], np.random.default_rng(0))
    assert held
    assert not {text.text for text in fit} & {text.text for text in held}


def test_n_grams_alone_need_no_network(shop: TaggedFile, tmp_path: Path) -> None:
    trained = train_tagger(shop, Settings(method="ngrams", seconds=60.0))
    save_tagger(trained.parts, tmp_path / "out", [])
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "memory.json",
        "ngrams.json",
        "ngrams.safetensors",
        "tagger.json",
    ]
    assert [span.text for span in Tagger.load(tmp_path / "out").tag(["正品红牛饮料包邮"])[0]] == ["红牛", "饮料"]


def test_a_network_that_makes_the_n_grams_worse_is_left_out(
    shop: TaggedFile, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "choose_weight", lambda *_: (0.5, {0.0: 0.1, 0.5: 0.2}))
    trained = train_tagger(shop, Settings(encoder=str(checkpoint), seconds=60.0, max_steps=1))
    assert trained.parts.network is None
    assert any("the network gained nothing" in note for note in trained.notes)
    assert trained.validation["f1"] == trained.validation["ngrams"]


def test_english_titles_are_tagged_by_words_however_they_are_punctuated(tmp_path: Path) -> None:
    rows = [
        "Fresh O\nUji B-brand\nGreen B-type\nTea I-type\n, O\nblue O",
        "Strider B-brand\nRain B-type\nBoots I-type\n, O\nnew O",
    ]
    (tmp_path / "train.txt").write_text("\n\n".join(rows * 3), encoding="utf-8")
    trained = train_tagger(read_tagged(tmp_path / "train.txt"), Settings(method="ngrams", seconds=60.0))
    save_tagger(trained.parts, tmp_path / "out", [])
    spans = Tagger.load(tmp_path / "out").tag(["fresh Uji Green Tea,blue!"])[0]
    assert [(span.label, span.text) for span in spans] == [("brand", "Uji"), ("type", "Green Tea")]


def test_a_parameter_efficient_method_trains_few_weights(shop: TaggedFile, checkpoint: Path) -> None:
    trained = train_tagger(shop, Settings(encoder=str(checkpoint), method="lora", seconds=60.0, max_steps=3))
    assert trained.report is not None
    assert trained.parts.ngrams is None
    assert trained.report.trained_parameters < 10_000
