"""Pseudonyms: people are kept under a keyed HMAC of their id, and the id itself is kept sealed beside it.

The sealed id (AES-256-GCM under a key of the same version) is what lets the key be changed without asking the shop for
everybody's id; it is a record under the pseudonym, so erasing a person takes it along. Whoever has the database without
the key file has neither.
"""

import base64
import hmac
import os
import threading
from collections.abc import Sequence
from typing import Final

import pyarrow as pa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from huaxiang.collect.keys import KeyFile, Keys, is_pseudonym
from huaxiang.errors import ConfigError, DataError
from huaxiang.store import Record, Store
from huaxiang.store.base import GATE
from huaxiang.types import Subject, is_anonymous

PERSON: Final = "person"
"""Kind of the records of sealed ids."""
VERSION: Final = "pseudonyms"
"""In the body of the record `GATE`: version of the key that the log stands under, once it was changed."""
_KNOWN: Final = 200_000
"""People whose sealed id is known to be kept: about 100 bytes each."""
_AT_ONCE: Final = 1_000


class Pseudonyms:
    """The ids of one tenant's people. Safe to use from many threads."""

    def __init__(self, store: Store, keys: KeyFile) -> None:
        self._store, self._file = store, keys
        self._lock = threading.Lock()
        self._known: set[Subject] = set()
        keys.read(create=True)
        self.renew()

    def renew(self) -> None:
        """Read the keys again: another process may have changed them."""
        rules = self._store.get(GATE[0], [GATE[1]]).get(GATE[1])
        self._file.settle(None if rules is None else rules.body.get(VERSION))
        with self._lock:
            self._keys = self._file.read(create=False)
            self._known.clear()

    def of(self, user_or_device: str) -> str:
        """The pseudonym of an id; of a pseudonym, itself."""
        return user_or_device if is_pseudonym(user_or_device) else self._keys.pseudonym_of(user_or_device)

    def subject(self, subject: Subject) -> Subject:
        """The same of a subject, whose mark of a device stays in front."""
        return subject[:1] + self.of(subject[1:]) if is_anonymous(subject) else self.of(subject)

    def raw(self, subject: Subject) -> Subject:
        """The subject as the shop knows it; of a pseudonym, what is sealed under it.

        Raises:
            DataError: it is the pseudonym of nobody who is known.
        """
        bare = subject[1:] if is_anonymous(subject) else subject
        if not is_pseudonym(bare):
            return subject
        record = self._store.get(PERSON, [subject]).get(subject)
        if record is None:
            raise DataError(f"{bare} is the pseudonym of nobody who is known here; give the shop's own id")
        return opened(self._keys, record.body["sealed"])

    def fields(self, *ids: str | None) -> tuple[str | None, ...]:
        """Ids of an event, in order, as they are kept."""
        return tuple(None if each is None else self.of(each) for each in ids)

    def keep(self, subjects: Sequence[Subject]) -> None:
        """Seal the ids of people who are not known yet; before their first event is appended."""
        keys = self._keys
        fresh = {self.subject(each): each for each in subjects if each and not is_pseudonym(each.lstrip("\x1f"))}
        names = [name for name in fresh if name not in self._known]
        for start in range(0, len(names), _AT_ONCE):
            page = names[start : start + _AT_ONCE]
            there = self._store.get(PERSON, page)
            new = [Record(name, {"sealed": seal(keys, fresh[name])}) for name in page if name not in there]
            if new:
                self._store.put(PERSON, new)
        with self._lock:
            if len(self._known) > _KNOWN:
                self._known.clear()
            self._known.update(names)

    def table(self, table: pa.Table) -> pa.Table:
        """Rows of `EVENT_SCHEMA` with the ids as they are kept; `subject` follows from them and is left out."""
        for name in ("user_id", "anonymous_id", "session_id"):
            if name in table.column_names:
                column = table[name].combine_chunks().dictionary_encode()
                values = pa.array([self.of(each) for each in column.dictionary.to_pylist()], pa.string())
                renamed = pa.DictionaryArray.from_arrays(column.indices, values).cast(pa.string())
                table = table.set_column(table.column_names.index(name), name, renamed)
        return table.drop_columns(["subject"]) if "subject" in table.column_names else table


def seal(keys: Keys, subject: Subject) -> str:
    """A subject that only the keys of this version open, as base64."""
    nonce = os.urandom(12)
    said = subject.encode("utf-8", "surrogatepass")
    return base64.b64encode(nonce + AESGCM(_sealing(keys)).encrypt(nonce, said, None)).decode()


def opened(keys: Keys, sealed: str) -> Subject:
    """What was sealed.

    Raises:
        ConfigError: by other keys.
    """
    raw = base64.b64decode(sealed)
    try:
        return AESGCM(_sealing(keys)).decrypt(raw[:12], raw[12:], None).decode("utf-8", "surrogatepass")
    except InvalidTag as error:
        raise ConfigError(
            "a person's sealed id does not open with the keys of this shop; put the key file back that was in use"
        ) from error


def _sealing(keys: Keys) -> bytes:
    """A key of its own for sealing, made of the key of this version, so that destroying that destroys both."""
    return hmac.new(keys.pseudonym, b"sealed ids", "sha256").digest()
