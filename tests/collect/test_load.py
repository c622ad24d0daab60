"""Files into a shop: every row is accepted, a duplicate or in quarantine."""

import csv
import gzip
import io
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from huaxiang.collect.check import check_event
from huaxiang.collect.importers import Options
from huaxiang.collect.intake import read_event
from huaxiang.collect.load import Report, load, plan_import
from huaxiang.collect.quarantine import Quarantine
from huaxiang.collect.validate import validate
from huaxiang.errors import DataError, UnknownNameError
from huaxiang.store import Store, open_store
from huaxiang.types import Event

LATER = datetime(2100, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 23, tzinfo=UTC)
HEADER = "user_id,item_id,timestamp,value\n"
GOOD = HEADER + "ann,tea,2026-11-01T12:00:00Z,9.5\nbob,pot,2026-11-01T13:00:00Z,30\n"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/shop.db")
    yield opened
    opened.close()


def write(folder: Path, content: str | bytes, name: str = "file") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def bring(path: Path, store: Store, event: str | None = "purchase", **options: Any) -> Report:
    plan = plan_import(path, options=Options(event=event, **options))
    with Quarantine(path.parent / "quarantine", path.name, now=NOW) as quarantine:
        return load(plan, store, quarantine, now=NOW)


def counts(report: Report) -> tuple[int, int, int, int]:
    return report.rows, report.accepted, report.duplicates, report.quarantined


def quarantined(report: Report) -> list[Mapping[str, Any]]:
    assert report.quarantine is not None
    return [orjson.loads(line) for line in Path(report.quarantine).read_bytes().splitlines()]


def of(store: Store, user: str) -> list[Event]:
    return store.history(user, before=LATER, limit=99)


def test_a_csv_of_purchases(tmp_path: Path, store: Store) -> None:
    report = bring(write(tmp_path, GOOD), store)
    assert (report.format, counts(report)) == ("csv", (2, 2, 0, 0))
    bought = of(store, "ann")[0]
    assert (bought.event, bought.item_id, bought.value) == ("purchase", "tea", 9.5)
    assert bought.timestamp == datetime(2026, 11, 1, 12, tzinfo=UTC)


def test_the_same_file_again_adds_nothing(tmp_path: Path, store: Store) -> None:
    path = write(tmp_path, GOOD)
    bring(path, store)
    assert counts(bring(path, store)) == (2, 0, 2, 0)


def test_a_file_that_grew_adds_what_is_new(tmp_path: Path, store: Store) -> None:
    bring(write(tmp_path, GOOD), store)
    grown = write(tmp_path, GOOD + '"cid","a ""big"" pot",2026-11-02,\n')
    assert counts(bring(grown, store)) == (3, 1, 2, 0)
    assert of(store, "cid")[0].item_id == 'a "big" pot'


def test_bad_rows_go_to_quarantine_with_line_reason_and_row(tmp_path: Path, store: Store) -> None:
    report = bring(write(tmp_path, GOOD + "cid,tea,2026-11-01,nan\n,tea,2026-11-01,1\ndan,tea\n"), store)
    assert counts(report) == (5, 2, 0, 3)
    bad = {row["line"]: row for row in quarantined(report)}
    assert bad[4]["reason"] == "value is nan; give a finite number"
    assert bad[4]["raw"] == {
        "user_id": "cid",
        "item_id": "tea",
        "timestamp": "2026-11-01",
        "value": "nan",
        "event": "purchase",
    }
    assert "names nobody" in bad[5]["reason"]
    assert (bad[6]["reason"].split(";")[0], bad[6]["raw"]) == ("2 fields where the header has 4", "dan,tea")


