"""`privacy erase | export | verify | audit | rotate | retain` on the small shop."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.shops import copy_shop


@pytest.fixture
def folder(built: Path, tmp_path: Path) -> Path:
    return copy_shop(built, tmp_path / "shop")


def test_who_was_erased_can_be_verified(run: Run, folder: Path, tmp_path: Path) -> None:
    receipt = tmp_path / "receipt.json"
    said = run("privacy", "erase", "u00", "--yes", "--data-dir", folder, "--json", receipt)
    assert said.status == 0
    assert "erased: 8 events" in said.out
    assert "forgotten by popular, transitions" in said.out
    assert "still learned from the person, until the next training" in said.out
    said = run("privacy", "verify", receipt, "--user", "u00", "--data-dir", folder)
    assert (said.status, "no trace" in said.out) == (0, True)
    assert "fewer than 6 bytes" in said.out  # an id of three letters stands in any file
    said = run("privacy", "verify", receipt, "--user", "u01", "--data-dir", folder)
    assert (said.status, "not of 'u01'" in said.err) == (2, True)
    receipt.write_text(receipt.read_text().replace('"n_devices": 0', '"n_devices": 1'))
    said = run("privacy", "verify", receipt, "--data-dir", folder)
    assert (said.status, "changed after it was signed" in said.err) == (2, True)


def test_a_trace_that_came_back_is_found(run: Run, folder: Path, tmp_path: Path) -> None:
    receipt = tmp_path / "receipt.json"
    run("privacy", "erase", "margaret-7", "--yes", "--data-dir", folder, "--json", receipt)
    (folder / "mail.txt").write_text("to margaret-7")
    said = run("privacy", "verify", receipt, "--user", "margaret-7", "--data-dir", folder)
    assert (said.status, "found: mail.txt: 3" in said.out) == (1, True)


def test_who_was_erased_can_be_verified_by_the_id_alone(run: Run, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "verified.json"
    said = run("privacy", "verify", "margaret-7", "--data-dir", folder)
    assert said.status == 2  # no keys, nobody was erased
    run("privacy", "erase", "margaret-7", "--yes", "--data-dir", folder)
    said = run("privacy", "verify", "margaret-7", "--data-dir", folder, "--json", out)
    assert (said.status, json.loads(out.read_text())["is_absent"]) == (0, True)
    said = run("privacy", "verify", "harold-3", "--data-dir", folder)
    assert (said.status, "nobody of this id was erased here" in said.err) == (2, True)


def test_a_bad_row_of_somebody_erased_is_quarantined_without_its_values(run: Run, folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "visits.csv"
    rows = ["margaret-7,,view_item,2026-01-02T10:00:00Z", "harold-3,,view_item,2026-01-02T10:00:00Z"]
    file.write_text("\n".join(["user_id,item_id,event,timestamp", *rows]) + "\n")
    run("privacy", "erase", "margaret-7", "--yes", "--data-dir", folder)
    assert run("import", file, "--yes", "--data-dir", folder).status == 1
    (kept,) = (folder / "quarantine").glob("*.jsonl")
    assert "margaret" not in kept.read_text()
    assert "left out: it names somebody who was erased" in kept.read_text()
    assert "harold-3" in kept.read_text()
    assert run("privacy", "verify", "margaret-7", "--data-dir", folder).status == 0


def test_an_export_and_who_read(run: Run, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "u00.json"
    run("profile", "show", "u00", "--data-dir", folder)
    assert run("privacy", "export", "u00", "--out", out, "--data-dir", folder).status == 0
    assert json.loads(out.read_text())["n_events"] == 8
    said = run("privacy", "audit", "u00", "--data-dir", folder)
    assert [line.split()[1] for line in said.out.splitlines()] == ["show", "export"]
    assert "nobody has read" in run("privacy", "audit", "u01", "--data-dir", folder).out


def test_what_was_not_set_is_said_with_the_way_out(run: Run, folder: Path) -> None:
    said = run("privacy", "rotate", "--yes", "--data-dir", folder)
    assert (said.status, "privacy.pseudonyms is off" in said.err) == (2, True)
    said = run("privacy", "retain", "--yes", "--data-dir", folder)
    assert (said.status, "privacy.retention_days" in said.err) == (2, True)


def test_old_events_go(run: Run, folder: Path) -> None:
    said = run("privacy", "retain", "--days", 10, "--yes", "--data-dir", folder)
    assert said.status == 0
    assert "events: " in said.out
    assert "events: 0 removed" not in said.out
