"""Judged pairs as others hand them over, good and bad."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huaxiang.errors import DataError
from huaxiang.evaluation.judgment_file import Product, read_judgments

HEAD = "query,product_title,relevance\n"


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "judged.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_queries_and_products_are_numbered_as_they_come(tmp_path: Path) -> None:
    read = read_judgments(write(tmp_path, HEAD + 'tea,"Pot, red",3\nlamp,Lamp,1.5\ntea,Lamp,-1\n'))
    assert read.queries == ("tea", "lamp")
    assert read.products == (Product("Pot, red"), Product("Lamp"))
    assert [rows.tolist() for rows in read.rows_Q] == [[0, 2], [1]]
    assert read.product_N.tolist() == [0, 1, 1]
    assert read.grades_N.tolist() == [3.0, 1.5, -1.0]


@pytest.mark.parametrize(
    "content",
    [
        "id,product_uid,product_title,search_term,relevance\n1,9,Pot,tea,2\n",
        "Title,Search Term,Grade\nPot,tea,2\n",
        "\ufeffquery,title,label\r\ntea,Pot,2\r\n",
        'query,product_title,relevance,note\n"tea",Pot, 2 ,"a\nb"\n\n',
    ],
)
def test_columns_go_by_other_usual_names_too(tmp_path: Path, content: str) -> None:
    for raw in (content.encode(), gzip.compress(content.encode(), mtime=0)):
        read = read_judgments(write(tmp_path, raw))
        assert (read.queries, read.products[0].title, read.grades_N.tolist()) == (("tea",), "Pot", [2.0])


def test_the_name_of_the_contract_goes_before_others(tmp_path: Path) -> None:
    read = read_judgments(write(tmp_path, "name,product_title,query,q,relevance,rating\nx,Pot,tea,y,2,9\n"))
    assert (read.queries, read.products[0].title, read.grades_N.tolist()) == (("tea",), "Pot", [2.0])


def test_a_description_makes_another_product(tmp_path: Path) -> None:
    content = "query,product_title,relevance,product_description\na,Pot,1,Iron\na,Pot,2,\n"
    read = read_judgments(write(tmp_path, content))
    assert [product.text for product in read.products] == ["Pot. Iron", "Pot"]


def test_some_queries_can_be_left_out(tmp_path: Path) -> None:
    read = read_judgments(write(tmp_path, HEAD + "a,A,1\nb,B,2\nc,C,3\nb,A,1\n")).without([0])
    assert read.queries == ("b", "c")
    assert read.query_N.tolist() == [0, 1, 0]
    assert [read.products[at].title for at in read.product_N] == ["B", "C", "A"]
    assert len(read.products) == 3


def test_one_file_after_another_shares_its_products_but_no_queries(tmp_path: Path) -> None:
    first = read_judgments(write(tmp_path, HEAD + "a,A,1\nb,B,2\n"))
    both = first.followed_by(read_judgments(write(tmp_path, HEAD + "a,C,1\nc,A,3\n")))
    assert both.queries == ("a", "b", "a", "c")
    assert [product.title for product in both.products] == ["A", "B", "C"]
    assert (both.query_N.tolist(), both.product_N.tolist()) == ([0, 1, 2, 3], [0, 1, 2, 0])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        (HEAD, "a header and no row"),
        ("query,relevance\na,1\n", "no column product_title; it has: query, relevance"),
        ("a,b\n1,2\n", "no column query and no column product_title and no column relevance"),
        (HEAD + "a,A,good\n", "line 2: 'good' in column 'relevance' is no grade"),
        (HEAD + "a,A,1\na,B,\n", "line 3: '' in column"),
        (HEAD + "a,A,nan\n", "'nan'"),
        (HEAD + "a,A,inf\n", "'inf'"),
        (HEAD + "a,A,1e3\n", "from -100 to 100"),
        (HEAD + "a,A\n", "line 2: ''"),
        (HEAD + " ,A,1\n", "line 2: the query in column 'query' is empty"),
        (b"query,product_title,relevance\na,\xff\xfe,1\n", "not UTF-8"),
        (gzip.compress(HEAD.encode(), mtime=0)[:-9], "damaged gzip"),
        (b"\x1f\x8bnonsense", "damaged gzip"),
    ],
)
def test_a_bad_file_is_refused_in_words(tmp_path: Path, content: str | bytes, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_judgments(write(tmp_path, content))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot read .*nowhere"):
        read_judgments(tmp_path / "nowhere")


CELL = st.text("ab茶,\"'\n 🍵", min_size=1, max_size=6).filter(str.strip)


@settings(deadline=None, max_examples=40)
@given(rows=st.lists(st.tuples(CELL, CELL, st.floats(-9, 9)), min_size=1, max_size=8))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, float]]) -> None:
    def cell(text: str) -> str:
        return '"' + text.replace('"', '""') + '"'

    lines = "".join(f"{cell(q)},{cell(t)},{g!r}\n" for q, t, g in rows)
    read = read_judgments(write(tmp_path_factory.mktemp("judged"), HEAD + lines))
    assert [read.queries[at] for at in read.query_N] == [query for query, _, _ in rows]
    assert [read.products[at].title for at in read.product_N] == [title.strip() for _, title, _ in rows]
    assert read.grades_N.tolist() == [grade for _, _, grade in rows]
