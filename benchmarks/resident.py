"""Residents: what a person weighs, what a million take, how fast they go to the store and back, how fast is a count.

python -m benchmarks.resident [--users 1000000] [--sample 2000] [--resident-mb 512] [--json FILE]

`--sample` people are those of the simulated shop of `huaxiang demo`, folded for real; a filter's answer by their
residents is compared with the one by folds, person by person. The others are residents made from these directly: the
essence of one of them, with other keywords, other sequence numbers and other moments, and one event in the log, so that
the store knows them. Whom a resident cannot tell of is folded, which of made people is the fold of one event: their
number is told beside the time. All in one process of one thread. Status 1 where a resident has more than 1,024 bytes,
the residents take more than their budget, or an answer differs.
"""

import argparse
import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from benchmarks.machine import Figure, commit, load, machine, table
from huaxiang.config import load_settings
from huaxiang.demo import SETTINGS_SEED, simulate
from huaxiang.profiles.audience_count import passing
from huaxiang.profiles.audience_filter import compile_audience_filter
from huaxiang.profiles.packing import LIMIT, head_of
from huaxiang.profiles.readable import Readable
from huaxiang.profiles.resident import Essence, Held
from huaxiang.shop import Shop
from huaxiang.store import every_user
from huaxiang.types import UserId

FILTERS: Final[Mapping[str, dict[str, Any]]] = {
    "a brand": {"interests.brand": "BRAND"},
    "a top category": {"interests.category": "CATEGORY"},
    "a brand with a score": {"interests.brand": {"value": "BRAND", "score": {"gte": 0.1}}},
    "a keyword": {"interests.keyword": "KEYWORD"},
    "orders and recency": {"behaviour.n_orders": {"gte": 2}, "behaviour.recency_days": {"lte": 30}},
    "mood": {"mood.label": "negative"},
    "a search": {"needs.search": "KEYWORD"},
}
"""What is asked; words in capitals are the commonest values of the sample."""
_AT_ONCE: Final = 5_000
_EVENTS_AT_ONCE: Final = 50_000
_MB: Final = 1 << 20


@dataclass
class Run:
    """What is measured, in the order of its measuring."""

    shop: Shop
    now: datetime
    figures: list[Figure] = field(default_factory=list)

    def note(self, name: str, value: float, unit: str, target: float | None = None) -> None:
        """A figure, of which less is better where there is a target."""
        self.figures.append(Figure(name, value, unit, target, is_at_least=False, load=load()))
        print(f"  {name}: {value:,.4g} {unit}", flush=True)


def demo_people(shop: Shop, n: int, until: datetime) -> list[UserId]:
    """The people of the simulated shop, their log taken in."""
    payloads = simulate(seed=SETTINGS_SEED, n_users=n, until=until).log()
    left = iter(payloads)
    while batch := list(islice(left, _AT_ONCE)):
        shop.intake.take(batch)
    shop.refresh()
    return [user.user_id for user in every_user(shop.store)]


def folds(run: Run, people: Sequence[UserId]) -> list[Essence]:
    """Read and fold everybody once, as the first count does; their residents and what they weigh."""
    portraits = run.shop.portraits
    began = time.perf_counter()
    states = {user: portraits.read(user, before=run.now) for user in people}
    read = time.perf_counter()
    mark = portraits.residents.mark()
    essences = [portraits.settle(user, each, now=run.now, mark=mark) for user, each in states.items()]
    ended = time.perf_counter()
    with portraits.residents.reading(people, now=run.now) as found:
        weights = np.array([len(packed) for packed, _ in found.values()])
        heads = [head_of(packed) for packed, _ in found.values()]
    run.note("read and fold, a person", (read - began) / len(people) * 1e3, "ms")
    run.note("make a resident of it, a person", (ended - read) / len(people) * 1e3, "ms")
    run.note("bytes of a resident, mean", float(weights.mean()), "bytes")
    run.note("bytes of a resident, p99", float(np.percentile(weights, 99)), "bytes")
    run.note("bytes of a resident, max", float(weights.max()), "bytes", LIMIT)
    run.note("facets with evidence, mean", float(np.mean([head.n_facets for head in heads])), "facets")
    run.note("interests with a score, mean", float(np.mean([head.n_interests for head in heads])), "facets")
    run.note(
        "residents that hold every interest by score", float(np.mean([head.rest == 0.0 for head in heads])), "of them"
    )
    return [essence for essence in essences if essence.figures.n]


