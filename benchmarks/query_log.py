"""What is learned from a shop's own queries and clicks: how fast the log is read, and how good what is learned is.

python -m benchmarks.query_log speed [--searches 1000000] [--json FILE]
python -m benchmarks.query_log shop [--seed 20011] [--users 2000] [--items 3000] [--json FILE]

`speed` reads a log of random searches by themselves, then one whose every search has a list of eight items, a click and
a look, and then single visits that come in one after another. `shop` simulates the demo shop: how likely places are
looked at, synonyms against the simulator's table of kinds in two languages, and the last tenth of time by appeal.
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from benchmarks.machine import commit, load, machine
from huaxiang.apps.search.query_log import QueryLog
from huaxiang.apps.search.synonyms import Learned, key_of, learned_pairs
from huaxiang.collect.check import check_event
from huaxiang.demo import simulate
from huaxiang.demo.tables import read_tables
from huaxiang.evaluation.search_clicks import Judged, as_shown, compare, judgements_from_clicks
from huaxiang.store import EVENT_SCHEMA, Store, open_store

_SHOWN: Final = 8
_AT_ONCE: Final = 50_000
_START: Final = datetime(2026, 1, 1, tzinfo=UTC)
_VISITS: Final = 20


def main(given: Sequence[str]) -> None:
    """Run one of the two, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("speed", "shop"))
    parser.add_argument("--searches", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=20_011)
    parser.add_argument("--users", type=int, default=2_000)
    parser.add_argument("--items", type=int, default=3_000)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(given)
    print(f"{machine()}; commit {commit()}; load {load():.2f}")
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{folder}/shop.db")
        figures = speed(store, Path(folder), asked.searches) if asked.what == "speed" else shop(store, asked)
        store.close()
    for name, value in figures.items():
        print(f"  {name:40} {value}")
    if asked.json is not None:
        asked.json.write_text(json.dumps(figures, indent=1, default=str), encoding="utf-8")


