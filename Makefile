# Two commands matter: `make run` opens the dashboard, `make test` checks everything.
# PYTHON=python3.12 make run   uses another interpreter (3.11 or newer).

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8501
SHARING := looking or not (browser or alone)

.PHONY: run test check lint format clean help

help:
	@echo "make run     install what is needed and open the dashboard"
	@echo "make test    everything: style, types, tests, real data and a real browser where they are at hand"
	@echo "make check   the same without real data, browser and long tests: about three minutes"
	@echo "make format  put the code into its form"
	@echo "make clean   remove the virtual environment and all caches; runs/ and data/ stay"

# The server stays headless, because Streamlit shows developers' advertisements on the pages otherwise; so the browser is
# opened here, as soon as the server answers (or not at all, where there is none).
run: $(VENV)/.run
	@(for try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do sleep 1; \
	  $(BIN)/python -c 'import urllib.request as u; u.urlopen("http://localhost:$(PORT)/_stcore/health", timeout=2)' 2>/dev/null \
	  && { $(BIN)/python -m webbrowser -t http://localhost:$(PORT) >/dev/null 2>&1; break; }; done) & \
	$(BIN)/python -m streamlit run streamlit_app.py --server.port=$(PORT)

# What trains in front of a browser or kills processes runs alone; all else shares the cores, also with a browser that only looks.
test: lint
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal -m "$(SHARING)"
	$(BIN)/python -m pytest -m "not ($(SHARING))"
	$(BIN)/python -m bench.reliability --quick

check: lint
	$(BIN)/python -m pytest -n auto --maxprocesses 4 -m "not mnist and not browser and not slow"

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || (echo "Digit Lab needs Python 3.11 or newer; $(PYTHON) is older. Try: PYTHON=python3.12 make run"; exit 1)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	@touch $@

$(VENV)/.run: requirements.txt $(VENV)/.python
	$(BIN)/python -m pip install --quiet --requirement requirements.txt
	@touch $@

$(VENV)/.dev: requirements.txt requirements-onnx.txt requirements-ray.txt requirements-dev.txt $(VENV)/.python
	$(BIN)/python -m pip install --quiet --requirement requirements-dev.txt
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis
