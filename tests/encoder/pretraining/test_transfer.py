"""A shop's own tokenizer under a checkpoint: what it knew of a piece is carried over."""

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from huaxiang.encoder.model import Network
from huaxiang.encoder.pretraining.transfer import use_shop_tokenizer

torch = pytest.importorskip("torch")

OTHER_SHOP = ["green tea 绿茶", "teapots 茶壶", "oak desk 橡木书桌"] * 3


def table(network: Network) -> np.ndarray:
    return np.array(network.lm.get_input_embeddings().weight.detach().numpy().copy())


def piece_of(network: Network, piece: str) -> int:
    return int(network.tokenizer.get_vocab()[piece])


def test_a_piece_that_both_know_keeps_its_vector(network: Network) -> None:
    former, at = table(network), {piece: piece_of(network, piece) for piece in ("tea", "茶", "[MASK]", "[PAD]")}
    use_shop_tokenizer(network, OTHER_SHOP, 400, np.random.default_rng(0))
    for piece, old in at.items():
        np.testing.assert_array_equal(table(network)[piece_of(network, piece)], former[old])


def test_a_new_piece_begins_as_the_mean_of_what_it_was_cut_into(network: Network) -> None:
    former = table(network)
    cut = network.tokenizer("teapots", add_special_tokens=False)["input_ids"]
    assert len(cut) > 1
    report = use_shop_tokenizer(network, OTHER_SHOP, 400, np.random.default_rng(0))
    np.testing.assert_allclose(table(network)[piece_of(network, "teapots")], former[cut].mean(axis=0), rtol=1e-6)
    assert report.known + report.joined + report.unknown == report.pieces == len(network.tokenizer)
    assert report.joined > 0
    assert "began with the checkpoint's vectors" in report.note


def test_a_random_start_carries_nothing_over(network: Network) -> None:
    former, tea = table(network), piece_of(network, "tea")
    report = use_shop_tokenizer(network, OTHER_SHOP, 400, np.random.default_rng(0), transfer=False)
    assert (report.known, report.joined) == (0, 0)
    assert not np.allclose(table(network)[piece_of(network, "tea")], former[tea])


def test_network_and_tokenizer_agree_afterwards(network: Network) -> None:
    use_shop_tokenizer(network, OTHER_SHOP, 400, np.random.default_rng(0))
    n_pieces = len(network.tokenizer)
    assert network.lm.config.vocab_size == n_pieces == len(table(network))
    assert network.lm.get_output_embeddings().bias.shape == (n_pieces,)
    assert network.tokens.ids(["green tea"])[0] == network.tokenizer("green tea")["input_ids"]
    assert torch.isfinite(network.encode_ids(network.tokens.ids(OTHER_SHOP))).all()


def test_padding_keeps_its_number_where_positions_are_counted_from_it(network: Network) -> None:
    from transformers import RobertaConfig, RobertaForMaskedLM

    config = RobertaConfig(
        vocab_size=len(network.tokenizer), hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=64, max_position_embeddings=40, pad_token_id=3,
    )  # fmt: skip
    network.lm, network.pad_id = RobertaForMaskedLM(config), 3
    use_shop_tokenizer(network, OTHER_SHOP, 400, np.random.default_rng(0))
    assert (network.tokenizer.pad_token_id, network.tokens.ids(["tea"])[0][0]) == (3, network.tokenizer.cls_token_id)
    assert "[PAD]" not in network.tokenizer.convert_ids_to_tokens(network.tokens.ids(OTHER_SHOP)[0])
    alone = network.encode_ids(network.tokens.ids(["tea"]))
    beside_a_longer_one = network.encode_ids(network.tokens.ids(["tea", "oak desk oak desk"]))[:1]
    assert torch.allclose(alone, beside_a_longer_one, atol=1e-6)


def test_pieces_of_sentencepiece_are_found_by_their_blank(network: Network) -> None:
    from transformers import PreTrainedTokenizerFast

    pieces = ["<pad>", "<unk>", "<s>", "</s>", "<mask>", "▁tea", "tea", "pot", "s", "茶", "▁"]
    old = Tokenizer(models.Unigram([(piece, -float(i)) for i, piece in enumerate(pieces)], unk_id=1))
    old.pre_tokenizer = pre_tokenizers.Metaspace()
    network.tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=old, pad_token="<pad>", unk_token="<unk>", bos_token="<s>", eos_token="</s>",
        mask_token="<mask>",
    )  # fmt: skip
    former = table(network)
    use_shop_tokenizer(network, ["tea 茶 pots"] * 3 + ["hotpots"] * 3, 400, np.random.default_rng(0))
    begun = table(network)
    for piece, known_as in {"tea": "▁tea", "茶": "茶", "##s": "s", "[CLS]": "<s>", "[SEP]": "</s>"}.items():
        np.testing.assert_array_equal(begun[piece_of(network, piece)], former[pieces.index(known_as)])
