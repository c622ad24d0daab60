"""`recommend`, `release` and `serve` on the small shop."""

import json
import socket
from pathlib import Path

import pytest

from huaxiang.config import load_settings
from huaxiang.release import Releases
from huaxiang.shop import Shop
from tests.cli.conftest import Run
from tests.shops import copy_shop, make_release


def test_a_tea_drinker_is_shown_teas_with_reasons(run: Run, built: Path, tmp_path: Path) -> None:
    out = tmp_path / "answer.json"
    said = run("recommend", "u00", "--k", "3", "--data-dir", built, "--json", out)
    answer = json.loads(out.read_text())
    assert said.status == 0
    assert [item["rank"] for item in answer["items"]] == [1, 2, 3]
    assert all(item["item_id"].startswith("tea-") and item["item_id"] in said.out for item in answer["items"])
    assert all(item["reasons"] for item in answer["items"])
    assert (answer["basis"], answer["release"] in said.out) == ("profile", True)


def test_plain_answers_have_no_reasons(run: Run, built: Path, tmp_path: Path) -> None:
    out = tmp_path / "answer.json"
    run("recommend", "u00", "--plain", "--data-dir", built, "--json", out)
    assert {len(item["reasons"]) for item in json.loads(out.read_text())["items"]} == {0}


def test_a_stranger_is_answered_by_popularity(run: Run, built: Path) -> None:
    said = run("recommend", "nobody yet", "--k", "3", "--data-dir", built)
    assert (said.status, "by popularity" in said.out) == (0, True)


def test_before_a_persons_first_event_they_are_a_stranger(run: Run, built: Path) -> None:
    said = run("recommend", "u00", "--as-of", "2020-01-01", "--data-dir", built)
    assert "by popularity" in said.out


def test_a_shop_without_a_release_says_to_train(run: Run, tmp_path: Path) -> None:
    Shop(load_settings(None, data_dir=tmp_path / "empty")).close()
    said = run("recommend", "u00", "--data-dir", tmp_path / "empty")
    assert (said.status, said.err.strip()) == (2, "huaxiang: no release yet: train one with `huaxiang train`")


@pytest.mark.parametrize("words", [("recommend", "u00"), ("profile", "show", "u00"), ("train",)])
def test_an_answer_that_could_not_be_written_is_said_before_the_work(
    run: Run, built: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    said = run(*words, "--data-dir", built, "--json", tmp_path / "nowhere" / "out.json")
    assert (said.status, said.out) == (2, "")
    assert "there is no folder" in said.err


def test_releases_are_listed_switched_and_switched_back(run: Run, built: Path, tmp_path: Path) -> None:
    folder = copy_shop(built, tmp_path / "shop")
    releases = Releases(folder / "releases")
    first = releases.current_id
    assert first is not None
    second = make_release(folder).id
    words = ("--data-dir", folder)
    listed = run("release", "list", *words).out.splitlines()
    assert sorted((line[0], line.split()[-5]) for line in listed) == [(" ", first), ("*", second)]
    assert all(line.endswith("60 items, 320 interactions") for line in listed)
    assert run("release", "use", first, *words).out.strip() == f"in use: {first}"
    assert run("release", "rollback", *words).out.strip() == f"in use: {second}"
    assert releases.current_id == second


def test_a_broken_release_in_use_can_be_left_from_the_command_line(run: Run, built: Path, tmp_path: Path) -> None:
    folder = copy_shop(built, tmp_path / "shop")
    releases = Releases(folder / "releases")
    good = releases.current_id
    assert good is not None
    bad = make_release(folder)
    (bad.path / "manifest.json").write_text("{")
    said = run("release", "list", "--data-dir", folder)
    assert (said.status, good in said.out) == (0, True)
    assert run("release", "rollback", "--data-dir", folder).status == 0
    assert releases.current_id == good


def test_an_unknown_release_is_answered_with_the_known_one(run: Run, built: Path) -> None:
    said = run("release", "use", "20200101T000000-000000", "--data-dir", built)
    assert said.status == 2
    assert str(Releases(built / "releases").current_id) in said.err


def test_a_shop_without_releases_says_how_to_get_one(run: Run, tmp_path: Path) -> None:
    said = run("release", "list", "--data-dir", tmp_path / "empty")
    assert (said.status, said.out.strip()) == (0, "no releases yet: train one with `huaxiang train`")


@pytest.mark.parametrize("command", [("serve",), ("demo",)])
def test_a_taken_port_is_said_before_anything_is_made(run: Run, tmp_path: Path, command: tuple[str, ...]) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        said = run(*command, "--port", port, "--data-dir", tmp_path / "shop")
    assert said.status == 2
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use; choose another with --port" in said.err
    assert not (tmp_path / "shop").exists()


@pytest.mark.parametrize("port", ["0", "65536", "http"])
def test_a_port_that_is_none_is_refused(run: Run, tmp_path: Path, port: str) -> None:
    said = run("serve", "--port", port, "--data-dir", tmp_path / "shop")
    assert (said.status, "--port" in said.err) == (2, True)


def test_a_setting_of_the_command_line_that_is_unknown_is_named(run: Run, tmp_path: Path) -> None:
    said = run("serve", "--set", "server.prt=1", "--data-dir", tmp_path / "shop")
    assert (said.status, "server.prt: unknown" in said.err) == (2, True)


def test_a_file_is_no_shop(run: Run, tmp_path: Path) -> None:
    (tmp_path / "shop").write_text("")
    said = run("recommend", "u00", "--data-dir", tmp_path / "shop")
    assert (said.status, f"no shop in '{tmp_path / 'shop'}'" in said.err) == (2, True)


@pytest.mark.parametrize(
    "words", [("recommend", "u00"), ("search", "pot"), ("train",), ("privacy", "export", "u00"), ("audience",)]
)
def test_a_mistyped_folder_is_named_and_not_made(run: Run, tmp_path: Path, words: tuple[str, ...]) -> None:
    said = run(*words, "--data-dir", tmp_path / "shpo")
    assert said.status == 2
    assert f"no shop in '{tmp_path / 'shpo'}'" in said.err
    assert not (tmp_path / "shpo").exists()
