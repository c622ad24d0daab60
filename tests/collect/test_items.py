"""A shop's catalogue as a file: recognised, mapped, read, and read again."""

import gzip
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from huaxiang.collect.catalogue import Catalogue
from huaxiang.collect.importers import Options
from huaxiang.collect.importers.item_rows import amount, in_stock
from huaxiang.collect.load import Plan, Report, load, plan_import
from huaxiang.collect.quarantine import Quarantine
from huaxiang.collect.tally import Tally
from huaxiang.collect.validate import DryRun
from huaxiang.errors import DataError, UnknownNameError
from huaxiang.store import Store, open_store
from huaxiang.types import Item

NOW = datetime(2026, 11, 23, tzinfo=UTC)
DATA = Path(os.environ.get("HUAXIANG_DATA", Path(__file__).parents[2] / "../shared/data"))
TEAS = """sku,title,brand,category,price,stock,colour,supplier_id,description
t1,Green tea,Yi,Food > Tea,"1,299.50",12,green|pale,77,"Loose, in a tin"
t2,Black tea,,Food|Tea,€8,0,,78,
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/shop.db")
    yield opened
    opened.close()


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "items"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def plan(path: Path, columns: Mapping[str, str] | None = None, *, format: str = "auto", **options: Any) -> Plan:
    return plan_import(path, format=format, columns=columns, options=Options(**options))


def bring(planned: Plan, store: Store) -> Report:
    with Quarantine(planned.path.parent / "quarantine", planned.path.name, now=NOW) as quarantine:
        return load(planned, store, quarantine, now=NOW, catalogue=Catalogue(store))


def counts(report: Report) -> tuple[int, int, int, int]:
    return report.rows, report.accepted, report.duplicates, report.quarantined


def item(store: Store, item_id: str) -> Item:
    found = Catalogue(store).get(item_id)
    assert found is not None
    return found


def test_a_table_of_teas_becomes_the_catalogue(tmp_path: Path, store: Store) -> None:
    planned = plan(write(tmp_path, gzip.compress(TEAS.encode())))
    report = bring(planned, store)
    assert (report.format, counts(report)) == ("items", (2, 2, 0, 0))
    assert item(store, "t1") == Item(
        "t1",
        name="Green tea",
        brand="Yi",
        category=("Food", "Tea"),
        description="Loose, in a tin",
        price=1299.5,
        attributes={"colour": ("green", "pale")},
    )
    assert item(store, "t2") == Item("t2", name="Black tea", category=("Food", "Tea"), price=8.0, in_stock=False)
    assert any("1970-01-01" in note for note in report.notes)
    assert not any("zone" in note for note in report.notes)


def test_columns_of_ids_are_left_out_of_the_attributes(tmp_path: Path) -> None:
    planned = plan(write(tmp_path, TEAS))
    assert planned.guess is not None
    assert planned.guess.others == {"colour": "(attribute)", "supplier_id": "(left out)"}


def test_chinese_headers_are_guessed(tmp_path: Path, store: Store) -> None:
    rows = "商品编号,商品名称,品牌,类目,售价,库存,描述,颜色\na1,红茶,一壶,食品 > 茶,59元,有货,好茶,红\n"
    assert counts(bring(plan(write(tmp_path, rows)), store)) == (1, 1, 0, 0)
    assert item(store, "a1") == Item(
        "a1", "红茶", "一壶", ("食品", "茶"), "好茶", price=59.0, attributes={"颜色": ("红",)}
    )


def test_columns_of_any_name_are_mapped(tmp_path: Path, store: Store) -> None:
    rows = "asin\tshort_text\tattribute_ids\tattribute_names\nb1\tgreen tea\t1 2\tFood|Tea\n"
    given = {"item_id": "asin", "name": "short_text", "category": "attribute_names"}
    assert bring(plan(write(tmp_path, rows), given), store).format == "items"
    assert item(store, "b1") == Item("b1", "green tea", category=("Food", "Tea"))


def test_a_field_that_items_do_not_have_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="unknown field 'colour'; known: attributes, brand, category"):
        plan(write(tmp_path, TEAS), {"item_id": "sku", "name": "title", "colour": "colour"})


def test_typed_headers_name_the_only_text(tmp_path: Path, store: Store) -> None:
    bring(plan(write(tmp_path, "item_id:token\ttext:token_seq\tsize:float\nb1\tgreen tea\t2\n")), store)
    assert item(store, "b1") == Item("b1", "green tea", attributes={"size": ("2",)})


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Sanding roll of 1 1/2 inches. " + "For wood. " * 20, "Sanding roll of 1 1/2 inches."),
        ("word " * 50, "word " * 23 + "word"),
        ("茶" * 300, "茶" * 120),
        ("好茶，" * 10 + "真香。" + "茶" * 200, "好茶，" * 10 + "真香。"),
    ],
)
def test_a_long_text_for_a_name_is_cut_into_a_name_and_a_description(
    tmp_path: Path, store: Store, text: str, name: str
) -> None:
    bring(plan(write(tmp_path, f"item_id\ttext\nb1\t{text}\n")), store)
    found = item(store, "b1")
    assert found.name == name
    assert (found.name + found.description).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("item_id,name", "items"),
        ("id,标题", "items"),
        ("sku,price,released", "items"),
        ("sku,name,keywords", "items"),
        ("item_id,name,timestamp", "csv"),
        ("item_id,price,user_id", "csv"),
        ("item_id,price,order_id", "csv"),
        ("item_id,colour", "csv"),
        ("name,price", "csv"),
    ],
)
def test_a_catalogue_is_told_from_a_log_by_its_columns(tmp_path: Path, header: str, told: str) -> None:
    path = write(tmp_path, header + "\n")
    if told == "items":
        assert plan(path).format.name == told
    else:
        with pytest.raises(DataError, match=r"--format items|--event purchase"):
            plan(path)


def test_a_log_of_purchases_stays_one(tmp_path: Path) -> None:
    path = write(tmp_path, "item_id,name,price,date,user\nt1,tea,3,2026-11-01,ann\n")
    assert plan(path, event="purchase").format.name == "csv"


def test_a_kind_of_event_for_other_files_of_the_command_does_not_make_a_log_of_a_catalogue(tmp_path: Path) -> None:
    assert plan(write(tmp_path, "item_id,name,price\nt1,tea,3\n"), event="purchase").format.name == "items"
    with pytest.raises(DataError, match="no column says who"):
        plan(write(tmp_path, "item_id,name,price,bought\nt1,tea,3,2026-11-01\n"), event="purchase")


def test_what_is_said_decides(tmp_path: Path, store: Store) -> None:
    path = write(tmp_path, "item_id,name,date\nt1,tea,2026-11-01\n")
    assert plan(path, format="items").format.name == "items"
    assert plan(path, {"name": "name"}).format.name == "items"
    assert plan(write(tmp_path, "item_id,colour\nt1,red\n"), event="set_item").format.name == "items"
    planned = plan(write(tmp_path, "item_id,name,date\nt1,tea,2026-11-01\n"), {"timestamp": "date"}, format="items")
    assert bring(planned, store).last is None
    assert [row["timestamp"][0] for row in scanned(store)] == [datetime(2026, 11, 1, tzinfo=UTC)]


def scanned(store: Store) -> list[dict[str, Any]]:
    return [batch.select(["timestamp"]).to_pydict() for batch in store.scan()]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("name,price\ntea,3\n", r"no column holds the item id; give --map item_id=COLUMN \(columns: name, price\)"),
        ("item_id,shop_id\nt1,7\n", "no column describes the items"),
        ("tea\npot\n", "a catalogue needs a header"),
    ],
)
def test_a_file_that_is_no_catalogue(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        plan(write(tmp_path, content), format="items")


def test_lines_of_json_in_the_names_of_schema_org(tmp_path: Path, store: Store) -> None:
    rows: list[dict[str, Any]] = [
        {
            "id": 7,
            "name": "Pot",
            "brand": {"name": "Yi"},
            "category": ["Home", "Tea"],
            "image": ["https://example.org/1.jpg"],
            "availability": "https://schema.org/OutOfStock",
            "additionalProperty": [{"name": "size", "value": "big"}],
            "tags": ["new", "round"],
        },
        {"id": "8", "name": "Cup", "category": '["Home", "A > B"]', "price": 3},
    ]
    assert counts(bring(plan(write(tmp_path, b"\n".join(map(orjson.dumps, rows)))), store)) == (2, 2, 0, 0)
    pot = item(store, "7")
    assert (pot.brand, pot.category, pot.image) == ("Yi", ("Home", "Tea"), "https://example.org/1.jpg")
    assert (pot.in_stock, pot.attributes) == (False, {"size": ("big",), "tags": ("new", "round")})
    assert (item(store, "8").category, item(store, "8").price) == (("Home", "A > B"), 3.0)


def test_lists_as_python_writes_them_and_names_that_begin_with_a_bracket(tmp_path: Path, store: Store) -> None:
    rows = "sku\tname\tcategory\timage\tsize\n1\t[new] \\d tea\t['Food', 'Tea']\t[]\t[1, 2.5]\n"
    assert counts(bring(plan(write(tmp_path, rows)), store)) == (1, 1, 0, 0)
    assert item(store, "1") == Item("1", "[new] \\d tea", category=("Food", "Tea"), attributes={"size": ("1", "2.5")})


def test_a_parquet_of_items_with_gaps(tmp_path: Path, store: Store) -> None:
    frame = pl.DataFrame({"product_id": [1.0, 2.0, None], "title": ["Tea", None, "Cup"], "price": [1.5, None, 2.0]})
    frame.write_parquet(tmp_path / "items")
    assert counts(bring(plan(tmp_path / "items"), store)) == (3, 2, 0, 1)
    assert (item(store, "1"), item(store, "2")) == (Item("1", "Tea", price=1.5), Item("2"))


def test_bad_rows_go_to_quarantine_as_the_file_has_them(tmp_path: Path, store: Store) -> None:
    rows = "item_id,name,price,stock\nt1,tea,3,1\n,cup,4,1\nt2,pot,-1,1\nt3,jug,NaN,1\nt4,can,cheap,1\nt5,mug,5,some\n"
    report = bring(plan(write(tmp_path, rows), {"item_id": "item_id", "price": "price", "in_stock": "stock"}), store)
    assert counts(report) == (6, 1, 0, 5)
    assert report.quarantine is not None
    bad = [orjson.loads(line) for line in Path(report.quarantine).read_bytes().splitlines()]
    assert [(row["line"], row["reason"].split(";")[0]) for row in bad] == [
        (3, "item_id is missing"),
        (4, "price is '-1'"),
        (5, "price is 'NaN'"),
        (6, "price is 'cheap'"),
        (7, "in_stock is 'some'"),
    ]
    assert bad[1]["raw"] == {"item_id": "t2", "name": "pot", "price": "-1", "stock": "1"}


def test_the_same_catalogue_again_adds_nothing_and_a_changed_row_changes_its_item(tmp_path: Path, store: Store) -> None:
    bring(plan(write(tmp_path, TEAS)), store)
    assert counts(bring(plan(write(tmp_path, TEAS)), store)) == (2, 0, 2, 0)
    changed = TEAS.replace("€8", "€9").replace("Yi", "")
    assert counts(bring(plan(write(tmp_path, changed)), store)) == (2, 2, 0, 0)
    assert (item(store, "t2").price, item(store, "t1").brand) == (9.0, None)


def test_a_price_that_comes_back_is_the_price_again(tmp_path: Path, store: Store) -> None:
    for price in ("€8", "€9"):
        bring(plan(write(tmp_path, TEAS.replace("€8", price))), store)
    back = bring(plan(write(tmp_path, TEAS)), store)
    assert (counts(back), item(store, "t2").price) == ((2, 1, 1, 0), 8.0)
    assert counts(bring(plan(write(tmp_path, TEAS)), store)) == (2, 0, 2, 0)


def test_of_two_rows_for_one_item_the_last_counts_again_and_again(tmp_path: Path, store: Store) -> None:
    path = write(tmp_path, "item_id,name\nt1,Tea\nt1,Green tea\n")
    for expected in ((2, 2, 0, 0), (2, 0, 2, 0), (2, 0, 2, 0)):
        assert counts(bring(plan(path), store)) == expected
        assert item(store, "t1").name == "Green tea"


@pytest.mark.parametrize(
    ("written", "price"),
    [("3", 3.0), (" $1,299.50 ", 1299.5), ("¥59", 59.0), ("59元", 59.0), ("USD 5", 5.0), ("5 EUR", 5.0), (0, 0.0)],
)
def test_prices_as_shops_write_them(written: object, price: float) -> None:
    assert amount(written) == price


@pytest.mark.parametrize("written", ["", "12,5", "1-2", "-1", "nan", "inf", True, None, "3 for 2", "1e5"])
def test_what_is_no_price_is_refused(written: object) -> None:
    with pytest.raises(DataError, match="price is"):
        amount(written)


@pytest.mark.parametrize(
    ("written", "there"),
    [(True, True), (0, False), ("3", True), ("0", False), ("1.0", True), ("in stock", True), ("No", False)],
)
def test_stock_as_shops_write_it(written: object, there: bool) -> None:
    assert in_stock(written) is there


def test_stock_in_words_of_schema_org_and_of_chinese_shops() -> None:
    written = ["http://schema.org/OutOfStock", "https://schema.org/InStock", "缺货", "有货"]
    assert [in_stock(word) for word in written] == [False, True, False, True]


@given(rows=st.lists(st.tuples(*[st.text(max_size=12)] * 5), max_size=6))
@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_row_is_an_item_a_duplicate_or_in_quarantine(tmp_path: Path, rows: list[tuple[str, ...]]) -> None:
    names = ("item_id", "name", "category", "price", "attributes")
    lines = [orjson.dumps(dict(zip(names, row, strict=True))) for row in [("t", "tea", "A|B", "1", "{}"), *rows]]
    planned, sink = plan(write(tmp_path, b"\n".join(lines)), format="items"), DryRun(Tally())
    with Quarantine(tmp_path / "quarantine", "items", now=datetime.now(UTC)) as quarantine:
        report, again = load(planned, sink, quarantine, now=NOW), load(planned, sink, quarantine, now=NOW)
    assert report.rows == len(lines) == report.accepted + report.duplicates + report.quarantined
    assert (again.accepted, again.quarantined) == (0, report.quarantined)


@pytest.mark.data
def test_the_public_items_of_short_texts(tmp_path: Path, store: Store) -> None:
    path = DATA / "amazon2014_seq/Beauty/items.tsv.gz"
    if not path.exists():
        pytest.skip(f"no {path.name} under HUAXIANG_DATA ({DATA})")
    given = {"item_id": "asin", "name": "short_text", "category": "attribute_names"}
    assert counts(bring(plan(path, given), store)) == (12_101, 12_101, 0, 0)
