"""Every error a user can meet: each names the thing, the rule it broke and the way out."""

from collections.abc import Iterable, Sequence


def listed(names: Sequence[str], most: int = 12) -> str:
    """Names for an error, joined by commas; of a long list the first ones and how many more there are."""
    shown = ", ".join(names[:most])
    return f"{shown} ... and {len(names) - most} more" if len(names) > most else shown


class HuaxiangError(Exception):
    """Root of all errors raised on purpose; catch it to catch them all."""


class DataError(HuaxiangError):
    """A value given from outside breaks a rule of its type."""


class ConfigError(HuaxiangError):
    """A setting is unknown, of the wrong type or out of its range."""


class UnknownNameError(HuaxiangError):
    """A name was asked for that nothing is registered under."""

    def __init__(self, kind: str, name: str, known: Iterable[str], *, most: int = 100) -> None:
        self.kind, self.name, self.known = kind, name, tuple(sorted(known))
        super().__init__(f"unknown {kind} {name!r}; known: {listed(self.known, most) or 'none'}")


class MissingExtraError(HuaxiangError):
    """A feature needs a package that this installation left out."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs packages that are not installed: pip install 'huaxiang[{extra}]'")


class StoreError(HuaxiangError):
    """The store refused or failed; nothing of the call was kept unless the error says so."""


class StoreFullError(StoreError):
    """The disk or quota under the store is full; the call was rolled back whole."""


class ConflictError(StoreError):
    """A compare-and-swap met another version than the expected one; read again and retry."""


class BusyError(HuaxiangError):
    """As much of this work as fits is going on already; ask again when it is done."""


class ReleaseError(HuaxiangError):
    """A release is missing, incomplete or altered."""


def is_full(error: BaseException) -> bool:
    """Whether an error says that a disk, a quota or a limit on files is full, also where a library wraps it."""
    return any(words in str(error) for words in ("No space left", "File too large", "quota exceeded"))
