"""`auto`: by language first, then by held-out shoppers, and always with a sentence why."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from huaxiang.encoder.contest import Contest, challenged
from huaxiang.encoder.heldout import Retrieval
from huaxiang.encoder.pretraining.run import Wish, pretrain_texts
from huaxiang.encoder.sources import Choice, Source, choose, settle
from huaxiang.encoder.training import train_encoder
from huaxiang.errors import ConfigError
from tests.encoder.conftest import TINY, Trained, small_shop
from tests.encoder.sources.test_packages import source

ENGLISH = ["a green tea pot of clay for the kitchen", "warm boots for walking in the rain with your dog"]
CHINESE = ["一杯好喝的绿茶", "防水登山鞋 真皮", "橡木书桌 带抽屉"]


@pytest.fixture
def both(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[Source, Source]:
    """An English and a multilingual one are installed."""
    english = source("minilm", tmp_path)
    wide = source("e5-small", tmp_path, languages=("de", "en", "zh"))
    monkeypatch.setattr("huaxiang.encoder.sources.choice.installed", lambda: (wide, english))
    return english, wide


def test_english_is_read_by_the_one_that_was_taught_english_alone(both: tuple[Source, Source]) -> None:
    choice = choose(ENGLISH * 10)
    assert choice.source is both[0]
    assert choice.fitting == both
    assert choice.why == "the texts are en 100%, which minilm of minilm-package 1.0 reads (en)"


def test_a_tenth_of_chinese_asks_for_the_multilingual_one(both: tuple[Source, Source]) -> None:
    choice = choose([*ENGLISH * 9, *CHINESE[:2]])
    assert (choice.source, choice.fitting) == (both[1], (both[1],))


def test_one_stray_name_in_fifty_does_not(both: tuple[Source, Source]) -> None:
    assert choose([*ENGLISH * 25, CHINESE[0]]).source is both[0]


def test_of_a_large_catalogue_texts_from_all_over_it_are_looked_at(both: tuple[Source, Source]) -> None:
    assert choose([*ENGLISH * 500, *CHINESE * 300]).source is both[1]


def test_where_none_reads_the_language_the_shops_own_text_is_used_and_why_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("huaxiang.encoder.sources.choice.installed", lambda: (source("minilm", tmp_path),))
    choice = choose(CHINESE)
    assert choice == Choice(None, "the texts are zh 100%; minilm reads en; so the shop's own text is used")


def test_without_any_installed_the_shops_own_text_is_used_and_why_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huaxiang.encoder.sources.choice.installed", lambda: ())
    assert settle("auto", CHINESE) == (
        None,
        ("auto: no package with a checkpoint is installed, so the shop's own text is used",),
    )


def test_numbers_alone_tell_no_language(both: tuple[Source, Source]) -> None:
    assert choose(["4006381333931", "42 / 7"]).source is None


def test_what_cannot_be_trained_is_chosen_only_where_nothing_is_trained(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fixed = source("use", tmp_path, languages=("zh",), trainable=False)
    monkeypatch.setattr("huaxiang.encoder.sources.choice.installed", lambda: (fixed,))
    assert (choose(CHINESE).source, choose(CHINESE, trainable=False).source) == (None, fixed)


@dataclass
class Asked:
    """A network that was asked: it is named, and how well it did is known beforehand."""

    start: Retrieval
    notes: list[str] = field(default_factory=list)


class Slow:
    """Stands for a network; `encode_ids` takes its time by a clock of the test."""

    tokens = type("T", (), {"ids": staticmethod(lambda texts: [[1]] * len(texts))})

    def __init__(self, mrr: float) -> None:
        self.mrr = mrr

    def encode_ids(self, rows: Any) -> None:
        """Say nothing."""


def contest(mrr: dict[str, float], asked: list[str]) -> Contest[Asked]:
    def opened(name: str, notes: list[str]) -> Any:
        notes.append(f"{name}: cut")
        return Slow(mrr[name])

    return Contest(
        lambda: Slow(mrr["own"]),  # type: ignore[arg-type, return-value]
        opened,
        lambda network: Asked(Retrieval(0.0, network.mrr, 10, 1, 1)),  # type: ignore[attr-defined]
        asked,
    )


@pytest.mark.parametrize(
    ("mrr", "winner"),
    [({"own": 0.1, "minilm": 0.3, "e5-small": 0.2}, "minilm"), ({"own": 0.1, "minilm": 0.1, "e5-small": 0.05}, None)],
)
def test_the_best_on_held_out_shoppers_begins_and_a_tie_is_the_shops_own(
    mrr: dict[str, float], winner: str | None, both: tuple[Source, Source]
) -> None:
    notes: list[str] = []
    entered, name = contest(mrr, ["tea"]).best(choose(ENGLISH), 60.0, notes)
    assert (name, entered.start.mrr) == (winner, max(mrr.values()))
    assert f"the shop's own text 0.1000, minilm {mrr['minilm']:.4f}" in notes[1]
    assert notes[2:] == ([f"{winner}: cut"] if winner else [])


def test_without_held_out_shoppers_the_language_decides(both: tuple[Source, Source]) -> None:
    notes: list[str] = []
    assert contest({"minilm": 0.0}, []).best(choose(ENGLISH), 60.0, notes)[1] == "minilm"


def test_what_cannot_be_opened_in_time_is_left_out_and_said(both: tuple[Source, Source]) -> None:
    notes: list[str] = []
    assert contest({"own": 0.1}, ["tea"]).best(choose(ENGLISH), 5.0, notes)[1] is None
    assert "minilm was left out, no 10 s were left to open it" in notes[1]


def test_what_cannot_be_asked_in_time_is_left_out_and_said(
    both: tuple[Source, Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Contest, "_seconds", lambda *_: 100.0)
    notes: list[str] = []
    assert contest({"own": 0.1, "minilm": 0.9, "e5-small": 0.9}, ["tea"]).best(choose(ENGLISH), 60.0, notes)[1] is None
    assert "to ask it takes 100 s and" in notes[1]


def test_training_by_auto_begins_with_what_found_held_out_items_best_and_says_so(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The checkpoint that was trained on this very shop is installed as minilm.
    found = source("minilm", trained.folder / "hf" / "model.safetensors", languages=("en", "zh"))
    monkeypatch.setattr("huaxiang.encoder.sources.choice.installed", lambda: (found,))
    monkeypatch.setattr("huaxiang.encoder.sources.packages.installed", lambda: (found,))
    shop = small_shop()
    report = train_encoder(
        shop.items,
        shop.pairs,
        users=shop.users,
        out=tmp_path / "out",
        checkpoint="auto",
        budget_seconds=600,
        seed=7,
        max_steps=1,
        shape=TINY,
    )
    why, compared, differs, pruned = report.notes[:4]
    assert why.startswith("auto: the texts are en 64%, zh 36%")
    assert compared.startswith("auto: begins with minilm; held-out mrr as they came: the shop's own text 0.")
    assert "ships other weights" in differs
    assert pruned.startswith("minilm: the vocabulary was left as it is")
    assert report.start.mrr == pytest.approx(float(compared.split()[-1]), abs=1e-4)


def test_pretraining_by_auto_goes_on_from_the_installed_one_and_says_so(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = source("minilm", trained.folder / "hf" / "model.safetensors", languages=("en", "zh"))
    monkeypatch.setattr("huaxiang.encoder.sources.choice.installed", lambda: (found,))
    monkeypatch.setattr("huaxiang.encoder.sources.packages.installed", lambda: (found,))
    wish = Wish(encoder="auto", shape=TINY, max_steps=1, seconds=600)
    report = pretrain_texts(trained.shop.items, tmp_path / "out", wish)
    assert (report.name, report.notes[0][:5]) == ("minilm", "auto:")


def test_pretraining_by_auto_where_nothing_fits_begins_with_the_shops_own_text(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huaxiang.encoder.sources.choice.installed", lambda: ())
    wish = Wish(encoder="auto", prune=True, start="transferred", shape=TINY, max_steps=1, seconds=600)
    report = pretrain_texts(trained.shop.items, tmp_path / "out", wish)
    assert (report.name, "no package with a checkpoint" in report.notes[0]) == ("shop-bert-1x32", True)


def test_auto_is_no_decoder() -> None:
    with pytest.raises(ConfigError, match="name the checkpoint of a decoder"):
        Wish(encoder="auto", objective="next-word")


@pytest.mark.parametrize(
    ("mrr", "asked", "begins"), [(0.3, True, "theirs"), (0.2, True, None), (0.1, True, None), (0.0, False, "theirs")]
)
def test_another_shops_encoder_begins_where_it_finds_more_or_nobody_can_be_asked(
    mrr: float, asked: bool, begins: str | None
) -> None:
    ours, theirs = (Asked(Retrieval(0.0, value, 10, 1, 1)) for value in (0.2, mrr))
    entered, name = challenged(ours, theirs, (None, "theirs"), asked=asked)
    assert (entered, name) == ((theirs, "theirs") if begins else (ours, None))
    (note,) = entered.notes
    assert ("refused" in note) == (begins is None)
    assert f"of the shop itself 0.2000, the other shop's encoder {mrr:.4f}" in note
