"""What leaves the house: it opens without this package, agrees with its source, and a refused one changes nothing."""

import json
from pathlib import Path

import numpy as np
import pytest

from huaxiang.encoder import OnnxEncoder
from huaxiang.encoder.checkpoint import open_checkpoint, quietly
from huaxiang.encoder.folder import open_folder
from huaxiang.encoder.shrinking import Wish, agreement, export_encoder
from huaxiang.encoder.static import StaticEncoder
from huaxiang.errors import ConfigError, DataError
from tests.encoder.conftest import Trained
from tests.encoder.shrinking.test_distilled import shop_texts, three_layers

FORMATS = ("onnx", "hf", "static")


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("precision", "least"), [("fp32", 0.9999), ("int8", 0.99)])
def test_a_graph_agrees_with_its_source_on_a_thousand_texts(
    precision: str, least: float, trained: Trained, tmp_path: Path
) -> None:
    report = export_encoder(str(trained.folder), tmp_path / "out", Wish(precision=precision), texts=trained.shop.items)
    assert report.cosines is not None
    assert (report.cosines.n_texts, report.n_generated) == (1_000, 997)
    assert report.cosines.least >= least
    assert report.fingerprint == open_folder(tmp_path / "out").fingerprint


def test_the_source_may_be_the_weights_alone(trained: Trained, tmp_path: Path) -> None:
    export_encoder(str(trained.folder / "hf"), tmp_path / "out", Wish(precision="fp32"))
    texts = trained.shop.items
    expected = OnnxEncoder.load(trained.folder).encode(texts)
    np.testing.assert_allclose(OnnxEncoder.load(tmp_path / "out").encode(texts), expected, atol=1e-5)


def test_transformers_and_sentence_transformers_open_it_to_the_served_vectors(trained: Trained, tmp_path: Path) -> None:
    sentence_transformers = pytest.importorskip("sentence_transformers")
    import torch
    from transformers import AutoModel, AutoTokenizer

    report = export_encoder(str(trained.folder), tmp_path / "out", Wish(format="hf"))
    texts = ["green tea 绿茶", "boots"]
    expected = OnnxEncoder.load(trained.folder).encode(texts)
    with quietly():
        opened = sentence_transformers.SentenceTransformer(str(tmp_path / "out"), device="cpu")
        model = AutoModel.from_pretrained(tmp_path / "out")
        tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out")
    with torch.no_grad():
        mean = model(**tokenizer(texts[:1], return_tensors="pt")).last_hidden_state.mean(dim=1)[0].numpy()
    np.testing.assert_allclose(opened.encode(texts), expected, atol=1e-5)
    assert float(mean @ expected[0] / np.linalg.norm(mean)) == pytest.approx(1.0, abs=1e-5)
    assert opened.max_seq_length == 32
    assert report.cosines is not None
    assert report.cosines.least == pytest.approx(1.0, abs=1e-5)


def test_a_prefix_stands_before_the_texts_in_sentence_transformers_too(tmp_path: Path) -> None:
    sentence_transformers = pytest.importorskip("sentence_transformers")
    network = three_layers()
    from dataclasses import replace

    from huaxiang.encoder.export import write_transformers
    from huaxiang.encoder.tokens import Tokens

    tokens = Tokens(network.tokenizer.backend_tokenizer, 32, "tea ")
    write_transformers(replace(network, tokens=tokens, prefix="tea "), tmp_path / "out")
    with quietly():
        opened = sentence_transformers.SentenceTransformer(str(tmp_path / "out"), device="cpu")
    expected = network.encode_ids(tokens.ids(["pot"])).numpy()
    np.testing.assert_allclose(opened.encode(["pot"]), expected, atol=1e-5)


def test_a_static_encoder_is_judged_by_likeness_on_the_shop_s_own_texts(trained: Trained, tmp_path: Path) -> None:
    wish = Wish(format="static", width=16)
    report = export_encoder(str(trained.folder), tmp_path / "out", wish, texts=shop_texts(1_200))
    assert report.likeness is not None
    assert report.likeness_of_pieces is not None
    assert report.likeness.n_texts < 1_000  # a quarter of the distinct ones, none of them generated
    assert report.likeness.spearman > max(report.likeness_of_pieces.spearman, 0.5)
    assert (report.d, StaticEncoder.load(tmp_path / "out").d) == (16, 16)


def test_fewer_layers_are_said_with_how_near_they_came(tmp_path: Path) -> None:
    from huaxiang.encoder.export import export

    export(three_layers(), tmp_path / "whole", [])
    wish = Wish(format="hf", layers=1, max_steps=10)
    report = export_encoder(str(tmp_path / "whole"), tmp_path / "out", wish, texts=shop_texts(300))
    assert report.layers is not None
    assert report.layers.cosine_after > report.layers.cosine_before
    small = open_checkpoint(str(tmp_path / "out"), 32)
    assert len(small.lm.base_model.encoder.layer) == 1