def questions(essences: Sequence[Essence]) -> dict[str, dict[str, Any]]:
    """The filters, with values that many of the sample have."""
    counts: dict[str, dict[str, int]] = {}
    for essence in essences:
        for held in essence.facets:
            of_kind = counts.setdefault(held.facet, {})
            of_kind[held.value] = of_kind.get(held.value, 0) + 1
    said = json.dumps(FILTERS)
    for kind in ("brand", "category", "keyword"):
        commonest = max(counts[kind], key=lambda value: (counts[kind][value], value))
        said = said.replace(f'"{kind.upper()}"', json.dumps(commonest))
    answered: dict[str, dict[str, Any]] = json.loads(said)
    return answered


def differences(run: Run, people: Sequence[UserId], asked: Mapping[str, dict[str, Any]]) -> int:
    """Answers by residents that are not those by folds, over all questions and people of the sample."""
    portraits, n_wrong = run.shop.portraits, 0
    readable = {}
    for user in people:
        state = portraits.read(user, before=run.now).state
        if state.n:
            readable[user] = Readable(state, portraits.item_facets, now=run.now, config=portraits.config)
    addressed = {
        user: person
        for user, person in readable.items()
        if person.consent("personalisation") == person.consent("advertising") == "granted"
    }
    for where in asked.values():
        test = compile_audience_filter(where)
        by_folds = {user for user, person in addressed.items() if test(person)}
        parts = passing(portraits, people, compile_audience_filter(where), now=run.now)
        n_wrong += len(by_folds ^ {user for part in parts for user in part.user_ids})
    return n_wrong


