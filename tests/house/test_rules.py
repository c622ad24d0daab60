"""The rules of the house, as tests: small files, small functions, no pickle, no vague names."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "huaxiang"
MODULES = sorted(SOURCE.rglob("*.py"))
VAGUE = {"utils", "util", "common", "helpers", "helper", "manager", "misc"}


def functions(module: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(module.read_text("utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_no_file_is_over_400_lines() -> None:
    long = {str(m.relative_to(ROOT)): n for m in MODULES if (n := len(m.read_text("utf-8").splitlines())) > 400}
    assert long == {}


def test_no_function_is_over_40_lines() -> None:
    sizes = {(m.stem, f.name): (f.end_lineno or 0) - f.lineno + 1 for m in MODULES for f in functions(m)}
    assert {name: size for name, size in sizes.items() if size > 40} == {}


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [m for m in MODULES if m.stem in VAGUE or m.parent.name in VAGUE] == []


def test_every_public_function_and_class_says_what_it_does() -> None:
    silent = []
    for module in MODULES:
        for node in ast.parse(module.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                silent += [] if ast.get_docstring(node) else [f"{module.stem}.{node.name}"]
    assert silent == []


def test_nothing_imports_pickle() -> None:
    pattern = re.compile(r"^\s*(import|from)\s+(pickle|dill|joblib|shelve)\b", re.MULTILINE)
    assert [m for m in MODULES if pattern.search(m.read_text("utf-8"))] == []


def test_no_file_names_a_place_of_one_machine() -> None:
    named = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    places = re.compile(r"/(work|root|home)/\w")
    texts = [
        ROOT / name for name in named if name.endswith((".py", ".md", ".toml", ".html", ".js", ".css", "Makefile"))
    ]
    found = [str(t.relative_to(ROOT)) for t in texts if t.exists() and places.search(t.read_text("utf-8"))]
    assert [name for name in found if name != "tests/house/test_rules.py"] == []


@pytest.mark.parametrize("module", ["huaxiang", "huaxiang.server.app", "huaxiang.cli.serving", "huaxiang.shop"])
def test_serving_imports_no_training_library(module: str) -> None:
    code = f"import sys, {module}; print(sorted({{'torch', 'transformers', 'sklearn'}} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"
