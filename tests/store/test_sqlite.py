"""The contract over SQLite, and what only a file can do."""

import sqlite3
import threading
from pathlib import Path

import pytest

from huaxiang.errors import ConfigError, StoreError, StoreFullError, UnknownNameError
from huaxiang.store import Record, open_store
from huaxiang.types import Event
from tests.contracts.store import NOON, StoreContract, at, items_of, view


class TestSQLiteStore(StoreContract):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path}/shop.db"


def test_an_unknown_engine_is_named_with_those_known() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown store 'oracle'; known: .*sqlite"):
        open_store("oracle://shop")


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "shop.db", "sqlite:///shop.db?synchronous=never"])
def test_a_url_that_names_no_store_is_refused(url: str) -> None:
    with pytest.raises(ConfigError):
        open_store(url)


def test_each_tenant_has_its_own_file(tmp_path: Path) -> None:
    for tenant in ("default", "acme"):
        open_store(f"sqlite:///{tmp_path}/deep/shop.db", tenant=tenant).close()
    assert {path.name for path in (tmp_path / "deep").glob("*.db")} == {"shop.db", "shop.acme.db"}


@pytest.mark.parametrize(("synchronous", "level"), [("normal", 1), ("full", 2)])
def test_synchronous_is_a_setting(tmp_path: Path, synchronous: str, level: int) -> None:
    for store in (
        open_store(f"sqlite:///{tmp_path}/a.db", synchronous=synchronous),
        open_store(f"sqlite:///{tmp_path}/b.db?synchronous={synchronous}"),
    ):
        with store._reading() as connection:  # type: ignore[attr-defined]
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == level
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        store.close()


def test_another_opening_sees_what_the_first_kept(tmp_path: Path) -> None:
    one, two = (open_store(f"sqlite:///{tmp_path}/shop.db") for _ in range(2))
    one.append([view("ann", 1, "tea")])
    assert two.append([view("ann", 2, "pot")]).last_seq == one.last_seq == 2
    assert items_of(one.history("ann", before=NOON, limit=9)) == ["tea", "pot"]


def test_four_writers_and_a_reader_lose_nothing(tmp_path: Path) -> None:
    store, wrong = open_store(f"sqlite:///{tmp_path}/shop.db"), []

    def sell(who: str) -> None:
        for number in range(25):
            store.append([view(who, number, f"p{n}", f"{who}-{number}-{n}") for n in range(4)])
            if len(store.history(who, before=at(99), limit=999)) != 4 * (number + 1):
                wrong.append((who, number))

    sellers = [threading.Thread(target=sell, args=(who,)) for who in "abcd"]
    for seller in sellers:
        seller.start()
    for seller in sellers:
        seller.join()
    assert (wrong, store.last_seq) == ([], 400)


def test_erased_words_are_in_no_file(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/shop.db")
    store.append([Event("review", NOON, user_id=f"u{n:03}", text=f"a secret kept by u{n:03}") for n in range(200)])
    store.put("conversation", [Record("u007", {"said": "another secret kept by u007"})])
    store.erase("u007")
    left = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"kept by u008" in left
    assert b"kept by u007" not in left


def test_a_lock_held_too_long_is_a_clear_error(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/shop.db", busy_timeout=0.05)
    other = sqlite3.connect(tmp_path / "shop.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked by another writer"):
        store.append([view("ann", 1, "tea")])
    assert store.last_seq == 0
    other.close()
    assert store.append([view("ann", 1, "tea")]).accepted == 1


@pytest.mark.parametrize("damage", [0, 4096])
def test_a_damaged_file_is_a_clear_error(tmp_path: Path, damage: int) -> None:
    path = tmp_path / "shop.db"
    store = open_store(f"sqlite:///{path}")
    store.append([view(f"u{n}", 1, f"p{n}") for n in range(2_000)])
    store.close()
    with path.open("r+b") as file:
        file.seek(damage)
        file.write(b"\xa5" * 200_000)
    with pytest.raises(StoreError, match="damaged"):
        list(open_store(f"sqlite:///{path}").scan())


def test_a_file_of_another_layout_is_refused(tmp_path: Path) -> None:
    open_store(f"sqlite:///{tmp_path}/shop.db").close()
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.execute("UPDATE log SET layout = 99")
    connection.close()
    with pytest.raises(StoreError, match="layout 99"):
        open_store(f"sqlite:///{tmp_path}/shop.db")


def test_a_folder_that_cannot_be_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="folder"):
        open_store(f"sqlite:///{tmp_path}/file/shop.db")


def test_a_full_quota_refuses_whole_batches_and_goes_on_once_there_is_room(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/shop.db"
    store, acknowledged = open_store(url, max_bytes=400_000), 0
    with pytest.raises(StoreFullError, match="make room"):  # noqa: PT012 - the batch that fills it is not known before
        for number in range(1_000):
            texts = [Event("review", NOON, user_id=f"u{number}", text=f"{n} " + "茶" * 300) for n in range(20)]
            acknowledged += store.append(texts).accepted
    assert sum(batch.num_rows for batch in store.scan(columns=["seq"])) == acknowledged > 100
    store.erase("u0")
    assert store.append([view("ann", 1, "tea")]).accepted == 1
    store.close()
    wider = open_store(url)
    texts = [Event("review", NOON, user_id="late", text=f"{n} " + "茶" * 300) for n in range(200)]
    assert wider.append(texts).accepted == 200
