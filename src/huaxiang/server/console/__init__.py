"""The console: a page that shows a shopper's profile, the live events and the recommendations side by side, one that
searches as a shopper does and shows why, one that counts audiences, and one for the shopper: what the shop knows, why,
and how to change, take or erase it.

Jinja pages, two stylesheets and small ES modules, all from this package: nothing is built and nothing is fetched from
another host. The pages read the same HTTP API as every other client, so they hold no data and ask for no key
themselves.
"""

import hashlib
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.exceptions import HTTPException

_HERE: Final = Path(__file__).parent
_TYPES: Final[Mapping[str, str]] = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
_PAGES: Final[Mapping[str, tuple[str, str]]] = {
    "/": ("console.html", "main.js"),
    "/search": ("search.html", "search.js"),
    "/audiences": ("audiences.html", "audiences.js"),
}
"""Where each page of the console is, its template and its module."""
_LANGUAGES: Final[Mapping[str, str]] = {"en": "en", "zh": "zh-Hans"}
_POLICY: Final = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors "
_HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": f"{_POLICY}'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_EMBEDDED: Final[Mapping[str, str]] = {**_HEADERS, "Content-Security-Policy": f"{_POLICY}'self'"}
"""For the shopper's page, which a shop shows within its own; nobody else may frame buttons that erase people."""
_FOREVER: Final = "public, max-age=31536000, immutable"


def install(app: FastAPI) -> None:
    """Serve the console under `/`, `/search` and `/audiences`, the shopper's page under `/me/<user id>`, and the files
    of all under `/console/<digest of them all>/`.

    The digest stands in the path, so that modules, which import each other by relative name, are kept for good by the
    browser and are all fetched anew when one of them changes.
    """
    files = _read_static(_HERE / "static")
    digest = _digest(files)
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"), autoescape=select_autoescape(), undefined=StrictUndefined
    )

    def shown(
        name: str, module: str, lang: str, *, headers: Mapping[str, str] = _HEADERS, **about: str
    ) -> HTMLResponse:
        language = _LANGUAGES.get(lang, _LANGUAGES["en"])
        said = {"static": f"/console/{digest}", "version": version("huaxiang"), "language": language}
        html = environment.get_template(name).render(module=module, **said, **about)
        return HTMLResponse(html, headers={**headers, "Cache-Control": "no-cache"})

    for path, (template, module) in _PAGES.items():
        app.get(path, include_in_schema=False)(_in_language(shown, template, module))

    @app.get("/me/{user_id:id}", include_in_schema=False)
    def me(user_id: str, lang: str = "en") -> HTMLResponse:
        return shown("me.html", "me.js", lang, headers=_EMBEDDED, user_id=user_id)

    @app.get("/console/{digest}/{name}", include_in_schema=False)
    def static(request: Request, name: str) -> Response:
        body = files.get(name)
        if body is None or request.path_params["digest"] != digest:
            raise HTTPException(404, f"the console has no file {name!r}; reload the page")
        headers = {**_HEADERS, "Cache-Control": _FOREVER}
        return Response(body, media_type=_TYPES[Path(name).suffix], headers=headers)


def _in_language(shown: Callable[[str, str, str], HTMLResponse], template: str, module: str) -> Callable[..., Response]:
    """The endpoint of a page that is told of a language alone."""

    def answer(lang: str = "en") -> HTMLResponse:
        return shown(template, module, lang)

    return answer


def _read_static(folder: Path) -> dict[str, bytes]:
    """Every file of the console by name; they are small, and read once."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix in _TYPES}


def _digest(files: Mapping[str, bytes]) -> str:
    """Changes whenever a file does."""
    whole = hashlib.blake2b(digest_size=8)
    for name, body in sorted(files.items()):
        whole.update(name.encode() + b"\0" + body + b"\0")
    return whole.hexdigest()
