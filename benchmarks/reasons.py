"""What reasons are worth: how many items carry one that passed its check, how often the first choice passes, the time.

python -m benchmarks.reasons [--shoppers 1000] [--k 10] [--budget 150s] [--data-dir DIR] [--json FILE]

The shop is the simulated one of `huaxiang demo` with a trained release, or the copy of a data directory that is given.
Asked is a page with reasons for shoppers with a history, drawn by chance, at the end of the log; how a reason is
checked is in docs/decisions/0012-reasons-are-checked.md. An item carries a reason where one that cites events passed;
what is said without events (popularity, another shop) is counted apart. The first choice of an item is the reason that
is checked first, before any is withheld. Times are of `Pipeline.rank` in one process of one thread, with the state
known, after a warm-up of ten pages; the same pages without reasons stand beside them. Status 1 below 80 % of items or
90 % of first choices.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.machine import Figure, commit, load, machine, table
from huaxiang.cli.train import seconds_of
from huaxiang.config import load_settings
from huaxiang.demo import SETTINGS_SEED, simulate
from huaxiang.measure.intervals import wilson
from huaxiang.pipeline import Page
from huaxiang.shop import Shop
from huaxiang.store import every_user
from huaxiang.training import train
from huaxiang.types import UserId, is_anonymous

CARRY: Final = 0.8
FIRST: Final = 0.9
_WARM_UP: Final = 10
_AT_ONCE: Final = 5_000


@dataclass
class Seen:
    """Counts over all pages.

    Attributes:
        items: by what was said of them: `checked`, `popular` (and what else cites no event), `nothing`.
        first, first_passed: items by the kind of their first choice, and those whose first choice passed.
        shown: reasons that passed, by kind.
        cited: events that they cite, by how many.
        checks: reasons that were checked for an item, by how many.
        seconds, plain_seconds: of each page, with reasons and without.
    """

    items: Counter[str] = field(default_factory=Counter)
    first: Counter[str] = field(default_factory=Counter)
    first_passed: Counter[str] = field(default_factory=Counter)
    shown: Counter[str] = field(default_factory=Counter)
    cited: Counter[int] = field(default_factory=Counter)
    checks: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    plain_seconds: list[float] = field(default_factory=list)

    def take(self, page: Page) -> None:
        """Count a page."""
        for why, tried in zip(page.ranked.reasons, page.tried, strict=True):
            passed = [one.reason for one in tried if one.passed]
            self.items["checked" if passed else "popular" if why else "nothing"] += 1
            self.checks[len(tried)] += 1
            for reason in passed:
                self.shown[reason.kind] += 1
                self.cited[len(reason.evidence)] += 1
            if tried:
                self.first[tried[0].reason.kind] += 1
                self.first_passed[tried[0].reason.kind] += tried[0].passed


def demo_shop(folder: Path, budget: str) -> Shop:
    """The simulated shop with a release."""
    until = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    shop = Shop(load_settings(None, (), data_dir=folder))
    payloads = simulate(seed=SETTINGS_SEED, until=until).log()
    for start in range(0, len(payloads), _AT_ONCE):
        for refused in shop.intake.take(payloads[start : start + _AT_ONCE]).rejected:
            if "denied" not in refused.reason:  # who denies analytics leaves no events, in the simulated shop too
                raise RuntimeError(f"the simulator made an event that is refused: {refused.reason}")
    shop.refresh()
    train(shop.portraits, shop.releases, budget_seconds=seconds_of(budget), seed=SETTINGS_SEED)
    shop.refresh()
    return shop


def people_of(shop: Shop, n: int) -> list[UserId]:
    """Shoppers with a history, in an order of chance."""
    known = [user.user_id for user in every_user(shop.store) if not is_anonymous(user.user_id)]
    found: list[UserId] = []
    for at in np.random.default_rng(0).permutation(len(known)):
        if len(found) == n:
            break
        if shop.portraits.state(known[at], before=datetime.now(UTC)).items:
            found.append(known[at])
    return found


def measure(shop: Shop, people: Sequence[UserId], k: int) -> Seen:
    """Pages of some people, with reasons and without."""
    seen, now = Seen(), datetime.now(UTC)
    for turn, user in enumerate([*people[:_WARM_UP], *people]):
        state = shop.portraits.state(user, before=now)
        began = time.perf_counter()
        shop.pipeline.rank(state, now=now, k=k, user_id=user)
        between = time.perf_counter()
        page = shop.pipeline.rank(state, now=now, k=k, user_id=user, explain=True)
        ended = time.perf_counter()
        if turn >= min(_WARM_UP, len(people)):
            seen.take(page)
            seen.plain_seconds.append(between - began)
            seen.seconds.append(ended - between)
    return seen


def figures_of(seen: Seen) -> list[Figure]:
    """The three shares that matter, and times."""
    n, n_first = seen.items.total(), seen.first.total()
    figures = [
        Figure("items with a reason that passed", seen.items["checked"] / n, "of items", CARRY, load=load()),
        Figure("first choices that passed", seen.first_passed.total() / n_first, "of them", FIRST, load=load()),
        Figure("items called popular only", seen.items["popular"] / n, "of items", load=load()),
        Figure("items without a word", seen.items["nothing"] / n, "of items", load=load()),
    ]
    for name, seconds in (("with reasons", seen.seconds), ("without", seen.plain_seconds)):
        for rank in (50, 99):
            took = float(np.percentile(seconds, rank)) * 1_000
            figures.append(Figure(f"page {name}, p{rank}", round(took, 2), "ms", load=load()))
    return figures


def by_kind(seen: Seen) -> str:
    """First choices of each kind, how many passed, and how many of the kind were shown."""
    lines = []
    for kind, n in seen.first.most_common():
        low, high = wilson(seen.first_passed[kind], n)
        share = seen.first_passed[kind] / n
        lines.append(f"{kind}: first choice of {n:,} items, passed {share:.1%} [{low:.1%}, {high:.1%}]")
    lines.append("shown: " + ", ".join(f"{kind} {n:,}" for kind, n in seen.shown.most_common()))
    lines.append("events cited: " + ", ".join(f"{n} by {times:,}" for n, times in sorted(seen.cited.items())))
    lines.append("reasons checked for an item: " + ", ".join(f"{n} for {m:,}" for n, m in sorted(seen.checks.items())))
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shoppers", type=int, default=1_000)
    parser.add_argument("--k", type=int, default=10)
    parser.add_argument("--budget", default="150s", help="of training the demo shop")
    parser.add_argument("--data-dir", type=Path, help="a shop with a release, which is copied")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)
    print(f"{machine()}; commit {commit()}; load {load()}", flush=True)
    with tempfile.TemporaryDirectory(prefix="huaxiang-reasons-") as work, threadpool_limits(1, "blas"):
        folder = Path(work) / "shop"
        if asked.data_dir is None:
            shop = demo_shop(folder, asked.budget)
        else:
            shutil.copytree(asked.data_dir, folder)
            shop = Shop(load_settings(None, (), data_dir=folder))
        people = people_of(shop, asked.shoppers)
        seen = measure(shop, people, asked.k)
        shop.close()
    figures = figures_of(seen)
    print(f"{len(people):,} shoppers, {seen.items.total():,} items shown")
    print(table(figures))
    print(by_kind(seen))
    if asked.json:
        about = {"machine": machine(), "commit": commit(), "shoppers": len(people)}
        kinds = {"first": seen.first, "first_passed": seen.first_passed, "shown": seen.shown}
        said = about | {"figures": [asdict(figure) for figure in figures], "kinds": kinds}
        asked.json.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    return 0 if all(figure.is_met for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
