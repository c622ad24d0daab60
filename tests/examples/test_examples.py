"""Every example runs, is short, and says what it promises."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).resolve().parents[2] / "examples").glob("*.py"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_has_at_most_60_lines(example: Path) -> None:
    assert len(example.read_text("utf-8").splitlines()) <= 60


def test_the_first_profile() -> None:
    example = next(path for path in EXAMPLES if path.stem == "first_profile")
    said = subprocess.run([sys.executable, str(example)], capture_output=True, text=True, check=True).stdout
    assert "5 events taken in, 0 refused" in said
    assert "likes Yixing and Uji" in said
    assert "mood: positive" in said


def test_the_public_names_load_and_importing_them_is_light() -> None:
    code = "import sys, huaxiang as h; print(len(h.__all__), {'torch', 'numpy', 'polars'} & set(sys.modules))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.split(maxsplit=1) == ["13", "set()\n"]
    code = "import huaxiang; [getattr(huaxiang, name) for name in huaxiang.__all__]; huaxiang.nothing"
    error = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stderr
    assert "has no attribute 'nothing'" in error