def made_up(essences: Sequence[Essence], n: int, last_seq: int) -> Iterator[tuple[UserId, Essence]]:
    """People like those of the sample, with other keywords, sequence numbers and moments."""
    rng = random.Random(SETTINGS_SEED)
    words = sorted({held.value for essence in essences for held in essence.facets if held.facet == "keyword"})

    def other(held: Held, shift: int) -> Held:
        value = rng.choice(words) if held.facet == "keyword" else held.value
        seqs = tuple(max(1, min(last_seq, seq + shift)) for seq in held.seqs)
        return replace(held, value=value, seqs=seqs)

    for number in range(n):
        essence, shift = rng.choice(essences), rng.randrange(-last_seq // 2, last_seq // 2)
        facets = tuple(
            {(held.facet, held.value): held for held in (other(one, shift) for one in essence.facets)}.values()
        )
        told = {(held.facet, held.value) for held in facets}
        others = tuple(each for each in essence.others if each[:2] not in told)
        figures = replace(essence.figures, last=[essence.figures.last[0], rng.randrange(1, last_seq + 1)])
        yield f"made-{number:07d}", replace(essence, facets=facets, others=others, figures=figures)


def log_of_made(shop: Shop, n: int, at: datetime) -> None:
    """One event of each, so that the store knows them."""
    for start in range(0, n, _EVENTS_AT_ONCE):
        names = [f"made-{number:07d}" for number in range(start, min(n, start + _EVENTS_AT_ONCE))]
        columns = {
            "event_id": [f"{name}-0" for name in names],
            "event": ["view_item"] * len(names),
            "user_id": names,
            "timestamp": pa.array([at] * len(names), pa.timestamp("us", tz="UTC")),
        }
        shop.store.append(pa.table(columns))


def keep_made(run: Run, essences: Sequence[Essence], n: int) -> None:
    """Keep everybody's resident: what has no room goes to the store."""
    shop, residents = run.shop, run.shop.portraits.residents
    log_of_made(shop, n, run.now - timedelta(hours=1))
    mark = residents.mark()
    before, worst, seconds = rss(), 0, 0.0
    for user, essence in made_up(essences, n, mark.seq):
        began = time.perf_counter()
        residents.keep(user, essence, (), mark)
        seconds += time.perf_counter() - began
        worst = max(worst, residents.n_bytes)
    run.note("kept", n / seconds, "a second")
    run.note("residents in memory", len(residents), "people")
    run.note("residents sent to the store", residents.traffic.stored, "people")
    run.note("bytes charged for a resident in memory", residents.n_bytes / max(1, len(residents)), "bytes")
    run.note("charged at most", worst / _MB, "MB", shop.settings.profiles.resident_mb)
    run.note("memory of the process grew by", rss() - before, "MB")


def counts(run: Run, asked: Mapping[str, dict[str, Any]]) -> None:
    """Count everybody by each filter."""
    portraits = run.shop.portraits
    traffic = portraits.residents.traffic
    began = time.perf_counter()
    everybody = [user.user_id for user in every_user(portraits.store)]
    run.note("naming everybody, a person", (time.perf_counter() - began) / len(everybody) * 1e6, "us")
    for name, where in asked.items():
        before, began = traffic.read_back, time.perf_counter()
        parts = list(passing(portraits, everybody, compile_audience_filter(where), now=run.now))
        seconds = time.perf_counter() - began
        n_folded, n = sum(part.n_folded for part in parts), sum(len(part.user_ids) for part in parts)
        print(f"  {name}: {n:,} of {len(everybody):,} in {seconds:.2f} s, {traffic.read_back - before:,} read back")
        run.note(f"count, {name}, a person", seconds / len(everybody) * 1e6, "us")
        run.note(f"folded for it, {name}", n_folded, "people")


def read_back(run: Run, n: int) -> None:
    """People of whom nothing is in memory, read from the store."""
    residents = run.shop.portraits.residents
    residents.forget()
    made = [f"made-{number:07d}" for number in range(n)]
    before, began = residents.traffic.read_back, time.perf_counter()
    for start in range(0, n, 250):
        with residents.reading(made[start : start + 250], now=run.now):
            pass
    found = residents.traffic.read_back - before
    if found:
        run.note("read back", found / (time.perf_counter() - began), "a second")


def rss() -> float:
    """Memory of the process, in MB of 2^20 bytes."""
    pages = int(Path("/proc/self/statm").read_text("utf-8").split()[1])
    return pages * resource.getpagesize() / _MB


def measure(run: Run, n_users: int, n_sample: int) -> bool:
    """Everything; whether answers by residents are those by folds."""
    people = demo_people(run.shop, n_sample, run.now - timedelta(minutes=1))
    essences = folds(run, people)
    asked = questions(essences)
    n_wrong = differences(run, people, asked)
    run.note("answers that differ from a fold's", n_wrong, "of them", 0 if n_wrong else None)
    keep_made(run, essences, max(0, n_users - len(people)))
    counts(run, asked)
    run.note("memory of the process", rss(), "MB")
    read_back(run, min(20_000, max(0, n_users - len(people))))
    return n_wrong == 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--sample", type=int, default=2_000)
    parser.add_argument("--resident-mb", type=float, default=512.0)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)
    print(f"{machine()}; commit {commit()}; load {load()}", flush=True)
    with tempfile.TemporaryDirectory(prefix="huaxiang-resident-") as work:
        room = [f"profiles.resident_mb={asked.resident_mb}"]
        shop = Shop(load_settings(None, room, data_dir=Path(work) / "shop"))
        run = Run(shop, datetime.now(UTC).replace(microsecond=0))
        is_right = measure(run, asked.users, asked.sample)
        shop.close()
    print(table(run.figures))
    if asked.json:
        about = {"machine": machine(), "commit": commit(), "users": asked.users, "sample": asked.sample}
        said = about | {"resident_mb": asked.resident_mb, "figures": [asdict(figure) for figure in run.figures]}
        asked.json.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    return 0 if is_right and all(figure.is_met for figure in run.figures if figure.target) else 1


if __name__ == "__main__":
    sys.exit(main())