def test_columns_in_chinese_are_guessed(tmp_path: Path, store: Store) -> None:
    path = write(tmp_path, "客户;货号;下单时间;数量;单价;备注\n张三;A1;2019年2月14日;2;9.5;送礼\n")
    plan = plan_import(path, options=Options(event="purchase"))
    assert plan.guess is not None
    assert plan.guess.columns == {
        "user_id": "客户",
        "item_id": "货号",
        "timestamp": "下单时间",
        "quantity": "数量",
        "price": "单价",
    }
    bring(path, store, timezone=ZoneInfo("Asia/Shanghai"))
    bought = of(store, "张三")[0]
    assert bought.timestamp == datetime(2019, 2, 13, 16, tzinfo=UTC)
    assert bought.properties == {"price": 9.5, "备注": "送礼"}


def test_columns_that_are_given_win(tmp_path: Path) -> None:
    path = write(tmp_path, "who,user_id,what,when\nann,7,tea,2026-11-01\n")
    plan = plan_import(path, columns={"user_id": "who", "item_id": "what"}, options=Options(event="purchase"))
    assert plan.guess is not None
    assert (plan.guess.columns["user_id"], plan.guess.others) == ("who", {"user_id": "(property)"})
    assert plan.guess.why["timestamp"] == "by its values"


@pytest.mark.parametrize(
    ("columns", "said"), [({"who": "user_id"}, "unknown field 'who'"), ({"user_id": "kunde"}, "unknown column 'kunde'")]
)
def test_a_column_or_field_that_is_not_there(tmp_path: Path, columns: dict[str, str], said: str) -> None:
    with pytest.raises(UnknownNameError, match=said):
        plan_import(write(tmp_path, GOOD), columns=columns, options=Options(event="purchase"))


@pytest.mark.parametrize(
    ("content", "event", "said"),
    [
        (GOOD, None, "give --event purchase"),
        (GOOD, "buy", "unknown event 'buy'"),
        ("user_id,item_id\nann,tea\n", "purchase", "--map timestamp=COLUMN"),
        ("item_id,timestamp\ntea,2026-11-01\n", "purchase", "--map user_id=COLUMN"),
        ("", "purchase", "the file is empty"),
        ("\n \n", "purchase", "the file is empty"),
        ('[{"event": "like"}]', None, "one object per line"),
        (b"\xff\xfea\x00", "purchase", "UTF-16"),
        (b"PAR1 and nothing else", "purchase", "damaged Parquet"),
    ],
)
def test_a_file_that_cannot_be_planned(tmp_path: Path, content: str | bytes, event: str | None, said: str) -> None:
    with pytest.raises(DataError, match=said):
        plan_import(write(tmp_path, content), options=Options(event=event))


def test_an_error_lists_a_dozen_columns_of_many(tmp_path: Path) -> None:
    wide = ",".join(f"c{at:03}" for at in range(300)) + "\n" + ",".join("x" * 300) + "\n"
    with pytest.raises(DataError, match=r"c011 \.\.\. and 288 more\)") as caught:
        plan_import(write(tmp_path, wide), options=Options(event="purchase"))
    assert "c012" not in str(caught.value)
    with pytest.raises(UnknownNameError, match=r"known: c000, .*, c011 \.\.\. and 288 more$"):
        plan_import(write(tmp_path, wide), columns={"user_id": "kunde"}, options=Options(event="purchase"))


def test_typed_headers_of_recbole_are_understood(tmp_path: Path, store: Store) -> None:
    text = "user_id:token\titem_id:token\trating:float\ttimestamp:float\tshop:token\nann\ttea\t5\t1767225600.0\tx\n"
    report = bring(write(tmp_path, text), store)
    assert counts(report) == (1, 1, 0, 0)
    bought = of(store, "ann")[0]
    assert (bought.item_id, bought.rating, bought.timestamp) == ("tea", 5.0, datetime(2026, 1, 1, tzinfo=UTC))
    assert bought.properties == {"shop": "x"}


