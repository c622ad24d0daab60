"""A request body or a file of JSON taken apart: one object, an array, or one object per line."""

import json
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import orjson

from huaxiang.errors import DataError

MAX_BODY: Final = 64 * 1024 * 1024
"""Largest body, in bytes."""

Payload: TypeAlias = Mapping[str, Any]


def parse_body(body: bytes, content_type: str = "") -> list[tuple[int, Payload | DataError]]:
    """The payloads of a body with their index, or what is wrong with them.

    An array or object that is broken as a whole is one error of index 0; of an array whose parts are readable, and of
    NDJSON, only the broken parts are errors. Blank lines of NDJSON are passed over and not counted.

    Args:
        body: UTF-8 with or without a byte order mark.
        content_type: as the request names it; `application/x-ndjson` and `application/jsonl` force one object
            per line, everything else is told from the content.

    Raises:
        DataError: the body is over 64 MB.
    """
    if len(body) > MAX_BODY:
        raise DataError(
            f"the body has {len(body)} bytes; the largest is {MAX_BODY}: send it in parts, or import a file"
        )
    body = body.removeprefix(b"\xef\xbb\xbf").strip()
    if not body:
        return []
    if "ndjson" in content_type or "jsonl" in content_type or "json-lines" in content_type:
        return _lines(body)
    whole = parse_json(body)
    if isinstance(whole, list):
        return [(at, _object(part)) for at, part in enumerate(whole)]
    if isinstance(whole, DataError) and body[:1] == b"{" and b"\n" in body:
        return _lines(body)
    return [(0, _object(whole))]


def parse_json(text: bytes) -> Any:
    """The value, or the `DataError` that says why it is no JSON.

    What orjson refuses only within a value (NaN, broken UTF-8, lone surrogates) is read leniently, so that the check of
    the field can name it.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        try:
            return json.loads(text.decode("utf-8", "surrogateescape"))
        except (ValueError, RecursionError):
            return DataError(f"not JSON: {str(error)[:200]}")


def _lines(body: bytes) -> list[tuple[int, Payload | DataError]]:
    filled = (line for line in body.split(b"\n") if not line.isspace() and line)
    return [(at, _object(parse_json(line))) for at, line in enumerate(filled)]


def _object(value: Any) -> Payload | DataError:
    if isinstance(value, dict | DataError):
        return value
    return DataError(f"an event must be a JSON object, not {type(value).__name__}")
