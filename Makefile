# Two commands do all the set-up: `make demo` and `make test`.
PYTHON ?= python3.11
PORT ?= 8000
DEMO ?= .demo
BIN := .venv/bin

.PHONY: install demo test bench bench-quality format clean

install: .venv/.installed

.venv/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --no-input -c constraints.txt -e '.[train,tune,track,models,postgresql,privacy,peers,dev]'
	touch $@

demo: install
	$(BIN)/huaxiang demo --data-dir $(DEMO) --port $(PORT)

test: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/pytest -n 2

bench: install
	$(BIN)/python -m benchmarks

bench-quality: install
	$(BIN)/python -m benchmarks.quality --peers

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf .venv .demo
