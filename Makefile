# Every command of the project. ARGS is passed on: make demo ARGS="--check --for 120s"
.DEFAULT_GOAL := help
.PHONY: help demo test check lint format docs edge-installer up bench bench-ingest bench-edge bench-oee bench-faults bench-anomaly bench-api scan fuzz fuzz-api fuzz-messages lock clean

ARGS ?=
BIN := .venv/bin
# Many tests wait for other processes, so a small machine takes one more than it has cores.
WORKERS ?= $(shell cores=$$(getconf _NPROCESSORS_ONLN); echo $$((cores < 3 ? cores + 1 : 4)))

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

demo: ## Start a simulated pilot plant end to end; needs only Python 3.11 or later
	@sh setup/environment.sh demo
	@$(BIN)/nhipmay demo $(ARGS)

test: ## Run all tests, with the real services set up first
	@sh setup/environment.sh dev
	@$(BIN)/python setup/test_services.py
	@$(BIN)/python setup/foreign_peers.py
	@$(BIN)/python -m pytest --numprocesses=$(WORKERS) --dist=worksteal $(ARGS)

check: lint ## Check what a commit must not break: lint, types, unit, golden, a few integration tests
	@$(BIN)/python setup/test_services.py
	@$(BIN)/python -m pytest --numprocesses=$(WORKERS) --dist=worksteal \
	    -m "vital or not integration" tests/unit tests/golden tests/integration $(ARGS)

lint: ## Check style, types, import directions and dependencies
	@sh setup/environment.sh dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .

format: ## Rewrite the code in the house format
	@sh setup/environment.sh dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: ## Build the documentation into build/docs (searchable; also opened as a file)
	@sh setup/environment.sh dev
	@$(BIN)/sphinx-build --quiet --fail-on-warning --conf-dir setup/documentation docs build/docs $(ARGS)
	@echo "build/docs/README.html"

edge-installer: ## Build the one file that installs an edge without a network, into dist/
	@sh setup/environment.sh dev
	@$(BIN)/python -m setup.edge_installer.build $(ARGS)

up: ## Start the whole platform in containers (Docker Compose)
	@docker compose version >/dev/null 2>&1 || { \
	    echo "make up needs Docker with its compose plugin; without Docker, use make demo."; exit 1; }
	docker compose build
	@sh docker/make-secrets.sh
	docker compose up $(ARGS)

bench: ## Measure throughput and latency
	@sh setup/environment.sh dev
	@$(BIN)/python setup/test_services.py
	@$(BIN)/python -m bench $(ARGS)

bench-ingest: ## Measure the ingest against raw COPY
	@$(MAKE) --no-print-directory bench ARGS="ingest $(ARGS)"

bench-edge: ## Measure the edge agent: memory, outbox, drain (ARGS="--hours 1" for a short run)
	@$(MAKE) --no-print-directory bench ARGS="edge $(ARGS)"

bench-oee: ## Measure OEE: speed against its targets (ARGS="--machines 10" for a short run)
	@$(MAKE) --no-print-directory bench ARGS="oee $(ARGS)"

bench-api: ## Measure the API: a year of a hundred machines (ARGS="--days 30" for a short run)
	@$(MAKE) --no-print-directory bench ARGS="api $(ARGS)"

bench-anomaly: ## Measure detection: cost per row, memory, 500 machines from the database and back
	@$(MAKE) --no-print-directory bench ARGS="anomaly $(ARGS)"
	@$(MAKE) --no-print-directory bench ARGS="watch --machines 500 --seconds 150"

bench-faults: ## Break everything at random moments and compare with the truth (ARGS="--rounds 200")
	@$(MAKE) --no-print-directory bench ARGS="faults $(ARGS)"

scan: ## Look for secrets in the checkout and for known weaknesses of the dependencies
	@sh setup/environment.sh dev
	@$(BIN)/python -m setup.scan

fuzz: ## Try hostile input on every decoder (ARGS="--seconds 600 mqtt-message")
	@sh setup/environment.sh dev
	@$(BIN)/python -m tests.fuzz $(ARGS)

fuzz-api: ## Ask the API whatever its description allows and forbids (ARGS="--examples 500 --seed 7")
	@sh setup/environment.sh dev
	@$(BIN)/python setup/test_services.py
	@$(BIN)/python setup/foreign_peers.py schemathesis
	@$(BIN)/python -m tests.contract $(ARGS)

fuzz-messages: ## Send hostile messages through broker, ingest and database (ARGS="--rounds 200")
	@$(MAKE) --no-print-directory bench ARGS="messages $(ARGS)"

lock: ## Write requirements/*.txt again from pyproject.toml (ARGS=--upgrade moves all pins)
	@sh setup/environment.sh dev
	@sh setup/lock.sh $(ARGS)

clean: ## Remove the environment and all caches of this checkout
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
