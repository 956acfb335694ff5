# make demo   the whole job on a synthetic cohort, into runs/demo/ (start it again to go on where it stopped)
# make test   all tests but those marked slow or gpu; make test-all: every one; make lint: ruff
# make test-anywhere   the tests as other machines run them (processor, threads, time zone, locale, order): about 20 minutes
# make open DATA=DIR   clef-open, the model used where none is named, from open data: hours (configs/recipes/clef-open.sh)
# Each sets up .venv first: once, and again when pyproject.toml or constraints.txt change.

PYTHON ?= python3
PY := .venv/bin/python
.DEFAULT_GOAL := help
.PHONY: help setup demo open test test-all test-anywhere lint

# ---- the demo's size; `make demo SUBJECTS=100` and so on. What was started with one size goes on with it alone:
# to change it, name another folder (DEMO=runs/other) or remove this one.
DEMO ?= runs/demo
SUBJECTS ?= 370
MINUTES ?= 4
TOKENIZER_STEPS ?= 100
# (validate_every: judged at its end alone)
TOKENIZER_MORE ?= validate_every=1000 batch=16 lr=1e-3 tokenizer_stage.crop_frames=160 tokenizer_stage.scale_sessions=32 workers=1
RECON_STEPS ?= 200
RECON_MORE ?= batch=16 lr=3e-3 recon.columns=16
ALIGN_STEPS ?= 60
ALIGN_MORE ?= batch=64 lr=3e-4 align.encoder_scale=10 align.columns=16 align.drop=0.7 align.partner_drop=0.4 \
	record_encoder.min_count=15
# the session of the page to look at: somebody of test, with seizures (SUBJECTS of 17 or more have it)
SESSION ?= synthetic-0-00016-1

# two cores are shared with the process that reads recordings: threads that wait must sleep, not spin (same numbers, 7 % faster)
export OMP_WAIT_POLICY ?= passive

help:
	@sed -n '1,5s/^# //p' Makefile

setup: .venv/set-up

.venv/set-up: pyproject.toml constraints.txt
	@echo "Setting up .venv, once: some minutes, mostly downloads"
	$(PYTHON) -m venv .venv
	$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	touch $@

demo: setup
	$(PY) -m clef.importers.synthetic out=$(DEMO)/cohort subjects=$(SUBJECTS) minutes=$(MINUTES) seed=0
	$(PY) -m clef.pretrain stage=tokenizer model=tiny cohort=$(DEMO)/cohort out=$(DEMO)/tokenizer steps=$(TOKENIZER_STEPS) $(TOKENIZER_MORE)
	$(PY) -m tokenizer.encode cohort=$(DEMO)/cohort tokenizer=$(DEMO)/tokenizer out=$(DEMO)/tokens.zarr workers=2
	$(PY) -m clef.pretrain stage=recon model=tiny tokens=$(DEMO)/tokens.zarr out=$(DEMO)/recon steps=$(RECON_STEPS) $(RECON_MORE)
	$(PY) -m clef.pretrain stage=align model=tiny tokens=$(DEMO)/tokens.zarr cohort=$(DEMO)/cohort init=$(DEMO)/recon out=$(DEMO)/align steps=$(ALIGN_STEPS) $(ALIGN_MORE)
	$(PY) -m clef.embed model=$(DEMO)/recon tokens=$(DEMO)/tokens.zarr out=$(DEMO)/recon.parquet
	$(PY) -m clef.embed model=$(DEMO)/align tokens=$(DEMO)/tokens.zarr out=$(DEMO)/embeddings.parquet name=aligned
	$(PY) -m clef.embed model=$(DEMO)/recon tokens=$(DEMO)/tokens.zarr out=$(DEMO)/untrained.parquet kind=untrained
	$(PY) -m clef.embed model=$(DEMO)/recon tokens=$(DEMO)/tokens.zarr out=$(DEMO)/codes.parquet kind=codes
	$(PY) -m benchmark.build cohort=$(DEMO)/cohort suite=demo matched=true out=$(DEMO)/tasks.parquet
	$(PY) -m benchmark.build cohort=$(DEMO)/cohort suite=demo matched=false out=$(DEMO)/tasks-unmatched.parquet
	$(PY) -m benchmark.run tasks=$(DEMO)/tasks.parquet unmatched_tasks=$(DEMO)/tasks-unmatched.parquet \
		embeddings=$(DEMO)/embeddings.parquet,$(DEMO)/recon.parquet,$(DEMO)/untrained.parquet,$(DEMO)/codes.parquet \
		cohort=$(DEMO)/cohort tokens=$(DEMO)/tokens.zarr out=$(DEMO)
	$(PY) -m clef.view cohort=$(DEMO)/cohort session=$(SESSION) model=$(DEMO)/align embeddings=$(DEMO)/embeddings.parquet out=$(DEMO)/session.html
	@echo
	@echo "Done, on SYNTHETIC data. Open the report: $(DEMO)/report.html"
	@echo "and one session, with what its tokens keep of it: $(DEMO)/session.html"
	@echo "Next, embed recordings of your own:"
	@echo "  $(PY) -m clef.embed model=$(DEMO)/align recordings=DIR out=mine.parquet"
	@echo "  (a demo model: it shows the way, it knows nothing of real EEG; docs/bring-your-own.md trains one that does)"

open: setup
	PYTHON=$(PY) DATA="$(DATA)" configs/recipes/clef-open.sh

# the independent reference of the spectrogram's test is C code: without a compiler that one test is skipped, and says so
.venv/spectrum: .venv/set-up
	$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt 'spectrum>=0.9' \
		|| echo "spectrum cannot be built here (is there a C compiler?): its test is skipped"
	touch $@

# two processes, each with whole files of tests: what a file makes once it makes once; each has one thread
SIDE_BY_SIDE ?= -n 2 --dist loadfile

# file names and text are UTF-8 in the tests, whatever locale the shell has
test test-all test-anywhere: export PYTHONUTF8 = 1

test: setup .venv/spectrum
	$(PY) -m pytest $(SIDE_BY_SIDE) -m "not slow and not gpu"

test-all: setup .venv/spectrum
	$(PY) -m pytest $(SIDE_BY_SIDE)

# VARIANTS=[elsewhere] TESTS=[numeric] for one of them, over the tests that compare numbers: about 2 minutes
VARIANTS ?= [plain,avx2,elsewhere]
TESTS ?= []
test-anywhere: setup .venv/spectrum
	$(PY) -m tools.run_variants "variants=$(VARIANTS)" "tests=$(TESTS)"

lint: setup
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
