"""Opening what training or `huaxiang export` wrote, whichever kind of encoder the folder holds. Reaches no torch."""

import json
from pathlib import Path

from huaxiang.encoder.base import Encoder
from huaxiang.encoder.serving import CONFIG_FILE, OnnxEncoder
from huaxiang.encoder.static import KIND, StaticEncoder


def open_folder(folder: Path | str, *, threads: int = 1) -> Encoder:
    """Open a `serving/` folder, the folder that holds one, or an export for onnxruntime or of the static kind.

    Args:
        threads: of one call of a network.

    Raises:
        DataError: there is none, or its files are damaged or of another version.
    """
    root = Path(folder)
    if not (root / CONFIG_FILE).is_file() and (root / "serving" / CONFIG_FILE).is_file():
        root = root / "serving"
    return StaticEncoder.load(root) if kind_of(root) == KIND else OnnxEncoder.load(root, threads=threads)


def kind_of(folder: Path) -> str | None:
    """`static` or `onnx`, by the folder's configuration; None where it is no encoder's of this package."""
    try:
        said = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(said, dict) or "fingerprint" not in said:
        return None
    return str(said.get("kind", "onnx"))
