# Everything a contributor runs. Needs CPython 3.11 or newer, make and bash; the rest is installed
# into $(VENV). `make demo` and `make test` come first; `make help` lists all.
#
# PYTHON=…  use this interpreter and no other (default: the first usable one, see scripts/venv.sh)
# VENV=…    where the environment goes (default: .venv)

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?=
VENV ?= .venv
BIN := $(VENV)/bin
TESTS ?=

# The stamp carries the interpreter's name: another PYTHON makes the environment anew.
STAMP := $(VENV)/.installed$(subst /,-,$(PYTHON))
WHEEL_VENV := $(VENV)-wheel
WHEEL_STAMP := $(WHEEL_VENV)/.installed$(subst /,-,$(PYTHON))

.PHONY: help
help:
	@echo "make demo        check a notebook, convert it, run the package and its tests"
	@echo "make test        run every test; TESTS='tests/test_layers.py -k name' for some"
	@echo "make lint        ruff's rules and format"
	@echo "make types       mypy --strict"
	@echo "make wheel-test  build the wheel and test what users install, without src/"
	@echo "make bench       start-up time, and the corpus of real notebooks if it is there"
	@echo "make clean       remove what the above made"

# pip 25.1 is the first to know dependency groups.
$(STAMP): pyproject.toml scripts/venv.sh
	scripts/venv.sh $(VENV) $(PYTHON)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable '.[verify]' --group dev
	touch $@

.PHONY: env
env: $(STAMP)

.PHONY: demo
demo: $(STAMP)
	@scripts/demo.sh $(VENV)

.PHONY: test
test: $(STAMP)
	$(BIN)/python -m pytest $(TESTS)

.PHONY: lint
lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

.PHONY: types
types: $(STAMP)
	$(BIN)/mypy

$(WHEEL_STAMP): pyproject.toml scripts/venv.sh
	scripts/venv.sh $(WHEEL_VENV) $(PYTHON)
	$(WHEEL_VENV)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(WHEEL_VENV)/bin/python -m pip install --quiet --group dev
	touch $@

.PHONY: wheel-test
wheel-test: $(WHEEL_STAMP)
	@scripts/wheel-test.sh $(WHEEL_VENV) $(TESTS)

.PHONY: bench
bench: $(STAMP)
	$(BIN)/python benches/startup.py
	$(BIN)/python benches/check_corpus.py

.PHONY: clean
clean:
	rm -rf .venv .venv-* $(VENV) build dist demo-output .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -path ./.git -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
