"""Where a command's answer goes."""

from pathlib import Path

from huaxiang.errors import ConfigError


def check_folders(*targets: Path | None) -> None:
    """Say before the work, not after it, that an answer could not be written."""
    for target in targets:
        if target is not None and not target.parent.is_dir():
            raise ConfigError(f"{target} cannot be written: there is no folder {target.parent}; make it first")
        if target is not None and target.is_dir():
            raise ConfigError(f"{target} cannot be written: it is a folder; name a file")
