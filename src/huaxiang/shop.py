"""An open shop: log, catalogue, portraits and the release in use, put together once for the command line and HTTP."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from huaxiang.apps.audience import Audiences
from huaxiang.apps.recommend import Answer, Ask, answer
from huaxiang.apps.search.asked import QueryLogConfig
from huaxiang.apps.search.asking import SearchAnswer, SearchAsk
from huaxiang.apps.search.engine import Search
from huaxiang.apps.search.learned import Learned
from huaxiang.apps.search.scoring import WEIGHTS
from huaxiang.apps.search.suggest import Suggestion
from huaxiang.apps.search.weights import FOLDER as SEARCH_FOLDER
from huaxiang.apps.search.weights import load_weights
from huaxiang.collect.catalogue import Catalogue
from huaxiang.collect.check import check_event
from huaxiang.collect.gate import Gate
from huaxiang.collect.intake import Intake, Listener
from huaxiang.collect.keys import KeyFile
from huaxiang.collect.masking import Mask
from huaxiang.collect.shop import check_shop
from huaxiang.config import Settings
from huaxiang.errors import ConfigError, DataError, ReleaseError
from huaxiang.pipeline import Pipeline
from huaxiang.profiles import ItemFacets, Portraits
from huaxiang.profiles.audiences import Floor
from huaxiang.profiles.editing import edit_events
from huaxiang.profiles.fold import FoldConfig
from huaxiang.profiles.portrait import Memory
from huaxiang.ranking.arrange import Rules
from huaxiang.release import Release, Releases
from huaxiang.store import Store, open_store
from huaxiang.store.backup import release_folder
from huaxiang.types import EVENT_NAMES, Event, Profile, UserId

logger: Final = logging.getLogger(__name__)


class Shop:
    """One tenant's shop. Safe to use from many threads.

    Args:
        forgetters: called when everything in memory that is known of people must go; for who keeps some beside it.
    """

    def __init__(
        self,
        settings: Settings,
        tenant: str = "default",
        listeners: Sequence[Listener] = (),
        forgetters: Sequence[Callable[[], None]] = (),
    ) -> None:
        make_folder(settings.data_dir)
        self.settings = settings
        self.tenant = tenant
        self._forgetters = tuple(forgetters)
        options = {"synchronous": settings.store.synchronous} if settings.store_url.startswith("sqlite") else {}
        self.store = open_store(settings.store_url, tenant, **options)
        self.catalogue = Catalogue(self.store)
        self.item_facets = ItemFacets(self.catalogue)
        self.portraits = Portraits(self.store, self.item_facets, fold_config(settings), memory=memory_of(settings))
        self._search: Search | None = None
        self.gate = open_gate(settings, self.store, tenant)
        self._forgot_at = self.gate.version
        self.intake = Intake(
            self.store,
            self.catalogue,
            tenant=tenant,
            listeners=(*listeners, self._note),
            gate=self.gate,
            mask=Mask() if settings.privacy.mask_text else None,
        )
        self.releases = Releases(release_root(settings, tenant))
        self._rules = Rules.of(**settings.ranking.model_dump())
        self.audiences = Audiences(
            self.portraits, lambda: self.pipeline, Floor(settings.audiences.floor), self.gate.stored_id
        )
        self._pipeline: Pipeline | None = None
        self._search_weights: Mapping[str, float] = WEIGHTS
        self._complaint = ""
        self._lock = threading.Lock()
        self.refresh()

    @property
    def pipeline(self) -> Pipeline:
        """What answers, from the release in use.

        Raises:
            ReleaseError: none was trained yet.
        """
        if self._pipeline is None:
            raise ReleaseError("no release yet: train one with `huaxiang train`")
        return self._pipeline

    @property
    def searching(self) -> Search:
        """What answers queries; its index is built when it is first asked for, at 10,000 items a second or more."""
        if self._search is None:
            with self._lock:
                if self._search is None:
                    search = Search(self.portraits, lambda: self._pipeline, self._learned())
                    search.use(self._search_weights)
                    self._search = search
        return self._search

    @property
    def release_id(self) -> str | None:
        """The open release; None before the first."""
        return self._pipeline.release_id if self._pipeline is not None else None

    def refresh(self) -> None:
        """Open the current release if it was switched, and take in what other processes appended to the log.

        The old release answers until the new one is open; one that cannot be opened is logged, once, and tried again
        the next time.
        """
        with self._lock:
            self.gate.renew()
            if self.gate.version != self._forgot_at:  # somebody was erased, or the ids of all were changed
                self._forgot_at = self.gate.version
                self.forget()
            self.catalogue.refresh()
            current = self._current()
            if current is not None and current.id != self.release_id:
                self._open(current)
            elif self._pipeline is not None:
                self._pipeline.refresh()
            if self._search is not None:
                self._search.refresh()

    def _current(self) -> Release | None:
        try:
            return self.releases.current
        except (ReleaseError, OSError) as error:
            self._complain(str(error))
            return None

    def _open(self, release: Release) -> None:
        try:
            weights = load_weights(release.path / SEARCH_FOLDER)
            self._pipeline = Pipeline.open(release, self.portraits, self._rules)
            self._search_weights = weights
            if self._search is not None:
                self._search.use(weights)
        except Exception as error:  # whatever is wrong with its files: engines have errors of their own
            logger.debug("opening release %s", release.id, exc_info=True)
            self._complain(f"release {release.id} cannot be opened: {error}")
        else:
            self._complaint = ""

    def _complain(self, why: str) -> None:
        if why != self._complaint:
            logger.error("%s; what was open before goes on answering", why)
            self._complaint = why

    def recommend(self, ask: Ask, *, now: datetime) -> Answer:
        """Answer one request for recommendations."""
        if ask.user_id is not None:
            ask = replace(ask, user_id=self.gate.stored_id(ask.user_id))
        return answer(self.pipeline, ask, now=now, tenant=self.tenant)

    def search(self, ask: SearchAsk, *, now: datetime) -> SearchAnswer:
        """Answer one query."""
        if ask.user_id is not None:
            ask = replace(ask, user_id=self.gate.stored_id(ask.user_id))
        return self.searching.search(ask, now=now)

    def suggest(self, typed: str, k: int = 8, user_id: UserId | None = None) -> list[Suggestion]:
        """Complete what is being typed."""
        stored = None if user_id is None else self.gate.stored_id(user_id)
        return self.searching.suggest(typed, k, stored, now=datetime.now(UTC))

    def _note(self, events: Sequence[Event]) -> None:
        """Items that were just set or deleted are known to the next suggestion."""
        if self._search is not None:
            self._search.learned.suggester.absorb(events)

    def _learned(self) -> Learned:
        asked = self.settings.search
        return Learned(
            self.store,
            self.catalogue,
            consent_default=self.settings.consent.default,
            config=QueryLogConfig(floor=asked.floor),
            synonyms=asked.synonyms,
        )

    def edit_profile(self, user_id: UserId, edits: Sequence[Mapping[str, Any]]) -> tuple[Profile, list[str]]:
        """Write a person's edits, all or none, as events; the profile after them, and the name of each.

        Raises:
            DataError: an edit cannot be.
        """
        now = datetime.now(UTC)
        user_id = self.gate.stored_id(user_id)
        payloads = edit_events(user_id, edits, known=self.portraits.shares(user_id, now=now), now=now)
        for payload in payloads:  # all or none: the intake would keep the others of a batch
            check_event(payload, tenant=self.tenant)
        taken = self.intake.take(payloads)
        if taken.rejected:
            raise DataError(taken.rejected[0].reason)
        names = [str(payload["event_id"]) for payload in payloads]
        return self.portraits.profile(user_id, now=datetime.now(UTC)), names

    def forget(self) -> None:
        """Let go of everything in memory that is known of people."""
        self.portraits.forget()
        if self._pipeline is not None:
            self._pipeline.forget()
        self.audiences.forget()
        if self._search is not None:
            self._search.forget()
        for forget in self._forgetters:
            forget()

    def close(self) -> None:
        """Close the store."""
        self.store.close()


def existing_shop(settings: Settings) -> Shop:
    """The shop of a command that is of no use without one.

    Raises:
        DataError: there is none, so that a mistyped folder is not made.
    """
    if not settings.store.url:
        check_shop(settings.data_dir)
    return Shop(settings)


def make_folder(data_dir: Path) -> None:
    """Make a shop's folder where it is missing; ConfigError where that cannot be."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"cannot use {data_dir} as a shop's folder: {error.strerror}; choose another with --data-dir"
        ) from error


