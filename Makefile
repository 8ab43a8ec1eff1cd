# Verbs are listed by `make help`; variables: PROFILE SEED JOBS DEVICE DATA_DIR MIRROR ONLY EXTRAS RETRAIN TRAINED DATA TRANSFER NET.
PYTHON ?= python3

# Two torch processes that wait busily for each other slow down fifty times.
export OMP_WAIT_POLICY := PASSIVE
# glibc hands large blocks back after every use and gets them again page by page: a third of a forward pass. Here it keeps them.
export MALLOC_MMAP_MAX_ := 0
export MALLOC_TRIM_THRESHOLD_ := 4000000000
export MALLOC_TOP_PAD_ := 100000000
export JOBS DATA_DIR RESULTS_DIR DEVICE
# Packages are installed uncompiled; what is imported is compiled once and kept, or each import of torch would take 20 seconds.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
# 'exec', or the shell between would take what stops make and leave the run going.
RUN := exec $(BIN)/python -m zfutils
# All that make was given goes to the verb, which refuses what it does not use. What the environment holds of these five it reads itself.
told = $(if $(and $($(1)),$(filter command,$(firstword $(origin $(1))))),--$(2) "$($(1))")
GIVEN = $(call told,PROFILE,profile) $(call told,SEED,seed) $(call told,JOBS,jobs) $(call told,DATA,folder) $(call told,TRANSFER,transfer) \
  $(if $(NET),--net "$(NET)") $(if $(ONLY),--only "$(ONLY)") $(if $(MIRROR),--mirror "$(MIRROR)") \
  $(if $(EXTRAS),--extras) $(if $(TRAINED),--only-trained) $(if $(RETRAIN),--retrain)

.DEFAULT_GOAL := help
.PHONY: help setup data nets train reproduce notebooks students lab explore book serve bench test mutants lint clean

help:  ## list the verbs
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | awk -F '\t' '{printf "  make %-10s %s\n", $$1, $$2}'
	@echo 'variables: PROFILE=smoke|toybox|photos|imagenet|folder SEED= JOBS= DEVICE=cpu|cuda|cuda:1|mps DATA_DIR= MIRROR= ONLY= EXTRAS=1 RETRAIN=1 TRAINED=1 DATA= TRANSFER= NET='

setup: .venv/ready  ## make .venv with the pinned packages (TORCH_INDEX=url takes torch from another index)

# The stamp is written last, so a set-up that was cut off is done again. Of the packages only what is used is compiled, when it is used.
.venv/ready: requirements.txt pyproject.toml
	@rm -f $@
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo 'installing the pinned packages into .venv (some minutes)'
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'error: Python 3.11 or newer is needed; remove .venv and give PYTHON=python3.12, say' >&2; exit 2; }
	@$(if $(TORCH_INDEX),$(BIN)/pip install -q --no-compile --disable-pip-version-check --index-url "$(TORCH_INDEX)" $$(grep -E '^torch(vision)?==' requirements.txt))
	@$(BIN)/pip install -q --no-compile --disable-pip-version-check -r requirements.txt
	@$(BIN)/pip install -q --disable-pip-version-check --no-deps -e .
	@touch $@

data: .venv/ready  ## prepare the pictures of PROFILE (MIRROR=folder with the archives, DATA=your own pictures)
	@$(RUN) data $(GIVEN)

nets: .venv/ready  ## train every net that the chapters need, after a table of what is there and what the rest will cost (TRAINED=1: only that table)
	@$(RUN) nets $(GIVEN)

train: .venv/ready  ## train one net (NET=zfnet)
	@$(RUN) train $(GIVEN)

reproduce: .venv/ready  ## rebuild every figure and table of PROFILE (ONLY=figure3: that one and what it needs)
	@$(RUN) reproduce $(GIVEN)

notebooks: .venv/ready  ## make the notebooks from their sources
	@$(RUN) notebooks $(GIVEN)

students: .venv/ready  ## write copies of the chapters without solutions into students/
	@$(RUN) students $(GIVEN)

lab: .venv/ready  ## open JupyterLab on the book
	@$(RUN) lab $(GIVEN)

explore: .venv/ready  ## open JupyterLab on the explorer: units, pictures and sliders, with the nets that ship
	@$(RUN) explore $(GIVEN)

book: .venv/ready  ## make the static site of PROFILE from its executed chapters, in book/_build/html
	@$(RUN) book $(GIVEN)

serve: .venv/ready  ## show the static site, on this machine alone
	@$(RUN) serve $(GIVEN)

bench: .venv/ready  ## measure speed against what one would use instead
	@$(RUN) bench $(GIVEN)

test: lint  ## lint and test
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist worksteal

mutants: .venv/ready  ## put one-line mistakes into copies of the package and see that tests notice each (minutes)
	@$(BIN)/python -m tests.mutants

lint: .venv/ready  ## check style
	@$(BIN)/ruff check -q .
	@$(BIN)/ruff format -q --check .

clean:  ## remove what runs wrote here; data, nets and results of long runs stay
	@rm -rf .pytest_cache .ruff_cache results/smoke results/smoke-extras results/toybox/figures results/toybox/notebooks results/toybox/runs
	@rm -rf book/_build
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
