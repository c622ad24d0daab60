"""What a folded state takes in memory, reckoned without walking through it."""

from typing import Final

import orjson

from huaxiang.profiles.state import FoldState, Tally

_STATE: Final = 2_600
_TALLY: Final = 310
_EVIDENCE: Final = 150
_ENTRY: Final = 160
_SEARCH: Final = 330
_EDIT: Final = 550
_IN_BASE: Final = 60
"""Bytes of Python's own on a 64-bit machine, measured (tests/profiles/test_state_size.py): objects, their numbers,
their places in lists and dictionaries, ids of some twenty characters."""


def bytes_of(state: FoldState) -> int:
    """Bytes in memory, within a third either way; longer ids than usual take what they take."""
    size = _STATE + _tallies(state.items) + _tallies(state.queries) + _ENTRY * len(state.bought)
    size += _SEARCH * len(state.searches)
    size += sum(_EDIT + _IN_BASE * len(edit.base) for edit in state.edits)
    size += _EVIDENCE * (len(state.mood.evidence) + len(state.errand.evidence))
    return size + 5 * len(orjson.dumps(state.traits, default=str))


def _tallies(tallies: dict[str, Tally]) -> int:
    n_entries = sum([len(tally.evidence) for tally in tallies.values()])
    return _TALLY * len(tallies) + sum(map(len, tallies)) + _EVIDENCE * n_entries
