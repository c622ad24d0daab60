"""The contract over PostgreSQL: the tests start a server of their own from the binaries of the machine."""

import os
import pwd
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest

from huaxiang.errors import ConfigError, MissingExtraError, StoreError
from huaxiang.store import open_store, postgresql
from tests.contracts.store import NOON, StoreContract, items_of, view

pytestmark = pytest.mark.xdist_group("postgresql")
_databases = count(1)


def _binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).resolve().parent if on_path else None


def _server_user() -> str | None:
    """PostgreSQL refuses to run as root; None says to run it as whoever runs the tests."""
    if os.geteuid() != 0:
        return None
    known = {user.pw_name for user in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def _wait_until_ready(process: subprocess.Popen[bytes], folder: Path) -> None:
    until = time.monotonic() + 30
    while True:
        try:
            psycopg.connect(host=str(folder), user="postgres", dbname="postgres").close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > until:
                pytest.fail(f"PostgreSQL did not start: {(folder / 'log').read_text()[-2_000:]}")
            time.sleep(0.05)
        else:
            return


@pytest.fixture(scope="session")
def server() -> Iterator[Path]:
    """The folder of a running server's socket; it listens to nothing else."""
    binaries, user = _binaries(), _server_user()
    if binaries is None:
        pytest.skip("no PostgreSQL binaries in /usr/lib/postgresql/*/bin or PATH; install the package postgresql")
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # not tmp_path: the server's user must be able to enter it
    try:
        if user is not None:
            shutil.chown(folder, user)
        data = str(folder / "data")
        as_user = {"user": user, "extra_groups": []} if user is not None else {}
        make = [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"]
        made = subprocess.run(make, cwd=folder, capture_output=True, text=True, check=False, **as_user)  # type: ignore[call-overload]
        assert made.returncode == 0, made.stderr
        run = [binaries / "postgres", "-D", data, "-k", str(folder), "-c", "listen_addresses="]
        run += [
            "-c",
            "fsync=off",
            "-c",
            "full_page_writes=off",
            "-c",
            "shared_buffers=32MB",
            "-c",
            "max_connections=40",
        ]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(run, cwd=folder, stdout=log, stderr=log, **as_user)  # type: ignore[call-overload]
        try:
            _wait_until_ready(process, folder)
            yield folder
        finally:
            process.send_signal(2)  # SIGINT: end the sessions, then stop
            process.wait(timeout=30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def url(server: Path) -> Iterator[str]:
    """A database of its own for each test."""
    name = f"shop_{next(_databases)}"
    with psycopg.connect(host=str(server), user="postgres", dbname="postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} STRATEGY file_copy")
        yield f"postgresql+psycopg://postgres@/{name}?host={server}"
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


class TestPostgreSQLStore(StoreContract):
    @pytest.fixture
    def url(self, url: str) -> str:
        return url


def test_numbers_rise_in_the_order_of_commits(url: str) -> None:
    one, two = open_store(url), open_store(url)
    done, seen, missed = threading.Event(), 0, []

    def sell(store: object, who: str) -> None:
        for number in range(40):
            store.append([view(who, number, f"p{n}", f"{who}-{number}-{n}") for n in range(3)])  # type: ignore[attr-defined]

    sellers = [threading.Thread(target=sell, args=each) for each in ((one, "a"), (two, "b"), (one, "c"))]
    for seller in sellers:
        seller.start()
    follower, read = open_store(url), []
    while not done.is_set():
        if not any(seller.is_alive() for seller in sellers):
            done.set()
        for batch in follower.scan(seen, columns=["seq"]):
            read += batch.column("seq").to_pylist()
            seen = read[-1]
    missed = sorted(set(range(1, 361)) - set(read))
    for store in (one, two, follower):
        store.close()
    assert (missed, len(read)) == ([], 360)


def test_another_opening_sees_what_the_first_kept(url: str) -> None:
    one, two = open_store(url), open_store(url)
    one.append([view("ann", 1, "tea")])
    assert two.append([view("ann", 2, "pot")]).last_seq == one.last_seq == 2
    assert items_of(one.history("ann", before=NOON, limit=9)) == ["tea", "pot"]
    for store in (one, two):
        store.close()


def test_a_lock_held_too_long_is_a_clear_error(url: str) -> None:
    store, other = open_store(url, lock_timeout=0.1), open_store(url)
    with (
        other._writing(),  # type: ignore[attr-defined]
        pytest.raises(StoreError, match="locked by another writer"),
    ):
        store.append([view("ann", 1, "tea")])
    assert store.append([view("ann", 1, "tea")]).accepted == 1
    for each in (store, other):
        each.close()


def test_no_server_is_a_clear_error() -> None:
    with pytest.raises(StoreError, match="see that the server runs"):
        open_store("postgresql://postgres@127.0.0.1:1/shop?connect_timeout=2")


def test_another_driver_is_refused() -> None:
    with pytest.raises(ConfigError, match="psycopg"):
        open_store("postgresql+asyncpg://postgres@127.0.0.1/shop")


def test_a_missing_driver_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"huaxiang\[postgresql\]"):
        open_store("postgresql://postgres@127.0.0.1/shop")


def test_an_erasure_is_whole_and_says_what_a_server_may_still_hold(url: str, tmp_path: Path) -> None:
    from huaxiang.privacy import erase, export
    from huaxiang.privacy.rotation import rotate
    from huaxiang.shop import Shop
    from tests.shops import settings_of

    shop = Shop(settings_of(tmp_path / "shop", f"store.url={url}", "privacy.pseudonyms=true"))
    look = {"event": "view_item", "item_id": "tea", "timestamp": NOON.isoformat()}
    shop.intake.take([look | {"user_id": user} for user in ("margaret-7", "harold-3")])
    assert rotate(shop) == 2
    assert export(shop, "margaret-7")["n_events"] == 1
    receipt = erase(shop, "margaret-7")
    receipt.check(shop.gate.keys.read(create=False))
    assert receipt.removed["events"] == 1
    assert "No absence is proved" in receipt.not_reached[0]
    assert shop.intake.take([look | {"user_id": "margaret-7"}]).rejected
    assert export(shop, "harold-3")["n_events"] == 1
    shop.close()
