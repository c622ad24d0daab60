"""The task `generate`: only answers are learned, and a decoder learns what a shop answers."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from huaxiang.cli.finetune_generate import register
from huaxiang.encoder.generating import Asked, Dialogue, joined, read_dialogue, train_generator, write_answers
from huaxiang.encoder.model import Network
from huaxiang.encoder.pretraining.decoder import new_decoder
from huaxiang.encoder.schedule import Clock
from huaxiang.encoder.tasks.generate import Answered, Generate, answer_losses, nats_per_token
from huaxiang.errors import DataError
from tests.encoder.conftest import TINY

torch = pytest.importorskip("torch")

ASKED = {"where is my parcel": "it is on its way", "几天到货": "三天到货", "how do I pay": "by card"}


@pytest.fixture
def network() -> Network:
    torch.manual_seed(0)
    return new_decoder([*ASKED, *ASKED.values()] * 3, TINY)


def test_an_answer_begins_after_its_prompt_and_ends_with_the_end(network: Network) -> None:
    ids, start = joined(network, "how do I pay", "by card")
    assert network.tokenizer.decode(ids[:start], skip_special_tokens=True) == "how do I pay\n"
    assert network.tokenizer.decode(ids[start:-1]) == "by card"
    assert ids[-1] == network.tokenizer.eos_token_id


def test_of_a_long_prompt_the_end_is_kept_and_of_a_long_answer_the_beginning(network: Network) -> None:
    ids, start = joined(network, "pay " * 100 + "card", "三" + "天" * 100)
    assert len(ids) == TINY.max_tokens
    assert network.tokenizer.decode(ids[:start]).endswith("card\n")
    assert network.tokenizer.decode(ids[start:]).startswith("三天")


def test_a_network_that_knows_nothing_is_as_surprised_as_by_a_fair_die(network: Network) -> None:
    torch.nn.init.zeros_(network.lm.get_output_embeddings().weight)  # all pieces are equally likely
    answered = Answered(
        [joined(network, "how do I pay", "by card")[0]], [joined(network, "how do I pay", "by card")[1]]
    )
    assert nats_per_token(network, answered) == pytest.approx(math.log(network.lm.config.vocab_size))


def test_one_loss_for_each_token_of_an_answer_and_none_for_padding_or_prompts(network: Network) -> None:
    rows = [joined(network, *pair) for pair in ASKED.items()]
    answered = Answered([ids for ids, _ in rows], [start for _, start in rows])
    assert len(answer_losses(network, answered, [0, 1, 2])) == sum(len(ids) - start for ids, start in rows)


def test_without_held_out_answers_there_is_nothing_to_say(network: Network) -> None:
    assert math.isnan(Generate(Answered([], []), Answered([], [])).validate(network).value)


def test_a_decoder_learns_what_the_shop_answers() -> None:
    rows = [(f"order {n} {asked}", said) for n in range(10) for asked, said in ASKED.items()]
    taught = Dialogue(tuple(one for one, _ in rows), tuple(other for _, other in rows))
    how = Asked(epochs=60, learning_rate=1e-2, batch_size=15, shape=TINY)
    made = train_generator(taught, taught, how, Clock(600), seconds=600)
    assert made.figures["perplexity"] < 0.2 * made.figures["perplexity_before"]
    asked = ["order 7 how do I pay", "order 7 几天到货"]
    assert [each.continuation for each in write_answers(made.network, asked)] == ["by card", "三天到货"]


def test_prompts_of_a_file_become_a_decoder_that_transformers_opens(tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    rows = [{"q": f"{asked} {n}", "a": said} for n in range(5) for asked, said in ASKED.items()] + [{"q": "?", "a": ""}]
    (tmp_path / "train.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    app = typer.Typer()
    register(app)
    words = ["--train", f"{tmp_path}/train.jsonl", "--prompt", "q", "--answer", "a", "--out", f"{tmp_path}/out"]
    words += ["--json", f"{tmp_path}/out.json", "--budget", "60s", "--epochs", "1"]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    figures = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert (figures["n_train"], len(figures["samples"])) == (15, 1)
    assert "1 rows without prompt or answer" in done.output
    opened = AutoModelForCausalLM.from_pretrained(tmp_path / "out" / "hf")
    assert np.isfinite(opened(input_ids=torch.tensor([[2, 5]])).logits.detach().numpy()).all()


def test_a_file_without_answers_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("q,a\nhow,\n", encoding="utf-8")
    with pytest.raises(DataError, match="no row with a text in both"):
        read_dialogue(tmp_path / "a.csv", "q", "a")