def speed(store: Store, folder: Path, n_searches: int) -> dict[str, Any]:
    """Seconds and events a second of a first reading, and of what comes in afterwards."""
    figures: dict[str, Any] = {}
    for start in range(0, n_searches, _AT_ONCE):
        store.append(_searches(start, min(_AT_ONCE, n_searches - start)))
    figures |= {f"searches alone: {name}": value for name, value in _first_reading(store)[1].items()}
    visits = open_store(f"sqlite:///{folder}/visits.db")
    for start in range(0, n_searches // 4, _AT_ONCE):
        visits.append(_visits(start, min(_AT_ONCE, n_searches // 4 - start)))
    log, said = _first_reading(visits)
    figures |= {f"with lists and clicks: {name}": value for name, value in said.items()}
    taken = []
    for number in range(_VISITS):
        visits.append(_visits(n_searches + number, 1))
        spent = time.process_time()
        log.refresh()
        taken.append(time.process_time() - spent)
    figures["one more visit, median ms of CPU"] = round(1000 * float(np.median(taken)), 1)
    figures["peak MB of the process"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    visits.close()
    return figures


def _first_reading(store: Store) -> tuple[QueryLog, dict[str, Any]]:
    log = QueryLog(store)
    started, spent = time.perf_counter(), time.process_time()
    log.refresh()
    seconds, spent = time.perf_counter() - started, time.process_time() - spent
    said = {"events": store.last_seq, "seconds": round(seconds, 2), "seconds of CPU": round(spent, 2)}
    said["events/s of CPU"] = round(store.last_seq / spent)
    return log, said | {"queries known": len(log.known())}


def _searches(start: int, n: int) -> pa.Table:
    rng = np.random.default_rng(start)
    numbers = start + np.arange(n)
    return _table(
        {
            "event_id": [f"search-{number}" for number in numbers],
            "event": ["search"] * n,
            "user_id": [f"shopper-{person:07d}" for person in rng.integers(0, 200_000, n)],
            "session_id": [f"session-{number}" for number in numbers],
            "query": _queries(rng, n),
            "query_id": [f"query-{number}" for number in numbers],
            "properties": ['{"total":12}'] * n,
            "timestamp": [_START + timedelta(seconds=8 * int(number)) for number in numbers],
        }
    )


def _queries(rng: np.random.Generator, n: int) -> list[str]:
    return [f"Thing of kind {kind}" for kind in rng.zipf(1.25, n) % 200_000]


def _visits(start: int, n: int) -> pa.Table:
    """A search, its list, a click and a look, for each of n people."""
    rng = np.random.default_rng(start)
    queries = _queries(rng, n)
    columns: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
    for at in range(n):
        number, first = start + at, int(rng.integers(0, 30)) + 100 * (int(queries[at].split()[-1]) % 200)
        items = [f"item-{first + place}" for place in range(_SHOWN)]
        lines = json.dumps([{"item_id": item, "index": place} for place, item in enumerate(items)])
        clicked = items[min(int(rng.geometric(0.4)) - 1, _SHOWN - 1)]
        said = [
            {"event": "search", "query": queries[at], "query_id": f"q{number}"},
            {"event": "view_item_list", "query_id": f"q{number}", "request_id": f"r{number}", "items": lines},
            {"event": "select_item", "request_id": f"r{number}", "item_id": clicked},
            {"event": "view_item", "item_id": clicked},
        ]
        for step, one in enumerate(said):
            whole = one | {
                "event_id": f"{number}-{step}",
                "user_id": f"shopper-{(number * 7919) % 200_000:07d}",
                "session_id": f"session-{number}",
                "timestamp": _START + timedelta(seconds=32 * number + 5 * step),
            }
            for name in _COLUMNS:
                columns[name].append(whole.get(name))
    return _table(columns)


_COLUMNS: Final = (
    *("event_id", "event", "user_id", "session_id", "item_id", "query", "query_id", "request_id", "items", "timestamp"),
)


def _table(columns: dict[str, Any]) -> pa.Table:
    return pa.table(columns, schema=pa.schema([EVENT_SCHEMA.field(name) for name in columns]))


def shop(store: Store, asked: argparse.Namespace) -> dict[str, Any]:
    """What is learned on the demo shop."""
    made = simulate(seed=asked.seed, n_items=asked.items, n_users=asked.users, until=_START + timedelta(days=90))
    store.append([check_event(payload, tenant="default") for payload in made.log()])
    log = QueryLog(store)
    log.refresh()
    theta = log.propensities
    figures: dict[str, Any] = {
        "queries known": len(log.known()),
        "clicks that taught places": round(theta.clicks),
        "looked at, by place": [round(float(value), 3) for value in theta.theta_K[:_SHOWN]],
    }
    figures |= synonyms_of(log)
    return figures | held_out(store)


def synonyms_of(log: QueryLog) -> dict[str, Any]:
    """How many of the pairs are of one kind, or of one trait, in the simulator's tables."""
    meanings = _meanings()
    right: list[Learned] = []
    wrong: list[Learned] = []
    for pair in learned_pairs(log.known()):
        same = meanings.get(key_of(pair.one), {pair.one}) & meanings.get(key_of(pair.other), {pair.other})
        (right if same else wrong).append(pair)
    typed = {key_of(one.text) for one in log.known()}
    pairs = {frozenset(names) for names in _kinds() if all(name in typed for name in names) and len(set(names)) > 1}
    return {
        "kinds typed in both languages": len(pairs),
        "synonyms found": len(right) + len(wrong),
        "of one kind or value": len(right),
        "examples": ", ".join(map(_said, right[:8])),
        "of none": ", ".join(map(_said, wrong[:20])),
    }


def _said(pair: Learned) -> str:
    return f"{pair.one} = {pair.other} {pair.overlap:.2f}"


def _kinds() -> list[tuple[str, str]]:
    return [(key_of(kind[0]), key_of(kind[1])) for line in read_tables().lines for kind in line.kinds]


def _meanings() -> dict[str, set[str]]:
    """Every name of a kind or a value to what it stands for."""
    tables = read_tables()
    words = [kind for line in tables.lines for kind in line.kinds] + [value for _, value in tables.trait_values]
    meanings: dict[str, set[str]] = {}
    for word in words:
        for name in word:
            meanings.setdefault(key_of(name), set()).add(word[0])
    return meanings


def held_out(store: Store) -> dict[str, Any]:
    """The last tenth of time in the order shown, by popularity and by appeal before it."""
    judgements = judgements_from_clicks(store)
    log = QueryLog(store, before=judgements.since)
    log.refresh()
    clicks: dict[str, float] = {}
    for asked in log.known():
        for item, appeal in asked.items.items():
            clicks[item] = clicks.get(item, 0.0) + appeal * asked.weight

    def by_appeal(judged: Judged) -> list[float]:
        appeal = log.appeal(judged.query)
        return [appeal.get(item, 0.0) for item in judged.shown]

    def by_popularity(judged: Judged) -> list[float]:
        return [clicks.get(item, 0.0) for item in judged.shown]

    rng = np.random.default_rng(0)
    found = compare(judgements, by_appeal, as_shown, rng=rng)
    popular = compare(judgements, by_appeal, by_popularity, rng=rng)
    known = sum(bool(log.appeal(judged.query)) for judged in judgements.lists)
    return {
        "lists judged": f"{found.n_lists} of {found.n_people} people; {known} of queries known before",
        "ndcg@10 by appeal": found.a,
        "ndcg@10 as shown": found.b,
        "appeal - as shown": found.difference,
        "appeal - popularity": popular.difference,
    }


if __name__ == "__main__":
    main(sys.argv[1:])
