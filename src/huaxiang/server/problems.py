"""Errors as RFC 9457 problem documents: what went wrong, by which rule, and the way out."""

import logging
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from huaxiang.errors import (
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

_STATUS: Final[tuple[tuple[type[HuaxiangError], int, str], ...]] = (
    (StoreFullError, 507, "The store is full"),
    (ConflictError, 409, "Changed meanwhile"),
    (StoreError, 503, "The store failed"),
    (ReleaseError, 503, "No usable release"),
    (DataError, 422, "The request breaks a rule"),
    (UnknownNameError, 422, "Unknown name"),
    (ConfigError, 500, "The settings are wrong"),
    (MissingExtraError, 501, "Not installed"),
)


def problem(status: int, title: str, detail: str, **more: object) -> JSONResponse:
    """A problem document."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    return JSONResponse(body, status, media_type="application/problem+json")


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
        return problem(error.status_code, "Not served", str(error.detail))

    @app.exception_handler(RequestValidationError)
    def _invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        parts = [f"{'.'.join(str(p) for p in e['loc'][1:]) or 'body'}: {e['msg']}" for e in error.errors()]
        return problem(422, "The request breaks a rule", "; ".join(parts))

    @app.exception_handler(Exception)
    def _unknown(request: Request, error: Exception) -> JSONResponse:
        logger.exception("unexpected error at %s", request.url.path, exc_info=error)
        return problem(500, "Unexpected", "an error that is not yours; the server's log has the trace")
