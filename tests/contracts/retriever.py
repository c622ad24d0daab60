"""What every retriever owes its callers; a new one is done when it inherits this suite and is green."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from huaxiang.errors import ConfigError
from huaxiang.retrieval.base import UNKNOWN, History, Interactions, Retriever

ITEM_IDS = ("tea", "pot", "cup", "tyre", "pump", "never met")
TEA, POT, CUP, TYRE, PUMP, NEVER = range(6)


def a_small_shop() -> Interactions:
    """Four people buy tea things, two buy for the bicycle; nobody met the last item."""
    users = [[TEA, POT, CUP], [TEA, POT], [POT, CUP], [TEA, CUP], [TYRE, PUMP], [PUMP, TYRE]]
    return Interactions.of(ITEM_IDS, users)


class RetrieverContract:
    """Subclasses give `make`, a retriever that is not fitted yet, for the catalogue above."""

    def make(self) -> Retriever:
        """A new retriever."""
        raise NotImplementedError

    def load(self, folder: Path) -> Retriever:
        """The retriever that `save` wrote."""
        kind: Any = type(self.make())
        loaded: Retriever = kind.load(folder)
        return loaded

    @pytest.fixture
    def retriever(self) -> Retriever:
        return self.make().fit(a_small_shop())

    def test_a_tea_drinker_is_never_shown_what_is_excluded(self, retriever: Retriever) -> None:
        items_K, _ = retriever.candidates(History.of([TEA]), 6, exclude=np.array([TEA, POT, POT, UNKNOWN]))
        assert not {TEA, POT} & set(items_K.tolist())

    def test_candidates_carry_the_scores_that_batches_give_best_first(self, retriever: Retriever) -> None:
        history = History.of([TEA, POT])
        items_K, scores_K = retriever.candidates(history, 6)
        assert scores_K.tolist() == retriever.scores([history])[0][items_K].tolist()
        assert scores_K.tolist() == sorted(scores_K.tolist(), reverse=True)

    def test_scores_cover_the_catalogue_for_every_history(self, retriever: Retriever) -> None:
        scores_NM = retriever.scores([History.of([TEA]), History.of([]), History.of([UNKNOWN])])
        assert scores_NM.shape == (3, 6)
        assert scores_NM.dtype == np.float32
        assert not np.isnan(scores_NM).any()

    def test_no_history_at_all_is_no_error(self, retriever: Retriever) -> None:
        assert retriever.scores([]).shape == (0, 6)

    def test_a_stranger_gets_an_answer_without_error(self, retriever: Retriever) -> None:
        items_K, scores_K = retriever.candidates(History.of([]), 3)
        assert len(items_K) == len(scores_K) <= 3

    def test_an_item_the_catalogue_does_not_know_changes_nothing_but_the_places(self, retriever: Retriever) -> None:
        with_unknown = retriever.candidates(History.of([UNKNOWN, TEA]), 6)
        assert with_unknown[0].tolist() == retriever.candidates(History.of([TEA]), 6)[0].tolist()
        assert retriever.contributions(History.of([UNKNOWN, TEA]), POT)[0] == 0.0

    def test_an_item_nobody_met_is_no_error_in_a_history(self, retriever: Retriever) -> None:
        assert len(retriever.candidates(History.of([NEVER]), 3)[0]) <= 3
        assert len(retriever.similar(NEVER, 3)[0]) <= 3

    def test_a_history_of_ten_thousand_events_is_answered(self, retriever: Retriever) -> None:
        history = History.of(np.arange(10_000) % 6)
        assert len(retriever.candidates(history, 2)[0]) <= 2
        assert retriever.contributions(history, POT).shape == (10_000,)

    def test_nothing_asked_is_nothing_answered(self, retriever: Retriever) -> None:
        assert len(retriever.candidates(History.of([TEA]), 0)[0]) == 0

    def test_an_item_is_not_similar_to_itself(self, retriever: Retriever) -> None:
        assert TEA not in retriever.similar(TEA, 6)[0]

    def test_ties_stand_in_catalogue_order(self) -> None:
        retriever = self.make().fit(a_small_shop())
        items_K, scores_K = retriever.candidates(History.of([TEA, POT, TYRE]), 6)
        for first, second in zip(range(len(items_K) - 1), range(1, len(items_K)), strict=True):
            assert scores_K[first] > scores_K[second] or items_K[first] < items_K[second]

    def test_the_same_log_gives_the_same_answers(self) -> None:
        first, second = self.make().fit(a_small_shop()), self.make().fit(a_small_shop())
        history = History.of([TEA, CUP])
        assert first.scores([history]).tolist() == second.scores([history]).tolist()

    def test_asking_changes_nothing(self, retriever: Retriever) -> None:
        before = retriever.scores([History.of([TEA])]).tolist()
        retriever.candidates(History.of([CUP, POT]), 2, exclude=np.array([TEA]))
        assert retriever.scores([History.of([TEA])]).tolist() == before

    def test_forgetting_somebody_is_a_fit_on_the_others_or_is_refused(self, retriever: Retriever) -> None:
        shop = a_small_shop()
        users = [shop.history(user).items_L for user in range(shop.n_users)]
        gone = Interactions.of(ITEM_IDS, users[1:2])
        if retriever.forgets == "stale":
            with pytest.raises(ConfigError, match="train a new release"):
                retriever.forget(gone)
            return
        before = retriever.scores([History.of([TEA, CUP, PUMP])])
        others = self.make().fit(Interactions.of(ITEM_IDS, users[:1] + users[2:]))
        asked = [History.of([TEA]), History.of([POT, PUMP]), History.of([])]
        np.testing.assert_allclose(retriever.forget(gone).scores(asked), others.scores(asked), rtol=1e-5, atol=1e-9)
        assert (retriever.scores([History.of([TEA, CUP, PUMP])]) == before).all()  # a new one is made

    def test_contributions_are_one_number_per_event(self, retriever: Retriever) -> None:
        assert retriever.contributions(History.of([TEA, POT]), CUP).shape == (2,)

    def test_what_is_saved_answers_the_same(self, retriever: Retriever, tmp_path: Path) -> None:
        retriever.save(tmp_path)
        loaded = self.load(tmp_path)
        history = History.of([TEA, POT])
        assert (loaded.name, loaded.forgets, loaded.n_items) == (retriever.name, retriever.forgets, 6)
        assert loaded.scores([history]).tolist() == retriever.scores([history]).tolist()
        assert loaded.similar(TEA, 3)[0].tolist() == retriever.similar(TEA, 3)[0].tolist()


class AdditiveContract(RetrieverContract):
    """For those whose score is a sum over the history's events."""

    def test_contributions_sum_to_the_score(self, retriever: Retriever) -> None:
        history = History.of([TEA, TYRE, POT, TEA])
        score = retriever.scores([history])[0][CUP]
        assert retriever.contributions(history, CUP).sum() == pytest.approx(score, rel=1e-4, abs=1e-6)

    def test_a_dislike_speaks_against_its_neighbours(self, retriever: Retriever) -> None:
        liked = retriever.scores([History.of([TEA], weights=[1.0])])[0][POT]
        disliked = retriever.scores([History.of([TEA], weights=[-1.0])])[0][POT]
        assert disliked < liked
