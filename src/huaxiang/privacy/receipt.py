"""The receipt of an erasure: what was removed, what is stale until when, what was not reached, and a signature.

It names nobody: the person stands in it under a fingerprint that only the shop's key makes. It is signed with Ed25519
over its canonical JSON (keys sorted, no blanks, UTF-8), so whoever holds the shop's public key can tell that the shop
said so, and that nothing was changed since.
"""

import base64
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from huaxiang.collect.keys import Keys
from huaxiang.errors import DataError
from huaxiang.types import Subject

_FORMAT: Final = 1
_PERSON: Final = "receipt"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a person's data.

    Attributes:
        person: fingerprint of the id, the same in every receipt of that person.
        erased_at: ISO 8601, UTC; events from before it are refused from now on.
        n_devices: anonymous ids that went along because the person had claimed them.
        removed: how many of what: events, records by kind, quarantined rows, events of each backup.
        release: what became of the trained release (see `Forgotten`); empty where the person is in none.
        held_fixed: what was not chosen anew.
        searched: files and bytes of the data folder that were searched afterwards for the person's ids, and the places
            where one was found.
        not_reached: what lies outside, and until when it may hold the person.
    """

    person: str
    erased_at: str
    tenant: str
    n_devices: int
    removed: Mapping[str, Any]
    release: Mapping[str, Any]
    searched: Mapping[str, Any]
    held_fixed: str = ""
    not_reached: tuple[str, ...] = ()
    format: int = _FORMAT
    public_key: str = ""
    signature: str = field(default="", compare=False)

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return {**asdict(self), "not_reached": list(self.not_reached)}

    def signed(self, keys: Keys) -> "Receipt":
        """The same, signed by the shop."""
        key = Ed25519PrivateKey.from_private_bytes(keys.signing)
        unsigned = self.to_json() | {"public_key": public_key(keys), "signature": ""}
        signature = base64.b64encode(key.sign(_canonical(unsigned))).decode()
        return Receipt(**unsigned | {"signature": signature, "not_reached": self.not_reached})

    def check(self, keys: Keys | None = None) -> None:
        """Check the signature, and with the shop's keys that it is the shop's own.

        Raises:
            DataError: the receipt was changed, or another shop signed it.
        """
        if keys is not None and self.public_key != public_key(keys):
            raise DataError("the receipt was signed by another shop, or with keys that this one has no longer")
        try:
            named = Ed25519PublicKey.from_public_bytes(base64.b64decode(self.public_key, validate=True))
            named.verify(
                base64.b64decode(self.signature, validate=True), _canonical(self.to_json() | {"signature": ""})
            )
        except (ValueError, InvalidSignature) as error:
            raise DataError("the receipt does not fit its signature: it was changed after it was signed") from error


def person_in(keys: Keys, subject: Subject) -> str:
    """The fingerprint that a person stands under in receipts."""
    return keys.fingerprint(_PERSON, subject)


def public_key(keys: Keys) -> str:
    """The key that receipts are checked with, as base64 of its 32 bytes."""
    key = Ed25519PrivateKey.from_private_bytes(keys.signing).public_key()
    return base64.b64encode(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def open_receipt(path: Path) -> Receipt:
    """A receipt from a file; its signature is not checked yet.

    Raises:
        DataError: the file is no receipt.
    """
    try:
        said = orjson.loads(path.read_bytes())
        return Receipt(**{**said, "not_reached": tuple(said["not_reached"])})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(
            f"{path} is no receipt of an erasure ({error}); give the file that the erasure wrote"
        ) from error


def _canonical(said: Mapping[str, Any]) -> bytes:
    return orjson.dumps(said, option=orjson.OPT_SORT_KEYS)
