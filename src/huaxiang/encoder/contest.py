"""`auto` where there are held-out shoppers: every installed checkpoint that reads the shop's language, as it came, and
a network of the shop's own are asked, and the best begins."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from huaxiang.encoder.heldout import Retrieval
from huaxiang.encoder.model import Network
from huaxiang.encoder.schedule import Clock
from huaxiang.encoder.sources import Choice, Source

SHARE: Final = 0.2
"""Of the budget, for the comparison: to open 12 layers and to ask them takes one to two minutes."""
_TIMED: Final = 16
_OPENING: Final = 10.0
"""Seconds that a large checkpoint takes to open and to be cut, at least."""


class Entered(Protocol):
    """A network that was asked about held-out shoppers."""

    start: Retrieval
    notes: list[str]


E = TypeVar("E", bound=Entered)


@dataclass(frozen=True, slots=True)
class Contest(Generic[E]):
    """How a network takes part.

    Attributes:
        own: makes a network of the shop's text.
        opened: opens a checkpoint by name and adds notes to the list.
        enter: asks a network about held-out shoppers.
        asked: the texts that `enter` reads, to estimate its time; none: there are no held-out shoppers.
    """

    own: Callable[[], Network]
    opened: Callable[[str, list[str]], Network]
    enter: Callable[[Network], E]
    asked: Sequence[str]

    def best(self, choice: Choice, seconds: float, notes: list[str]) -> tuple[E, str | None]:
        """The best beginning by held-out mean reciprocal rank, and its name; None for the shop's own.

        Without held-out shoppers the first choice by language begins. A checkpoint that cannot be asked within
        `seconds` is left out and named: it could learn little in that time either.
        """
        notes.append(f"auto: {choice.why}")
        if choice.source is not None and not self.asked:
            return self.enter(self.opened(choice.source.name, notes)), choice.source.name
        clock = Clock(seconds)
        best, name, told = self.enter(self.own()), None, list[str]()
        said = [f"the shop's own text {best.start.mrr:.4f}"]
        for source in choice.fitting:
            about: list[str] = []
            entered = self._entered(source, clock, notes, about)
            if entered is None:
                continue
            said.append(f"{source.name} {entered.start.mrr:.4f}")
            if entered.start.mrr > best.start.mrr:
                best, name, told = entered, source.name, about
        if choice.fitting:
            chosen = name or "the shop's own text"
            notes += [f"auto: begins with {chosen}; held-out mrr as they came: {', '.join(said)}", *told]
        return best, name

    def _entered(self, source: Source, clock: Clock, notes: list[str], about: list[str]) -> E | None:
        if clock.left < _OPENING:
            notes.append(f"auto: {source.name} was left out, no {_OPENING:.0f} s were left to open it")
            return None
        network = self.opened(source.name, about)
        needed = self._seconds(network)
        if needed > clock.left:
            notes.append(
                f"auto: {source.name} was left out, to ask it takes {needed:.0f} s and {max(clock.left, 0.0):.0f} s "
                "were left for that; a larger budget lets it compete"
            )
            return None
        return self.enter(network)

    def _seconds(self, network: Network) -> float:
        """What asking will take, by a few of the texts, evenly spread by their length."""
        by_length = sorted(self.asked, key=len)
        few = by_length[:: max(len(by_length) // _TIMED, 1)][:_TIMED]
        began = time.monotonic()
        network.encode_ids(network.tokens.ids(few))
        return (time.monotonic() - began) * len(self.asked) / len(few)


def challenged(ours: E, theirs: E, began: tuple[str | None, str], *, asked: bool) -> tuple[E, str | None]:
    """Another shop's encoder in the place of what would have begun, where it finds held-out items better as it came.

    Args:
        began: names of the two; None for the shop's own text.
        asked: whether there were held-out shoppers; without any the other shop's encoder begins.
    """
    mine = f"{began[0] or 'of the shop itself'} {ours.start.mrr:.4f}"
    said = f"held-out mrr as they came: {mine}, the other shop's encoder {theirs.start.mrr:.4f}"
    if asked and theirs.start.mrr <= ours.start.mrr:
        ours.notes.append(f"a warm start was refused; {said}")
        return ours, began[0]
    theirs.notes.append(f"begins with the other shop's encoder; {said}")
    return theirs, began[1]
