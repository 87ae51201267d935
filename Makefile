# Shortcuts only: the work is defined in the Snakefile. Needs Python 3.11 to 3.13, pip, gcc and make.
SHELL := /bin/bash
# The first that has these versions and can make environments.
PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3; do $$python -c 'import ensurepip, \
  sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2> /dev/null && echo $$python && break; done)
# GPU=1: with NVIDIA's libraries; also without asking where there is such a device.
GPU ?= $(if $(wildcard /dev/nvidiactl .venv/installed-cuda),1,0)
CUDA := $(if $(filter 1,$(GPU)),-cuda)
CORES ?= all
WORKERS ?= 3
MARKS ?=
CONFIG ?= config/toy.yaml
ADDRESS ?= 127.0.0.1
PORT ?= 8501
OPTIONS ?= --cores $(CORES) --logger stages --scheduler greedy
SIZE ?= full
FOLDER ?= results/rehearsal
BIN := .venv/bin
SNAKEMAKE := PYTHONPATH=.:workflow/console/plugin $(BIN)/snakemake

.PHONY: help toy resume report app rehearsal test test-all fresh env lint docs lock bench bench-env

help:  ## this list
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

toy: env  ## the simulated sky, from scratch to the figures
# Jobs for Figure 1 come first; the longest is among them. The greedy scheduler never idles: the
# other one leaves a core without work for minutes while a prioritised job is ready.
	@$(SNAKEMAKE) --configfile config/toy.yaml --rerun-incomplete $(OPTIONS) \
	  --prioritize results/toy/8_figures/figure_1.png
	@$(BIN)/python -m workflow.console.summary --configfile config/toy.yaml
	@printf '\nNext: make app (the web page), make report (all figures with captions)\n'

resume: env  ## a run of CONFIG that was killed, from where it was; TARGET if not all
	@$(BIN)/python -m workflow.console.resume --configfile $(CONFIG)
	@$(BIN)/snakemake --configfile $(CONFIG) --quiet --unlock
	@$(SNAKEMAKE) --configfile $(CONFIG) --rerun-incomplete $(OPTIONS) -- $(TARGET)

report: env  ## report.zip: all figures and tables of CONFIG, with captions
	$(BIN)/snakemake --configfile $(CONFIG) --report report.zip

app: env  ## the web page, showing the results of CONFIG
	$(BIN)/python -m workflow.app --configfile $(CONFIG) --address $(ADDRESS) --port $(PORT)

rehearsal: env  ## the paper's configuration on drawn tables of the real size, without networks
	$(BIN)/python -m benchmarks.rehearsal $(FOLDER) --cores $(CORES)

PYTEST := $(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

test: env  ## the quick tests, and the whole workflow on the smallest sky
	$(PYTEST) -m "not thorough and not hours" --hypothesis-profile quick

test-all: env  ## all tests: also of the page in a browser, of Slurm, and of killed runs
	$(PYTEST) -m "$(MARKS)" --durations 30

fresh:  ## fresh computers with Debian 12 and 13, as root: packages, a figure, quick tests
	tests/fresh.sh bookworm
	tests/fresh.sh trixie

env: .venv/installed$(CUDA)  ## the virtual environment, by requirements.lock; GPU=1 adds CUDA

.venv/installed$(CUDA): envs/requirements$(CUDA).lock
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11, 3.12 or 3.13 with pip found; on Debian and" \
	  "Ubuntu: apt-get install python3 python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	envs/install.sh .venv envs/requirements$(CUDA).lock
	touch $@

lint: env  ## style of Python and Snakemake files, order of imports between stages
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/snakefmt --check Snakefile workflow/Snakefile workflow/rules
	$(BIN)/snakemake --lint
	$(BIN)/lint-imports

docs: env  ## config/README.md, from the configuration's schema
	$(BIN)/python -m workflow.lib.planning.settings_page

lock:  ## pin the latest versions of all packages, for all versions of Python
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/pip install --quiet uv
	$(COMPILE) --upgrade envs/requirements.in -o envs/requirements.lock
	$(COMPILE) envs/requirements-cuda.in -o envs/requirements-cuda.lock
	$(COMPILE) --upgrade tests/validator.in -o tests/validator.lock
	$(COMPILE) --upgrade --no-deps tests/jax.in -o tests/jax.lock
	rm -r .venv-lock

bench: env  ## speed beside that of other tools, SIZE full or small; all of them after bench-env
	$(BIN)/python -m benchmarks.suite --size $(SIZE)

bench-env: .venv-bench/installed  ## the environment of the other tools, 2 GB (6 GB with CUDA)

.venv-bench/installed: benchmarks/requirements.in benchmarks/requirements.lock
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/pip install --quiet -c benchmarks/requirements.lock -r benchmarks/requirements.in
	.venv-bench/bin/pip install --quiet --no-deps -c benchmarks/requirements.lock zoobot galaxy-datasets
	touch $@

COMPILE := .venv-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url --no-emit-find-links
