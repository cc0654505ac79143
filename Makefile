# make up: start the panel. make test, bench, lint: check it. make lock: pin the dependencies anew.

PYTHON ?= python3
BIN := .venv/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes
COMPILE := $(BIN)/uv pip compile --quiet --generate-hashes --universal --python-version 3.11

.PHONY: up test bench lint lock clean

up: .venv/installed
	@$(BIN)/python -m auditpanel up

test: .venv/installed-for-tests
	$(BIN)/python -m tests.browser.chromium
	$(BIN)/python -m pytest -n 2 tests --ignore=tests/benchmarks $(ARGS)

bench: .venv/installed-for-tests
	$(BIN)/python -m tests.benchmarks $(ARGS)

lint: .venv/installed-for-tests
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

lock: .venv/installed-for-tests
	$(COMPILE) pyproject.toml --output-file requirements.txt
	$(COMPILE) --group dev pyproject.toml --output-file tests/requirements.txt

# The data folder stays.
clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache artifacts
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp is as new as the last complete installation: cut short, it begins again; complete, a start does nothing here.
.venv/installed: requirements.txt
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON): install Python 3.11 or newer, or name one with PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is $$($(PYTHON) --version 2>&1), too old: install Python 3.11 or newer, or name one with PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "$(PYTHON) comes without venv: install it (Debian, Ubuntu: apt-get install python3-venv)" >&2; exit 1; }
	@echo "Installing into .venv: the first time this takes a minute"
	@$(BIN)/python -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || $(PYTHON) -m venv --clear .venv
	@$(PIP_INSTALL) -r requirements.txt
	@touch $@

.venv/installed-for-tests: .venv/installed tests/requirements.txt
	@$(PIP_INSTALL) -r tests/requirements.txt
	@touch $@
