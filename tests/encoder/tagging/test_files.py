"""Tagged texts out of files as people have them."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from huaxiang.encoder.tagging.files import check_pair, read_tagged
from huaxiang.encoder.tagging.spans import repaired
from huaxiang.errors import DataError

TITLE = "红 B-HPPX\n牛 I-HPPX\n饮 B-HCCX\n料 I-HCCX\n罐 O\n"


def written(tmp_path: Path, text: str, name: str = "a.txt") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def lines(*rows: object) -> str:
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)


def test_characters_and_labels_become_a_title_with_spans(tmp_path: Path) -> None:
    found = read_tagged(written(tmp_path, TITLE))
    assert (found.unit, found.types, found.notes) == ("characters", ("HCCX", "HPPX"), ())
    assert [(span.label, span.text) for span in found.texts[0].spans] == [("HPPX", "红牛"), ("HCCX", "饮料")]


def test_tabs_gzip_windows_ends_and_a_byte_order_mark_change_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(("\ufeff" + TITLE.replace(" ", "\t").replace("\n", "\r\n")).encode()))
    assert read_tagged(path).texts == read_tagged(written(tmp_path, TITLE)).texts


def test_english_words_are_joined_by_blanks(tmp_path: Path) -> None:
    found = read_tagged(written(tmp_path, "Fresh O\nUji B-brand\nGreen B-type\nTea I-type\n\nPot B-type\n\n\n"))
    assert found.unit == "words"
    assert [(text.text, [span.text for span in text.spans]) for text in found.texts] == [
        ("Fresh Uji Green Tea", ["Uji", "Green Tea"]),
        ("Pot", ["Pot"]),
    ]


def test_of_more_columns_the_first_is_the_word_and_the_last_its_label(tmp_path: Path) -> None:
    assert read_tagged(written(tmp_path, "Uji NNP B-NP B-brand\nTeapot NN I-NP O\n")).texts[0].labels == (
        "B-brand",
        "O",
    )


def test_a_wide_blank_and_a_missing_one_are_units(tmp_path: Path) -> None:
    assert read_tagged(written(tmp_path, "红 B-a\n\u3000 O\n O\n牛 B-a\n")).texts[0].text == "红\u3000 牛"


def test_labels_of_bioes_and_bmes_are_read(tmp_path: Path) -> None:
    found = read_tagged(written(tmp_path, "红 B-a\n牛 E-a\n罐 S-b\n大 B-a\n力 M-a\n神 E-a\n"))
    assert [span.text for span in found.texts[0].spans] == ["红牛", "罐", "大力神"]


def test_an_inside_after_an_outside_is_repaired_and_counted(tmp_path: Path) -> None:
    found = read_tagged(written(tmp_path, "罐 O\n红 I-HPPX\n牛 I-HPPX\n"))
    assert found.texts[0].labels == ("O", "B-HPPX", "I-HPPX")
    assert found.notes == ("1 labels I- followed no label of their type; each was read as B-",)


def test_json_lines_with_spans_are_read_by_characters_where_a_span_ends_inside_a_word(tmp_path: Path) -> None:
    row = {"text": "iPhone13 手机壳", "spans": [{"start": 0, "end": 6, "label": "brand"}]}
    found = read_tagged(written(tmp_path, lines(row), "a.jsonl"))
    assert found.unit == "characters"
    assert [span.text for span in found.texts[0].spans] == ["iPhone"]


def test_json_lines_with_spans_are_read_by_words_where_they_fit(tmp_path: Path) -> None:
    row = {"text": "Uji Green Tea, 50 g", "spans": [{"start": 4, "end": 13, "label": "type"}]}
    found = read_tagged(written(tmp_path, lines(row), "a.jsonl"))
    assert found.unit == "words"
    assert [span.text for span in found.texts[0].spans] == ["Green Tea"]


def test_json_lines_with_tokens_are_read(tmp_path: Path) -> None:
    row = {"tokens": ["Uji", "Tea"], "labels": ["B-brand", "O"]}
    assert read_tagged(written(tmp_path, lines(row), "a.jsonl")).texts[0].text == "Uji Tea"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "holds no text"),
        ("\n\n", "holds no text"),
        ("红 B-a\n牛\n", "line 2: '牛' has no label"),
        ("红 brand\n", "line 1: label 'brand' is neither O nor"),
        ("红 X-a\n", "neither O nor"),
        ("红 B-\n", "neither O nor"),
        ('{"text": "tea"}', "line 1 has neither text and spans nor tokens and labels"),
        ('{"tokens": ["a", "b"], "labels": ["O"]}', "line 1 has 2 tokens but 1 labels"),
        ('{"tokens": [1], "labels": ["O"]}', "lists, of texts"),
        ('{"text": "tea", "spans": [{"start": 0, "end": 9, "label": "a"}]}', "0 to 9 is none of a text of 3"),
        ('{"text": "tea", "spans": [{"start": 0, "end": 2}]}', "a span needs start and end"),
        ('{"text": "tea", "spans": [{"start":0,"end":2,"label":"a"},{"start":1,"end":3,"label":"b"}]}', "overlap"),
        ('{"text": "tea", "spans": []}\n{"tokens": ["a"], "labels": ["O"]}', "mixes"),
        ('{"text": "tea", "spans": []}\n{oops', "line 2 is no JSON"),
    ],
)
def test_what_breaks_a_rule_is_named_with_its_place(tmp_path: Path, text: str, rule: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(DataError, match=rule) as raised:
        read_tagged(path)
    assert str(path) in str(raised.value)


def test_a_file_of_another_encoding_is_refused_with_the_line(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"a O\nb O\n" + "红 O\n".encode("gb18030"))
    with pytest.raises(DataError, match="line 3 is not UTF-8"):
        read_tagged(path)


def test_half_a_gzip_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(TITLE.encode())[:-6])
    with pytest.raises(DataError, match="cannot be read"):
        read_tagged(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no file"):
        read_tagged(tmp_path / "none.txt")


def test_a_type_that_only_the_test_file_has_is_refused(tmp_path: Path) -> None:
    train, test = written(tmp_path, "红 B-a\n"), written(tmp_path, "红 B-a\n牛 B-colour\n", "b.txt")
    with pytest.raises(DataError, match="types that the training file lacks: colour"):
        check_pair(read_tagged(train), read_tagged(test))


def test_a_training_file_without_a_span_is_refused(tmp_path: Path) -> None:
    plain = read_tagged(written(tmp_path, "红 O\n"))
    with pytest.raises(DataError, match="every label is O"):
        check_pair(plain, plain)


def test_files_of_different_units_are_refused(tmp_path: Path) -> None:
    words = read_tagged(written(tmp_path, "Uji B-a\nTea O\n"))
    with pytest.raises(DataError, match="labels words, the test file characters"):
        check_pair(words, read_tagged(written(tmp_path, "红 B-a\n", "b.txt")))


UNITS = st.sampled_from(["红", "牛", "a", "7", "，", "\u3000"])
LABELS = st.sampled_from(["O", "B-a", "I-a", "B-b", "I-b"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    st.lists(st.lists(st.tuples(UNITS, LABELS), min_size=1, max_size=6), min_size=1, max_size=4), st.sampled_from(" \t")
)
def test_what_is_written_is_read(tmp_path: Path, texts: list[list[tuple[str, str]]], separator: str) -> None:
    text = "\n\n".join("\n".join(f"{unit}{separator}{label}" for unit, label in rows) for rows in texts)
    found = read_tagged(written(tmp_path, text))
    assert [each.text for each in found.texts] == ["".join(unit for unit, _ in rows) for rows in texts]
    assert [each.labels for each in found.texts] == [repaired([label for _, label in rows])[0] for rows in texts]


def test_the_test_files_spans_are_cut_as_the_training_file_is(tmp_path: Path) -> None:
    row = {"text": "Uji Green Tea, 50 g", "spans": [{"start": 4, "end": 13, "label": "type"}]}
    found = read_tagged(written(tmp_path, lines(row), "a.jsonl"), "characters")
    assert found.unit == "characters"
    assert [span.text for span in found.texts[0].spans] == ["Green Tea"]
