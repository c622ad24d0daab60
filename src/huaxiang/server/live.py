"""The live stream of accepted events, for the console: server-sent events from a bounded buffer."""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import orjson

from huaxiang.types import Event

_BUFFER: Final = 500
_PAUSE: Final = 0.25
_HEARTBEAT: Final = 15.0


class LiveStream:
    """Keeps the newest accepted events in memory; slow readers miss events rather than hold the server back."""

    def __init__(self) -> None:
        self._events: deque[tuple[int, bytes]] = deque(maxlen=_BUFFER)
        self._lock = threading.Lock()
        self._count = 0
        self._is_over = False

    def end(self) -> None:
        """Let every reader go, so that a stopping server need not wait for open pages."""
        self._is_over = True

    def publish(self, events: Sequence[Event]) -> None:
        """Take new events; called by the intake in the request's thread."""
        with self._lock:
            for event in events[-_BUFFER:]:
                self._count += 1
                self._events.append((self._count, orjson.dumps(brief(event))))

    def forget(self) -> None:
        """Let go of the kept events: somebody who is in them was erased. Pages that are open go on from here."""
        with self._lock:
            self._events.clear()

    def after(self, count: int) -> list[tuple[int, bytes]]:
        """Events published after a position."""
        with self._lock:
            return [(at, event) for at, event in self._events if at > count]

    async def stream(self) -> AsyncIterator[bytes]:
        """Server-sent events from now on, with a comment line when nothing happens, so that proxies stay."""
        at, idle = self._count, 0.0
        while not self._is_over:
            fresh = self.after(at)
            at = fresh[-1][0] if fresh else at
            for _, event in fresh:
                yield b"data: " + event + b"\n\n"
            idle = 0.0 if fresh else idle + _PAUSE
            if idle >= _HEARTBEAT:
                idle = 0.0
                yield b": still here\n\n"
            await asyncio.sleep(_PAUSE)


def brief(event: Event) -> dict[str, Any]:
    """What the console shows of an event."""
    return {
        "seq": event.seq,
        "event_id": event.event_id,
        "event": event.event,
        "user_id": event.user_id,
        "anonymous_id": event.anonymous_id,
        "item_ids": event.item_ids[:10],
        "timestamp": event.timestamp,
        "query": event.query,
        "text": event.text[:200] if event.text else None,
        "rating": event.rating,
        "value": event.value,
        "polarity": event.reading.polarity if event.reading else None,
        "details": dict(event.properties) if event.event in {"profile_edit", "consent"} else None,
    }
