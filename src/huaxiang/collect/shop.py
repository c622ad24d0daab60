"""The folder of a shop and the store in it."""

from pathlib import Path

from huaxiang.errors import DataError
from huaxiang.store import Store, open_store


def open_shop_store(data_dir: Path, *, create: bool = False) -> Store:
    """The store of a data directory.

    Raises:
        DataError: there is none and `create` is not set.
    """
    if create:
        data_dir.mkdir(parents=True, exist_ok=True)
    else:
        check_shop(data_dir)
    return open_store(f"sqlite:///{data_dir / 'shop.db'}")


def check_shop(data_dir: Path) -> None:
    """DataError where a data directory holds no store of its own."""
    if not (data_dir / "shop.db").is_file():
        raise DataError(f"no shop in {str(data_dir)!r}; import a file with --data-dir {data_dir} first")
