"""Attention while a network trains."""

from huaxiang.encoder.attention import trained_attention
from huaxiang.encoder.model import Network, Shape, new_network


def small() -> Network:
    return new_network(["red dress", "hiking boots"], Shape(hidden=16, layers=1, heads=2, inner=16, max_tokens=64))


def test_within_the_block_attention_drops_nothing_and_afterwards_all_is_as_it_was() -> None:
    network = small()
    dropouts = [m.dropout for m in network.lm.modules() if type(m).__name__.endswith("SelfAttention")]
    before = [each.p for each in dropouts]
    assert before
    assert all(before)
    with trained_attention(network):
        assert not any(each.p for each in dropouts)
        assert network.lm.config._attn_implementation == "eager"
    assert [each.p for each in dropouts] == before
    assert network.lm.config._attn_implementation == "sdpa"


def test_long_texts_keep_the_fused_kernel() -> None:
    network = small()
    network.tokens.max_tokens = 512
    with trained_attention(network):
        assert network.lm.config._attn_implementation == "sdpa"
