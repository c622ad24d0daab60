"""Items that nobody has met: a seeded tenth of the catalogue is taken out of all training and asked about.

python -m benchmarks.cold_items [--only beauty sports scientific] [--seeds 3]

Another tenth is taken out to choose weights by. A question is a user's first meeting with such an item, after the items
before it that were learned from; only the items of its tenth are ranked. Rows: popularity, which for an item without
meetings is that of its 20 nearest by content; content-kNN, the decayed sum of TF-IDF cosines to the items of the
history; ways borrowed from what an item's content is like; ours, both together by validation. Intervals are over users,
differences paired.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from benchmarks.machine import commit, load, machine
from benchmarks.quality_data import SETS
from huaxiang.evaluation.parts import all_terms
from huaxiang.evaluation.questions import Answers, Questions
from huaxiang.evaluation.rows import per_user
from huaxiang.evaluation.sequence_file import Sequences
from huaxiang.measure.intervals import bootstrap, paired_bootstrap
from huaxiang.retrieval.base import History, Indices, Interactions, Scores, best_of
from huaxiang.retrieval.borrowed import Borrowed
from huaxiang.retrieval.content import Terms
from huaxiang.retrieval.fuse import z_scores
from huaxiang.retrieval.item_to_item import ItemToItem
from huaxiang.retrieval.transitions import strongest

FIRST_SEED: Final = 20261128
WITH_TEXT: Final = ("beauty", "sports", "scientific")
SHARES: Final = np.linspace(0.0, 1.0, 11)
NEAR: Final = 20


@dataclass(frozen=True)
class Split:
    """What is learned from, and the two tenths with their questions."""

    known: Interactions
    validation: Questions
    test: Questions
    of_validation: Indices
    of_test: Indices


def split(sequences: Sequences, seed: int) -> Split:
    """The first tenth of a seeded order of the catalogue is the test, the second validation."""
    n = len(sequences.item_ids)
    order = np.random.default_rng(FIRST_SEED + seed).permutation(n)
    test, validation = np.sort(order[: n // 10]), np.sort(order[n // 10 : n // 5])
    cold_M = np.zeros(n, np.bool_)
    cold_M[test] = cold_M[validation] = True
    warm = [row[~cold_M[row]] for row in sequences.rows]
    return Split(
        Interactions.of(sequences.item_ids, warm),
        asked(sequences, validation, cold_M),
        asked(sequences, test, cold_M),
        validation,
        test,
    )


def asked(sequences: Sequences, items: Indices, cold_M: NDArray[np.bool_]) -> Questions:
    """Each user's first meeting with one of these items, after what stands before it and was learned from."""
    mine_M = np.zeros(len(cold_M), np.bool_)
    mine_M[items] = True
    histories, targets, users = [], [], []
    for user, row in enumerate(sequences.rows):
        places = np.flatnonzero(mine_M[row])
        before = row[: places[0]][~cold_M[row[: places[0]]]] if len(places) else row[:0]
        if len(before):
            histories.append(History.of(before))
            targets.append(np.array([row[places[0]]], dtype=np.int64))
            users.append(user)
    return Questions(tuple(histories), tuple(targets), np.array(users, dtype=np.int64))


def answers(scores_NC: Scores, items_C: Indices, questions: Questions) -> Answers:
    """The first ten of these items for each question."""
    lists_NK = np.full((len(questions), 10), -1)
    for row_K, row_C in zip(lists_NK, scores_NC, strict=True):
        row_K[:] = best_of(items_C, row_C, 10)[0]
    return Answers.of(lists_NK, questions.targets)


def popular(near_MM: sparse.csr_array, known: Interactions, items_C: Indices) -> Scores:
    """Meetings of the nearest items by content that were met, shape (C,)."""
    met_M = np.bincount(known.items_E, minlength=known.n_items)
    near_CM = strongest(sparse.csr_array(near_MM[items_C] * (met_M > 0)), NEAR)
    near_CM.data = np.ones_like(near_CM.data)
    return np.asarray(near_CM @ met_M / NEAR, dtype=np.float32)


def rows_of(parts: Split, terms_MT: sparse.csr_array) -> dict[str, Answers]:
    """Every row's answers to the test."""
    content = ItemToItem(Terms(terms_MT, kept=parts.known.n_items)).fit(parts.known)
    borrowed = ItemToItem(Borrowed(terms_MT, kept=parts.known.n_items)).fit(parts.known)

    def scores(questions: Questions, items_C: Indices) -> tuple[Scores, Scores]:
        both = (of_items(content, questions, items_C), of_items(borrowed, questions, items_C))
        return z_scores(both[0].T).T, z_scores(both[1].T).T

    tried = scores(parts.validation, parts.of_validation)
    found = {
        share: answers(share * tried[1] + (1.0 - share) * tried[0], parts.of_validation, parts.validation).ndcg
        for share in SHARES
    }
    share = max(found, key=lambda share: found[share])
    print(f"  share of borrowed ways {share:.1f}, of validation ndcg@10 {found[share]:.4f}")
    assert isinstance(content.matrix_MM, sparse.csr_array)
    many = np.tile(popular(content.matrix_MM, parts.known, parts.of_test), (len(parts.test), 1))
    by_content, by_ways = scores(parts.test, parts.of_test)
    tables = {
        "popularity of the nearest": many,
        "content-kNN": by_content,
        "borrowed ways": by_ways,
        "huaxiang": share * by_ways + (1.0 - share) * by_content,
    }
    return {name: answers(table, parts.of_test, parts.test) for name, table in tables.items()}


def of_items(retriever: ItemToItem, questions: Questions, items_C: Indices) -> Scores:
    """Scores of some items, a block of questions at a time."""
    blocks = [questions.histories[start : start + 512] for start in range(0, len(questions), 512)]
    return np.concatenate([retriever.scores(block)[:, items_C] for block in blocks])


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; exit status 1 where ours is not ahead of both in every seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=WITH_TEXT, default=list(WITH_TEXT))
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args(arguments)
    print(f"{machine()}; commit {commit()}; load {load()}")
    behind = 0
    for name in given.only:
        sequences, terms = SETS[name]()
        content_MT = all_terms(terms)
        assert content_MT is not None
        for seed in range(given.seeds):
            parts = split(sequences, seed)
            print(f"\n== {name}, seed {seed}: {len(parts.of_test)} items, {len(parts.test)} questions", flush=True)
            found = rows_of(parts, content_MT)
            ours = per_user(found["huaxiang"], "ndcg", 10)
            for row, answered in found.items():
                value_N, rng = per_user(answered, "ndcg", 10), np.random.default_rng(seed)
                mean, low, high = bootstrap(value_N, rng=rng)
                said = f"  {row:<26} ndcg@10 {mean:.4f} [{low:.4f}, {high:.4f}] recall@10 "
                said += f"{answered.hits_NK.any(axis=1).mean():.4f}"
                if row != "huaxiang":
                    more, least, most = paired_bootstrap(ours, value_N, rng=rng)
                    said += f"; ours {more:+.4f} [{least:+.4f}, {most:+.4f}]"
                    behind += row != "borrowed ways" and least <= 0.0
                print(said, flush=True)
    return 1 if behind else 0


if __name__ == "__main__":
    sys.exit(main())
