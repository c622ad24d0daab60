"""Texts that share a row do not see each other."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from huaxiang.encoder.model import Network
from huaxiang.encoder.pretraining.asking import Asker, Batch
from huaxiang.encoder.pretraining.decoder import new_decoder
from huaxiang.encoder.pretraining.objectives import HiddenWords, NextWord
from huaxiang.encoder.pretraining.rows import Example, lay, pack, sight
from huaxiang.errors import DataError
from tests.encoder.conftest import TINY

torch = pytest.importorskip("torch")


def text_of(length: int, piece: int = 7) -> Example:
    return Example([piece] * length, list(range(length)))


def test_the_longest_text_is_laid_first_and_short_ones_fill_the_gap() -> None:
    rows = pack([text_of(3), text_of(6), text_of(2), text_of(5), text_of(4)], 8)
    assert [[len(each.ids) for each in row] for row in rows] == [[6, 2], [5, 3], [4]]


def test_a_row_knows_text_place_and_word_of_each_token() -> None:
    rows = lay([[text_of(2), text_of(3)], [text_of(1)]], pad_id=0)
    assert rows.text_BL.tolist() == [[1, 1, 2, 2, 2], [1, 0, 0, 0, 0]]
    assert rows.place_BL.tolist() == [[0, 1, 0, 1, 2], [0, 0, 0, 0, 0]]
    assert rows.word_BL.tolist() == [[0, 1, 2, 3, 4], [0, -1, -1, -1, -1]]
    assert (rows.n_tokens, rows.shared) == (6, True)


def test_where_rows_are_not_shared_the_mask_says_which_tokens_are_real() -> None:
    assert sight(lay([[text_of(2)], [text_of(1)]], 0), causal=False).tolist() == [[1, 1], [1, 0]]


def test_where_rows_are_shared_a_token_sees_its_own_text_alone() -> None:
    seen_LL = sight(lay([[text_of(1), text_of(2)]], 0), causal=False)[0, 0]
    assert seen_LL.int().tolist() == [[1, 0, 0], [0, 1, 1], [0, 1, 1]]


def test_a_decoder_sees_no_later_token_either() -> None:
    seen_LL = sight(lay([[text_of(1), text_of(2)]], 0), causal=True)[0, 0]
    assert seen_LL.int().tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 1]]


@pytest.mark.parametrize("kind", ["encoder", "decoder", "roberta"])
def test_hidden_states_are_the_same_in_a_shared_row_and_alone(kind: str, network: Network, texts: list[str]) -> None:
    if kind == "decoder":
        network = new_decoder(texts, TINY)
    elif kind == "roberta":
        network = as_roberta(network)
    as_noise(network)
    objective = NextWord(network) if kind == "decoder" else HiddenWords(network, 0.2, whole_words=True)
    examples = objective.read(["green tea", "oak desk 书桌", "boots"])
    alone, together = (Asker(network, objective, packed=packed) for packed in (False, True))
    with torch.no_grad():
        one_by_one = sum(float(alone.loss(all_asked(alone, [each]))) for each in examples)
        shared = float(together.loss(all_asked(together, examples)))
    assert shared == pytest.approx(one_by_one, rel=1e-5)


def test_a_network_that_lets_texts_of_a_row_see_each_other_is_found_out(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_noise(network)
    forward = network.lm.base_model.forward

    def mixing(input_ids: Any, attention_mask: Any = None, position_ids: Any = None, **_rest: Any) -> Any:
        return forward(input_ids=input_ids, position_ids=position_ids)

    monkeypatch.setattr(network.lm.base_model, "forward", mixing)
    monkeypatch.setattr(HiddenWords, "causal", True)  # as a decoder's, packing is tried by default
    objective = HiddenWords(network, 0.2, whole_words=True)
    assert not Asker(network, objective, packed=None).packed
    with pytest.raises(DataError, match="does not keep texts of one row apart"):
        Asker(network, objective, packed=True)


def test_decoders_pack_by_default_and_encoders_do_not(network: Network, texts: list[str]) -> None:
    decoder = new_decoder(texts, TINY)
    assert Asker(decoder, NextWord(decoder), packed=None).packed
    assert not Asker(network, HiddenWords(network, 0.2, whole_words=True), packed=None).packed


def all_asked(asker: Asker, examples: list[Example]) -> Batch:
    """A batch that shows every piece and asks for it too, so that nothing is left to chance."""
    batch = asker.batch_of(examples, np.random.default_rng(0))
    if asker.objective.causal:
        return batch
    rows = lay(pack(examples, TINY.max_tokens) if len(examples) > 1 else [examples], asker.network.pad_id)
    ids_BL = torch.from_numpy(rows.ids_BL)
    return replace(batch, ids_BL=ids_BL, labels_BL=torch.where(torch.from_numpy(rows.text_BL) > 0, ids_BL, -100))


def as_noise(network: Network) -> None:
    """Loud random weights: a network that begins as a bag of words would mix nothing anyway."""
    for weight in network.lm.parameters():
        if weight.ndim > 1:
            torch.nn.init.normal_(weight, std=0.3)
    network.lm.eval()


def as_roberta(network: Network) -> Network:
    """The same tokenizer under a network that counts positions from the padding id on."""
    from transformers import RobertaConfig, RobertaForMaskedLM

    config = RobertaConfig(
        vocab_size=len(network.tokenizer), hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=64, max_position_embeddings=40, pad_token_id=0,
    )  # fmt: skip
    return replace(network, lm=RobertaForMaskedLM(config))
