"""A running server over a small trained shop: one for the whole session, and fresh ones for tests that change it; and a
browser to look at it with."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.server.browsing import Open, find_chromium
from tests.server.running import Running, serving
from tests.shops import build_shop, copy_shop, settings_of


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory of the small shop; copy it before changing it."""
    return build_shop(tmp_path_factory.mktemp("small") / "shop")


@pytest.fixture(scope="session")
def shared(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One server for every test that keeps to users and items of its own."""
    folder = copy_shop(built, tmp_path_factory.mktemp("shared") / "shop")
    with serving(settings_of(folder)) as running:
        yield running


@pytest.fixture
def client(shared: Running) -> httpx.Client:
    """A client of the shared server."""
    return shared.client


@pytest.fixture
def fresh(built: Path, tmp_path: Path) -> Iterator[Running]:
    """A server over a copy that the test may change as it likes."""
    with serving(settings_of(copy_shop(built, tmp_path / "shop"))) as running:
        yield running


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Running]:
    """A server over a shop without an item, an event or a release."""
    with serving(settings_of(tmp_path / "empty")) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    binary = find_chromium()
    if binary is None:
        pytest.skip("no chromium binary on this machine: apt-get install chromium")
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=binary, args=[*quiet, "--disable-sync", "--no-first-run", "--disable-quic"]
        )
        yield opened
        opened.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complained of: errors of scripts, refusals by the policy, failed requests."""
    return []


@pytest.fixture
def visit(browser: Browser, complaints: list[str]) -> Iterator[Open]:
    """Open a page of a server's console. Ask for it after the server: a server that stops waits for its streams."""
    contexts = []

    def noted(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            complaints.append(message.text)

    def opened(
        running: Running,
        query: str = "lang=en",
        *,
        path: str = "/",
        width: int = 1440,
        height: int = 900,
        script: str = "",
    ) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height})
        contexts.append(context)
        page = context.new_page()
        page.add_init_script(script)
        page.on("console", noted)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"http://127.0.0.1:{running.port}{path}?{query}")
        return page

    yield opened
    for context in contexts:
        context.close()
