"""Errors as RFC 9457 problem documents: what went wrong, by which rule, and the way out."""

import logging
from collections.abc import Mapping
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from huaxiang.errors import (
    BusyError,
    ConfigError,
    ConflictError,
    DataError,
    HuaxiangError,
    MissingExtraError,
    ReleaseError,
    StoreError,
    StoreFullError,
    UnknownNameError,
)

logger: Final = logging.getLogger(__name__)

_LONGEST: Final = 2_000

_STATUS: Final[tuple[tuple[type[HuaxiangError], int, str], ...]] = (
    (StoreFullError, 507, "The store is full"),
    (ConflictError, 409, "Changed meanwhile"),
    (StoreError, 503, "The store failed"),
    (ReleaseError, 503, "No usable release"),
    (BusyError, 503, "Busy"),
    (DataError, 422, "The request breaks a rule"),
    (UnknownNameError, 422, "Unknown name"),
    (ConfigError, 500, "The settings are wrong"),
    (MissingExtraError, 501, "Not installed"),
)


def problem(status: int, title: str, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """A problem document; the detail may quote the request, so it is cut, and half surrogate pairs are escaped."""
    said = detail.encode("utf-8", "backslashreplace").decode()
    shown = said if len(said) <= _LONGEST else f"{said[:_LONGEST]} …"
    body = {"type": "about:blank", "title": title, "status": status, "detail": shown}
    return JSONResponse(body, status, headers, media_type="application/problem+json")


def install(app: FastAPI) -> None:
    """Answer every error of the application as a problem document."""

    @app.exception_handler(HuaxiangError)
    def _known(_: Request, error: HuaxiangError) -> JSONResponse:
        for kind, status, title in _STATUS:
            if isinstance(error, kind):
                return problem(status, title, str(error))
        return problem(500, "Unexpected", str(error))

    @app.exception_handler(HTTPException)
    def _http(_: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, "Not served", str(error.detail), error.headers)

    @app.exception_handler(RequestValidationError)
    def _invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        parts = [f"{'.'.join(str(p) for p in e['loc'][1:]) or 'body'}: {e['msg']}" for e in error.errors()]
        return problem(422, "The request breaks a rule", "; ".join(parts))


class Guarded:
    """Answers a bug as a problem document too, and keeps the connection, which a raised error would close."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass through; what is raised before the answer began becomes the answer."""
        has_begun = False

        async def noted(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self.app(scope, receive, noted)
        except Exception:
            logger.exception("unexpected error at %s", scope.get("path"))
            if has_begun or scope["type"] != "http":
                raise
            answer = problem(500, "Unexpected", "an error that is not yours; the server's log has the trace")
            await answer(scope, receive, send)
