"""`profile show | diff | evidence | edit | explain` on the small shop."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.shops import copy_shop


def days_ago(n: int) -> str:
    return (datetime.now(UTC) - timedelta(days=n)).strftime("%Y-%m-%dT%H:%M:%S")


def test_a_profile_is_shown_with_its_evidence(run: Run, built: Path, tmp_path: Path) -> None:
    out = tmp_path / "profile.json"
    said = run("profile", "show", "u00", "--data-dir", built, "--json", out)
    profile = json.loads(out.read_text())
    brands = [facet["value"] for facet in profile["interests"] if facet["facet"] == "brand"]
    assert (said.status, brands, profile["user_id"]) == (0, ["Uji"], "u00")
    assert "Uji" in said.out
    assert "u00-7" in said.out


def test_a_profile_as_of_a_moment_knows_nothing_later(run: Run, built: Path, tmp_path: Path) -> None:
    out = tmp_path / "profile.json"
    run("profile", "show", "u00", "--as-of", days_ago(25), "--data-dir", built, "--json", out)  # visits at -30, -27 ...
    assert json.loads(out.read_text())["behaviour"]["n_events"] == 2


def test_a_diff_names_what_changed_and_the_events_that_changed_it(run: Run, built: Path, tmp_path: Path) -> None:
    out = tmp_path / "diff.json"
    said = run("profile", "diff", "u00", "--from", days_ago(400), "--data-dir", built, "--json", out)
    found = {(change["facet"], change["value"]): change for change in json.loads(out.read_text())["changes"]}
    uji = found["brand", "Uji"]
    assert (said.status, uji["before"], uji["after"]) == (0, None, 1.0)
    assert "u00-7" in uji["evidence"]
    assert "Uji" in said.out


def test_nothing_changed_between_two_moments_without_events(run: Run, built: Path, tmp_path: Path) -> None:
    out = tmp_path / "diff.json"
    span = ("--from", days_ago(500), "--to", days_ago(400))
    assert run("profile", "diff", "u00", *span, "--data-dir", built, "--json", out).status == 0
    assert json.loads(out.read_text())["changes"] == []


def test_moments_in_the_wrong_order_are_refused(run: Run, built: Path) -> None:
    said = run("profile", "diff", "u00", "--from", days_ago(1), "--to", days_ago(2), "--data-dir", built)
    assert (said.status, "exchange them" in said.err) == (2, True)


def test_evidence_is_listed_newest_first(run: Run, built: Path, tmp_path: Path) -> None:
    out = tmp_path / "evidence.json"
    said = run("profile", "evidence", "u00", "--limit", "3", "--data-dir", built, "--json", out)
    answer = json.loads(out.read_text())
    moments = [event["timestamp"] for event in answer["events"]]
    assert (said.status, len(moments), moments) == (0, 3, sorted(moments, reverse=True))
    assert answer["n_events"] > 3


def test_an_edit_changes_the_profile_and_undo_takes_it_back(run: Run, built: Path, tmp_path: Path) -> None:
    folder, out = copy_shop(built, tmp_path / "shop"), tmp_path / "edited.json"
    muted = run(
        "profile", "edit", "u00", "mute", "--facet", "brand", "--value", "Uji", "--data-dir", folder, "--json", out
    )
    edited = json.loads(out.read_text())
    assert (muted.status, "Uji" in str(edited["interests"])) == (0, False)
    edit_id = edited["edit_ids"][0]
    assert f"undo --edit-id {edit_id}" in muted.out.replace("\n", " ")
    run("profile", "edit", "u00", "undo", "--edit-id", edit_id, "--data-dir", folder, "--json", out)
    assert "Uji" in str(json.loads(out.read_text())["interests"])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("boost", "--facet", "brand", "--value", "Ghost"), "add it first"),
        (("mute", "--facet", "colour", "--value", "red"), "attribute:<name>"),
        (("mute", "--facet", "brand"), "needs facet and value"),
        (("undo",), "needs edit_id"),
        (("exclude_event",), "needs event_id"),
        (("fly",), "unknown edit 'fly'"),
    ],
)
def test_an_edit_that_cannot_be_is_refused_and_changes_nothing(
    run: Run, built: Path, tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    folder = copy_shop(built, tmp_path / "shop")
    before = run("profile", "evidence", "u00", "--data-dir", folder).out
    said = run("profile", "edit", "u00", *words, "--data-dir", folder)
    assert (said.status, says in said.err) == (2, True), said.err
    assert run("profile", "evidence", "u00", "--data-dir", folder).out == before


def test_an_item_is_explained_whether_or_not_it_is_shown(run: Run, built: Path, tmp_path: Path) -> None:
    out = tmp_path / "why.json"
    said = run("profile", "explain", "u00", "tea-09", "--data-dir", built, "--json", out)
    reasons = json.loads(out.read_text())["reasons"]
    assert said.status == 0
    assert reasons
    assert all(reason["text"] in said.out for reason in reasons)
    unknown = run("profile", "explain", "u00", "no such item", "--data-dir", built)
    assert (unknown.status, "no item 'no such item'" in unknown.err) == (2, True)
