"""Thin ASGI layers: ids in paths, the size of bodies, and the time of every answer."""

import time
from typing import Final
from urllib.parse import unquote

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0)


class IdConvertor(Convertor[str]):
    """A path segment that holds any id, percent-encoded once: `a%2Fb` is the id `a/b`."""

    regex = "[^/]+"

    def convert(self, value: str) -> str:
        """Undo what `EncodedIds` kept encoded."""
        return unquote(value)

    def to_string(self, value: str) -> str:
        """Not used: links are made by clients."""
        raise TypeError(f"cannot make a path of {value!r}")


register_url_convertor("id", IdConvertor())


class EncodedIds:
    """Keeps `%2F` and `%25` of the path encoded until the route is found, so that an id may hold slashes."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Route by the path as it was sent."""
        raw: bytes = scope.get("raw_path") or b""
        if scope["type"] == "http" and b"%" in raw:
            kept = raw.decode("latin-1").replace("%25", "%2525").replace("%2F", "%252F").replace("%2f", "%252F")
            scope["path"] = unquote(kept.partition("?")[0])
        await self.app(scope, receive, send)


class Bounded:
    """Refuses a body of any route past a size, before it is all in memory."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app, self.max_bytes = app, max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count while the route reads; the error travels the route's own way to its answer."""
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self.max_bytes:
                limit = f"the body is over {self.max_bytes} bytes"
                raise HTTPException(413, f"{limit}; send it in parts, or use `huaxiang import`")
            return message

        await self.app(scope, counted, send)


class Measured:
    """Counts and times answers by route pattern; ids never become labels, which would grow without bound."""

    def __init__(self, app: ASGIApp, registry: CollectorRegistry) -> None:
        self.app = app
        self._seconds = Histogram(
            "huaxiang_http_seconds", "time to answer", ["route"], registry=registry, buckets=_BUCKETS
        )
        self._answers = Counter("huaxiang_http_answers", "answers by status", ["route", "status"], registry=registry)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass through, and note the status that was sent."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noted)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            self._seconds.labels(route).observe(time.perf_counter() - started)
            self._answers.labels(route, str(status)).inc()
