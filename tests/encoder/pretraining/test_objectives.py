"""What is asked: words as a whole, drawn anew, or the piece that comes next."""

import numpy as np
import pytest

from huaxiang.encoder.model import Network
from huaxiang.encoder.pretraining.decoder import new_decoder
from huaxiang.encoder.pretraining.objectives import NOT_ASKED, HiddenWords, NextWord
from huaxiang.encoder.pretraining.rows import Example, lay
from huaxiang.encoder.pretraining.words import NO_WORD
from huaxiang.encoder.tokens import Tokens
from huaxiang.errors import DataError
from tests.encoder.conftest import TINY

pytest.importorskip("torch")


def row(words: list[int]) -> Example:
    return Example(list(range(10, 10 + len(words))), words)


def test_all_pieces_of_a_word_are_asked_together(network: Network) -> None:
    asked = HiddenWords(network, 0.5, whole_words=True)
    rows = lay([[row([0, 0, 0, 1, 1])]] * 200, 0)
    labels_BL = asked.ask(rows, np.random.default_rng(0))[1]
    asked_BL = labels_BL != NOT_ASKED
    assert (asked_BL[:, :3].any(axis=1) == asked_BL[:, :3].all(axis=1)).all()
    assert (asked_BL[:, 3] == asked_BL[:, 4]).all()
    assert (asked_BL[:, 0] != asked_BL[:, 3]).any()


def test_the_asked_share_is_what_was_set(network: Network) -> None:
    rows = lay([[row([i // 2 for i in range(20)])]] * 500, 0)
    for whole_words in (True, False):
        labels = HiddenWords(network, 0.2, whole_words=whole_words).ask(rows, np.random.default_rng(0))[1]
        assert (labels != NOT_ASKED).mean() == pytest.approx(0.2, abs=0.02)


def test_of_what_is_asked_most_is_masked_some_replaced_some_left(network: Network) -> None:
    rows = lay([[row(list(range(20)))]] * 500, 0)
    shown, labels = HiddenWords(network, 0.5, whole_words=True).ask(rows, np.random.default_rng(0))
    asked = labels != NOT_ASKED
    assert (shown[asked] == network.tokenizer.mask_token_id).mean() == pytest.approx(0.8, abs=0.02)
    assert (shown[asked] == labels[asked]).mean() == pytest.approx(0.1, abs=0.02)
    assert (shown[~asked] == rows.ids_BL[~asked]).all()


def test_the_next_epoch_asks_for_other_words(network: Network) -> None:
    rows, rng = lay([[row(list(range(20)))]] * 8, 0), np.random.default_rng(0)
    asked = HiddenWords(network, 0.2, whole_words=True)
    assert (asked.ask(rows, rng)[1] != asked.ask(rows, rng)[1]).any()


def test_a_text_of_one_word_is_asked_for_it(network: Network) -> None:
    rows = lay([[row([-1, 0, 0, -1])]], 0)
    labels = HiddenWords(network, 0.01, whole_words=True).ask(rows, np.random.default_rng(0))[1]
    assert (labels != NOT_ASKED).tolist() == [[False, True, True, False]]


def test_texts_of_unknown_pieces_alone_are_left_out(network: Network) -> None:
    read = HiddenWords(network, 0.2, whole_words=True).read(["green tea", "", "ἀρχή"])
    assert len(read) == 1


@pytest.mark.parametrize("whole_words", [True, False])
def test_what_stands_before_every_text_is_not_asked_for(network: Network, whole_words: bool) -> None:
    network.tokens = Tokens(network.tokenizer.backend_tokenizer, 32, "tea: ")
    (example,) = HiddenWords(network, 0.2, whole_words=whole_words).read(["green"])
    assert [word == NO_WORD for word in example.words] == [True, True, True, False, True]  # [CLS] tea : green [SEP]


def test_a_network_that_cannot_hide_a_word_is_refused(network: Network) -> None:
    network.tokenizer.mask_token = None
    with pytest.raises(DataError, match="without a mask token"):
        HiddenWords(network, 0.2, whole_words=True)


def test_a_decoder_is_asked_for_every_piece_but_the_first_and_for_the_end(texts: list[str]) -> None:
    decoder = new_decoder(texts, TINY)
    objective = NextWord(decoder)
    (example,) = objective.read(["green tea"])
    end, begin = decoder.tokenizer.eos_token_id, decoder.tokenizer.bos_token_id
    assert (example.ids[0], example.ids[-1]) == (begin, end)
    shown, labels = objective.ask(lay([[example]], 0), np.random.default_rng(0))
    assert labels.tolist() == [[*example.ids[1:], NOT_ASKED]]
    assert shown.tolist() == [list(example.ids)]


def test_a_text_that_was_cut_has_no_end(texts: list[str]) -> None:
    decoder = new_decoder(texts, TINY)
    (example,) = NextWord(decoder).read([" ".join(texts[:20])])
    assert len(example.ids) == TINY.max_tokens
    assert example.ids[-1] != decoder.tokenizer.eos_token_id


def test_texts_of_one_row_are_not_asked_for_each_other() -> None:
    rows = lay([[row([-1, -1]), row([-1, -1])]], 0)  # ids 10 11 | 10 11
    labels = NextWord.ask(object.__new__(NextWord), rows, np.random.default_rng(0))[1]
    assert labels.tolist() == [[11, NOT_ASKED, 11, NOT_ASKED]]
