"""The application: routes, errors, metrics, one open shop for each tenant."""

import gc
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Final

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from threadpoolctl import threadpool_limits

from huaxiang.config import Settings
from huaxiang.privacy.audit import Audit
from huaxiang.server import console, problems
from huaxiang.server.live import LiveStream
from huaxiang.server.middleware import Bounded, EncodedIds, Measured
from huaxiang.server.routes import ROUTERS
from huaxiang.shop import Shop

logger: Final = logging.getLogger(__name__)

_POLL: Final = 1.0
COLLECT_AFTER: Final = (2_000, 500, 50)
"""Thresholds of Python's collector while serving. Requests leave few cycles behind, and what they leave is walked in
small pieces: of 10,000 young objects a walk takes 1 to 4 ms of one request in twenty, of 2,000 a sixth of it (LOG)."""


class Shops:
    """Open shops by tenant, opened when first asked for; follows releases as they are switched."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._open: dict[str, Shop] = {}
        self._live: dict[str, LiveStream] = {}
        self._audits: dict[str, Audit] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()

    def live(self, tenant: str) -> LiveStream:
        """The tenant's live stream."""
        return self._live.setdefault(tenant, LiveStream())

    def audit(self, shop: Shop) -> Audit:
        """Of a tenant's shop."""
        return self._audits.setdefault(shop.tenant, Audit(shop.store, shop.gate.keys))

    def end_streams(self) -> None:
        """End the live streams; called when the server is told to stop."""
        for stream in list(self._live.values()):
            stream.end()

    @property
    def tenants(self) -> tuple[str, ...]:
        """Those that have a key; `default` where no key is asked for."""
        return tuple(self._settings.server.keys) or ("default",)

    @property
    def release_id(self) -> str | None:
        """A release that is open, of the first tenant that has one; None where nobody can be answered yet."""
        return next((shop.release_id for shop in list(self._open.values()) if shop.release_id), None)

    def opened(self, tenant: str) -> Shop | None:
        """The tenant's shop where it is open already."""
        return self._open.get(tenant)

    def get(self, tenant: str) -> Shop:
        """The tenant's shop, opened where it is not yet."""
        shop = self._open.get(tenant)
        if shop is None:
            with self._lock:
                if tenant not in self._open:
                    live = self.live(tenant)
                    self._open[tenant] = Shop(self._settings, tenant, (live.publish,), (live.forget,))
                shop = self._open[tenant]
        return shop

    def follow(self) -> None:
        """Build the search index, then open releases that were switched to by other processes, until `close`; runs in
        a thread of its own."""
        self._build_indexes()
        while not self._stop.wait(_POLL):
            for tenant, shop in list(self._open.items()):
                before = shop.release_id
                try:
                    shop.refresh()
                    if shop.release_id != before:
                        settle()
                except Exception:
                    # A store that is full or locked now may not be so in a second; without this thread nothing follows.
                    logger.exception("cannot refresh the shop of tenant %s; trying again", tenant)

    def _build_indexes(self) -> None:
        for tenant, shop in list(self._open.items()):
            try:
                shop.searching.refresh()
            except Exception:  # the first search tries again, and says what is wrong
                logger.exception("cannot build the search index of tenant %s", tenant)
        settle()

    def close(self) -> None:
        """Stop following and close the stores."""
        self._stop.set()
        for shop in self._open.values():
            shop.close()


def settle() -> None:
    """Take what an open shop holds for long out of the sight of Python's collector.

    Walking a catalogue and a release, which hold no garbage, would stall every request for tenths of a second.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def create_app(settings: Settings) -> FastAPI:
    """The ASGI application over one data directory."""
    shops = Shops(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        for tenant in shops.tenants:
            shops.get(tenant)
        follower = threading.Thread(target=shops.follow, name="release follower", daemon=True)
        follower.start()
        thresholds = gc.get_threshold()
        gc.set_threshold(*COLLECT_AFTER)
        settle()
        # threads of numpy's own wait for each other where cores are busy: 16 ms for a product that takes .1 ms by one
        with threadpool_limits(1, "blas"):
            yield
        gc.set_threshold(*thresholds)
        gc.unfreeze()
        shops.close()

    app = FastAPI(
        title="huaxiang 画像",
        version=version("huaxiang"),
        lifespan=lifespan,
        description="Living user profiles from a shop's log, and the recommendation that stands on them.",
    )
    app.state.settings, app.state.shops, app.state.registry = settings, shops, CollectorRegistry()
    app.add_middleware(problems.Guarded)
    app.add_middleware(Measured, registry=app.state.registry)
    app.add_middleware(EncodedIds)
    app.add_middleware(Bounded, max_bytes=settings.server.max_body_mb * 1024 * 1024)
    problems.install(app)
    for router in ROUTERS:
        app.include_router(router)
    console.install(app)
    return app
