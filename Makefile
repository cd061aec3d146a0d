# Every command of the project. Needs make and Python 3.11 or later; the environment is made when missing or stale, and only then.
# Paths are relative on purpose: the checkout may stand in a directory whose name has a space.

PYTHON ?= $(shell for p in python3.11 python3 python3.12 python3.13; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
PY := .venv/bin/python
PIP := $(PY) -m pip install --disable-pip-version-check --no-input --quiet --require-hashes
VERROU := $(PY) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
# Tests wait about as long as they compute: one process more than cores, four at most (docs/decisions/0076).
PROCESSUS = $(shell $(PY) -c 'import os; print(min(4, 1 + (os.cpu_count() or 1)))')
PAGE := gateway/web/dist/index.html
PAGE_SOURCES := $(wildcard gateway/web/source/*.* gateway/web/source/.npmrc)
FRONT := exemples/front/dist/index.html
FRONT_SOURCES := $(wildcard exemples/front/*.* exemples/front/.npmrc exemples/front/public/* exemples/front/src/* exemples/front/src/graphe/*)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test chaos infrastructure check graphiql verrous schema acces bench charge mutants poids wheel changelog release docs front clean page-facultative \
	check-lint check-format check-types check-imports check-house check-walk check-deps check-licences check-schema check-acces

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

run: .venv/runtime.txt page-facultative ## Start the simulated partners, the identity provider and the gateway, then ask one real query (PORT=8001; OPTIONS=--neuf: from nothing)
	@$(PY) -m fixtures demo $(OPTIONS)

test: .venv/dev.txt page-facultative ## Run every test, in a process more than cores, and print the figures
	@$(PY) -m compileall -q gateway fixtures tools tests/support
	@$(PY) -m pytest --numprocesses $(PROCESSUS) --dist loadfile --no-loadscope-reorder

chaos: .venv/dev.txt ## Run the long tests: chance, faults and load, in real time
	@$(PY) -m pytest -m chaos
	@$(PY) -m pytest tests/e2e --deux-passerelles
	@$(PY) -m tests.execution.differential --operations 20000

infrastructure: .venv/dev.txt ## Run the gateway beside the programs of a production: databases, proxies
	@$(PY) -m pytest -m infrastructure tests/infrastructure

check: .venv/dev.txt ## Lint, format, types, import contracts, measures of the house, the walk of a query, dependencies and their licences, committed schema, access table and picture
	@$(MAKE) --no-print-directory --keep-going check-lint check-format check-types check-imports check-house check-walk check-deps check-licences check-schema check-acces

check-lint:
	$(PY) -m ruff check .
check-format:
	$(PY) -m ruff format --check .
check-types:
	$(PY) -m mypy
check-imports:
	$(PY) -c 'from importlinter.cli import lint_imports_command as verifier; verifier()' --no-logo
check-house:
	$(PY) -m tools.house --check
	$(PY) -m tools.architecture --check
check-walk:
	$(PY) -m tools.walk --check
check-deps:
	$(PY) -m deptry .
check-licences:
	$(PY) -m tools.licences --check
check-schema:
	$(PY) -m gateway schema | diff -u schema.graphql - || { echo 'schema.graphql is stale: make schema'; exit 1; }
check-acces:
	$(PY) -m gateway acces | diff -u ACCES.md - || { echo 'ACCES.md is stale: make acces'; exit 1; }

schema: .venv/dev.txt ## Write schema.graphql, the published contract
	@mkdir -p var && $(PY) -m gateway schema > var/schema.tmp && mv var/schema.tmp schema.graphql

acces: .venv/dev.txt ## Write ACCES.md, who may read what
	@mkdir -p var && $(PY) -m gateway acces > var/acces.tmp && mv var/acces.tmp ACCES.md

graphiql: $(PAGE) ## Build the GraphiQL page into gateway/web/dist

$(PAGE): $(PAGE_SOURCES) | .venv/bin/python
	@sh gateway/web/source/build.sh $(PY)

front: $(FRONT) ## Build the example of front-end into exemples/front/dist

$(FRONT): $(FRONT_SOURCES) | .venv/bin/python
	@sh gateway/web/source/build.sh $(PY) exemples/front --omit=dev

page-facultative: | .venv/bin/python
	@$(MAKE) --no-print-directory --silent graphiql || echo 'The GraphiQL page could not be built (see above); everything else goes on without it.'
	@$(MAKE) --no-print-directory --silent front || echo 'The example of front-end could not be built (see above); everything else goes on without it.'

bench: .venv/dev.txt .venv/lien.txt ## Measure what the decision records quote; prints, asserts nothing
	@for banc in $(filter-out bench/beside.py bench/reading.py,$(wildcard bench/[a-z]*.py)); do $(PY) -m "bench.$$(basename "$$banc" .py)" || exit 1; done
	@$(PY) -m bench.http

charge: .venv/dev.txt ## Live a day of the country: 440 Missions locales, 4,400 advisers; some ten minutes of one core
	@$(PY) -m bench.load --departements tous --jeunes $(or $(JEUNES),10400) --debut 8 --fin 18

mutants: .venv/dev.txt ## Try whether the tests see small wrong changes of rights, accounts, statuses, joining and lists; goes on where it stopped
	@test -f var/mutants/map.json || $(PY) -m tools.mutants map
	@$(PY) -m tools.mutants run --mutants $(or $(MUTANTS),200) --seed $(or $(GRAINE),1)

poids: .venv/dev.txt .venv/lien.txt ## Learn the weights of evidence again, beside those kept (gateway/domain/poids.toml)
	@$(PY) -m bench.weights

docs: .venv/dev.txt .venv/docs.txt ## Build the site of documentation into gateway/web/documentation; a warning is an error
	@$(PY) -m tools.site

wheel: .venv/dev.txt $(PAGE) ## Build the wheel in dist/ and look into it
	@git rev-parse HEAD > gateway/COMMIT
	@rm -rf dist && $(PY) -m pip wheel --disable-pip-version-check --quiet --no-deps --no-build-isolation --wheel-dir dist .
	@$(PY) -m pytest -q tests/unit/test_web_wheel.py

changelog: .venv/dev.txt .venv/release.txt ## Gather changelog.d under a version, and write it where it is told (VERSION=0.3.0)
	@$(PY) -m tools.release changelog $(VERSION)

release: .venv/dev.txt .venv/release.txt check-licences ## Build twice the wheel of what is committed, compare, and write dist/ with what it is made of
	@$(PY) -m tools.release build

verrous: .venv/dev.txt ## Lock the requirements again, hashes included and hosts left out
	$(VERROU) requirements/runtime.in --output-file requirements/runtime.txt
	$(VERROU) requirements/dev.in --constraints requirements/runtime.txt --output-file requirements/dev.txt
	$(VERROU) requirements/web.in --output-file requirements/web.txt
	$(VERROU) requirements/release.in --constraints requirements/dev.txt --output-file requirements/release.txt
	$(VERROU) requirements/lien.in --constraints requirements/dev.txt --output-file requirements/lien.txt
	$(VERROU) requirements/docs.in --constraints requirements/dev.txt --output-file requirements/docs.txt
	for dossier in gateway/web/source exemples/front tests/axe tests/clients; do (cd $$dossier && npm install --package-lock-only) || exit 1; done

clean: ## Remove what the commands above made
	rm -rf .venv var dist build gateway/web/dist gateway/web/documentation gateway/COMMIT gateway/web/source/node_modules exemples/front/dist exemples/front/node_modules tests/*/node_modules tests/clients/build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo 'Python 3.11 or later is needed, and none was found (python3.11, python3). Name one: make PYTHON=/path/to/python'; exit 1; }
	@echo 'Making the environment .venv with $(PYTHON)'
	@$(PYTHON) -m venv --clear .venv

# The stamp of an installation is the copy of the file it was made from.
.venv/%.txt: requirements/%.txt .venv/bin/python
	@cmp -s $< $@ || { echo 'Installing $<'; $(PIP) -r $<; }
	@cp $< $@
