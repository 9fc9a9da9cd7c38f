# Headgate's commands for people who work on it; `make help` lists them.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PYTEST := $(BIN)/pytest -q --numprocesses 2 --dist loadfile
DEBIAN_TEST  := postgresql chromium nginx curl nghttp2-client php-cli php-curl ruby default-jdk-headless golang-go
DEBIAN_BENCH := wrk valgrind

.DEFAULT_GOAL := help
.PHONY: help install run check test unit bench screenshots lock debian-test debian-bench clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

SOURCES := pyproject.toml hatch_build.py $(wildcard src/headgate/gateway/filter/*.zig src/headgate/web/locale/*/LC_MESSAGES/*.po)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Headgate needs Python 3.11 or newer; say which one with: make PYTHON=/path/to/python3.11"; exit 2; }
	$(PYTHON) -m venv $(VENV) || { echo "No venv module: on Debian, apt install python3-venv"; exit 2; }

$(VENV)/.run: requirements/run.lock $(SOURCES) | $(BIN)/python
	@echo "Installing Headgate and compiling its filter (once; about a minute)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.lock $(VENV)/.run
	@echo "Installing what checks and tests need"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	@touch $@

install: $(VENV)/.run ## Install into .venv

run: $(VENV)/.run ## Start everything with a demonstration on a real API; stays up until Ctrl-C
	$(BIN)/headgate up --demo

check: $(VENV)/.dev ## Format, lint, imports, types, unit tests; cheapest first
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(PYTEST) tests/project tests/unit

unit: $(VENV)/.dev ## Unit tests only
	$(PYTEST) tests/unit

test: debian-test $(VENV)/.dev ## Every test, with the real Envoy, PostgreSQL and browser-grade peers
	$(PYTEST) tests

bench: debian-bench $(VENV)/.dev ## Measure against the budgets; writes bench/results and README's table
	$(BIN)/python -m bench

screenshots: debian-test $(VENV)/.dev ## Take the README's pictures of the pages
	$(BIN)/python scripts/screenshots.py

lock: ## Pin the dependencies again (needs uv and npm)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
	  --extra demo pyproject.toml -o requirements/run.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
	  --extra demo --extra dev -c requirements/run.lock pyproject.toml -o requirements/dev.lock
	cd tests/npm && npm install --package-lock-only --omit-lockfile-registry-resolved --ignore-scripts

debian-test:
	@sh scripts/debian-packages $(DEBIAN_TEST)

debian-bench:
	@sh scripts/debian-packages $(DEBIAN_BENCH)

clean: ## Remove what was built, keep data
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
