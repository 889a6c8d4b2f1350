# Every command a person types. Settings are environment variables or words after the target: make up PORT=9000

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CONSTRAINTS := $(wildcard constraints.txt)
PIP_INSTALL = $(BIN)/python -m pip install --no-input --disable-pip-version-check --progress-bar off $(addprefix -c ,$(CONSTRAINTS))
# The name of each package as it comes and every error; the whole output goes to a file.
SHOW_PROGRESS = tee $(VENV)/install.log | awk '/^Collecting / { print "  " $$2; fflush() } /^(ERROR|error)/ { print; fflush() }'

.PHONY: up test lint fix bench docs islands

# exec: Ctrl-C and SIGTERM reach the launcher itself, which stops everything in order.
up: $(VENV)/.installed islands
	@exec $(BIN)/python -m kestra_ee.cli up

test: lint islands
	$(BIN)/python -m pytest -n auto -q

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

fix: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The scripts of the console that are built; by npm, only what has changed. The product starts without them as well.
islands: $(VENV)/.installed
	@$(BIN)/python -m kestra_ee.launcher.islands

bench: $(VENV)/.installed-dev
	$(BIN)/python -m tests.bench

# The reference of expressions and the description of the REST API, from the code.
docs: $(VENV)/.installed-dev
	$(BIN)/python -m apps.workflows.expressions.reference_page > docs/reference/expressions.md
	$(BIN)/python -m kestra_ee.cli exec -- python manage.py spectacular --file docs/reference/openapi.yaml

# Installing again is only needed when the lists of packages change; then a start skips pip.
$(VENV)/.installed: pyproject.toml $(CONSTRAINTS) | $(VENV)/.made
	@echo "Installing packages into $(VENV) ..."
	@rm -f $@; { $(PIP_INSTALL) -e . 2>&1 && touch $@; } | $(SHOW_PROGRESS)
	@[ -e $@ ] || { echo "The packages could not be installed, see $(VENV)/install.log"; exit 1; }

$(VENV)/.installed-dev: pyproject.toml $(CONSTRAINTS) | $(VENV)/.made
	@echo "Installing packages and the tools of the tests into $(VENV) ..."
	@rm -f $@; { $(PIP_INSTALL) -e '.[dev]' 2>&1 && touch $@ $(VENV)/.installed; } | $(SHOW_PROGRESS)
	@[ -e $@ ] || { echo "The packages could not be installed, see $(VENV)/install.log"; exit 1; }

$(VENV)/.made:
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is needed and $(PYTHON) was not found; name another with PYTHON=..."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed, this is $$($(PYTHON) --version 2>&1); name another with PYTHON=..."; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "Python's venv is missing; on Debian: apt-get install python3-venv"; exit 1; }
	@if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then echo "Making $(VENV) ..."; $(PYTHON) -m venv --clear $(VENV); fi
	@touch $@
