# Four verbs: demo, test, check, bench. Each sets up what it needs: a virtual environment made with the
# machine's python3 (3.11 or newer) and the packages of requirements.lock, by hash.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SECONDS ?=
ONLY ?=

.PHONY: help demo test check bench clean

help: ## What can be done here.
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

$(READY): requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) \
	  || { rm -rf $(VENV); apt-get update -qq && apt-get install -y -qq python3-venv && $(PYTHON) -m venv $(VENV); }
	@test -x $(BIN)/uv || $(BIN)/python -m pip install -q uv
	@$(BIN)/uv pip sync -q --python $(BIN)/python --require-hashes requirements.lock
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps -e .
	@touch $(READY)

demo: $(READY) ## Everything on one machine: engines, server, simulated fleet, and the story of one change. SECONDS=120 ends by itself.
	@$(BIN)/python -m fairlead_sim.demo $(if $(SECONDS),--seconds $(SECONDS))

test: check ## Everything that must pass.
	@$(BIN)/python -m pytest -n 2 -q

check: $(READY) ## Lint, format, types, import contracts.
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check -q .
	@$(BIN)/pyright
	@$(BIN)/lint-imports

bench: $(READY) ## Figures, one JSON line each. ONLY=name[,name].
	@$(BIN)/python bench/run.py $(ONLY)

clean: ## The virtual environment and everything the demo left.
	rm -rf $(VENV) var
