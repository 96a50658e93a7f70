# Set-up and daily targets. `make demo` and `make test` install what they need; both can be run again at any time.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup lint
setup: $(BIN)/activate
$(BIN)/activate:
	$(PYTHON) -m venv .venv
lint:
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy
