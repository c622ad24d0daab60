"""`huaxiang backup` as a person at a terminal runs it."""

import json
from pathlib import Path

import pytest

from huaxiang.store import open_store
from tests.cli.conftest import Run
from tests.contracts.store import NOON, view
from tests.shops import copy_shop


@pytest.fixture
def shop(built: Path, tmp_path: Path) -> Path:
    return copy_shop(built, tmp_path / "shop")


def last_seq(shop: Path) -> int:
    store = open_store(f"sqlite:///{shop / 'shop.db'}")
    try:
        return store.last_seq
    finally:
        store.close()


def sell(shop: Path) -> None:
    store = open_store(f"sqlite:///{shop / 'shop.db'}")
    store.append([view("ann", 1, "tea-00")])
    store.close()


def test_a_shop_is_kept_listed_restored_and_answers_again(run: Run, shop: Path, tmp_path: Path) -> None:
    before = last_seq(shop)
    made = run("backup", "make", "--note", "before\nthe sale", "--data-dir", shop)
    name = made.out.split(":")[0]
    assert made.status == 0, made.err
    sell(shop)
    release = (shop / "releases" / "current").read_text().strip()
    (shop / "releases" / "current").unlink()
    listed = run("backup", "list", "--json", tmp_path / "list.json", "--data-dir", shop)
    said = json.loads((tmp_path / "list.json").read_text())["backups"]
    assert f"{name}  " in listed.out
    assert f"MB of 1 tenant, default up to {before}: before the sale" in listed.out
    assert [(each["name"], each["last_seq"], each["problem"]) for each in said] == [(name, {"default": before}, None)]
    restored = run("backup", "restore", name, "--yes", "--data-dir", shop)
    assert (restored.status, f"of tenant default, release {release}" in restored.out) == (0, True)
    assert last_seq(shop) == before
    answered = run(
        "recommend", "u00", "--as-of", f"{NOON:%Y-%m-%d}", "--json", tmp_path / "out.json", "--data-dir", shop
    )
    assert answered.status == 0, answered.err
    assert json.loads((tmp_path / "out.json").read_text())["release"] == release


def test_a_shop_is_not_replaced_without_yes(run: Run, shop: Path) -> None:
    name = run("backup", "make", "--data-dir", shop).out.split(":")[0]
    sell(shop)
    refused = run("backup", "restore", name, "--data-dir", shop)
    assert (refused.status, "give --yes to replace it" in refused.err) == (2, True)
    assert len(list(open_store(f"sqlite:///{shop / 'shop.db'}").history("ann", before=NOON, limit=9))) == 1


def test_a_deleted_backup_is_gone(run: Run, shop: Path) -> None:
    name = run("backup", "make", "--data-dir", shop).out.split(":")[0]
    assert run("backup", "delete", name, "--data-dir", shop).out == f"deleted: {name}\n"
    assert run("backup", "list", "--data-dir", shop).out.startswith("no backups of")
    again = run("backup", "delete", name, "--data-dir", shop)
    assert (again.status, f"no backup '{name}'" in again.err) == (2, True)


def test_a_store_in_postgresql_is_left_to_pg_dump(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUAXIANG_STORE__URL", "postgresql+psycopg://huaxiang:secret@db.local/shop")
    refused = run("backup", "make", "--data-dir", tmp_path)
    assert (refused.status, "pg_dump" in refused.err, "secret" in refused.err) == (2, True, False)
    assert list(tmp_path.iterdir()) == []


def test_a_backup_that_cannot_be_read_is_listed_with_the_way_out(run: Run, shop: Path) -> None:
    name = run("backup", "make", "--data-dir", shop).out.split(":")[0]
    (shop / "backups" / name / "manifest.json").write_text("")
    listed = run("backup", "list", "--data-dir", shop)
    assert f"delete it: `huaxiang backup delete {name}`" in listed.out


def test_the_command_alone_makes_one(run: Run, shop: Path) -> None:
    assert run("backup", "--data-dir", shop).status == 0
    assert len(list((shop / "backups").glob("[0-9]*"))) == 1
