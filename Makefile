# Everything anybody types. `make demo` and `make test` set up what they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev

.PHONY: demo test test-slow lint bench evidence browser base demo-study clean

demo: $(INSTALLED)
	$(BIN)/polypstudio demo

test: browser
	$(BIN)/python -m pytest -m "not slow" -q

test-slow: browser
	$(BIN)/python -m pytest -m slow -q

lint: $(INSTALLED_DEV)
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

bench: $(INSTALLED_DEV)
	$(BIN)/python benchmarks/kid.py
	$(BIN)/python benchmarks/tsne.py
	$(BIN)/python benchmarks/evaluate.py
	$(BIN)/python benchmarks/sample.py

# What takes longer than a test may: simulations, sets too large for memory, and the reading app at full size (two hours and
# more): 50 readers, servers killed ten times, SQLite and PostgreSQL. Logs of such runs are in benchmarks/results/.
evidence: $(INSTALLED_DEV)
	$(BIN)/python benchmarks/coverage.py
	$(BIN)/python benchmarks/kid_memory.py
	for store in "" --postgres; do for think in 2 0; do $(BIN)/python benchmarks/reading_load.py --think $$think $$store || exit 1; done; done
	$(BIN)/python benchmarks/reading_coverage.py
	POLYPSTUDIO_KILLS=30 $(BIN)/python -m pytest tests/faults/test_training_kill.py -m slow -k killed -q -s

$(INSTALLED): requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "PolypStudio needs Python 3.11 or newer: make PYTHON=python3.11 …")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@

$(INSTALLED_DEV): $(INSTALLED)
	$(BIN)/pip install --quiet --disable-pip-version-check -e ".[dev]"
	touch $@

# The browser tests use Debian's Chromium where it is, else Playwright's own; without either they say what is missing.
browser: $(INSTALLED_DEV)
	@command -v chromium >/dev/null \
	  || { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq chromium; } >/dev/null 2>&1 \
	  || $(BIN)/playwright install chromium >/dev/null 2>&1 \
	  || echo "no Chromium: the browser tests are skipped; install the package chromium"

# The shipped tiny Stable Diffusion and the demo study, made anew (hours; see README).
base: $(INSTALLED)
	$(BIN)/polypstudio base --output build/tiny-sd --work build/tiny-sd-work

demo-study: $(INSTALLED)
	$(BIN)/polypstudio new demo --layout phantom --preset tiny --root build
	$(BIN)/polypstudio run demo --root build

clean:
	rm -rf build .pytest_cache .mypy_cache .ruff_cache