def test_the_words_of_a_search_are_read_in_a_file_as_in_a_request(tmp_path: Path, store: Store) -> None:
    rows = "event,user_id,timestamp,query\nsearch,ann,2026-11-01,the Red Tea pot\nsearch,ann,2026-11-02,红色茶壶\n"
    bring(write(tmp_path, rows), store, event=None)
    readings = [event.reading for event in of(store, "ann")]
    assert [reading.keywords[:3] for reading in readings if reading] == [("red", "tea", "pot"), ("红色", "茶壶")]
    alone = read_event(check_event({"event": "search", "user_id": "ann", "timestamp": NOW, "query": "the Red Tea pot"}))
    assert alone.reading == readings[0]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no file"):
        plan_import(tmp_path / "nowhere.csv")


def test_a_header_alone_is_no_rows(tmp_path: Path, store: Store) -> None:
    assert counts(bring(write(tmp_path, HEADER), store)) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(",", ";"),
        lambda text: text.replace(",", "\t"),
        lambda text: text.replace(",", "|"),
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\r"),
        lambda text: text.replace("9.5\n", "9.5\r\n").rstrip(),
        lambda text: text.replace("\n", "\n\n"),
    ],
)
def test_separators_marks_and_line_ends_make_no_difference(tmp_path: Path, store: Store, change: Any) -> None:
    assert counts(bring(write(tmp_path, change(GOOD)), store)) == (2, 2, 0, 0)
    assert counts(bring(write(tmp_path, GOOD), store)) == (2, 0, 2, 0)


def test_broken_utf8_costs_its_own_row(tmp_path: Path, store: Store) -> None:
    report = bring(write(tmp_path, GOOD.encode() + b"c\xffd,tea,2026-11-01,1\n"), store)
    assert counts(report) == (3, 2, 0, 1)
    assert quarantined(report)[0]["reason"].startswith("broken UTF-8")


