"""What can be guessed of a shopper: from a profile, by counts, from the last events, by one who knows the rules.

Legend: L lines (sub-categories), M items, G grid of price levels.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.demo.shoppers import MOOD_MEMORY, price_comfort
from huaxiang.demo.simulation import DemoShop
from huaxiang.demo.tables import LANGUAGES
from huaxiang.demo.truth import BANDS, SHARPNESS
from huaxiang.types import Profile

Payload = Mapping[str, Any]

CHOICES: Final[Mapping[str, float]] = {"view_item": 1.0, "add_to_wishlist": 2.0, "add_to_cart": 3.0, "purchase": 3.0}
"""What the oracle takes as a choice, and for how many views; other events name an item without choosing it."""
TOUCHES: Final = frozenset(
    ["view_item", "select_item", "add_to_cart", "add_to_wishlist", "purchase", "review", "like", "share"]
)
"""What the plain baselines count, each as one."""
MISLEADING: Final = frozenset({"bot", "shared_account", "gift", "popularity", "position", "misclick"})
"""Noise that says nothing of the shopper; what is merely incomplete (no log-in, missing fields, typos) still does."""
HALF_LIFE_DAYS: Final = 30.0
WORDS: Final = 10.0
"""How many views one typed text weighs for the language."""
USUAL_MOOD: Final = 0.12
USUAL_MOOD_VARIANCE: Final = 0.14
SWING_VARIANCE: Final = 0.12
"""Of the swings and of what experiences add to them."""
_GRID: Final = np.linspace(0.02, 0.98, 25)


@dataclass(frozen=True, slots=True)
class Guess:
    """Scores by value, higher is more; what is not there is not guessed.

    Attributes:
        categories: paths of both levels.
        attributes: `(name, value)` as items write them.
    """

    categories: Mapping[str, float] = field(default_factory=dict)
    brands: Mapping[str, float] = field(default_factory=dict)
    attributes: Mapping[tuple[str, str], float] = field(default_factory=dict)
    band: str | None = None
    language: str | None = None
    mood: float | None = None


@dataclass(frozen=True, slots=True)
class Log:
    """A shop's events by shopper, in time order.

    Attributes:
        named: by the user id that the payload carries: what any program can see without linking devices.
        done: by who did it in truth, second persons and bots left out.
    """

    shop: DemoShop
    items: Mapping[str, Payload]
    rows: Mapping[str, int]
    bands: Mapping[str, str]
    named: Mapping[str, Sequence[Payload]]
    done: Mapping[str, Sequence[Payload]]


def read_log(shop: DemoShop, *, before: str) -> Log:
    """Sort the events before a moment (ISO text as in the payloads) by shopper."""
    named: dict[str, list[Payload]] = defaultdict(list)
    done: dict[str, list[Payload]] = defaultdict(list)
    truth = shop.truth
    for event in shop.events:
        if event["timestamp"] >= before:
            break
        user = event.get("user_id")
        if user is not None:
            named[user].append(event)
        actor = user or truth.actor.get(event["event_id"])
        if actor is not None and truth.noise.get(event["event_id"]) not in MISLEADING:
            done[actor].append(event)
    items = {str(item["item_id"]): item for item in shop.items}
    return Log(shop, items, truth.item_row(), _bands(shop), named, done)


def _bands(shop: DemoShop) -> dict[str, str]:
    """The third of its category's prices that each item lies in, from the catalogue alone."""
    by_path: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for item in shop.items:
        by_path[item.get("category", "")].append((item["price"], item["item_id"]))
    bands: dict[str, str] = {}
    for priced in by_path.values():
        for place, (_, item_id) in enumerate(sorted(priced)):
            bands[item_id] = BANDS[min(2, 3 * place // len(priced))]
    return bands


def item_ids(event: Payload) -> list[str]:
    """The items that an event names."""
    if "item_id" in event:
        return [event["item_id"]]
    return [line["item_id"] for line in event.get("items", ())]


def of_profile(profile: Profile) -> Guess:
    """What a profile says."""
    categories = {facet.value: facet.score for facet in profile.interests if facet.facet == "category"}
    brands = {facet.value: facet.score for facet in profile.interests if facet.facet == "brand"}
    bands = {facet.value: facet.score for facet in profile.interests if facet.facet == "price_band"}
    attributes = {
        (facet.facet.removeprefix("attribute:"), facet.value): facet.score
        for facet in profile.interests
        if facet.facet.startswith("attribute:")
    }
    language, polarity = profile.behaviour.get("language"), profile.mood.get("polarity")
    mood = None if polarity is None else float(polarity)
    return Guess(categories, brands, attributes, max(bands, key=lambda band: bands[band], default=None), language, mood)


def most_frequent(user: str, log: Log) -> Guess:
    """Counts over everything the user id touched; mood is the mean rating."""
    touched = [item for event in log.named.get(user, ()) if event["event"] in TOUCHES for item in item_ids(event)]
    ratings = [event["rating"] for event in log.named.get(user, ()) if event["event"] == "review"]
    return _tallied(touched, np.ones(len(touched)), ratings, log)


def most_recent(user: str, log: Log) -> Guess:
    """What was touched last comes first; each thing weighs more than all before it. Mood is the last rating."""
    touched = [item for event in log.named.get(user, ()) if event["event"] in TOUCHES for item in item_ids(event)]
    touched = touched[-40:]  # weights of powers of two; older ones could not change the order anyway
    ratings = [event["rating"] for event in log.named.get(user, ()) if event["event"] == "review"][-1:]
    return _tallied(touched, np.exp2(np.arange(len(touched), dtype=np.float64)), ratings, log)


def _tallied(touched: Sequence[str], weights: NDArray[np.float64], ratings: Sequence[int], log: Log) -> Guess:
    categories: dict[str, float] = defaultdict(float)
    brands: dict[str, float] = defaultdict(float)
    attributes: dict[tuple[str, str], float] = defaultdict(float)
    bands: dict[str, float] = defaultdict(float)
    languages: dict[str, float] = defaultdict(float)
    for item_id, weight in zip(touched, weights.tolist(), strict=True):
        item = log.items[item_id]
        if "category" in item:
            categories[item["category"]] += weight
            categories[item["category"].split(" > ")[0]] += weight
        if "brand" in item:
            brands[item["brand"]] += weight
        for name, value in item["attributes"].items():
            attributes[(name, value)] += weight
        bands[log.bands[item_id]] += weight
        languages[LANGUAGES[int(not item["name"].isascii())]] += weight
    mood = (float(np.mean(ratings)) - 3) / 2 if ratings else None
    return Guess(categories, brands, attributes, _top(bands), _top(languages), mood)


def _top(scores: Mapping[str, float]) -> str | None:
    return max(scores, key=lambda name: (scores[name], name), default=None)


class Oracle:
    """Guesses from the same events, knowing how they came about: which are noise, what for, by which utility.

    It does not look at the shopper's hidden state, so it is about the best that can be done, not the truth.
    """

    def __init__(self, log: Log, *, at: datetime) -> None:
        truth = log.shop.truth
        goods = truth.goods
        self.log, self.truth, self.goods = log, truth, goods
        self.end = truth.day(at)
        families = [line.family for line in goods.tables.lines]
        self.family_L = np.array(families)
        rows_M = np.arange(len(goods.line))
        pull_MG = np.stack(
            [0.45 * (goods.quality + goods.popularity) + price_comfort(goods, rows_M, level) for level in _GRID], axis=1
        )
        self.comfort_MG = SHARPNESS * np.stack([price_comfort(goods, rows_M, level) for level in _GRID], axis=1)
        total_LG = np.zeros((len(families), len(_GRID)))
        np.add.at(total_LG, goods.line, np.exp(SHARPNESS * pull_MG))
        self.log_total_LG = np.log(np.maximum(total_LG, 1e-12))
        n_L = np.maximum(np.bincount(goods.line, minlength=len(families)), 1)
        usual_LT = np.zeros((len(families), goods.traits.shape[1]))
        np.add.at(usual_LT, goods.line, goods.traits)
        self.usual_LT = usual_LT / n_L[:, None]

    def guess(self, user: str) -> Guess:
        """What the honest events say."""
        done = self.log.done.get(user, ())
        chosen = [
            (self.log.rows[item_id], CHOICES[event["event"]], self._age(event))
            for event in done
            if event["event"] in CHOICES
            for item_id in item_ids(event)
        ]
        share_L = self._lines(done)
        rows = np.array([row for row, _, _ in chosen], dtype=np.int64)
        weight = np.array([weight for _, weight, _ in chosen])
        fresh = weight * 2.0 ** (-np.array([age for _, _, age in chosen]) / HALF_LIFE_DAYS)
        level = self._level(rows, weight)
        language = self._language(done, rows, weight)
        return Guess(
            categories=self._categories(share_L),
            brands=self._brands(rows, fresh, share_L, level, language),
            attributes=self._attributes(rows, weight, share_L),
            band=None if level is None else BANDS[min(2, int(3 * level))],
            language=None if language is None else LANGUAGES[language],
            mood=self._mood(done),
        )

    def _age(self, event: Payload) -> float:
        moment = np.datetime64(event["timestamp"][:23], "ms")
        start = np.datetime64(self.truth.start.replace(tzinfo=None), "ms")
        return self.end - float((moment - start) / np.timedelta64(1, "D"))

    def _lines(self, done: Sequence[Payload]) -> NDArray[np.float64]:
        """Interest in each line: visits that were drawn from interest count once, smoothed within the family."""
        visits: dict[str, float] = {}
        for event in done:
            session = event.get("session_id")
            goal = self.truth.goals.get(session) if session is not None else None
            if session is not None and goal is not None and goal.kind == "need":
                visits.setdefault(session, self._age(event))
        count_L = np.zeros(len(self.family_L))
        for session, age in visits.items():
            count_L[self.truth.goals[session].line] += 2.0 ** (-age / HALF_LIFE_DAYS)
        size_C = np.bincount(self.family_L)
        family_C = np.bincount(self.family_L, weights=count_L, minlength=len(size_C))
        share_L: NDArray[np.float64] = count_L + 0.3 * (family_C / size_C)[self.family_L] + 0.01
        total: float = share_L.sum()
        return share_L / total

    def _categories(self, share_L: NDArray[np.float64]) -> dict[str, float]:
        tables = self.goods.tables
        scores: dict[str, float] = defaultdict(float)
        for line, share in enumerate(share_L.tolist()):
            scores[tables.line_path(line)] += share
            scores[tables.family_path(tables.lines[line].family)] += share
        return dict(scores)

    def _level(self, rows: NDArray[np.int64], weight: NDArray[np.float64]) -> float | None:
        """Posterior mean of the price level under the rule by which items are chosen."""
        if len(rows) == 0:
            return None
        seen_G = (weight[:, None] * (self.comfort_MG[rows] - self.log_total_LG[self.goods.line[rows]])).sum(axis=0)
        belief_G = np.exp(0.3 * (seen_G - seen_G.max()))  # tempered: views of one visit are not independent
        return float((belief_G * _GRID).sum() / belief_G.sum())

    def _language(self, done: Sequence[Payload], rows: NDArray[np.int64], weight: NDArray[np.float64]) -> int | None:
        typed = [event.get("text") or event.get("query") for event in done]
        written = [int(not words.isascii()) for words in typed if words]  # shoppers type in their own language
        for_chinese = WORDS * sum(written) + float((weight * self.goods.language[rows]).sum())
        total = WORDS * len(written) + float(weight.sum())
        return int(for_chinese > 0.5 * total) if total else None

    def _brands(
        self,
        rows: NDArray[np.int64],
        fresh: NDArray[np.float64],
        share_L: NDArray[np.float64],
        level: float | None,
        language: int | None,
    ) -> dict[str, float]:
        """What was chosen, and where nothing was, what anybody of that language and purse would choose."""
        goods = self.goods
        rows_M = np.arange(len(goods.line))
        pull_M = 0.45 * (goods.quality + goods.popularity)
        if level is not None:
            pull_M = pull_M + price_comfort(goods, rows_M, level)
        if language is not None:
            pull_M = pull_M - 2.0 * (goods.language != language)
        odds_M = np.exp(SHARPNESS * pull_M)
        total_L = np.bincount(goods.line, weights=odds_M, minlength=len(share_L))
        anybody_M = odds_M / total_L[goods.line]
        chosen_M = np.bincount(rows, weights=fresh, minlength=len(rows_M)).astype(np.float64)
        of_line_L = np.bincount(goods.line, weights=chosen_M, minlength=len(share_L))
        taste_M = (chosen_M + 4.0 * anybody_M) / (of_line_L[goods.line] + 4.0)
        share_B = np.bincount(goods.brand, weights=taste_M * share_L[goods.line])
        names = [brand.name for brand in goods.tables.brands]
        return dict(zip(names, share_B.tolist(), strict=False))

    def _attributes(
        self, rows: NDArray[np.int64], weight: NDArray[np.float64], share_L: NDArray[np.float64]
    ) -> dict[tuple[str, str], float]:
        """How much more often a value was chosen than it stands on the shelf of the line."""
        if len(rows) == 0:
            return {}
        goods = self.goods
        lines = goods.line[rows]
        more_T = (weight[:, None] * (goods.traits[rows] - self.usual_LT[lines])).sum(axis=0)
        spread_T = np.sqrt((weight[:, None] * self.usual_LT[lines]).sum(axis=0) + 2.0)
        present_T = share_L @ self.usual_LT
        score_T = more_T / spread_T * np.sqrt(present_T)
        values = goods.tables.trait_values
        return {(values[t][0][0], values[t][1][0]): float(score_T[t]) for t in np.flatnonzero(score_T > 0)}

    def _mood(self, done: Sequence[Payload]) -> float | None:
        """Gaussian process regression of the mood on the tones of the texts, with the generator's own covariance."""
        heard: list[tuple[float, float, float]] = []
        for event in done:
            tone = self.truth.tone.get(event["event_id"])
            if tone is None:
                continue
            if event["event"] == "review":  # a rating is quality and mood: take the item's part out
                quality = float(self.goods.quality[self.log.rows[event["item_id"]]])
                heard.append((self._age(event), (tone - 0.2 - 0.36 * quality) / 0.66, 0.3))
            elif event["event"] == "post":
                heard.append((self._age(event), 0.55 * tone + 0.05, 0.05))
            else:
                heard.append((self._age(event), -0.4, 0.4))
        if not heard:
            return None
        age, felt, doubt = (np.array(column) for column in zip(*heard, strict=True))
        gap = np.abs(age[:, None] - age[None, :])
        among = USUAL_MOOD_VARIANCE + SWING_VARIANCE * MOOD_MEMORY**gap + np.diag(doubt)
        with_now = USUAL_MOOD_VARIANCE + SWING_VARIANCE * MOOD_MEMORY**age
        return float(USUAL_MOOD + with_now @ np.linalg.solve(among, felt - USUAL_MOOD))
