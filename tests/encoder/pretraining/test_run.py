"""A pretraining from texts to a folder: it survives kill -9, says what differs, and leaves nothing behind."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from huaxiang.encoder import OnnxEncoder
from huaxiang.encoder.pretraining import Pretraining
from huaxiang.encoder.pretraining.report import RunReport, thinned
from huaxiang.encoder.pretraining.run import Wish, begin, pretrain_texts
from huaxiang.encoder.pretraining.unfinished import Unfinished
from huaxiang.errors import ConfigError, DataError
from tests.encoder.conftest import TINY, Trained

torch = pytest.importorskip("torch")

WISH = Wish(
    shape=TINY,
    settings=Pretraining(batch_size=16, learning_rate=5e-3, epochs=20, checks=3),
    seconds=600,
    max_steps=14,
    precision="fp32",
    keep_steps=4,
    seed=7,
)


DECODER = replace(WISH, objective="next-word")
"""Written fast: there is no graph to export."""


class Stopped(Exception):  # noqa: N818
    """Stands for the end of a process."""


def stopping(at: int) -> Callable[[str, int, int, float], None]:
    def progress(_stage: str, step: int, _planned: int, _left: float) -> None:
        if step == at:
            raise Stopped

    return progress


def interrupted(texts: list[str], out: Path, wish: Wish = WISH) -> None:
    with pytest.raises(Stopped):
        pretrain_texts(texts, out, wish, progress=stopping(10))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> RunReport:
    """A run that nothing interrupted."""
    return pretrain_texts(shop_texts(), tmp_path_factory.mktemp("whole") / "e", WISH)


def shop_texts() -> list[str]:
    from tests.encoder.conftest import small_shop

    items = small_shop().items
    return [f"{a} {b}" for a in items for b in items]


KILLED = """
import os, signal, sys
from pathlib import Path
from huaxiang.encoder.pretraining.run import pretrain_texts
from tests.encoder.pretraining.test_run import WISH, shop_texts

def kill(stage, step, planned, left):
    if step == 11:
        os.kill(os.getpid(), signal.SIGKILL)

