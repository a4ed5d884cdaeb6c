# One command each. `make help` lists them.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
# two workers for what computes, a third for the platform's tests, which mostly wait
PYTEST := $(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder

# What `make coverage` measures, and the tests that are about it (doctests come along): to measure
# another room, name it in both.
COVERED := validate sources cohort timeline features labels
COVERED_TESTS := validate sources bad_input test_cohort.py test_timeline.py test_contract_events.py features test_labels.py

.DEFAULT_GOAL := help
.PHONY: help install demo stop status test test-all faults clients coverage fmt lint types imports unit stack bench docs lock clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(STAMP) ## make .venv from the hash-locked requirements and install churn_ml into it

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else "Python 3.11 to 3.13 is needed, this is %d.%d: set PYTHON=python3.12" % v)'
	@echo "installing into .venv: two to four minutes"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

demo: install ## the main job on real data, through Airflow and MLflow (EXIT=1 ends it, DIRECT=1 without them, KEEP=1 goes on)
	$(BIN)/churn-ml demo $(if $(KEEP),--keep) $(if $(EXIT),--exit) $(if $(DIRECT),--direct)

stop: ## stop what make demo started, from any terminal
	$(BIN)/churn-ml stack stop --folder var/demo

status: ## show what of make demo runs, and where
	@$(BIN)/churn-ml stack status --folder var/demo || true

test: install ## what CI runs: format, lint, types, imports, every test but the slow ones
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PYTEST) -m "not slow"

test-all: install ## the slow tests too
	$(PYTEST)

faults: install ## kill, stop, fill and cut the export: SEEDS=200 of it, JOBS=2 at a time, or SEED=17 again; a violation keeps its history
	$(BIN)/python -m tests.faults.chaos $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),200)) $(if $(JOBS),--jobs $(JOBS))

clients: install ## what speaks through HubSpot's and Salesforce's clients, with their newest in place of the locked ones
	rm -rf var/clients
	$(BIN)/uv pip install --quiet --upgrade --python $(BIN)/python --target var/clients hubspot-api-client simple-salesforce
	PYTHONPATH=var/clients $(BIN)/pytest tests/faults/test_clients.py tests/crm/hubspot tests/crm/salesforce tests/plugins/test_hooks.py

coverage: install ## lines and branches of the rooms in COVERED, by the tests that are about them
	$(BIN)/pytest -m "not slow and not stack" --cov-fail-under=95 --cov-report=term-missing \
		$(COVERED:%=--cov=churn_ml.%) \
		$(wildcard $(COVERED:%=src/churn_ml/%) $(COVERED:%=src/churn_ml/%.py)) \
		$(COVERED_TESTS:%=tests/%)

fmt: install ## format and mend what can be mended
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

lint: install ## ruff alone
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: install ## mypy alone
	$(BIN)/mypy

imports: install ## the direction of imports alone
	$(BIN)/lint-imports

unit: install ## the tests that start no platform, in one process
	$(BIN)/pytest -m "not slow and not stack"

stack: install ## the tests on a running PostgreSQL, MLflow and Airflow alone
	$(BIN)/pytest -m stack tests/stack

bench: install ## the quality benchmark on Complete Journey
	$(BIN)/churn-ml bench quality c2-gone30

docs: install ## write the generated pages of docs/
	$(BIN)/python docs/generate.py

lock: install ## resolve requirements.lock anew from pyproject.toml
	$(BIN)/uv pip compile pyproject.toml --extra crm --extra platform --extra dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet -o requirements.lock

clean: ## stop what runs below var; remove the environment and what the demo wrote, and keep var/stack, which may be yours
	@test ! -x $(BIN)/churn-ml || $(BIN)/churn-ml stack stop --folder var/demo
	@test ! -x $(BIN)/churn-ml || $(BIN)/churn-ml stack stop --folder var/stack
	rm -rf .venv var/demo
