"""`pretrain` as a person meets it."""

import json
from pathlib import Path

import pytest

from huaxiang.cli.pretrain import shape_of, wish_of
from huaxiang.errors import ConfigError
from tests.cli.conftest import Run

pytest.importorskip("torch")


def test_what_was_asked_for_reaches_training_and_what_came_out_is_said(run: Run, tmp_path: Path) -> None:
    (tmp_path / "shop.csv").write_text("sku,title\n" + "1,绿茶 green tea\n2,茶壶 tea pot\n" * 3, encoding="utf-8")
    words = ("--size", "1x32", "--steps", "2", "--masking", "whole-word", "--precision", "fp32", "--budget", "2m")
    said = run("pretrain", "--texts", "shop.csv", "--out", "e", *words, "--json", "figures.json")
    figures = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert said.status == 0
    assert "too little text to hold any out" in said.out
    assert (figures["n_texts"], figures["steps"], figures["masking"], figures["d"]) == (2, 2, "whole-word", 32)


def test_a_decoder_prints_what_it_writes(run: Run, tmp_path: Path) -> None:
    (tmp_path / "shop.txt").write_text("绿茶 green tea\n茶壶 tea pot\n", encoding="utf-8")
    words = ("--size", "1x32", "--steps", "1", "--precision", "fp32", "--objective", "next-word", "--sample", "2")
    said = run("pretrain", "--texts", "shop.txt", "--out", "d", *words)
    assert said.out.count("sample: ") == 2
    assert (tmp_path / "d" / "hf" / "config.json").is_file()


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("--texts", "none.txt"), "no file none.txt"),
        (("--texts", "shop.txt", "--size", "2x100"), "multiple of 32"),
        (("--texts", "shop.txt", "--memory", "lots"), "800M or 4G"),
        (("--texts", "shop.txt", "--precision", "fp8"), "auto, fp32, bf16"),
        (("--texts", "shop.txt", "--json", "nowhere/f.json"), "there is no folder"),
        (("--texts", "shop.txt", "--encoder", "not a / name"), "no name that a model hub could have"),
        (("--texts", "shop.txt", "--resume"), "no unfinished run"),
    ],
)
def test_mistakes_are_said_in_one_line_and_leave_nothing(
    run: Run, tmp_path: Path, words: tuple[str, ...], error: str
) -> None:
    (tmp_path / "shop.txt").write_text("绿茶 green tea\n", encoding="utf-8")
    said = run("pretrain", "--out", "e", *words)
    assert (said.status, error in said.err) == (2, True)
    assert [path.name for path in tmp_path.iterdir()] == ["shop.txt"]


def test_a_size_is_layers_and_width() -> None:
    shape = shape_of("4x256", 8_000, 96)
    assert (shape.layers, shape.hidden, shape.heads, shape.inner) == (4, 256, 8, 512)


@pytest.mark.parametrize("size", ["", "0x128", "2x", "x128", "2x48", "2×128", "100x128"])
def test_a_size_that_is_none_is_refused(size: str) -> None:
    with pytest.raises(ConfigError, match="layers x width"):
        shape_of(size, 8_000, 96)


def test_options_become_a_wish() -> None:
    import inspect

    from huaxiang.cli.pretrain import pretrain

    defaults = {name: option.default for name, option in inspect.signature(pretrain).parameters.items()}
    wish = wish_of(defaults | {"memory": "1G", "learning_rate": 0.1, "accumulate": 4})
    assert (wish.memory, wish.learning_rate, wish.settings.accumulate, wish.seconds) == (2**30, 0.1, 4, 300)
