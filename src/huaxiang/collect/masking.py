"""Personal data in free text, hidden before the text is read or kept: names, phones, e-mails, cards, ids, addresses.

argus-redact finds them by patterns, in Chinese and English; what it finds becomes its kind in brackets, such as
`[phone]`. It misses what has no pattern (an English name that nothing introduces): masking lowers a risk, and is no
proof.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.util import find_spec
from typing import Any, Final

from huaxiang.errors import MissingExtraError
from huaxiang.types import Event

_LANGUAGES: Final = ["zh", "en"]
_MAY_HOLD: Final = re.compile(r"[0-9０-９@一-鿿]|[A-Z][a-z]")
"""A text without a digit, an @, a Chinese letter or a capitalised word holds nothing that is looked for."""


class Mask:
    """Hides personal data. Safe to use from many threads.

    Raises:
        MissingExtraError: argus-redact is not installed.
    """

    def __init__(self) -> None:
        if find_spec("argus_redact") is None:
            raise MissingExtraError("masking of personal data (privacy.mask_text)", "privacy")
        from argus_redact import redact

        self._redact: Callable[..., tuple[str, Mapping[str, str], Mapping[str, str]]] = redact

    def text(self, said: str) -> str:
        """A text with each find replaced by its kind."""
        return self._masked(said, [])

    def query(self, said: str) -> str:
        """The same of a search; names stay, since people search for singers and authors."""
        return self._masked(said, ["person"])

    def _masked(self, said: str, kept: list[str]) -> str:
        if not _MAY_HOLD.search(said):
            return said
        masked, _, kinds = self._redact(said, lang=_LANGUAGES, mode="fast", with_types=True, types_exclude=kept or None)
        for found in sorted(kinds, key=len, reverse=True):
            masked = masked.replace(found, f"[{kinds[found]}]")
        return masked

    def event(self, event: Event) -> Event:
        """The event with its text and its query masked; its `event_id` stays, so a retry is still recognised."""
        changed: dict[str, Any] = {}
        for name, hide in (("text", self.text), ("query", self.query)):
            said = getattr(event, name)
            if said is not None and (masked := hide(said)) != said:
                changed[name] = masked
        return replace(event, **changed) if changed else event
