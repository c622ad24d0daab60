"""Recommendation by text alone: an encoder as it came, pretrained on the shop, taught by who bought what, and both.

python -m benchmarks.text_only [--encoder minilm] [--seeds 3] [--budget 8m] [--pretrain 4m] [--json FILE]

Leave-one-out on the Scientific set: the last item of a user is asked for, the one before it belongs to the input and to
no training; all items are ranked by cosine, those of the history masked. A user is the text of the history, as
`huaxiang finetune contrast` reads it, or the mean of the vectors of the last items, whichever of the two does better on
the item before the last. Nothing is chosen by the test. Brackets are 95 % bootstrap intervals over users; the gain over
the encoder as it came is paired.
"""

import argparse
import gzip
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import ROOT, commit, load, machine
from huaxiang.cli.train import seconds_of
from huaxiang.encoder.checkpoint import open_checkpoint
from huaxiang.encoder.contrasting import Asked, train_contrast
from huaxiang.encoder.model import Network
from huaxiang.encoder.precision import autocast
from huaxiang.encoder.pretraining.run import Wish, pretrain_texts
from huaxiang.encoder.schedule import Clock
from huaxiang.encoder.taken import Pair, Taken
from huaxiang.measure.intervals import bootstrap, paired_bootstrap
from huaxiang.measure.metrics import hits_of_ranks, ndcg_at_k, recall_at_k
from huaxiang.text.wording import history_text, item_text
from huaxiang.types import Item, Vectors

TARGET: Final = 0.30
"""Gain in ndcg@10 over the encoder as it came."""
LAST: Final = 10
"""Items of a history that are averaged, the newest counting most."""
MAX_PAIRS: Final = 30_000
AS_IT_CAME: Final = "as it came"


@dataclass(frozen=True)
class Shop:
    """Items and what each user took, oldest first, as indices of items."""

    items: tuple[Item, ...]
    histories: tuple[tuple[int, ...], ...]

    def asked(self, last: int) -> tuple[list[tuple[int, ...]], NDArray[np.int64]]:
        """What stands before the item `last` from the end, and that item, of every user who has both."""
        rows = [row for row in self.histories if len(row) > last]
        return [row[:-last] for row in rows], np.array([row[-last] for row in rows], dtype=np.int64)

    def pairs(self, rng: np.random.Generator) -> Taken:
        """Every history before the last two items, and the item that came next; at most 30,000, drawn evenly."""
        spots = [(user, at) for user, row in enumerate(self.histories) for at in range(1, len(row) - 2)]
        if len(spots) > MAX_PAIRS:
            spots = [spots[i] for i in np.sort(rng.choice(len(spots), MAX_PAIRS, replace=False))]
        texts = [item_text(item) for item in self.items]
        rows = [self.pair(texts, user, at) for user, at in spots]
        return Taken.of(rows, texts)

    def pair(self, texts: Sequence[str], user: int, at: int) -> Pair:
        """What this user took at that place, after all before it."""
        row = self.histories[user]
        return Pair(self.history(row[:at]), texts[row[at]], str(user), tuple(texts[i] for i in reversed(row[:at])))

    def history(self, row: Sequence[int]) -> str:
        """A history as the encoder reads it."""
        return history_text([self.items[at] for at in row])


def scientific() -> Shop:
    """The published files: texts of items, and each user's items in order."""
    folder = Path(os.environ.get("HUAXIANG_DATA", ROOT / "../shared/data")).resolve()
    folder = folder / "amazon2018_scientific_text" / "unisrec"

    def lines(name: str) -> Iterator[list[str]]:
        with gzip.open(folder / f"Scientific.{name}.gz", "rt", encoding="utf-8") as file:
            yield from (line.rstrip("\n").split("\t") for line in file)

    place = {item: int(at) for item, at in lines("item2index")}
    texts = {place[row[0]]: row[1] for row in lines("text") if row[0] in place}
    items = tuple(Item(str(at), name=texts.get(at, "")) for at in range(len(place)))
    rows = (row for row in lines("test.inter") if row[0].isdigit())
    return Shop(items, tuple((*map(int, before.split()), int(last)) for _, before, last in rows))


def encoded(network: Network, texts: Sequence[str]) -> Vectors:
    """Vectors, in the precision that the training found faster or not at all: bfloat16 moves no rank that counts."""
    with autocast(True):
        return np.asarray(network.encode_ids(network.tokens.ids(texts)).float().numpy(), dtype=np.float32)


def ranks(users_ND: Vectors, items_MD: Vectors, seen: Sequence[Sequence[int]], right_N: NDArray[np.int64]) -> Any:
    """0-based rank of each right item among all, those of the history left out; ties in the order of the items."""
    found = np.zeros(len(right_N), dtype=np.int64)
    for row, (history, right) in enumerate(zip(seen, right_N.tolist(), strict=True)):
        score_M = items_MD @ users_ND[row]
        wanted = score_M[right]
        score_M[[at for at in history if at != right]] = -np.inf
        found[row] = (score_M > wanted).sum() + (score_M[:right] == wanted).sum()
    return found