def test_a_gzip_that_ends_early_gives_what_it_has(tmp_path: Path, store: Store) -> None:
    rows = "".join(f"user-{n},item-{n * 7919 % 10_007},2026-11-01,{n}\n" for n in range(20_000))
    packed = gzip.compress((HEADER + rows).encode())
    report = bring(write(tmp_path, packed[: len(packed) // 2]), store)
    assert report.accepted > 5_000
    assert report.quarantined == 1
    assert "the gzip file is damaged or ends early" in quarantined(report)[-1]["reason"]


def test_a_ten_megabyte_field_is_quarantined_and_cut(tmp_path: Path, store: Store) -> None:
    report = bring(write(tmp_path, GOOD + f'cid,"{"x" * 10_000_000}",2026-11-01,1\n'), store)
    assert counts(report) == (3, 2, 0, 1)
    bad = quarantined(report)[0]
    assert (bad["line"], bad["raw_is_cut_from_bytes"] > 10_000_000, len(bad["raw"])) == (4, True, 250_000)


def test_an_open_quote_costs_one_line(tmp_path: Path, store: Store) -> None:
    report = bring(
        write(tmp_path, HEADER + 'ann,"tea,2026-11-01,1\nbob,pot,2026-11-01,2\ncid,cup,2026-11-01,3\n'), store
    )
    assert counts(report) == (3, 2, 0, 1)
    assert quarantined(report)[0]["line"] == 2


def test_rows_out_of_order_are_sorted_and_counted(tmp_path: Path, store: Store) -> None:
    rows = "ann,c,2026-11-03,1\nann,a,2026-11-01,1\nann,b,2026-11-02,1\n"
    assert bring(write(tmp_path, HEADER + rows), store).out_of_order == 2
    assert [(event.item_id, event.seq) for event in of(store, "ann")] == [("a", 1), ("b", 2), ("c", 3)]


def test_moments_to_come_are_kept_and_counted(tmp_path: Path, store: Store) -> None:
    report = bring(write(tmp_path, GOOD + "cid,tea,2027-01-01,1\n"), store)
    assert (report.accepted, report.clock_skew) == (3, 1)


def test_identical_rows_are_one_event(tmp_path: Path, store: Store) -> None:
    assert counts(bring(write(tmp_path, GOOD + GOOD.removeprefix(HEADER)), store)) == (4, 2, 2, 0)


def test_json_lines_with_nested_odd_and_broken_ones(tmp_path: Path, store: Store) -> None:
    lines = [
        {"event": "view_item", "user_id": "ann", "item_id": "tea", "timestamp": 1793534400, "colour": "red"},
        {"event": "purchase", "user_id": 7, "items": [{"item_id": "tea"}], "timestamp": "2026-11-01"},
        {"event": "consent", "user_id": "ann", "scope": "all", "status": "denied", "timestamp": "2026-11-01"},
        {"event": "like", "user_id": "ann", "item_id": "tea", "timestamp": "2026-11-01", "value": True},
    ]
    content = b"\n".join(map(orjson.dumps, lines)) + b'\n{"event": \n[1]\n{"event": "like", "value": NaN}\n'
    report = bring(write(tmp_path, content), store, event=None)
    assert (report.format, counts(report)) == ("jsonl", (7, 3, 0, 4))
    assert {row["line"] for row in quarantined(report)} == {4, 5, 6, 7}
    assert [event.properties for event in of(store, "ann")] == [
        {"scope": "all", "status": "denied"},
        {"colour": "red"},
    ]


def test_a_row_of_plain_lines_is_the_same_event_beside_odd_ones(tmp_path: Path, store: Store) -> None:
    plain = b'{"event":"purchase","user_id":"ann","timestamp":"2026-11-01 08:00:00","value":2,"quantity":null}\n'
    odd = b'{"event":"purchase","user_id":7,"timestamp":1793534400,"value":1.5,"colour":"red"}\n'
    assert counts(bring(write(tmp_path, plain), store, event=None)) == (1, 1, 0, 0)
    assert counts(bring(write(tmp_path, plain + b"\r\n" + odd), store, event=None)) == (2, 1, 1, 0)
    assert counts(bring(write(tmp_path, odd), store, event=None)) == (1, 0, 1, 0)


def test_a_log_that_was_written_out_comes_back_as_duplicates(tmp_path: Path, store: Store) -> None:
    bring(write(tmp_path, GOOD), store)
    rows = [row for batch in store.scan() for row in batch.to_pylist()]
    lines = b"\n".join(orjson.dumps({name: value for name, value in row.items() if value is not None}) for row in rows)
    assert counts(bring(write(tmp_path, lines), store, event=None)) == (2, 0, 2, 0)


def test_parquet_with_gaps_keeps_whole_numbers_as_ids(tmp_path: Path, store: Store) -> None:
    frame = pl.DataFrame(
        {
            "CustomerID": [17850.0, None, 3.5],
            "sku": ["tea", "pot", "cup"],
            "date": [datetime(2026, 11, day) for day in (1, 2, 3)],
            "amount": [1.0, float("nan"), 2.0],
        }
    )
    frame.write_parquet(tmp_path / "sales")
    report = bring(tmp_path / "sales", store)
    assert (report.format, counts(report)) == ("parquet", (3, 1, 0, 2))
    assert of(store, "17850")[0].item_id == "tea"


def test_reviews_of_a_file_are_read(tmp_path: Path, store: Store) -> None:
    rows = "user_id,item_id,date,rating,text\nann,tea,2026-11-01,5,很好喝，非常喜欢\nbob,tea,2026-11-01,1,\n"
    report = bring(write(tmp_path, rows), store, event="review")
    assert report.reading_seconds > 0
    readings = [of(store, user)[0].reading for user in ("ann", "bob")]
    assert [reading.language for reading in readings if reading] == ["zh", "und"]
    assert [reading.polarity > 0 for reading in readings if reading and reading.polarity is not None] == [True, False]


def test_a_dry_run_tells_what_an_import_would(tmp_path: Path, store: Store) -> None:
    path = write(tmp_path, GOOD + GOOD.removeprefix(HEADER) + "cid,cup,never,1\n")
    found = validate(plan_import(path, options=Options(event="purchase")))
    assert counts(found.report) == (5, 2, 2, 1)
    assert [row.line for row in found.bad] == [6]
    figures = found.to_json()["figures"]
    assert (figures["users"], figures["items"], figures["unknown_items"], figures["density"]) == (2, 2, 2, 0.5)
    assert figures["missing"] == {"purchase.session_id": 2}
    assert not (tmp_path / "quarantine").exists()
    assert store.last_seq == 0


cells = st.one_of(
    st.sampled_from(["ann", "bob", "tea", "", "2026-11-01", "2026-11-01T12:00:00Z", "1550131500", "9.5", "-1", "nan"]),
    st.text(max_size=6),
)
lines = st.one_of(
    st.lists(cells, min_size=4, max_size=4).map(lambda row: written(row).encode()),
    st.lists(cells, max_size=6).map(lambda row: written(row).encode()),
    st.binary(max_size=20).map(lambda raw: raw + b"\n"),
)


def written(row: list[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(row)
    return text.getvalue()


def dry(path: Path) -> Report:
    columns = {"user_id": "user_id", "item_id": "item_id", "timestamp": "timestamp", "value": "value"}
    return validate(plan_import(path, format="csv", columns=columns, options=Options(event="purchase"))).report


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(lines, max_size=8))
def test_no_row_of_any_table_is_lost(tmp_path: Path, rows: list[bytes]) -> None:
    report = dry(write(tmp_path, GOOD.encode() + b"".join(rows)))
    assert report.rows == report.accepted + report.duplicates + report.quarantined
    assert report.accepted >= 2


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(cells, min_size=4, max_size=4), max_size=6))
def test_rows_in_a_table_and_alone_are_judged_alike(tmp_path: Path, rows: list[list[str]]) -> None:
    together = dry(write(tmp_path, GOOD + "".join(map(written, rows))))
    assert together.quarantined == sum(verdict(row) == "bad" for row in rows)


def verdict(row: list[str]) -> str:
    """What `check_event` says to the row as a payload."""
    names = ("user_id", "item_id", "timestamp", "value")
    payload: dict[str, Any] = {name: value for name, value in zip(names, row, strict=True) if value}
    with suppress(KeyError, ValueError):
        payload["value"] = float(payload["value"])
    try:
        check_event({"event": "purchase", **payload}, timezone=UTC)
    except DataError:
        return "bad"
    return "good"


json_lines = st.one_of(
    st.dictionaries(
        st.sampled_from(["event", "user_id", "item_id", "timestamp", "value", "text", "price", "colour", "items"]),
        st.one_of(
            st.sampled_from(["ann", "like", "purchase", "2026-11-01", 1550131500, None, True, [], {}]),
            st.integers(),
            st.floats(),
            st.text(max_size=5),
        ),
    ).map(lambda row: orjson.dumps(row, option=orjson.OPT_PASSTHROUGH_DATETIME) if fits(row) else b'{"value": 1e999}'),
    st.binary(max_size=20).map(lambda raw: raw.replace(b"\n", b"").replace(b"\r", b"")),
)


def fits(row: Mapping[str, Any]) -> bool:
    return all(not isinstance(value, int) or -(1 << 63) <= value < 1 << 64 for value in row.values()) and all(
        not isinstance(value, str) or value.isprintable() for value in row.values()
    )


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(json_lines, max_size=8))
def test_no_line_of_any_json_is_lost(tmp_path: Path, rows: list[bytes]) -> None:
    good = b'{"event":"like","user_id":"ann","item_id":"tea","timestamp":"2026-11-01T12:00:00Z"}\n'
    path = write(tmp_path, good + b"\n".join(rows))
    report = validate(plan_import(path, format="jsonl", options=Options(event="purchase"))).report
    assert report.rows == report.accepted + report.duplicates + report.quarantined
    assert report.rows == 1 + sum(1 for row in b"\n".join(rows).splitlines() if row.strip())
