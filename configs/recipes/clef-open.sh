#!/usr/bin/env bash
# The recipe of clef-open, the model that comes with CLEF: open recordings and synthetic people, to weights and card.
#
# command:   make open DATA=DIR            (or: DATA=DIR configs/recipes/clef-open.sh)
# hardware:  [to be filled in: cores, memory, GPU]
# time:      [to be filled in: import and synthesis, tokenizer, encode, recon, align; hours each]
# expect:    [to be filled in: fingerprint of the weights, last val_loss of each stage, two scores]
#
# DIR holds the four data sets, each unpacked in a folder with its labels.csv (columns: file, subject, …):
#   ds004504/  mdd_husm/  eegmat/  adhd_nasrabadi/      origins and licences: configs/recipes/clef-open.yaml
# A stopped run goes on: give the same command again. What was started with one size goes on with it alone; for another,
# name another folder (OUT=runs/open2) or remove this one. The weights go to BUNDLE; `git status` shows what changed.
set -euo pipefail

DATA="${DATA:?give DATA=DIR, the folder of ds004504/, mdd_husm/, eegmat/ and adhd_nasrabadi/}"
OUT="${OUT:-runs/open}"
BUNDLE="${BUNDLE:-clef/weights/clef-open}"
FACTS="${FACTS:-configs/recipes/clef-open.yaml}"
PYTHON="${PYTHON:-.venv/bin/python}"
SUBJECTS="${SUBJECTS:-2000}"     # synthetic people, beside 152 real ones
MINUTES="${MINUTES:-5}"          # shortest synthetic session
MODEL="${MODEL:-tiny}"
TOKENIZER="${TOKENIZER:-steps=3000 batch=16 lr=1e-3 tokenizer_stage.crop_frames=160 workers=1}"
RECON="${RECON:-steps=3000 batch=16 lr=3e-3}"
ALIGN="${ALIGN:-steps=1000 batch=64 lr=3e-4 align.drop=0.5 align.partner_drop=0.4}"
MORE="${MORE:-}"                 # settings of all three trainings, as threads=1
export OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-passive}"

for name in ds004504 mdd_husm eegmat adhd_nasrabadi; do
    test -f "$DATA/$name/labels.csv" || { echo "DATA=$DATA: no $name/labels.csv; unpack the data set there" >&2; exit 2; }
done

# ---- four sites and the synthetic people, each a cohort of its own, then one
# key=none: participants of open data are pseudonyms already, and whoever has the data finds the same ids
import() {
    "$PYTHON" -m clef.importers.folder site="$1" root="$DATA/$1" labels="$DATA/$1/labels.csv" out="$OUT/sites/$1" \
        key=none "${@:2}"
}
import ds004504
import mdd_husm
import eegmat
import adhd_nasrabadi rate=128 unit=0.1uV    # its tables say neither, and their numbers are ten times microvolts
"$PYTHON" -m clef.importers.synthetic out="$OUT/sites/synthetic" subjects="$SUBJECTS" minutes="$MINUTES" seed=0
"$PYTHON" -m tools.join_cohorts out="$OUT/cohort" \
    "cohorts=[$OUT/sites/ds004504,$OUT/sites/mdd_husm,$OUT/sites/eegmat,$OUT/sites/adhd_nasrabadi,$OUT/sites/synthetic]"

# ---- three stages; settings are words, so they are split on purpose
train() {
    # shellcheck disable=SC2086
    "$PYTHON" -m clef.pretrain stage="$1" model="$MODEL" out="$OUT/$1" "${@:3}" $2 $MORE
}
train tokenizer "$TOKENIZER" cohort="$OUT/cohort"
"$PYTHON" -m tokenizer.encode cohort="$OUT/cohort" tokenizer="$OUT/tokenizer" out="$OUT/tokens.zarr"
train recon "$RECON" tokens="$OUT/tokens.zarr"
train align "$ALIGN" tokens="$OUT/tokens.zarr" cohort="$OUT/cohort" init="$OUT/recon"

# ---- weights, record and card; exit code 1 says that scores of these very weights are not among the facts yet
"$PYTHON" -m tools.bundle "runs=[$OUT/tokenizer,$OUT/recon,$OUT/align]" "cohorts=[$OUT/cohort]" \
    "tokens=[$OUT/tokens.zarr]" facts="$FACTS" out="$BUNDLE"
