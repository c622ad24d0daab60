"""N-grams and linear heads, with numbers worked out by hand."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huaxiang.encoder.heads.linear import Linear, fit_linear
from huaxiang.encoder.heads.ngrams import Ngrams
from huaxiang.errors import DataError

REVIEWS = ["质量很好", "质量很差", "good tea pot", "bad tea pot"]


def test_a_text_has_two_blocks_each_of_length_one() -> None:
    matrix = Ngrams(min_df=1).fit(REVIEWS).transform(["质量很好"])
    assert float(matrix.multiply(matrix).sum()) == pytest.approx(2.0)


def test_a_text_of_nothing_known_is_a_row_of_zeros() -> None:
    assert Ngrams().fit(REVIEWS).transform(["♞♞", ""]).nnz == 0


def test_words_of_english_and_characters_of_chinese_are_features() -> None:
    ngrams = Ngrams(min_df=1).fit(REVIEWS)
    both = ngrams.transform(["tea", "质量"])
    assert both.getnnz(axis=1).min() > 0


def test_upper_case_and_full_width_letters_read_alike() -> None:
    ngrams = Ngrams(min_df=1).fit(REVIEWS)
    first, second = ngrams.transform(["Good TEA pot", "ｇｏｏｄ tea pot"])
    assert abs(first - second).max() == 0


def test_the_most_frequent_features_stay_when_there_are_too_many() -> None:
    ngrams = Ngrams(min_df=1, max_features=5).fit(REVIEWS)
    assert ngrams.n_features == 5
    assert ngrams.transform(["tea"]).nnz > 0


def test_saved_ngrams_read_alike(tmp_path: Path) -> None:
    ngrams = Ngrams(min_df=1).fit(REVIEWS)
    ngrams.save(tmp_path)
    assert abs(Ngrams.load(tmp_path).transform(REVIEWS) - ngrams.transform(REVIEWS)).max() == 0


def test_ngrams_that_were_cut_another_way_are_refused(tmp_path: Path) -> None:
    Ngrams(min_df=1).fit(REVIEWS).save(tmp_path)
    kept = tmp_path / "ngrams.json"
    kept.write_text(kept.read_text("utf-8").replace('"grams": 2', '"grams": 1'), encoding="utf-8")
    with pytest.raises(DataError, match="cut another way than here; train the classifier again"):
        Ngrams.load(tmp_path)


def test_chinese_words_are_features_beside_their_characters() -> None:
    ngrams = Ngrams(min_df=1).fit(["质量很好"])
    assert ngrams.n_features == 5 + 9  # 质量, 很, 好 and two pairs; 4 characters, 3 pairs and 2 triples


def test_a_folder_without_ngrams_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no n-gram features"):
        Ngrams.load(tmp_path)


@given(st.text(max_size=80))
def test_any_text_is_read(text: str) -> None:
    matrix = Ngrams(min_df=1).fit([text, "tea"]).transform([text])
    assert np.isfinite(matrix.data).all()


def test_a_head_learns_what_divides_two_classes() -> None:
    features = np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.1, 0.9]], dtype=np.float32)
    head = fit_linear(features, np.array([[1, 0], [1, 0], [0, 1], [0, 1]], dtype=np.float32), c=10.0, dense=True)
    assert head.scores(features).argmax(axis=1).tolist() == [0, 0, 1, 1]


def test_two_classes_share_one_logit_evenly() -> None:
    features = np.array([[1.0], [0.0], [1.0], [0.0]], dtype=np.float32)
    head = fit_linear(features, np.array([[1, 0], [0, 1], [1, 0], [0, 1]], dtype=np.float32), c=1.0, dense=True)
    assert head.weights_CF[0] == pytest.approx(-head.weights_CF[1])


def test_a_class_without_a_text_is_never_the_answer() -> None:
    features = np.array([[1.0], [0.0]], dtype=np.float32)
    head = fit_linear(features, np.array([[1, 0, 0], [0, 0, 1]], dtype=np.float32), c=1.0, dense=True)
    assert head.scores(features).argmax(axis=1).tolist() == [0, 2]


def test_a_label_that_all_texts_have_is_always_given() -> None:
    features = np.array([[1.0], [0.0], [0.5]], dtype=np.float32)
    targets = np.array([[1, 0], [1, 1], [1, 0]], dtype=np.float32)
    assert (fit_linear(features, targets, c=1.0, many=True).scores(features)[:, 0] > 0).all()


def test_a_rare_class_gets_more_answers_when_classes_count_alike() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(400, 2)).astype(np.float32)
    rare = features[:, 0] + rng.normal(size=400) > 2.2
    targets = np.stack([~rare, rare], axis=1).astype(np.float32)
    plain = fit_linear(features, targets, c=1.0, dense=True).scores(features).argmax(axis=1).sum()
    balanced = fit_linear(features, targets, c=1.0, balanced=True, dense=True).scores(features).argmax(axis=1).sum()
    assert balanced > plain


def test_a_saved_head_answers_alike(tmp_path: Path) -> None:
    head = Linear(np.ones((2, 3), np.float32), np.zeros(2, np.float32))
    head.save(tmp_path)
    assert Linear.load(tmp_path).scores(np.ones((1, 3), np.float32)).tolist() == [[3.0, 3.0]]


def test_a_truncated_head_is_named(tmp_path: Path) -> None:
    Linear(np.ones((2, 3), np.float32), np.zeros(2, np.float32)).save(tmp_path)
    file = tmp_path / "linear.safetensors"
    file.write_bytes(file.read_bytes()[:20])
    with pytest.raises(DataError, match="holds no linear head"):
        Linear.load(tmp_path)
