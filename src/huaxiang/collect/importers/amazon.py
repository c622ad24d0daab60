"""Amazon Reviews 2018: reviews and metadata, one JSON object per line, as published."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import orjson
import polars as pl

from huaxiang.collect.importers.base import BadRow, Batch, Options, Sample
from huaxiang.collect.importers.jsonl import json_rows
from huaxiang.collect.moments import EPOCH

_REVIEW: Final = frozenset({"reviewerID", "asin", "unixReviewTime"})
_META: Final = frozenset({"asin", "title"})
_KNOWN: Final = _REVIEW | {"overall", "reviewText", "reviewTime", "reviewerName"}
_PRICE: Final = re.compile(r"\$\s?(\d[\d,]*(?:\.\d+)?)")
_FILED: Final = re.compile(r"shipping|dimensions|\b(?:asin|upc|ean|isbn|model number|rank)\b", re.IGNORECASE)
_LONGEST_VALUE: Final = 60
_TAGS: Final = re.compile(r"<[^>]{0,2000}>")


class AmazonReviews:
    """Reviews become `review` events with rating, text and whether the purchase was verified."""

    name = "amazon2018"
    guesses = False
    clock = "epoch"

    def matches(self, sample: Sample) -> bool:
        """Whether rows have the dump's names, of reviews or of metadata."""
        columns = frozenset(sample.columns)
        return sample.kind == "json" and (columns >= _REVIEW or (columns >= _META and "reviewerID" not in columns))

    def batches(self, path: Path, sample: Sample, _: Options) -> Iterator[Batch]:
        """Reviews in columns, metadata as `set_item` payloads."""
        reviews = "reviewerID" in sample.columns
        for lines, rows, bad in json_rows(path):
            if reviews:
                yield _reviews(lines, rows, bad)
            else:
                yield Batch(
                    payloads=tuple((line, _item(row)) for line, row in zip(lines, rows, strict=True)), bad=tuple(bad)
                )

    def notes(self, _: Options) -> tuple[str, ...]:
        """Items have no time in the dump, reviewers' names are left out, and not every detail is kept."""
        return (
            "items have no time in this format: they are taken as set at 1970-01-01, before every event",
            "of items, features are read as description; details of shipping, size and filing are left out",
            "of reviews, reviewerName is personal and not kept; summary is kept as title, verified as "
            "verified_purchase",
        )


def _reviews(lines: Sequence[int], rows: Sequence[Mapping[str, Any]], bad: Sequence[BadRow]) -> Batch:
    """Rows whose fields have the published types as columns; any other as a payload, to be judged alone."""
    plain = [at for at, row in enumerate(rows) if _is_plain(row)]
    kept = [rows[at] for at in plain]
    frame = pl.DataFrame(
        [
            pl.Series("line", [lines[at] for at in plain], dtype=pl.Int64),
            pl.Series("event", ["review"] * len(kept), dtype=pl.String),
            pl.Series("user_id", [row["reviewerID"] for row in kept], dtype=pl.String),
            pl.Series("item_id", [row["asin"] for row in kept], dtype=pl.String),
            pl.Series("timestamp", [row["unixReviewTime"] for row in kept], dtype=pl.Int64),
            pl.Series("rating", [row.get("overall") for row in kept], dtype=pl.Float64),
            pl.Series("text", [row.get("reviewText") for row in kept], dtype=pl.String),
            pl.Series("properties_json", [_json(_said(row)) for row in kept], dtype=pl.String),
        ]
    )
    others = sorted(set(range(len(rows))) - set(plain))
    payloads = tuple((lines[at], _payload(rows[at])) for at in others)
    return Batch(frame if kept else None, payloads, tuple(bad))


def _is_plain(row: Mapping[str, Any]) -> bool:
    return (
        type(row.get("reviewerID")) is str
        and type(row.get("asin")) is str
        and type(row.get("unixReviewTime")) is int
        and abs(row["unixReviewTime"]) < 1 << 62
        and type(row.get("overall", 0.0)) in {float, int, type(None)}
        and type(row.get("reviewText", "")) in {str, type(None)}
        and all(key in _KNOWN or type(value) in {str, bool} for key, value in row.items())
    )


def _payload(row: Mapping[str, Any]) -> dict[str, Any]:
    named = {
        "user_id": row.get("reviewerID"),
        "item_id": row.get("asin"),
        "timestamp": row.get("unixReviewTime"),
        "rating": row.get("overall"),
        "text": row.get("reviewText"),
    }
    return {"event": "review", **named, "properties": _said(row)}


def _said(row: Mapping[str, Any]) -> dict[str, Any]:
    """What a review says beyond the canonical fields; nulls left out."""
    names = {"verified": "verified_purchase", "summary": "title", "image": "images"}
    return {names.get(key, key): row[key] for key in sorted(row) if key not in _KNOWN and row[key] is not None}


def _json(said: Mapping[str, Any]) -> str | None:
    return orjson.dumps(said).decode() if said else None


def _item(row: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata as a `set_item` payload; fields that the dump fills with markup or leaves empty are left out."""
    images = row.get("imageURLHighRes") or row.get("imageURL") or row.get("imUrl")
    said = {
        "name": row.get("title"),
        "brand": row.get("brand"),
        "category": _category(row),
        "description": _description(row),
        "image": images[0] if isinstance(images, list) else images,
        "attributes": _attributes(row),
        **_price(row.get("price")),
    }
    kept = {name: value for name, value in said.items() if value not in (None, "", [], {})}
    return {"event": "set_item", "item_id": row.get("asin"), "timestamp": EPOCH, "properties": kept}


def _category(row: Mapping[str, Any]) -> Any:
    path = row.get("category") or row.get("categories")
    if isinstance(path, list) and path and isinstance(path[0], list):  # the 2014 dump has a list of paths
        path = path[0]
    if path and not isinstance(path, list):
        return path
    main = row.get("main_cat")
    steps = [_TAGS.sub("", part).strip() if isinstance(part, str) else part for part in path or []]
    steps = list(dict.fromkeys(step for step in steps if step))  # some paths repeat their top
    return steps or ([main] if isinstance(main, str) and main and "<" not in main else None)


def _description(row: Mapping[str, Any]) -> Any:
    """The description and the features, which are sentences about the item and no values to compare items by."""
    described, features = row.get("description"), row.get("feature")
    if described and not isinstance(described, list):
        return described
    texts = [*(described or ()), *(features if isinstance(features, list) else ())]
    return " ".join(text.strip() for text in texts if isinstance(text, str) and text.strip())


def _attributes(row: Mapping[str, Any]) -> dict[str, Any]:
    """Details that say what an item is: short values, and nothing of how its parcel travels or what it is filed as."""
    details = row.get("details")
    found: dict[str, Any] = {}
    if isinstance(details, Mapping):
        for name, value in details.items():
            key = str(name).strip().strip(":").strip()
            said = value.strip() if isinstance(value, str) else ""
            if key and 0 < len(said) <= _LONGEST_VALUE and not _FILED.search(key):
                found[key] = said
    return found


def _price(value: Any) -> dict[str, Any]:
    """A price in dollars; of a range the lower end, of markup nothing."""
    if isinstance(value, float | int) and not isinstance(value, bool):
        return {"price": value, "currency": "USD"}
    found = _PRICE.match(value.strip()) if isinstance(value, str) and len(value) < 100 else None
    return {"price": float(found[1].replace(",", "")), "currency": "USD"} if found else {}
