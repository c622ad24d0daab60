"""Who may be recorded: what each person said of `analytics`, kept where an intake can ask for a whole batch at once.

The log says it too, and the fold reads it there; an intake that folded everybody of a batch would be too slow. A word
holds from its own moment on: what was done while it was allowed may still come in late. A user's word holds for the
devices that they claimed.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeAlias

from huaxiang.collect.brief import Brief
from huaxiang.errors import ConflictError, StoreError
from huaxiang.store import Record, Store
from huaxiang.types import FOREVER, Subject, anonymous_subject, is_anonymous

ALWAYS_KEPT: Final = frozenset({"consent", "identify", "profile_edit", "set_item", "delete_item", "post"})
"""What a person says of their own data, and what is about nobody, is kept whatever was consented to."""

_KIND: Final = "analytics"
_SCOPE: Final = "analytics"
_MOST_LINKS: Final = 1_000
_TRIES: Final = 20

_Words: TypeAlias = list[tuple[int, str]]
_Stored: TypeAlias = Callable[[Subject], Subject]


class Analytics:
    """What was said of analytics, by the ids that people are kept under."""

    def __init__(self, store: Store, default: str) -> None:
        self._store, self._default = store, default

    def learn(self, briefs: Sequence[Brief], stored: _Stored) -> bool:
        """Take in what these events say; whether anything is new."""
        is_new = [self._add(subject, words) for subject, words in self._told(briefs, stored).items()]
        return any(is_new)

    def denied(self, briefs: Sequence[Brief], stored: _Stored) -> list[bool]:
        """Of each event, whether its subject had denied analytics at its moment."""
        subjects = [stored(brief.subject) for brief in briefs]
        found = self._store.get(_KIND, sorted({subject for subject in subjects if subject}))
        words = {subject: _words(record) for subject, record in found.items()}
        return [
            bool(subject) and _said(words.get(subject, []), brief.at, self._default) == "denied"
            for subject, brief in zip(subjects, briefs, strict=True)
        ]

    def _told(self, briefs: Sequence[Brief], stored: _Stored) -> dict[Subject, _Words]:
        """New words by subject: of those who spoke, and of the devices that are theirs."""
        told: dict[Subject, _Words] = {}
        for brief in briefs:
            if brief.subject and (status := brief.consents.get(_SCOPE)) is not None:
                told.setdefault(stored(brief.subject), []).append((brief.at, status))
        for user, words in list(told.items()):
            for device in self._devices(user):
                told.setdefault(device, []).extend(words)
        links = [tuple(map(stored, brief.names)) for brief in briefs if len(brief.names) == 2]
        if links:
            known = self._store.get(_KIND, sorted({user for user, _ in links}))
            for user, device in links:
                words = [*told.get(user, []), *(_words(known[user]) if user in known else [])]
                if words:
                    told.setdefault(device, []).extend(words)
        return told

    def _devices(self, user: Subject) -> Iterable[Subject]:
        if is_anonymous(user):
            return ()
        links = self._store.history(user, before=FOREVER, limit=_MOST_LINKS, events=frozenset({"identify"}))
        return {anonymous_subject(link.anonymous_id) for link in links if link.anonymous_id is not None}

    def _add(self, subject: Subject, words: _Words) -> bool:
        """Add words to those of a subject, whatever another process adds at the same time."""
        for _ in range(_TRIES):
            record = self._store.get(_KIND, [subject]).get(subject)
            before = [] if record is None else _words(record)
            after = _by_moment([*before, *words])
            if after == before:
                return False
            version = 0 if record is None else record.version
            try:
                self._store.put(_KIND, [Record(subject, {"said": after})], expect=version)
            except ConflictError:
                continue
            return True
        raise StoreError(f"what {subject[:60]!r} said of analytics is being written by others; send it again")


def _words(record: Record) -> _Words:
    return [(int(at), str(status)) for at, status in record.body["said"]]


def _by_moment(words: Iterable[tuple[int, str]]) -> _Words:
    """In time order; of two at one moment the denial stands. A word that changes nothing now may do so once another
    comes late between, so it stays too."""
    return sorted(dict(sorted(words, key=lambda word: (word[0], word[1] == "denied"))).items())


def _said(words: _Words, at: int, default: str) -> str:
    return next((status for moment, status in reversed(words) if moment <= at), default)
