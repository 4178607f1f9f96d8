# Each target does all its own set-up; `make` alone lists them. Name another interpreter with PYTHON=python3.12.
PYTHON ?= python3
# uv trusts what the system trusts, as Debian's pip does, so that both or neither work behind a company's own authority.
export UV_SYSTEM_CERTS ?= true
VENV := .venv
BIN := $(VENV)/bin

# By the names of Debian's packages: what Qt's window needs, and what the tests drive besides Python.
QT_PACKAGES := libdbus-1-3 libegl1 libfontconfig1 libgl1 libglib2.0-0 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 \
	libxcb-shape0 libxkbcommon-x11-0 libxkbcommon0
TEST_PACKAGES := $(QT_PACKAGES) chromium curl dbus desktop-file-utils fonts-inter fonts-noto-core gcr gnome-keyring \
	imagemagick libsecret-tools nginx openbox openssl trayer x11-utils xauth xdotool xvfb
# Where `make peers` puts AnyTLS implementations written by others, and where the tests look for them.
export ANYTLS_PEERS ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/anytls-tray/peers

# Tests wait more than they compute.
WORKERS ?= 3

.PHONY: help setup run test check bench bench-growth bench-ui soak peers lock
.DELETE_ON_ERROR:

help:
	@echo "make run      try it: a server and a client on this machine"
	@echo "make test     all tests"
	@echo "make check    format, lint, types, import rules"
	@echo "make bench    speed and memory, beside other implementations where they are there"
	@echo "make bench-growth the same from one stream to a thousand, as a picture"
	@echo "make bench-ui start, memory, processor and pauses of the window on a desktop of its own"
	@echo "make soak     an hour of on, off and switching under traffic, in minutes: nothing may pile up"
	@echo "make peers    install other implementations for test and bench (needs cargo; minutes)"
	@echo "make setup    only make .venv"
	@echo "make lock     remake requirements.lock from pyproject.toml; UPGRADE=1 takes new versions"

setup: $(VENV)/.setup
	@:

run: setup
	@if [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ]; then sh installers/linux/debian_packages.sh $(QT_PACKAGES); fi
	@$(BIN)/anytls-tray --demo

# Protocols and traffic first: each of their modules must be covered to the last branch by its own test file.
test: setup
	@sh installers/linux/debian_packages.sh $(TEST_PACKAGES)
	$(BIN)/pytest tests/protocols tests/traffic --cov --cov-context=test --cov-report=
	$(BIN)/python tests/own_coverage.py
	$(BIN)/pytest tests --ignore=tests/protocols --ignore=tests/traffic --numprocesses=$(WORKERS) --dist=worksteal

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup
	@$(BIN)/python -m tests.benchmarks.bench $(if $(QUICK),--quick)

bench-growth: setup
	@$(BIN)/python -m tests.benchmarks.growth

bench-ui: setup
	@sh installers/linux/debian_packages.sh $(TEST_PACKAGES)
	@$(BIN)/python -m tests.benchmarks.ui $(if $(QUICK),--quick)

soak: setup
	@sh installers/linux/debian_packages.sh $(TEST_PACKAGES)
	ANYTLS_SOAK=1 $(BIN)/pytest tests/end_to_end/test_soak.py -s

peers:
	@sh tests/interop/install_peers.sh

lock: setup
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --extra tray --group dev \
		$(if $(UPGRADE),--upgrade) --custom-compile-command "make lock" --output-file requirements.lock pyproject.toml
	@$(MAKE) --no-print-directory setup

# A link to an interpreter that is gone counts as missing here, so its environment is remade.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "AnyTLS Tray needs Python 3.11 or newer; name one: make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -m pip --version >/dev/null 2>&1 \
		|| { echo "AnyTLS Tray sets itself up with pip, which $(PYTHON) lacks; on Debian: apt-get install python3-pip" >&2; exit 1; }
	@rm -rf $(VENV)
	@$(PYTHON) -m venv --without-pip $(VENV)

# pip, which Debian keeps outside of environments, puts in uv; uv does the rest. All of it is held to the lock's hashes.
$(VENV)/.setup: $(BIN)/python requirements.lock pyproject.toml app/__init__.py
	@echo "Setting up $(VENV) from requirements.lock"
	@sed -n '/^uv==/,/# via/p' requirements.lock >$(VENV)/uv.txt
	@$(PYTHON) -m pip --python $(BIN)/python install --quiet --require-hashes --no-deps --requirement $(VENV)/uv.txt
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@