def users(network: Network, items_MD: Vectors, shop: Shop, histories: Sequence[Sequence[int]], form: str) -> Vectors:
    """Vectors of users: of the history's text, or the mean of the newest items."""
    if form == "history text":
        return encoded(network, [shop.history(row) for row in histories])
    weights = 1.0 / np.arange(1, LAST + 1)
    return np.stack([weights[: len(row[-LAST:])] @ items_MD[list(reversed(row[-LAST:]))] for row in histories])


def measured(name: str, network: Network, shop: Shop, base: NDArray[np.float64] | None) -> dict[str, Any]:
    """A row of the table: the better form of a user by the item before the last, judged by the last."""
    began, rng = time.monotonic(), np.random.default_rng(0)
    items_MD = encoded(network, [item_text(item) for item in shop.items])
    ndcg: dict[str, float] = {}
    for form in ("history text", "mean of items"):
        histories, right_N = shop.asked(2)
        some = np.random.default_rng(0).permutation(len(histories))[:2_000]
        chosen = [histories[i] for i in some]
        found = ranks(users(network, items_MD, shop, chosen, form), items_MD, chosen, right_N[some])
        ndcg[form] = float(of_ranks(found)[0].mean())
    form = max(ndcg, key=lambda each: ndcg[each])
    histories, right_N = shop.asked(1)
    found = ranks(users(network, items_MD, shop, histories, form), items_MD, histories, right_N)
    ndcg_N, recall_N = of_ranks(found)
    low, high = bootstrap(ndcg_N, rng=rng)[1:3]
    row = {
        "row": name,
        "user": form,
        "validation": ndcg[form],
        "ndcg@10": float(ndcg_N.mean()),
        "low": low,
        "high": high,
    }
    row |= {"recall@10": float(recall_N.mean()), "n_users": len(ndcg_N), "seconds": round(time.monotonic() - began, 1)}
    if base is not None:
        gain = paired_bootstrap(ndcg_N, base, rng=rng)
        row |= {"gain": gain[0] / base.mean(), "gain_low": gain[1] / base.mean(), "gain_high": gain[2] / base.mean()}
    print(json.dumps({key: round(v, 4) if isinstance(v, float) else v for key, v in row.items()}), flush=True)
    return row | {"values": ndcg_N}


def of_ranks(found: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """ndcg@10 and recall@10 of each user."""
    hits, one = hits_of_ranks(found, 10), np.ones(len(found), dtype=np.int64)
    return ndcg_at_k(hits, one, 10), recall_at_k(hits, one, 10)


def run(
    shop: Shop, base: dict[str, Any], encoder: str, seed: int, budget: float, pretraining: float
) -> list[dict[str, Any]]:
    """Every row of one seed but the first, which no seed changes."""
    rows: list[dict[str, Any]] = []
    taken = shop.pairs(np.random.default_rng(seed))
    with tempfile.TemporaryDirectory() as work:
        begun = {"contrast": encoder}
        if pretraining:
            wish = Wish(encoder=encoder, seconds=pretraining, seed=seed, threads=os.cpu_count() or 1)
            report = pretrain_texts([item_text(item) for item in shop.items], Path(work) / "pretrained", wish)
            print(f"  perplexity {report.pretrain.perplexity_before:.1f} to {report.pretrain.perplexity_after:.1f}")
            rows.append(measured("pretrained", open_checkpoint(f"{work}/pretrained", 128), shop, base["values"]))
            begun["pretrained, contrast"] = f"{work}/pretrained"
        for name, beginning in begun.items():
            how = Asked(encoder=beginning, seed=seed, threads=os.cpu_count(), cut=False)
            trained = train_contrast(taken, None, how, Clock(budget), seconds=budget)
            print(f"  {trained.figures['steps']} steps; {'; '.join(trained.figures['notes'])}")
            rows.append(measured(name, trained.network, shop, base["values"]))
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", default="minilm")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--budget", default="8m", help="of each contrastive training")
    parser.add_argument("--pretrain", default="4m", help="of pretraining on the items' texts; 0s leaves it out")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)
    rows: list[dict[str, Any]] = []
    try:
        shop = scientific()
    except FileNotFoundError as error:
        print(f"skipped: {error.filename} is not under HUAXIANG_DATA")
        if asked.json:
            asked.json.write_text(json.dumps({"rows": rows}))
        return 0
    print(
        f"machine {machine()}, commit {commit()}, load {load()}; {len(shop.items)} items, {len(shop.histories)} users"
    )
    pretraining = 0.0 if asked.pretrain == "0s" else seconds_of(asked.pretrain)
    base = measured(AS_IT_CAME, open_checkpoint(asked.encoder, 128), shop, None)
    rows.append({k: v for k, v in base.items() if k != "values"})
    for seed in range(asked.seeds):
        found = run(shop, base, asked.encoder, seed, seconds_of(asked.budget), pretraining)
        rows += [{k: v for k, v in row.items() if k != "values"} | {"seed": seed} for row in found]
        if asked.json:
            asked.json.write_text(json.dumps({"machine": machine(), "commit": commit(), "rows": rows}, indent=1))
    gains = [row["gain"] for row in rows if row["row"] == "contrast"]
    print(f"gain in ndcg@10 of contrast: {np.mean(gains):.1%} (target {TARGET:.0%})")
    return 0 if np.mean(gains) >= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
