# Four commands for everything: demo, test, check, bench. Each sets up what it needs.
# Needs make, Python 3.11 or newer and package registries; nothing else.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.stamp-$(shell cat requirements.lock pyproject.toml 2>/dev/null | cksum | cut -d' ' -f1)

.PHONY: demo test check bench _setup
.DEFAULT_GOAL := test

# --- the demonstration: make demo [SECONDS=120] ---------------------------------------------------

demo: _setup
	@exec $(BIN)/python -m fairlead_sim.demo $(if $(SECONDS),--seconds $(SECONDS)) $(DEMO)

# --- everything that must pass; pytest's closing line comes last ----------------------------------

# Two at a time, each file in one process: the engines a process starts serve all its tests.
test: check
	@$(BIN)/python -m pytest -q -n 2 --dist loadfile

check: _setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/pyright
	@$(BIN)/lint-imports

# --- figures: make bench [ONLY=shadow,api] ----------------------------------------------------------

comma := ,
BENCHES = $(if $(ONLY),$(patsubst %,bench/%.py,$(subst $(comma), ,$(ONLY))),$(sort $(wildcard bench/*.py)))

bench: _setup
	@set -e; for file in $(BENCHES); do $(BIN)/python $$file; done

# --- set-up: once for each state of the lock file ------------------------------------------------------

_setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; say which with PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) 2>/dev/null || { \
		rm -rf $(VENV); \
		test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
			|| { echo "Python's venv module is missing: install it (on Debian: python3-venv)"; exit 1; }; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv && $(PYTHON) -m venv $(VENV); }
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip sync --quiet --require-hashes requirements.lock
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install --quiet --no-deps -e .
	@rm -f $(VENV)/.stamp-*
	@touch $@
