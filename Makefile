# Five commands for everything: demo, test, check, bench, console. Each sets up what it needs.
# Needs make, Python 3.11 or newer and package registries; nothing else.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.stamp-$(shell cat requirements.lock pyproject.toml 2>/dev/null | cksum | cut -d' ' -f1)

.PHONY: help demo test check bench console clean _setup

help: ## What can be done here.
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

# --- the demonstration: make demo [SECONDS=120] ---------------------------------------------------

demo: console ## Everything on one machine, and a story that must come true. SECONDS=120 ends by itself.
	@exec $(BIN)/python -m fairlead_sim.demo $(if $(SECONDS),--seconds $(SECONDS)) $(DEMO)

# --- everything that must pass; pytest's closing line comes last, unless a connector claims what was not shown ----------------------------------

test: check console ## Everything that must pass, on a machine that has nothing but Python and registries.
	@$(BIN)/python -m pytest -q -n 3

check: _setup ## Lint, format, types, import contracts.
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/pyright
	@$(BIN)/lint-imports

# --- figures, one JSON line each: make bench [ONLY=shadow_updates,api_list_p99] ---------------------

bench: _setup ## Figures beside their limits, one JSON line each. ONLY=name[,name].
	@$(BIN)/python bench/run.py $(ONLY)

# --- the web console: built once for each state of its sources, into the package ---------------------------

console: _setup ## The web console, built into the package (Node from the machine, or from PyPI).
	@$(BIN)/python tools/console.py

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

clean: ## Takes away the virtual environment and what the demo left.
	rm -rf $(VENV) var demo-report.json console/node_modules src/fairlead/edge/console/dist
