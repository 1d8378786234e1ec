# `make help` lists what can be run. Everything is set up by the first command that needs it.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
MEMBERS := libs/common services/gateway services/orchestrator services/derivatives services/maintenance services/filemover \
	clients/python clients/cli deploy/local
EDITABLE := $(foreach member,$(MEMBERS),-e $(member))
COMPILE := $(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --quiet \
	--custom-compile-command "make lock"
OWN := $(foreach name,common gateway orchestrator derivatives maintenance filemover client cli local,--no-emit-package photobus-$(name))
INSTALL := $(UV) pip install --quiet --compile-bytecode --python $(BIN)/python
# What is installed can be read by the user that Postgres runs as, whatever the umask. What broke off is installed anew,
# because an installer takes a part of a package for the whole.
BEGIN := umask 022; again=$$(test ! -e $(VENV)/.begun || echo --reinstall); touch $(VENV)/.begun
END := rm $(VENV)/.begun

.PHONY: help up test check bench chaos lock clean
.DEFAULT_GOAL := help

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: $(VENV)/.runtime ## set up and run the whole system; data in ./data, Ctrl-C stops it
	@exec $(BIN)/photobus up

# All tests wait more than they compute, so two processes share them, each with servers of its own.
# TESTS names some of them: make test TESTS="tests/unit tests/contract"
test: $(VENV)/.dev ## set up and run every test, with NATS and Postgres of their own
	@$(BIN)/python -m pytest $(or $(TESTS),--numprocesses 2 --dist loadfile)

check: $(VENV)/.dev ## format, lint, types and import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check --no-cache .
	@$(BIN)/mypy --no-incremental --cache-dir=/dev/null libs services clients deploy tests bench
	@$(BIN)/lint-imports --no-cache

bench: $(VENV)/.dev ## measure speed against the bare libraries in the same run
	@$(BIN)/python -m bench

# CHAOS says which campaigns: make chaos CHAOS="--seed 7 --seconds 600 --nodes 3"; see docs/reliability.md
CHAOS ?= --seeds 1,2,3 --seconds 120
chaos: $(VENV)/.dev ## try to break the whole system, by seed, and judge what is left
	@cd tests && ../$(BIN)/python -m chaos $(CHAOS)

lock: $(VENV)/.uv ## resolve the dependencies anew into requirements/*.txt
	@$(COMPILE) $(addsuffix /pyproject.toml,$(MEMBERS)) --group pyproject.toml:build $(OWN) -o requirements/runtime.txt
	@$(COMPILE) $(addsuffix /pyproject.toml,$(MEMBERS)) --group pyproject.toml:dev $(OWN) -c requirements/runtime.txt \
		-o requirements/dev.txt
	@echo 'uv' | $(COMPILE) - -o requirements/uv.txt

clean: ## remove the virtual environment (never ./data)
	@rm -rf $(VENV)

$(VENV)/.uv: requirements/uv.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("photobus needs Python 3.11 or later; this is " + sys.version.split()[0] + ". Name another with: make PYTHON=python3.12 ...")'
	@test -e $(VENV)/.runtime || rm -rf $(VENV)
	@umask 022; $(PYTHON) -m venv $(VENV) || { echo "The venv module did not work; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@umask 022; $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

$(VENV)/.runtime: $(VENV)/.uv requirements/runtime.txt $(addsuffix /pyproject.toml,$(MEMBERS))
	@$(BEGIN); $(INSTALL) $$again --require-hashes -r requirements/runtime.txt && \
		$(INSTALL) --no-deps --no-build-isolation $(EDITABLE) && \
		$(BIN)/python -m compileall -q $(MEMBERS) && $(END)
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements/dev.txt
	@$(BEGIN); $(INSTALL) $$again --require-hashes -r requirements/dev.txt && $(END)
	@touch $@
