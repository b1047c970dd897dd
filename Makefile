SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: run test test-fast lint audit bench assets setup clean help

BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest --durations 12 --durations-min 5
TWO := -n 2 --dist loadgroup --no-loadscope-reorder

run: assets ## set up, fetch the models, show the demo
	$(BIN)/qamoe-stream demo

test: setup lint ## everything CI checks: style, types, fast tests, then slow ones
	@$(BIN)/qamoe-stream models pull || echo "assets are missing: tests that need them are skipped"
	$(PYTEST) $(TWO) -m "not slow or parallel"
	$(PYTEST) -m "slow and not parallel"

test-fast: setup ## the tests without those that run the pipeline over real media
	$(PYTEST) $(TWO) -m "not slow"

lint: setup ## style and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

audit: setup ## what is known against the pinned packages, from an advisory database
	$(BIN)/python scripts/audit.py

bench: assets ## latency, drops and processor time on real media; the feed beside bare ZeroMQ
	$(BIN)/python -m benchmarks.live
	$(BIN)/python -m benchmarks.cost
	$(BIN)/python -m benchmarks.feed

assets: setup ## fetch the models and the demo's media
	$(BIN)/qamoe-stream models pull

setup: ## system packages where allowed, .venv, pinned packages (TORCH=gpu: torch with CUDA)
	@TORCH="$(TORCH)" PYTHON="$(PYTHON)" scripts/setup.sh

clean: ## remove .venv and caches; fetched models stay in the user's cache folder
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis *.egg-info build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
