"""Published formats: Amazon's reviews, invoice lines, plain sequences."""

import gzip
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import polars as pl
import pytest

from huaxiang.collect.catalogue import Catalogue
from huaxiang.collect.importers import FORMATS, Options, find_format, sample_of
from huaxiang.collect.importers.sequences import SPAN
from huaxiang.collect.load import Report, load, plan_import
from huaxiang.collect.quarantine import Quarantine
from huaxiang.errors import UnknownNameError
from huaxiang.store import Store, open_store
from huaxiang.types import Event, anonymous_subject

LATER = datetime(2100, 1, 1, tzinfo=UTC)
DATA = Path(os.environ.get("HUAXIANG_DATA", Path(__file__).parents[2] / "../shared/data"))

REVIEWS: list[dict[str, Any]] = [
    {
        "overall": 5.0,
        "verified": True,
        "reviewTime": "06 17, 2018",
        "reviewerID": "A1",
        "asin": "B1",
        "reviewerName": "Ann Smith",
        "reviewText": "Lovely tea, I love it.",
        "summary": "Five Stars",
        "unixReviewTime": 1529193600,
    },
    {
        "overall": 1.0,
        "verified": False,
        "reviewTime": "06 14, 2018",
        "reviewerID": "A2",
        "asin": "B1",
        "style": {"Size:": " Big"},
        "unixReviewTime": 1528934400,
    },
    {"overall": 1.0, "reviewerID": "A3", "asin": "B1", "unixReviewTime": "long ago"},
]
ITEMS: list[dict[str, Any]] = [
    {
        "asin": "B1",
        "title": "Green tea",
        "brand": "Yi",
        "category": ["Food", "Food", "Tea"],
        "description": ["First.", "Second."],
        "price": "$1,299.50",
        "imageURLHighRes": ["https://example.org/1.jpg"],
        "feature": ["Loose"],
        "details": {
            "\n  Weight: \n": "3 ounces",
            "ASIN: ": "B1",
            "Domestic Shipping: ": "Within the U.S.",
            "Use": "x" * 61,
        },
    },
    {"asin": "B2", "title": "Pot", "brand": "", "category": [], "price": ".a-box-inner{color:red}", "main_cat": "Home"},
]
INVOICES = """InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
536365,85123A,WHITE HEART,6,12/1/2010 8:26,2.55,17850,United Kingdom
536365,85123A,WHITE HEART,6,12/1/2010 8:26,2.55,17850,United Kingdom
536365,POST,POSTAGE,1,12/1/2010 8:26,18,17850,United Kingdom
536366,22633,WARMER,6,12/13/2010 8:28,1.85,,France
C536379,85123A,WHITE HEART,-1,12/14/2010 9:41,2.55,17850,United Kingdom
536589,21777,,-10,12/14/2010 16:50,0,,United Kingdom
A563185,B,Adjust bad debt,1,12/14/2010 16:50,-11062.06,,United Kingdom
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/shop.db")
    yield opened
    opened.close()


def bring(path: Path, store: Store, folder: Path, options: Options | None = None) -> Report:
    plan = plan_import(path, options=options)
    with Quarantine(folder / "quarantine", path.name, now=datetime.now(UTC)) as quarantine:
        return load(plan, store, quarantine)


def write_json(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    path.write_bytes(gzip.compress(b"\n".join(map(orjson.dumps, rows))))
    return path


def counts(report: Report) -> tuple[int, int, int, int]:
    return report.rows, report.accepted, report.duplicates, report.quarantined


def of(store: Store, user: str) -> list[Event]:
    return store.history(user, before=LATER, limit=99)


def test_a_dump_of_reviews(tmp_path: Path, store: Store) -> None:
    report = bring(write_json(tmp_path / "r", REVIEWS), store, tmp_path)
    assert (report.format, counts(report)) == ("amazon2018", (3, 2, 0, 1))
    review = of(store, "A1")[0]
    assert (review.event, review.item_id, review.rating) == ("review", "B1", 5.0)
    assert review.timestamp == datetime(2018, 6, 17, tzinfo=UTC)
    assert review.properties == {"verified_purchase": True, "title": "Five Stars"}
    assert review.reading is not None
    assert review.reading.language == "en"
    assert of(store, "A2")[0].properties == {"style": {"Size:": " Big"}, "verified_purchase": False}


def test_a_dump_of_items(tmp_path: Path, store: Store) -> None:
    path = write_json(tmp_path / "meta", ITEMS)
    assert counts(bring(path, store, tmp_path)) == (2, 2, 0, 0)
    tea, pot = Catalogue(store).get("B1"), Catalogue(store).get("B2")
    assert tea is not None
    assert (tea.name, tea.brand, tea.category, tea.price) == ("Green tea", "Yi", ("Food", "Tea"), 1299.5)
    assert tea.description == "First. Second. Loose"
    assert tea.attributes == {"Weight": ("3 ounces",)}
    assert pot is not None
    assert (pot.category, pot.price, pot.brand) == (("Home",), None, None)
    assert counts(bring(path, store, tmp_path)) == (2, 0, 2, 0)


def test_invoice_lines(tmp_path: Path, store: Store) -> None:
    path = tmp_path / "lines"
    path.write_text(INVOICES)
    report = bring(path, store, tmp_path)
    assert (report.format, counts(report), report.derived) == ("online-retail", (7, 5, 0, 2), 2)
    events = of(store, "17850")
    assert [event.event for event in events] == ["purchase", "purchase", "purchase", "refund"]
    assert [event.item_id for event in events] == ["85123A", "85123A", None, "85123A"]
    assert [event.value for event in events] == [15.3, 15.3, 18.0, 2.55]
    assert events[2].properties == {"charge": "POST", "country": "United Kingdom", "price": 18.0}
    assert (events[3].quantity, events[3].session_id) == (1.0, "C536379")
    assert events[3].timestamp == datetime(2010, 12, 14, 9, 41, tzinfo=UTC)
    nobody = of(store, anonymous_subject("536366"))
    assert [(event.item_id, event.user_id) for event in nobody] == [("22633", None)]
    heart = Catalogue(store).get("85123A")
    assert heart is not None
    assert heart.name == "WHITE HEART"


def test_invoice_lines_again_add_nothing(tmp_path: Path, store: Store) -> None:
    path = tmp_path / "lines"
    path.write_text(INVOICES)
    bring(path, store, tmp_path)
    again = bring(path, store, tmp_path)
    assert (counts(again), again.derived) == ((7, 0, 5, 2), 0)


def test_invoice_lines_in_parquet(tmp_path: Path, store: Store) -> None:
    frame = pl.read_csv(INVOICES.encode(), schema_overrides={"InvoiceNo": pl.String, "StockCode": pl.String})
    at = pl.col("InvoiceDate").str.to_datetime("%m/%d/%Y %H:%M")
    frame.with_columns(at, pl.col("CustomerID").cast(pl.Float64)).write_parquet(tmp_path / "lines")
    assert counts(bring(tmp_path / "lines", store, tmp_path)) == (7, 5, 0, 2)
    assert len(of(store, "17850")) == 4


def test_sequences_end_at_the_stated_moment(tmp_path: Path, store: Store) -> None:
    path = tmp_path / "seq"
    path.write_bytes(gzip.compress(b"ann tea pot cup jug\nbob\n\ncid tea\n"))
    ending = datetime(2026, 1, 1, tzinfo=UTC)
    report = bring(path, store, tmp_path, Options(event="purchase", ending=ending))
    assert (report.format, counts(report)) == ("sequences", (6, 5, 0, 1))
    assert [(event.item_id, ending - event.timestamp) for event in of(store, "ann")] == [
        ("tea", SPAN * 3 / 4),
        ("pot", SPAN * 2 / 4),
        ("cup", SPAN * 1 / 4),
        ("jug", timedelta()),
    ]
    assert [event.timestamp for event in of(store, "cid")] == [ending]
    assert any("2026-01-01" in note for note in report.notes)
    assert counts(bring(path, store, tmp_path, Options(event="purchase", ending=ending))) == (6, 0, 5, 1)


@pytest.mark.parametrize(("n", "held_out"), [(2, 1), (9, 1), (10, 1), (20, 2), (25, 3), (200, 20)])
def test_the_last_tenth_of_the_time_is_the_last_tenth_of_each_sequence(
    tmp_path: Path, store: Store, n: int, held_out: int
) -> None:
    path = tmp_path / "seq"
    path.write_text("ann " + " ".join(f"p{at}" for at in range(n)) + "\n")
    bring(path, store, tmp_path)
    last = of(store, "ann")[-held_out:]
    cut = last[-1].timestamp - SPAN / 10
    assert sum(event.timestamp > cut for event in store.history("ann", before=LATER, limit=n)) == held_out
    assert [event.item_id for event in last] == [f"p{at}" for at in range(n - held_out, n)]


def test_a_sequence_that_grew_adds_its_new_end_at_a_later_ending(tmp_path: Path, store: Store) -> None:
    path = tmp_path / "seq"
    path.write_text("ann tea pot\n")
    bring(path, store, tmp_path)
    path.write_text("ann tea pot cup tea\n")
    assert counts(bring(path, store, tmp_path, Options(ending=Options().ending + SPAN))) == (4, 2, 2, 0)
    assert [event.item_id for event in of(store, "ann")] == ["tea", "pot", "cup", "tea"]


def test_an_unknown_format_is_told_the_known_ones(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_text(INVOICES)
    with pytest.raises(UnknownNameError, match="unknown format 'xml'; known: amazon2018, auto, csv"):
        find_format("xml", sample_of(path))


def test_formats_have_names_of_their_own() -> None:
    assert len({known.name for known in FORMATS}) == len(FORMATS)


def public(name: str) -> Path:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"no {name} under HUAXIANG_DATA ({DATA})")
    return path


@pytest.mark.data
def test_the_public_gift_cards(tmp_path: Path, store: Store) -> None:
    for name, rows in (("meta_Gift_Cards.json.gz", 1_547), ("Gift_Cards_5.json.gz", 2_972)):
        report = bring(public(f"amazon2018_gift_cards_full/{name}"), store, tmp_path)
        assert (report.format, report.rows, report.quarantined) == ("amazon2018", rows, 0)
    assert len(store.users(limit=1_000)) == 458


@pytest.mark.data
@pytest.mark.slow
def test_the_public_invoices(tmp_path: Path, store: Store) -> None:
    report = bring(public("uci_online_retail/Online_Retail.parquet"), store, tmp_path)
    assert (report.format, counts(report)) == ("online-retail", (541_909, 540_571, 0, 1_338))


@pytest.mark.data
@pytest.mark.slow
def test_the_public_sequences(tmp_path: Path, store: Store) -> None:
    report = bring(public("amazon2014_seq/Beauty/sequences.txt.gz"), store, tmp_path)
    assert (report.format, counts(report)) == ("sequences", (198_502, 198_502, 0, 0))


@pytest.mark.data
@pytest.mark.slow
def test_public_reviews_in_a_csv(tmp_path: Path, store: Store) -> None:
    path = public("datafiniti_amazon_reviews/reviews.csv.gz")
    report = bring(path, store, tmp_path, Options(event="review"))
    assert (report.format, counts(report)) == ("csv", (34_660, 34_614, 0, 46))