pretrain_texts(shop_texts(), Path(sys.argv[1]), WISH, progress=kill)
"""


def test_after_kill_9_the_loss_curve_is_that_of_an_uninterrupted_run(tmp_path: Path, whole: RunReport) -> None:
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", KILLED, tmp_path / "e"], check=False)
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / "e").exists()
    report = pretrain_texts(shop_texts(), tmp_path / "e", WISH)
    assert report.pretrain.resumed_from == 8
    assert report.pretrain.losses == pytest.approx(whole.pretrain.losses, abs=1e-6)
    assert report.pretrain.held_out == whole.pretrain.held_out
    assert any("taken up again at step 8" in note for note in report.notes)
    assert [path.name for path in tmp_path.iterdir()] == ["e"]


def test_the_encoder_is_written_and_figures_are_plain_json(whole: RunReport) -> None:
    figures = json.loads(json.dumps(whole.figures(), allow_nan=False))
    assert (figures["objective"], figures["steps"], len(figures["losses"])) == ("masked", 14, 14)
    assert figures["perplexity_after"] < figures["perplexity_before"]
    assert {"precision", "tokens_per_second", "peak_mb", "held_out", "notes"} <= set(figures)
    assert whole.export_cosine is not None


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        (replace(WISH, seed=8), "seed was 7, now 8"),
        (replace(WISH, settings=replace(WISH.settings, masking="whole-word")), "masking was token, now whole-word"),
        (replace(WISH, learning_rate=1e-4), "learning_rate was None, now 0.0001"),
    ],
)
def test_other_settings_do_not_take_up_a_run(texts: list[str], tmp_path: Path, changed: Wish, named: str) -> None:
    interrupted(texts, tmp_path / "e")
    with pytest.raises(DataError, match=named):
        pretrain_texts(texts, tmp_path / "e", changed)
    assert Unfinished(tmp_path / "e").state.is_file()


def test_other_texts_do_not_take_up_a_run(texts: list[str], tmp_path: Path) -> None:
    interrupted(texts, tmp_path / "e")
    with pytest.raises(DataError, match=r"texts was .*--fresh to drop it"):
        pretrain_texts([*texts, "one more"], tmp_path / "e", WISH)


def test_a_run_that_went_wrong_may_go_on_at_a_smaller_rate(texts: list[str], tmp_path: Path) -> None:
    interrupted(texts, tmp_path / "e", DECODER)
    report = pretrain_texts(texts, tmp_path / "e", replace(DECODER, learning_rate=1e-4, resume=True))
    assert "taken up again at step 8, learning_rate is now 0.0001" in report.notes[0]


def test_a_fresh_run_drops_the_old_one(texts: list[str], tmp_path: Path) -> None:
    interrupted(texts, tmp_path / "e", DECODER)
    report = pretrain_texts(texts, tmp_path / "e", replace(DECODER, seed=8, max_steps=2, resume=False))
    assert (report.pretrain.resumed_from, "was dropped" in report.notes[0]) == (0, True)


def test_where_there_is_nothing_to_take_up_it_is_said(texts: list[str], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no unfinished run"):
        pretrain_texts(texts, tmp_path / "e", replace(WISH, resume=True))
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_ends_it_and_the_last_state_stays(
    texts: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from safetensors import torch as safetensors_torch

    write, written = safetensors_torch.save_file, [0]

    def until_the_disk_is_full(*given: Any) -> None:
        written[0] += 1
        if written[0] == 2:
            raise OSError(28, "No space left on device")
        write(*given)

    monkeypatch.setattr(safetensors_torch, "save_file", until_the_disk_is_full)
    with pytest.raises(DataError, match="no room on the disk"):
        pretrain_texts(texts, tmp_path / "e", DECODER)
    monkeypatch.undo()
    assert pretrain_texts(texts, tmp_path / "e", DECODER).pretrain.resumed_from == 4


def test_nothing_to_read_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="all are blank"):
        pretrain_texts(["", "  "], tmp_path / "e", WISH)
    assert list(tmp_path.iterdir()) == []


def test_too_little_memory_is_said_before_a_step(texts: list[str], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="give more memory"):
        pretrain_texts(texts, tmp_path / "e", replace(WISH, memory=2**20))
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_without_a_head_is_gone_on_with(trained: Trained, texts: list[str], tmp_path: Path) -> None:
    from transformers import AutoModel

    AutoModel.from_pretrained(trained.folder / "hf").save_pretrained(tmp_path / "bare")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / "bare" / name).write_bytes((trained.folder / "hf" / name).read_bytes())
    wish = replace(WISH, encoder=str(tmp_path / "bare"), learning_rate=5e-3, max_steps=20)
    report = pretrain_texts(texts, tmp_path / "e", wish)
    assert "came without a head" in report.notes[0]
    assert report.pretrain.perplexity_after < report.pretrain.perplexity_before
    assert OnnxEncoder.load(tmp_path / "e").encode(["绿茶"]).any()


def begun(texts: list[str], wish: Wish) -> tuple[int, str]:
    """The vocabulary of the network as it begins, and what is said of it."""
    notes: list[str] = []
    network = begin(texts, wish, np.random.default_rng(0), notes)
    assert network.lm.config.vocab_size == len(network.tokenizer)
    return len(network.tokenizer), notes[0]


def test_a_checkpoint_reads_by_the_shops_tokenizer(trained: Trained) -> None:
    other = ["matcha powder 抹茶粉", "matcha whisk 茶筅", "tea bowl 茶碗"]
    pieces, said = begun(other, replace(WISH, encoder=str(trained.folder), tokenizer="shop"))
    assert f"the shop's tokenizer has {pieces:,} pieces" in said
    assert pieces < trained.report.vocabulary


def test_weights_of_a_checkpoint_may_be_dropped(trained: Trained, texts: list[str]) -> None:
    pieces, said = begun(texts, replace(WISH, encoder=str(trained.folder), start="random"))
    assert (pieces, "begins as noise" in said) == (trained.report.vocabulary, True)


def test_a_vocabulary_is_pruned_first(trained: Trained, texts: list[str]) -> None:
    _, said = begun(texts, replace(WISH, encoder=str(trained.folder), prune=True))
    assert "the vocabulary was" in said


def test_a_decoder_shows_what_it_learned(texts: list[str], tmp_path: Path) -> None:
    report = pretrain_texts(texts, tmp_path / "d", replace(WISH, objective="next-word", samples=2))
    assert (len(report.samples), report.export_cosine, report.fingerprint) == (2, None, "")
    assert {path.name for path in (tmp_path / "d").iterdir()} == {"hf"}


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ({"objective": "span"}, "masked, next-word"),
        ({"tokenizer": "mine"}, "own, shop"),
        ({"start": "warm"}, "transferred, random"),
        ({"prune": True}, "name a checkpoint"),
        ({"encoder": "e", "objective": "next-word", "prune": True}, "keeps its own vocabulary"),
        ({"samples": 3}, "only a decoder"),
    ],
)
def test_wishes_that_make_no_sense_are_refused(wrong: dict[str, object], rule: str) -> None:
    with pytest.raises(ConfigError, match=rule):
        Wish(**wrong)  # type: ignore[arg-type]


def test_a_long_curve_is_thinned_to_means() -> None:
    assert thinned(tuple(float(i) for i in range(2_000)))[:2] == [0.5, 2.5]
    assert thinned((1.0, 2.0)) == [1.0, 2.0]
    assert thinned(()) == []
