"""Factors of who met what: fitted by a package, folded in by ourselves."""

import importlib.util

import numpy as np
import pytest

from huaxiang.errors import ConfigError, MissingExtraError
from huaxiang.retrieval.base import History, Retriever
from huaxiang.retrieval.factors import Factors
from tests.contracts.retriever import CUP, POT, PUMP, TEA, TYRE, RetrieverContract, a_small_shop


class TestFactors(RetrieverContract):
    def make(self) -> Retriever:
        return Factors(width=4)

    def test_contributions_sum_to_the_score(self, retriever: Retriever) -> None:
        history = History.of([TEA, TYRE, POT, TEA])
        score = retriever.scores([history])[0][CUP]
        added = retriever.contributions(history, CUP)
        assert added.sum() == pytest.approx(score, rel=1e-3, abs=1e-5)
        assert added[0] == added[3]  # twice the same item, half of its part each


def test_scores_of_a_few_items_are_those_of_the_whole_catalogue() -> None:
    fitted = Factors(width=4).fit(a_small_shop())
    for history in (History.of([TEA, TYRE, POT]), History.of([])):
        few = np.array([CUP, PUMP])
        np.testing.assert_allclose(fitted.scores_of(history, few), fitted.scores([history])[0][few], rtol=1e-5)


def test_a_cyclist_is_nearer_to_the_pump_than_to_the_pot() -> None:
    scores_M = Factors(width=4).fit(a_small_shop()).scores([History.of([TYRE])])[0]
    assert scores_M[PUMP] > scores_M[POT]


def test_a_dislike_says_nothing() -> None:
    fitted = Factors(width=4).fit(a_small_shop())
    liked, both = History.of([TEA]), History.of([TEA, TYRE], weights=[1.0, -1.0])
    assert fitted.scores([both]).tolist() == fitted.scores([liked]).tolist()
    assert fitted.contributions(both, POT)[1] == 0.0


def test_the_more_of_a_kind_the_less_each_adds() -> None:
    fitted = Factors()
    fitted._become(np.ones((3, 1), np.float32))
    assert fitted.contributions(History.of([0]), 2)[0] == pytest.approx(2.0 / 4.01)
    assert fitted.contributions(History.of([0, 1]), 2)[0] == pytest.approx(2.0 / 5.01)


def test_a_person_is_the_one_that_the_package_finds() -> None:
    from implicit.als import AlternatingLeastSquares
    from scipy import sparse

    fitted = Factors(width=4).fit(a_small_shop())
    model = AlternatingLeastSquares(factors=4, regularization=0.01, alpha=2.0)  # its alpha counts the cell itself
    model.item_factors, model.user_factors = fitted.items_MF, np.zeros((1, 4), np.float32)
    row = sparse.csr_matrix(([1.0, 1.0], ([0, 0], [TEA, POT])), shape=(1, 6))
    ids, scores = model.recommend(0, row, N=6, filter_already_liked_items=False, recalculate_user=True)
    np.testing.assert_allclose(fitted.scores([History.of([TEA, POT])])[0][ids], scores, atol=1e-4)


def test_without_the_package_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match="train"):
        Factors().fit(a_small_shop())


def test_a_ridge_of_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="reg > 0"):
        Factors(reg=0.0)