def test_matrices_stay_whole_until_the_agreement_is_enough(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # More than a cosine can be: half of the matrices stay in fp32 in the end, and what was tried is said.
    _require_the_impossible(monkeypatch)
    report = export_encoder(str(trained.folder), tmp_path / "out", Wish(force=True))
    assert report.notes[1].startswith("50% of the matrices stayed in fp32: the smallest cosine was ")
    assert all(f"with {share} of them" in report.notes[1].replace(",", " of them") for share in ("0%", "25%", "50%"))


@pytest.mark.parametrize("wish", [Wish(precision="int8"), Wish(format="hf"), Wish(format="static")])
def test_a_refused_export_leaves_what_was_there(
    wish: Wish, trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export_encoder(str(trained.folder), tmp_path / "out", Wish(precision="fp32"))
    before = files(tmp_path)
    _require_the_impossible(monkeypatch)
    with pytest.raises(DataError, match=r"2\.0 is required, so nothing was written.*--force"):
        export_encoder(str(trained.folder), tmp_path / "out", wish)
    assert files(tmp_path) == before


def test_what_is_forced_is_written_and_it_is_said(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _require_the_impossible(monkeypatch)
    report = export_encoder(str(trained.folder), tmp_path / "out", Wish(force=True))
    assert report.notes[-1].endswith("2.0 is required: forced")
    assert (tmp_path / "out" / "model.onnx").is_file()


def _require_the_impossible(monkeypatch: pytest.MonkeyPatch) -> None:
    for precision in agreement.REQUIRED:
        monkeypatch.setitem(agreement.REQUIRED, precision, 2.0)
    monkeypatch.setattr("huaxiang.encoder.shrinking.ship.REQUIRED_RANK", 2.0)


@pytest.mark.parametrize("form", FORMATS)
def test_an_export_replaces_one_of_another_format_whole(form: str, trained: Trained, tmp_path: Path) -> None:
    for each in (*FORMATS, form):
        export_encoder(str(trained.folder), tmp_path / "out", Wish(format=each))
    alone = tmp_path / "alone"
    export_encoder(str(trained.folder), alone, Wish(format=form))
    assert set(files(tmp_path / "out")) == set(files(alone))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["alone", "out"]


def test_a_folder_of_something_else_is_not_overwritten(trained: Trained, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(DataError, match=r"thesis\.txt"):
        export_encoder(str(trained.folder), tmp_path, Wish())


def test_an_encoder_is_not_written_over_itself(trained: Trained) -> None:
    for place in (trained.folder, trained.folder.parent):
        with pytest.raises(DataError, match="read from"):
            export_encoder(str(trained.folder), place, Wish())


def test_what_was_shrunk_is_not_shrunk_again(trained: Trained, tmp_path: Path) -> None:
    export_encoder(str(trained.folder), tmp_path / "int8", Wish())
    export_encoder(str(trained.folder), tmp_path / "static", Wish(format="static"))
    with pytest.raises(DataError, match="int8 already"):
        export_encoder(str(tmp_path / "int8"), tmp_path / "out", Wish())
    with pytest.raises(DataError, match="static encoder"):
        export_encoder(str(tmp_path / "static"), tmp_path / "out", Wish())


def test_a_graph_alone_becomes_no_transformers_folder(trained: Trained, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no weights for Transformers"):
        export_encoder(str(trained.folder / "serving"), tmp_path / "out", Wish(format="hf"))


def test_an_encoder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere"):
        export_encoder(str(tmp_path / "nowhere"), tmp_path / "out", Wish())


@pytest.mark.parametrize(
    ("given", "said"),
    [({"format": "gguf"}, "onnx, hf, static"), ({"precision": "int4"}, "fp32, int8"), ({"layers": 2}, "--format hf")],
)
def test_what_cannot_be_wished_for_is_said_with_what_can(given: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Wish(**given)  # type: ignore[arg-type]


def test_the_report_is_json(trained: Trained, tmp_path: Path) -> None:
    report = export_encoder(str(trained.folder), tmp_path / "out", Wish())
    figures = json.loads(json.dumps(report.figures()))
    assert figures["cosines"]["n_texts"] == 1_000
    assert figures["megabytes"] == pytest.approx(sum(map(len, files(tmp_path / "out").values())) / 1e6)


def test_nothing_pickled_is_written(trained: Trained, tmp_path: Path) -> None:
    for form in FORMATS:
        export_encoder(str(trained.folder), tmp_path / form, Wish(format=form))
    assert {path.suffix for path in tmp_path.rglob("*") if path.is_file()} == {".json", ".onnx", ".safetensors"}
