"""Releases: finished or not there at all, checked before use, switched without a gap."""

import hashlib
import json
import pickle
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest

from huaxiang.errors import ReleaseError
from huaxiang.release import Release, Releases
from tests.contracts.plain_files import pickles_in
from tests.shops import build_shop

UNKNOWN = "20260101T000000-abcdef"


@pytest.fixture
def releases(tmp_path: Path) -> Releases:
    return Releases(tmp_path / "releases")


def made(releases: Releases, word: str = "tea") -> Release:
    """A release of one part with one file."""
    with releases.draft() as draft:
        (draft.part("index") / "items.json").write_text(word)
        draft.about["word"] = word
    return releases.get(draft.id)


def rewrite(release: Release, **changes: Any) -> None:
    path = release.path / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_finished_draft_is_listed_and_not_yet_in_use(releases: Releases) -> None:
    release = made(releases)
    assert [found.id for found in releases.list()] == [release.id]
    assert releases.current is None


def test_an_error_while_making_leaves_nothing(releases: Releases) -> None:
    def fail() -> None:
        with releases.draft() as draft:
            (draft.part("index") / "items.json").write_text("half")
            raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        fail()
    assert list(releases.root.iterdir()) == []


def test_a_release_in_the_making_is_not_listed(releases: Releases) -> None:
    with releases.draft() as draft:
        draft.part("index")
        assert releases.list() == []


def test_a_shop_without_releases_has_none(releases: Releases) -> None:
    assert (releases.list(), releases.current, releases.current_id) == ([], None, None)


def test_the_manifest_holds_the_hash_of_every_file_and_what_was_said(releases: Releases) -> None:
    release = made(releases, "tea")
    assert release.files == {"index/items.json": hashlib.sha256(b"tea").hexdigest()}
    assert release.about == {"word": "tea"}


def test_newest_first(releases: Releases) -> None:
    for name in ("20260101T000000-ffffff", "20260102T000000-000000"):
        release = made(releases)
        release.path.rename(releases.root / name)
    assert [found.id for found in releases.list()] == ["20260102T000000-000000", "20260101T000000-ffffff"]


def test_an_altered_file_is_not_used(releases: Releases) -> None:
    release = made(releases)
    (release.path / "index" / "items.json").write_text("poison")
    with pytest.raises(ReleaseError, match=r"index/items\.json was altered; use another"):
        releases.use(release.id)
    assert releases.current is None


def test_a_missing_file_is_noticed(releases: Releases) -> None:
    release = made(releases)
    (release.path / "index" / "items.json").unlink()
    with pytest.raises(ReleaseError, match=r"lacks index/items\.json"):
        releases.use(release.id)


def test_a_switch_a_way_back_and_forth_again(releases: Releases) -> None:
    first, second = made(releases, "a"), made(releases, "b")
    releases.use(first.id)
    assert releases.use(second.id).id == releases.current_id == second.id
    assert releases.rollback().id == releases.current_id == first.id
    assert releases.rollback().id == second.id


def test_using_what_is_in_use_keeps_the_way_back(releases: Releases) -> None:
    first, second = made(releases, "a"), made(releases, "b")
    for release in (first, second, second):
        releases.use(release.id)
    assert releases.rollback().id == first.id


def test_there_is_no_way_back_from_the_first(releases: Releases) -> None:
    releases.use(made(releases).id)
    with pytest.raises(ReleaseError, match="nothing to go back to"):
        releases.rollback()


@pytest.mark.parametrize("name", [UNKNOWN, "current", "../shop.db", "", "."])
def test_an_unknown_name_is_answered_with_the_known_ones(releases: Releases, name: str) -> None:
    release = made(releases)
    with pytest.raises(ReleaseError, match=release.id):
        releases.use(name)


def test_before_the_first_training_the_way_out_is_to_train(releases: Releases) -> None:
    with pytest.raises(ReleaseError, match="huaxiang train"):
        releases.get(UNKNOWN)


def test_a_release_of_another_format_says_so(releases: Releases) -> None:
    release = made(releases)
    rewrite(release, format=99)
    with pytest.raises(ReleaseError, match="format 99, this version reads 1"):
        releases.use(release.id)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"created_at": 5, "format": 1}', '{"created_at": "soon"}'])
def test_a_manifest_that_cannot_be_read_says_so(releases: Releases, text: str) -> None:
    release = made(releases)
    (release.path / "manifest.json").write_text(text)
    with pytest.raises(ReleaseError, match="manifest cannot be read"):
        releases.get(release.id)


def test_a_broken_release_is_left_out_of_the_list_and_said(
    releases: Releases, caplog: pytest.LogCaptureFixture
) -> None:
    good, bad = made(releases, "good"), made(releases, "bad")
    rewrite(bad, format=99)
    assert [found.id for found in releases.list()] == [good.id]
    assert bad.id in caplog.text


def test_a_broken_release_in_use_can_be_left(releases: Releases) -> None:
    bad, good = made(releases, "bad"), made(releases, "good")
    releases.use(bad.id)
    (bad.path / "manifest.json").write_text("{")
    releases.use(good.id)
    assert releases.current_id == good.id


def test_a_part_that_a_release_lacks_is_named(releases: Releases) -> None:
    with pytest.raises(ReleaseError, match=r"no part 'encoder'.*huaxiang train"):
        made(releases).part("encoder")


def test_nothing_written_to_a_draft_afterwards_reaches_the_release(releases: Releases) -> None:
    with releases.draft() as draft:
        draft.about["word"] = "tea"
    draft.about["word"] = "late"
    (draft.part("late") / "file").write_text("late")
    release = releases.use(draft.id)
    assert (release.about, [path.name for path in release.path.iterdir()]) == ({"word": "tea"}, ["manifest.json"])


def test_a_reader_during_switches_sees_one_or_the_other_and_never_neither(releases: Releases) -> None:
    both = [made(releases, "a"), made(releases, "b")]
    releases.use(both[0].id)
    done = threading.Event()

    def switch() -> None:
        for n in range(100):
            releases.use(both[n % 2].id)
        done.set()

    writer = threading.Thread(target=switch)
    writer.start()
    seen: set[str | None] = set()
    while not done.is_set():
        current = releases.current
        seen.add(current.id if current is not None else None)
    writer.join()
    assert seen <= {release.id for release in both}
    assert seen


def test_a_switch_leaves_nothing_lying_about(releases: Releases) -> None:
    first, second = made(releases, "a"), made(releases, "b")
    releases.use(first.id)
    releases.use(second.id)
    names = {path.name for path in releases.root.iterdir()}
    assert names == {first.id, second.id, "current", "previous"}


def test_the_scan_of_releases_finds_pickles_of_every_protocol_and_in_archives(tmp_path: Path) -> None:
    (tmp_path / "plain.json").write_text('{"weights": [1.0, 2.0]}')
    (tmp_path / "MODEL_CARD.md").write_text("# Release\n")
    for protocol in range(6):
        (tmp_path / f"p{protocol}").write_bytes(pickle.dumps({"w": [1.0]}, protocol=protocol))
    (tmp_path / "weights.pt").write_bytes(b"anything")
    with zipfile.ZipFile(tmp_path / "archive", "w") as archive:
        archive.writestr("data.pkl", pickle.dumps(1))
    assert pickles_in(tmp_path) == ["archive", "p0", "p1", "p2", "p3", "p4", "p5", "weights.pt"]


def test_a_release_of_a_shop_holds_no_pickle(tmp_path: Path) -> None:
    folder = build_shop(tmp_path / "shop")
    release = Releases(folder / "releases").current
    assert release is not None
    assert pickles_in(release.path) == []
