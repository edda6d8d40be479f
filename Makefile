# Everything that a command needs is set up first: uv goes into .venv by pip, the rest comes from uv.lock.
# The first that runs: pyenv puts a python3.13 onto the path that only says that it is not selected.
PYTHON ?= $(shell for each in python3.13 python3.12 python3.11 python3; do \
  $$each -c '' 2>/dev/null && command -v $$each && break; done)
BIN := .venv/bin
TOGETHER := -n auto --dist loadfile  # one process a core
.DEFAULT_GOAL := help
.PHONY: help setup demo test long soak conformance lint bench services clean

help:  ## Show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 13

setup: .venv/.ready  ## Install everything into .venv

.venv/.ready: pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	  || { echo "Python 3.11, 3.12 or 3.13 is needed, and $(PYTHON) is none. Say which: make PYTHON=/path/to/python3.12 ..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'
	@$(BIN)/uv sync --frozen --quiet --inexact --compile-bytecode --python $(BIN)/python
	@touch $@

demo: setup  ## The main job: simulated company -> pipelines -> releases -> report
	@$(BIN)/workspace demo

test: setup  ## Every test but those that take minutes
	@$(BIN)/pytest $(TOGETHER)

long: setup  ## The tests that take minutes: the whole demo, every fault of every platform, kills at every point
	@$(BIN)/pytest $(TOGETHER) -m long

soak: setup  ## Many more seeds of the crash and property tests
	@$(BIN)/pytest -m soak

conformance: setup  ## The demo's advertising, read by the platforms' own clients: they get an environment of their own
	@UV_PROJECT_ENVIRONMENT=.venv/conformance $(BIN)/uv sync --frozen --quiet --group conformance --python $(BIN)/python
	@.venv/conformance/bin/python -m pytest tests/conformance

services:  ## Fetch Apache Spark with Delta and Apache Kafka (needs Java 17 and Maven), for the tests marked spark or kafka
	@services/fetch

lint: setup  ## Style, types, imports, lock
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/uv lock --check --quiet

bench: setup  ## Every benchmark; each prints a ratio
	@for file in benchmarks/bench_*.py; do $(BIN)/python $$file || exit 1; done

clean:  ## Remove the environment and the demo
	@rm -rf .venv var
