"""A data directory for tests of backups, used as the commands use it."""

from dataclasses import dataclass
from pathlib import Path

from huaxiang.release import Releases
from huaxiang.store import open_store
from huaxiang.store.backup import Backup, Backups, release_folder
from huaxiang.store.restoring import Restored, restore
from tests.contracts.store import NOON, items_of, view

KILLED = """
import os, signal, sys
from pathlib import Path
from huaxiang.store.backup import Backups
from huaxiang.store.restoring import restore

folder, stage, name = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
def tell(said, *_):
    if said.startswith(stage):
        os.kill(os.getpid(), signal.SIGKILL)
backups, url, releases = Backups(folder / "backups"), f"sqlite:///{folder}/shop.db", folder / "releases"
restore(backups, name, url, releases, overwrite=True, tell=tell) if name else backups.make(url, releases, tell=tell)
"""
"""Makes a backup, or restores the one that is named, and kills itself when a stage begins: folder, stage, name."""


@dataclass(frozen=True)
class Place:
    """A data directory, as the commands use it."""

    folder: Path

    @property
    def url(self) -> str:
        return f"sqlite:///{self.folder / 'shop.db'}"

    @property
    def backups(self) -> Backups:
        return Backups(self.folder / "backups", patience=0.2)

    @property
    def releases(self) -> Releases:
        return Releases(self.folder / "releases")

    def sell(self, user: str, *items: str, tenant: str = "default") -> None:
        store = open_store(self.url, tenant)
        store.append([view(user, hour, item) for hour, item in enumerate(items)])
        store.close()

    def seen(self, user: str, tenant: str = "default") -> list[str | None]:
        store = open_store(self.url, tenant)
        found = items_of(store.history(user, before=NOON, limit=99))
        store.close()
        return found

    def train(self, words: str, tenant: str = "default") -> str:
        releases = Releases(release_folder(self.releases.root, tenant))
        with releases.draft() as draft:
            (draft.part("encoder") / "weights").write_text(words)
        return releases.use(draft.id).id

    def keep(self, note: str = "") -> Backup:
        return self.backups.make(self.url, self.releases.root, note=note)

    def put_back(self, name: str, *, overwrite: bool = True) -> Restored:
        return restore(self.backups, name, self.url, self.releases.root, overwrite=overwrite)
