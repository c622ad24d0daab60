"""The metrics agree with a second implementation, trec_eval's, on random rankings."""

import warnings

import numpy as np
import pytest

from huaxiang.measure import metrics

N, M, K = 200, 60, 10


@pytest.fixture(scope="module")
def rankings() -> tuple[np.ndarray, list[set[int]]]:
    rng = np.random.default_rng(7)
    shown_NM = np.array([rng.permutation(M) for _ in range(N)])
    relevant = [set(rng.choice(M, rng.integers(1, 25), replace=False).tolist()) for _ in range(N)]
    return shown_NM, relevant


@pytest.mark.parametrize("ours", ["ndcg", "recall", "precision", "mrr", "map", "hit_rate"])
def test_trec_eval_says_the_same(ours: str, rankings: tuple[np.ndarray, list[set[int]]]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import ir_measures
    shown_NM, relevant = rankings
    theirs = {
        "ndcg": "nDCG@10",
        "recall": "R@10",
        "precision": "P@10",
        "mrr": "RR",
        "map": "AP",
        "hit_rate": "Success@10",
    }
    judged = [ir_measures.Qrel(str(n), str(item), 1) for n, items in enumerate(relevant) for item in items]
    run = [
        ir_measures.ScoredDoc(str(n), str(item), float(K - place))
        for n in range(N)
        for place, item in enumerate(shown_NM[n, :K].tolist())
    ]
    measure = ir_measures.parse_measure(theirs[ours])
    said = {int(each.query_id): each.value for each in ir_measures.iter_calc([measure], judged, run)}
    hits = np.array([[item in relevant[n] for item in shown_NM[n, :K].tolist()] for n in range(N)])
    n_relevant = np.array([len(items) for items in relevant])
    found = getattr(metrics, f"{ours}_at_k")(hits, n_relevant, K)
    if ours == "map":  # trec_eval divides by all that is relevant, we by what a list of ten can hold
        found = found * np.minimum(n_relevant, K) / n_relevant
    np.testing.assert_allclose(found, [said[n] for n in range(N)], atol=1e-9)
