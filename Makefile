# Shortcuts only: the work is defined in the Snakefile. Needs python3 (3.11), pip, gcc and make.
SHELL := /bin/bash
PYTHON ?= python3
CORES ?= all
WORKERS ?= 3
CONFIG ?= config/toy.yaml
ADDRESS ?= 127.0.0.1
PORT ?= 8501
FOLDER ?= results/rehearsal
BIN := .venv/bin

.PHONY: help toy report app rehearsal test env lint docs lock

help:  ## this list
	@sed -nE 's/^([a-z]+):[^#]*## (.*)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

toy: env  ## the simulated sky, from scratch to the figures
# Jobs for Figure 1 come first; the longest is among them. The greedy scheduler never idles: the
# other one leaves a core without work for minutes while a prioritised job is ready.
	@PYTHONPATH=.:workflow/console/plugin $(BIN)/snakemake --configfile config/toy.yaml \
	  --cores $(CORES) --rerun-incomplete --logger stages --scheduler greedy \
	  --prioritize results/toy/8_figures/figure_1.png
	@$(BIN)/python -m workflow.console.summary --configfile config/toy.yaml
	@printf '\nNext: make app (the web page), make report (all figures with captions)\n'

report: env  ## report.zip: all figures and tables of CONFIG, with captions
	$(BIN)/snakemake --configfile $(CONFIG) --report report.zip

app: env  ## the web page, showing the results of CONFIG
	$(BIN)/python -m workflow.app --configfile $(CONFIG) --address $(ADDRESS) --port $(PORT)

rehearsal: env  ## the paper's configuration on drawn tables of the real size, without networks
	$(BIN)/python -m benchmarks.rehearsal $(FOLDER) --cores $(CORES)

test: env  ## all tests, in WORKERS processes
	$(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

env: .venv/installed  ## the virtual environment of requirements.lock

.venv/installed: envs/requirements.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "Python 3.11 is needed")'
	$(PYTHON) -m venv .venv
	envs/install.sh .venv envs/requirements.lock
	touch $@

lint: env  ## style of Python and Snakemake files, order of imports between stages
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/snakefmt --check Snakefile workflow/rules
	$(BIN)/snakemake --lint
	$(BIN)/lint-imports

docs: env  ## config/README.md, from the configuration's schema
	$(BIN)/python -m workflow.lib.planning.settings_page

lock:  ## pin the latest versions of all packages
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/pip install --quiet pip-tools
	.venv-lock/bin/pip-compile --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras \
		--no-header --no-emit-index-url --no-emit-find-links -o envs/requirements.lock envs/requirements.in
	rm -r .venv-lock
