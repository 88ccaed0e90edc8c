# `make help` lists what there is.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
# The first Python of at least 3.11; PYTHON=/path/to/python chooses another.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { command -v "$$p"; break; }; done)
SOURCES := $(wildcard pyproject.toml constraints.txt)
TESTS ?= tests
JOBS ?= 3

.PHONY: help run test fuzz bench lint fmt

help: ## This list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 10
	@echo
	@echo "From the environment: PORT=8001 (another port), MARKETPLACE_VAR=/folder (other data), DEMO=0 (without the demo),"
	@echo "DATABASE_URL and REDIS_URL (your own servers), PYTHON=/path/to/python3.12 (another Python)."
	@echo "PyPI's torch for Linux brings several GB of CUDA libraries. Where an index with CPU builds is at hand,"
	@echo "PIP_EXTRA_INDEX_URL=<that index> make run installs the small one."

run: $(VENV)/.installed-run ## Start everything with the demo at http://127.0.0.1:8000; Ctrl-C stops it
	@exec $(BIN)/python -m marketplace.runtime

test: $(VENV)/.installed-dev ## All tests, on real servers and in a real browser (TESTS=tests/search for some)
	@CHROMIUM_PATH="$$(scripts/ensure_chromium.sh)"; export CHROMIUM_PATH; \
	exec $(BIN)/python -m pytest -n $(JOBS) $(TESTS)

fuzz: ## The property tests with other examples than the last time (TESTS=tests/gateway for some)
	@HYPOTHESIS_PROFILE=others $(MAKE) test TESTS="$(TESTS) -m hypothesis"

bench: $(VENV)/.installed-dev ## Measure search, pages and memory
	@exec $(BIN)/python -m bench

lint: $(VENV)/.installed-dev ## Everything that can be checked without running it
	@scripts/lint.sh

fmt: $(VENV)/.installed-dev ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/djlint --reformat --quiet templates || true

$(VENV)/.installed-run: $(SOURCES)
	@PYTHON="$(PYTHON)" scripts/install.sh '.[gateway,client]' $@

$(VENV)/.installed-dev: $(SOURCES)
	@PYTHON="$(PYTHON)" scripts/install.sh '.[gateway,client,dev]' $@ $(VENV)/.installed-run
