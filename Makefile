# Hangtag. `make help` lists what there is.
.DEFAULT_GOAL := help
.PHONY: help run test faults soak fuzz bench lint audit starter lock db-check clean
BIN := .venv/bin

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## Set everything up, start everything, serve until Ctrl-C
	@scripts/set_up.sh run && exec $(BIN)/hangtag run

test: ## Set up what the tests need and run them in two processes (ARGS="-k photos" to choose)
	@scripts/set_up.sh dev && exec $(BIN)/pytest --ignore=tests/faults -n 2 --dist loadfile $(ARGS)

faults: ## Kill, freeze, flush and fill the real processes; FULL=1 with the real leases and long outages
	@scripts/set_up.sh dev && FAULTS=$(if $(FULL),full) exec $(BIN)/pytest tests/faults $(if $(FULL),--timeout 900) $(ARGS)

soak: ## Random faults under steady uploads: make soak SEED=5 MINUTES=10 DATABASE=sqlite|postgresql
	@scripts/set_up.sh dev && exec $(BIN)/python -m tests.soak.run --minutes $(or $(MINUTES),10) \
	  --database $(or $(DATABASE),sqlite) $(if $(SEED),--seed $(SEED))

fuzz: ## Damaged pictures and archives through the real intake: make fuzz RUNS=20000 SEED=1
	@scripts/set_up.sh dev && exec $(BIN)/python -m tests.fuzz.run --runs $(or $(RUNS),20000) $(if $(SEED),--seed $(SEED))

bench: ## Measure: make bench WHAT=drain|alone|upload|serving|study|memory|growth|pages|accuracy ARGS="..." (benchmarks/README.md)
	@scripts/set_up.sh dev && exec $(BIN)/python -m benchmarks.$(or $(WHAT),growth) $(ARGS)

lint: ## Style, types, import rules, sizes, requirement files, migrations
	@scripts/set_up.sh dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy scripts
	$(BIN)/lint-imports --no-logo --cache-dir .import_linter_cache
	$(BIN)/python scripts/check_sizes.py
	$(BIN)/python scripts/check_exceptions.py
	$(BIN)/python scripts/check_requirements.py
	$(BIN)/python scripts/check_migrations.py

db-check: ## Compare the migrations with the tables in the code
	@scripts/set_up.sh dev && $(BIN)/python scripts/check_migrations.py

audit: ## Known holes in the pinned packages, asked of PyPI; fails on one, says NOT CHECKED when PyPI does not answer
	@scripts/set_up.sh dev && $(BIN)/python scripts/audit_packages.py

starter: ## Train the starter version anew: make starter DATA=folder with train/ validation/ test/
	@test -n "$(DATA)" || { echo "Name the photos: make starter DATA=folder" >&2; exit 2; }
	@scripts/set_up.sh run && exec $(BIN)/python -m scripts.make_starter "$(DATA)"

lock: ## Resolve requirements/*.in to hashed requirements/*.txt
	@scripts/set_up.sh dev
	@for name in base cpu gpu dev; do \
	  echo "requirements/$$name.txt"; \
	  (cd requirements && ../$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras \
	    --no-emit-index-url --no-emit-find-links --no-header --output-file $$name.txt $$name.in) || exit 1; \
	done
	@$(BIN)/python scripts/check_requirements.py

clean: ## Remove the virtual environment and all caches; data/ stays
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
