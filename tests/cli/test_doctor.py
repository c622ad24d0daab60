"""`huaxiang doctor` on a shop that is well, and on shops that are not."""

import json
from pathlib import Path

from tests.cli.conftest import Run
from tests.shops import copy_shop


def levels(out: Path) -> dict[str, str]:
    """The worst level of what was said about each thing."""
    worst: dict[str, str] = {}
    for finding in json.loads(out.read_text()):
        before = worst.get(finding["about"], "well")
        worst[finding["about"]] = max(before, finding["level"], key=["well", "note", "wrong"].index)
    return worst


def test_a_shop_that_is_well(run: Run, built: Path, tmp_path: Path) -> None:
    folder, out = copy_shop(built, tmp_path / "shop"), tmp_path / "found.json"
    said = run("doctor", "--data-dir", folder, "--json", out)
    assert said.status == 0
    assert "of people who said nothing: granted" in said.out
    assert "every file as it was made" in said.out
    assert set(levels(out).values()) == {"well", "note"}
    assert levels(out)["backups"] == "note"
    run("backup", "--data-dir", folder)
    run("doctor", "--data-dir", folder, "--json", out)
    assert levels(out)["backups"] == "well"


def test_an_empty_folder_is_no_fault(run: Run, tmp_path: Path) -> None:
    said = run("doctor", "--data-dir", tmp_path / "none")
    assert (said.status, "is not there yet" in said.out) == (0, True)


def test_an_altered_release_and_open_keys_are_wrong(run: Run, built: Path, tmp_path: Path) -> None:
    folder, out = copy_shop(built, tmp_path / "shop"), tmp_path / "found.json"
    run("privacy", "erase", "somebody-else", "--yes", "--data-dir", folder)
    (folder / "keys" / "default.json").chmod(0o644)
    current = (folder / "releases" / "current").read_text().strip()
    items = folder / "releases" / current / "index" / "items.json"
    text = items.read_text()
    items.unlink()  # the copy may share its bytes with others
    items.write_text(text + " ")
    said = run("doctor", "--data-dir", folder, "--json", out)
    assert said.status == 1
    assert (levels(out)["release"], levels(out)["keys"]) == ("wrong", "wrong")
    assert "was altered" in said.out
    (folder / "keys" / "default.json").unlink()
    assert "put it back" in run("doctor", "--data-dir", folder).out


def test_a_server_that_anybody_can_ask_is_wrong(run: Run, built: Path, tmp_path: Path) -> None:
    folder = copy_shop(built, tmp_path / "shop")
    said = run("doctor", "--data-dir", folder, "--set", "server.host=0.0.0.0")
    assert (said.status, "asks for no key" in said.out) == (1, True)
