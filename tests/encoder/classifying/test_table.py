"""Labelled texts from files that nobody prepared."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huaxiang.encoder.classifying.table import Labelled, check_pair, read_labelled
from huaxiang.errors import DataError


def csv(tmp_path: Path, text: str, name: str = "reviews.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_numbers_are_labels_as_they_are_written(tmp_path: Path) -> None:
    table = read_labelled(csv(tmp_path, "review,stars\n好,5\n差,01\n"), "review", "stars")
    assert table.labels == (("5",), ("01",))


def test_numbers_and_truth_in_json_lines_become_text(tmp_path: Path) -> None:
    rows = [{"t": "a", "y": 1}, {"t": "b", "y": True}, {"t": "c", "y": "x"}]
    path = csv(tmp_path, "\n".join(map(json.dumps, rows)), "reviews.jsonl")
    assert [labels[0] for labels in read_labelled(path, "t", "y").labels] == ["1", "true", "x"]


def test_a_blank_text_stays_and_a_row_without_label_is_counted(tmp_path: Path) -> None:
    table = read_labelled(csv(tmp_path, "t,y\n,a\nb,\nc,b\n"), "t", "y")
    assert table.texts == ("", "c")
    assert table.notes == ("reviews.csv: 1 rows without a label were left out",)


def test_a_quoted_cell_may_hold_commas_and_line_breaks(tmp_path: Path) -> None:
    table = read_labelled(csv(tmp_path, 't,y\n"good,\nvery",1\n'), "t", "y")
    assert table.texts == ("good,\nvery",)


def test_tabs_and_gzip(tmp_path: Path) -> None:
    path = tmp_path / "reviews.tsv.gz"
    path.write_bytes(gzip.compress("t\ty\n好\t1\n".encode()))
    assert read_labelled(path, "t", "y").texts == ("好",)


def test_a_file_of_windows_in_chinese_is_read_and_said(tmp_path: Path) -> None:
    path = tmp_path / "reviews.csv"
    path.write_bytes("评论,标签\n质量很好,好\n".encode("gb18030"))
    table = read_labelled(path, "评论", "标签")
    assert table.texts == ("质量很好",)
    assert "GB18030" in table.notes[0]


def test_a_missing_column_is_named_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no column 'label'; it has: t, y"):
        read_labelled(csv(tmp_path, "t,y\na,1\n"), "t", "label")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"", "has no column 't'; it has: none"),
        ("a.csv", b"t,y\n", "has no row with a label"),
        ("a.jsonl", b'{"t": "a", "y"', "line 1 is no JSON"),
        ("a.jsonl", b"[1]", "line 1 is no JSON object"),
        ("a.xlsx", b"", "ends in .xlsx"),
        ("a.csv.gz", b"\x1f\x8b\x08", "cannot be read"),
        ("a.csv", b"\xff\xfe\xff\x00", "neither UTF-8 nor GB18030"),
    ],
)
def test_what_is_no_table_is_refused_with_the_reason(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=said):
        read_labelled(path, "t", "y")


def test_several_labels_in_a_cell(tmp_path: Path) -> None:
    table = read_labelled(csv(tmp_path, "t,y\na,price|quality\nb,\nc,price|price\n"), "t", "y", many=True)
    assert table.labels == (("price", "quality"), (), ("price",))


def test_a_label_that_only_the_test_file_has_is_refused(tmp_path: Path) -> None:
    train = Labelled(("a", "b"), (("x",), ("y",)))
    with pytest.raises(DataError, match="1 labels that the training file lacks: z"):
        check_pair(train, Labelled(("c",), (("z",),)))


def test_one_class_only_is_refused() -> None:
    with pytest.raises(DataError, match="one class only, x"):
        check_pair(Labelled(("a",), (("x",),)), None)


@given(st.lists(st.tuples(st.text(), st.text(min_size=1)), min_size=1, max_size=20))
def test_json_lines_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    path = tmp_path_factory.mktemp("lines") / "rows.jsonl"
    path.write_text("\n".join(json.dumps({"t": text, "y": label}) for text, label in rows), encoding="utf-8")
    kept = [(text, label.strip()) for text, label in rows if label.strip()]
    if kept:
        table = read_labelled(path, "t", "y")
        assert list(zip(table.texts, (each[0] for each in table.labels), strict=True)) == kept


def test_a_column_says_which_texts_belong_together(tmp_path: Path) -> None:
    table = read_labelled(csv(tmp_path, "t,y,shop\nx,1,tea\nno label,,tea\nz,2, pots \n"), "t", "y", group="shop")
    assert table.groups == ("tea", "pots")
    assert table.at([1]).groups == ("pots",)


def test_a_group_column_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no column 'shop'"):
        read_labelled(csv(tmp_path, "t,y\nx,1\n"), "t", "y", group="shop")
