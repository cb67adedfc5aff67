# Needs make and Python >= 3.11, nothing else; everything is installed into $(VENV).
# Another Python:                 make test PYTHON=python3.13
# A benchmark against a PyTorch:  make bench BENCH_PYTHON=/path/to/python (one that can import torch and numpy)

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
BENCH_PYTHON ?= $(BIN)/python
FUZZ ?= 20000

.PHONY: help demo test fuzz lint bench clean

help:
	@echo "make demo   train on the digits and take the autograd tour, unmodified PyTorch programs on Rushlight"
	@echo "make test   run the test suite"
	@echo "make fuzz   run random programs against their replays and finite differences, $(FUZZ) of each"
	@echo "make lint   run ruff and mypy"
	@echo "make bench  compare Rushlight's speed with its budget, and with PyTorch's where it is installed"
	@echo "make clean  remove the virtual environment and everything that was built"

demo: $(VENV)/examples.installed
	@mkdir -p build
	$(BIN)/rushlight examples/autograd_tour.ipynb
	$(BIN)/rushlight examples/digits.py --output build/digits.png

test: $(VENV)/test.installed
	$(BIN)/python -m pytest -q $(TESTS)

fuzz: $(VENV)/test.installed
	RUSHLIGHT_FUZZ=$(FUZZ) $(BIN)/python -m pytest -q tests/test_properties.py

lint: $(VENV)/dev.installed
	$(BIN)/ruff check .
	$(BIN)/mypy

# OPENBLAS_CORETYPE would have NumPy run the kernels of another CPU.
bench: $(if $(filter $(BIN)/%,$(BENCH_PYTHON)),$(VENV)/core.installed)
	env -u OPENBLAS_CORETYPE PYTHONPATH=src $(BENCH_PYTHON) -m benchmarks $(BENCH)

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

# One stamp file for each set of packages: a second call installs nothing, a changed pyproject.toml installs again.
$(VENV)/core.installed: EXTRA =
$(VENV)/examples.installed: EXTRA = [examples]
$(VENV)/test.installed: EXTRA = [test]
$(VENV)/dev.installed: EXTRA = [dev]

$(VENV)/%.installed: pyproject.toml | $(VENV)/created
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".$(EXTRA)"
	@touch $@

$(VENV)/created:
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Rushlight needs Python 3.11 or newer; this is ' + sys.version + '. Try make PYTHON=python3.13')"
	$(PYTHON) -m venv $(VENV)
	@touch $@
