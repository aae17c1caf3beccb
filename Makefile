# Two commands matter: `make demo` and `make test`. `make help` lists the rest.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
# No index address is set here: pip's own configuration decides.
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

# Forbidden bytecode files, as in many containers, would have every process compile everything anew: three times the start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test check format lock bench bench-quick soak clean
.DEFAULT_GOAL := help

help: ## show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' Makefile

demo: .make/run ## broker, ingest, rules, API, console and a simulated fleet, all on loopback (ARGS="--for 60s --json")
	@$(BIN)/iotops demo $(ARGS)

test: .make/test .make/client ## the whole suite (ARGS="-k name" to choose)
	@$(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

check: .make/test ## format, lint, types, the import rules, and the form of our own rule files
	$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy --no-incremental && PYTHONPATH=. $(BIN)/lint-imports && $(BIN)/iotops rules fmt --check rules

format: .make/test ## let ruff format and fix what it can
	$(BIN)/ruff format . && $(BIN)/ruff check --fix .

bench: .make/test ## measure; prints a table and writes benchmarks/results/run-*.json (ARGS="ingest --quick")
	$(BIN)/python -m benchmarks $(ARGS)

bench-quick: .make/test ## the main rows of it with less work, within two minutes (ARGS="--output FILE")
	$(BIN)/python -m benchmarks --quick $(ARGS)

soak: .make/test ## the fault tests at full length
	IOTOPS_SOAK=200 $(BIN)/python -m pytest tests/faults tests/api/test_api_schemathesis.py --log-cli-level=INFO $(ARGS)

lock: ## pin the dependencies again, with hashes and without any index address (needs uv)
	uv pip compile --universal --generate-hashes --python-version 3.11 --no-header --no-annotate --quiet --upgrade --extra build pyproject.toml -o requirements.lock
	uv pip compile --universal --generate-hashes --python-version 3.11 --no-header --no-annotate --quiet --extra build --extra test -c requirements.lock pyproject.toml -o requirements-test.lock
	uv pip compile --universal --generate-hashes --python-version 3.11 --no-header --no-annotate --quiet --upgrade requirements-client.in -o requirements-client.lock

clean: ## remove the virtual environment and caches
	rm -rf .venv .venv-client .make .pytest_cache .mypy_cache .ruff_cache .hypothesis

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: iotops needs Python 3.11 or newer, $(PYTHON) is older; set PYTHON=python3.12 or the like"; exit 1; }
	@$(PYTHON) -m venv .venv

.make/run: .venv/bin/python requirements.lock pyproject.toml
	@echo "installing pinned dependencies into .venv ..."
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@mkdir -p .make && touch $@

.make/test: .make/run requirements-test.lock
	@echo "installing the test extras into .venv ..."
	@$(PIP) --require-hashes -r requirements-test.lock
	@touch $@

.make/client: .venv/bin/python requirements-client.lock
	@echo "installing the generator of API clients into .venv-client ..."
	@$(PYTHON) -m venv --clear .venv-client
	@.venv-client/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes -r requirements-client.lock
	@mkdir -p .make && touch $@
