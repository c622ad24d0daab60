"""A tenant's secrets: one small file beside the log, never in it, in a release or in a backup."""

import hmac
import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from huaxiang.errors import ConfigError

_FORMAT: Final = 1
_PREFIX: Final = "hx"
_DIGITS: Final = 32
_PSEUDONYM: Final = re.compile(rf"{_PREFIX}([0-9]{{1,6}})-[0-9a-f]{{{_DIGITS}}}")


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """Secrets of 32 bytes each.

    Attributes:
        one_way: of fingerprints: who was erased, whom an audit row is about. It is never changed.
        signing: seed of the Ed25519 key that signs receipts.
        pseudonym: of the ids that people are kept under; `version` counts its changes.
    """

    one_way: bytes
    signing: bytes
    pseudonym: bytes
    version: int

    def fingerprint(self, purpose: str, text: str) -> str:
        """A name for `text` that nobody can make or undo without the key, and that differs by purpose."""
        said = f"{purpose}\x00{text}".encode("utf-8", "surrogatepass")
        return hmac.new(self.one_way, said, "sha256").hexdigest()[:_DIGITS]

    def pseudonym_of(self, user_or_device: str) -> str:
        """The id that somebody is kept under, such as `hx1-<32 hex digits>`: HMAC-SHA256, cut to 128 bits."""
        digest = hmac.new(self.pseudonym, user_or_device.encode("utf-8", "surrogatepass"), "sha256").hexdigest()
        return f"{_PREFIX}{self.version}-{digest[:_DIGITS]}"

    def rotated(self) -> "Keys":
        """The same with a new key for pseudonyms."""
        return replace(self, pseudonym=secrets.token_bytes(32), version=self.version + 1)


def is_pseudonym(user_id: str) -> bool:
    """Whether an id has the form of a pseudonym."""
    return _PSEUDONYM.fullmatch(user_id) is not None


def version_of(pseudonym: str) -> int | None:
    """The version of the key that made it; None where it is none."""
    match = _PSEUDONYM.fullmatch(pseudonym)
    return None if match is None else int(match[1])


class KeyFile:
    """`<data dir>/keys/<tenant>.json`, readable by its owner alone; made when a secret is first needed."""

    def __init__(self, data_dir: Path, tenant: str = "default") -> None:
        self.path = data_dir / "keys" / f"{tenant}.json"

    def read(self, *, create: bool) -> Keys:
        """The secrets.

        Args:
            create: make them where there are none; else their absence is an error, since what was made with them, such
                as the list of the erased, cannot be read any more.

        Raises:
            ConfigError: the file is missing or damaged.
        """
        if create and not self.path.exists():
            self._create(Keys(secrets.token_bytes(32), secrets.token_bytes(32), secrets.token_bytes(32), 1))
        return _read(self.path)

    def _create(self, keys: Keys) -> None:
        """Two processes that come here at once end with one file: a link fails where there is one."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self._written(keys)
        try:
            os.link(fresh, self.path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()

    @property
    def next_path(self) -> Path:
        """Where the secrets wait that will be in use once the log stands under them."""
        return self.path.with_name(f"{self.path.stem}.next.json")

    def prepare(self) -> tuple[Keys, Keys]:
        """The secrets in use, and others that are kept beside them, so that none is lost however the change ends; a
        change that was broken off goes on with the ones it had made."""
        keys = self.read(create=False)
        if not self.next_path.exists():
            self._written(keys.rotated()).replace(self.next_path)
        return keys, _read(self.next_path)

    def settle(self, version: int | None) -> None:
        """Take the waiting secrets into use where the log stands under their version already, as it does when a change
        was broken off between the log and the file."""
        if version is None or not self.next_path.exists():
            return
        try:
            waiting = _read(self.next_path)
        except ConfigError:
            if self.next_path.exists():
                raise
            return  # another process took them into use just now
        if waiting.version == version:
            self.commit()

    def commit(self) -> None:
        """Take the waiting secrets into use; the old file is overwritten with zeros before it is let go."""
        old = self.path.with_name(f".{self.path.name}-{secrets.token_hex(4)}.old")
        os.link(self.path, old)
        try:
            self.next_path.replace(self.path)
        except FileNotFoundError:  # another process was here first
            old.unlink()
            return
        with old.open("r+b") as stream:
            stream.write(b"\x00" * old.stat().st_size)
            stream.flush()
            os.fsync(stream.fileno())
        old.unlink()

    def _written(self, keys: Keys) -> Path:
        fresh = self.path.with_name(f".{self.path.name}-{secrets.token_hex(4)}")
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            json.dump(_to_json(keys), out)
            out.flush()
            os.fsync(out.fileno())
        return fresh


def _read(path: Path) -> Keys:
    try:
        return _from_json(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"the keys in {path} cannot be read ({error}); who was erased and under which pseudonyms people are kept "
            "cannot be told without them: put the file back from where you keep it"
        ) from error


def _to_json(keys: Keys) -> dict[str, Any]:
    named = {name: getattr(keys, name).hex() for name in ("one_way", "signing", "pseudonym")}
    return {"format": _FORMAT, "version": keys.version, **named}


def _from_json(said: Mapping[str, Any]) -> Keys:
    if said["format"] != _FORMAT:
        raise ValueError(f"format {said['format']}, this version reads {_FORMAT}")
    one_way, signing, pseudonym = (bytes.fromhex(said[name]) for name in ("one_way", "signing", "pseudonym"))
    return Keys(one_way, signing, pseudonym, int(said["version"]))
