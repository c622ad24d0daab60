"""A browser of this machine, and the pages that it opens."""

import shutil
from collections.abc import Callable

from playwright.sync_api import Page

Open = Callable[..., Page]
"""Opens a page of a server's console: `visit(running, query, *, path, width, height, script)`; `script` runs first."""


def find_chromium() -> str | None:
    """A Chromium of this machine."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
