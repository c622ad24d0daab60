"""A static encoder: looked up and added, whatever folder it came from, and opened by others too."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from huaxiang.encoder import Encoder, OnnxEncoder
from huaxiang.encoder.cache import CachedEncoder
from huaxiang.encoder.folder import kind_of, open_folder
from huaxiang.encoder.static import StaticEncoder, counted, save_static, unit_rows
from huaxiang.encoder.tokens import Tokens
from huaxiang.errors import DataError
from tests.contracts.encoder import EncoderContract
from tests.encoder.conftest import Trained

PIECES = {"[UNK]": 0, "tea": 1, "pot": 2, "boots": 3, "绿": 4}
TABLE = np.array([[0, 0], [3, 0], [0, 4], [-1, 0], [1, 1]], dtype=np.float32)


def words(max_tokens: int = 8) -> Tokens:
    tokenizer = Tokenizer(models.WordLevel(PIECES, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return Tokens(tokenizer, max_tokens)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_static(tmp_path, TABLE, words(), "by hand")
    return tmp_path


class TestStaticEncoder(EncoderContract):
    @pytest.fixture
    def encoder(self, trained: Trained, tmp_path: Path) -> Encoder:
        tokens = OnnxEncoder.load(trained.folder).tokens
        table = np.random.default_rng(0).normal(size=(tokens.n_pieces, 16)).astype(np.float32)
        save_static(tmp_path, table, tokens, "random")
        return StaticEncoder.load(tmp_path)


def test_a_text_is_the_sum_of_its_pieces_brought_to_length_one(folder: Path) -> None:
    # tea (3, 0) + pot (0, 4) = (3, 4), of length 5; tea twice and a boot: (6 - 1, 0).
    vectors = StaticEncoder.load(folder).encode(["tea pot", "tea tea boots", "绿"])
    np.testing.assert_allclose(vectors, [[0.6, 0.8], [1.0, 0.0], [2**-0.5, 2**-0.5]], atol=1e-6)


def test_a_text_of_which_no_piece_is_known_is_a_row_of_zeros(folder: Path) -> None:
    assert not StaticEncoder.load(folder).encode(["chair"]).any()


def test_what_comes_after_the_cut_is_not_read(tmp_path: Path) -> None:
    save_static(tmp_path, TABLE, words(max_tokens=2), "short")
    np.testing.assert_array_equal(StaticEncoder.load(tmp_path).encode(["tea tea pot"]), [[1.0, 0.0]])


def test_more_texts_than_are_read_at_once_stay_in_order(folder: Path) -> None:
    vectors = StaticEncoder.load(folder).encode(["tea", "pot"] * 2_100)
    np.testing.assert_array_equal(vectors.argmax(axis=1), [0, 1] * 2_100)


def test_pieces_are_counted_in_the_order_of_the_texts() -> None:
    counts = counted(words(), ["tea tea pot", "", "boots"], 5)
    np.testing.assert_array_equal(counts.toarray(), [[0, 2, 1, 0, 0], [0] * 5, [0, 0, 0, 1, 0]])


def test_rows_of_zeros_stay_when_others_are_brought_to_length_one() -> None:
    np.testing.assert_allclose(unit_rows(np.array([[0, 0], [3, 4]], dtype=np.float32)), [[0.0, 0.0], [0.6, 0.8]])


def test_a_folder_says_which_kind_it_holds_and_is_opened_as_that(folder: Path, trained: Trained) -> None:
    assert (kind_of(folder), kind_of(trained.folder / "serving"), kind_of(trained.folder / "hf")) == (
        "static",
        "onnx",
        None,
    )
    assert isinstance(open_folder(folder), StaticEncoder)
    assert isinstance(open_folder(trained.folder), OnnxEncoder)


def test_a_folder_without_an_encoder_is_refused_whichever_kind_was_meant(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no encoder at"):
        open_folder(tmp_path)


def test_other_vectors_have_another_fingerprint(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    save_static(other, TABLE * 2, words(), "by hand")
    assert StaticEncoder.load(folder).fingerprint != StaticEncoder.load(other).fingerprint


def test_vectors_of_another_tokenizer_are_refused(folder: Path) -> None:
    tokenizer = Tokenizer(models.WordLevel({**PIECES, "chair": 5}, unk_token="[UNK]"))
    tokenizer.save(str(folder / "tokenizer.json"))
    with pytest.raises(DataError, match="belong to different encoders"):
        StaticEncoder.load(folder)


@pytest.mark.parametrize("said", [{"format": 99}, {"kind": "hash"}, {"wide": 3}])
def test_a_folder_of_a_later_version_is_refused(folder: Path, said: dict[str, object]) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | said))
    with pytest.raises(DataError, match="export"):
        StaticEncoder.load(folder)


def test_damaged_vectors_are_refused(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"no vectors")
    with pytest.raises(DataError, match="holds no vectors"):
        StaticEncoder.load(folder)


def test_sentence_transformers_opens_it_to_the_same_vectors(folder: Path) -> None:
    sentence_transformers = pytest.importorskip("sentence_transformers")
    opened = sentence_transformers.SentenceTransformer(str(folder), device="cpu")
    texts = ["tea pot", "绿 tea boots"]
    np.testing.assert_allclose(opened.encode(texts), StaticEncoder.load(folder).encode(texts), atol=1e-6)


def test_serving_reaches_neither_torch_nor_onnxruntime(folder: Path) -> None:
    code = (
        "import sys; from huaxiang.encoder.static import StaticEncoder; "
        f"StaticEncoder.load({str(folder)!r}).encode(['tea']); "
        "print([m for m in ('torch', 'transformers', 'sklearn', 'onnx') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_it_is_kept_in_a_cache_like_any_other(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    cached = CachedEncoder(StaticEncoder.load(folder), tmp_path_factory.mktemp("cache"))
    np.testing.assert_array_equal(cached.encode(["tea pot"]), cached.encode(["tea pot"]))
    assert (cached.hits, cached.misses) == (1, 1)
    cached.close()


def test_it_moves_with_its_folder(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    moved = shutil.copytree(folder, tmp_path_factory.mktemp("moved") / "encoder")
    assert open_folder(moved).fingerprint == open_folder(folder).fingerprint
