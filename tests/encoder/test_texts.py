"""Texts out of files as people have them."""

from pathlib import Path

import pytest

from huaxiang.encoder.texts import MAX_FIELD, read_texts
from huaxiang.errors import DataError


def test_a_column_that_is_not_there_is_refused_and_the_others_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("sku,title\n1,tea\n", encoding="utf-8")
    with pytest.raises(DataError, match="it has: sku, title"):
        list(read_texts(tmp_path / "a.csv", "name"))


def test_the_one_column_that_looks_like_text_is_taken(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('sku,title\n1,"tea, green"\n2,\n', encoding="utf-8")
    assert list(read_texts(tmp_path / "a.csv", None)) == ["tea, green"]


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("绿茶".encode("gb18030"))
    with pytest.raises(DataError, match="not UTF-8"):
        list(read_texts(tmp_path / "a.txt", None))


def test_a_line_that_is_no_json_is_named_by_its_number(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "tea"}\n{oops\n', encoding="utf-8")
    with pytest.raises(DataError, match="line 2"):
        list(read_texts(tmp_path / "a.jsonl", None))


def test_a_field_that_no_table_holds_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text\n" + "x" * (MAX_FIELD + 1) + "\n", encoding="utf-8")
    with pytest.raises(DataError, match="no table that can be read"):
        list(read_texts(tmp_path / "a.csv", None))
