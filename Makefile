# Waypost. `make` alone lists what there is.

PYTHON ?= python3
VENV := .venv/bin/python

# Compiled once and kept: without, every process that starts compiles everything anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run demo reset test unit integration simulation check fix bench contracts environment environment-dev widget programs

##@ Run

run: environment widget ## Start everything on this machine; Ctrl-C stops it, the data stays
	@$(VENV) -m deploy.local up

demo: environment ## Send sample mails and calls through the running system
	@$(VENV) -m deploy.demo

reset: environment ## Forget everything that was stored
	@$(VENV) -m deploy.local reset

##@ Test

# Four workers for two processors: a good deal of the time a test waits.
test: environment-dev programs widget ## All tests, on a real PostgreSQL and a real Kafka
	@$(VENV) -m pytest --numprocesses 4 --no-loadscope-reorder

unit: environment-dev ## Tests without servers, in seconds
	@$(VENV) -m pytest tests/unit

integration: environment-dev programs widget ## One service at a time, and the stack itself
	@$(VENV) -m pytest tests/integration

simulation: environment-dev ## The engine against queueing theory, ten times as long as in `test`: an hour or so
	@WAYPOST_SIMULATION=10 $(VENV) -m pytest --numprocesses 2 tests/unit/router/simulation

bench: environment-dev ## Write docs/benchmarks.md anew; ONLY=name for a part, QUICK=1 to try it out
	@$(VENV) -m tests.load $(ONLY) $(if $(QUICK),--quick)

##@ Change

check: environment-dev ## Everything that is checked without running it
	@$(VENV) -m ruff check
	@$(VENV) -m ruff format --check
	@$(VENV) -m mypy
	@.venv/bin/lint-imports
	@.venv/bin/check-jsonschema --quiet --builtin-schema vendor.compose-spec docker-compose.yml
	@$(VENV) -m deploy.contracts --check

fix: environment-dev ## Format, and mend what can be mended by itself
	@$(VENV) -m ruff check --fix
	@$(VENV) -m ruff format

contracts: environment-dev ## Write the generated contracts anew
	@$(VENV) -m deploy.contracts

##@ Help

help: ## This list
	@awk 'BEGIN {FS = ":.*## "} \
		/^##@/ {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# All cost a few hundredths of a second once the environment is there.
environment:
	@$(PYTHON) deploy/local/environment.py

environment-dev:
	@$(PYTHON) deploy/local/environment.py dev

# The environment comes first: it may hold the Node.js that this needs.
widget:
	@$(VENV) -m deploy.local.widget

# What the tests start beside PostgreSQL and Kafka: an IMAP server and a browser.
programs:
	@$(PYTHON) deploy/local/debian.py