def fold_config(settings: Settings) -> FoldConfig:
    """How profiles are folded under these settings."""
    half_lives = settings.profiles.model_dump(exclude={"states_mb", "resident_mb"})
    return FoldConfig(**half_lives, consent_default=settings.consent.default)


def memory_of(settings: Settings) -> Memory:
    """How much of people is kept in memory under these settings."""
    return Memory(states_mb=settings.profiles.states_mb, residents_mb=settings.profiles.resident_mb)


def open_gate(settings: Settings, store: Store, tenant: str = "default") -> Gate:
    """The gate before a store, under these settings.

    Raises:
        ConfigError: a kind of event is named that there is not.
    """
    kept = frozenset(settings.consent.kept_without_analytics)
    if unknown := sorted(kept - EVENT_NAMES):
        known = ", ".join(sorted(EVENT_NAMES))
        raise ConfigError(f"consent.kept_without_analytics names {unknown[0]!r}; known events: {known}")
    return Gate(
        store,
        KeyFile(settings.data_dir, tenant),
        consent_default=settings.consent.default,
        kept_without_analytics=kept,
        pseudonyms=settings.privacy.pseudonyms,
    )


def release_root(settings: Settings, tenant: str) -> Path:
    """Where a tenant's releases are kept."""
    return release_folder(settings.data_dir / "releases", tenant)
