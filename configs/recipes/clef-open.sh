#!/usr/bin/env bash
# The recipe of clef-open, the model that is used where none is named: open recordings and synthetic people, to weights and card.
#
# command:   make open DATA=DIR            (or: DATA=DIR configs/recipes/clef-open.sh)
# hardware:  one core of a virtual AMD EPYC and one more that reads recordings, 24 GiB, no GPU
# time:      tokenizer 37 minutes, recon 57, beside another such run; synthesis, imports and encode not timed
# expect:    val_loss 2.96 (tokenizer) and 5.40 (recon, 0.79 below the bottleneck); model 94e25b4777e4bce0, whose synthetic
#            sessions still had other names, which decide their order: weights of today are near these, not the same;
#            scores: clef/weights/clef-open/README.md
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
SUBJECTS="${SUBJECTS:-250}"      # synthetic people, beside 152 real ones
MINUTES="${MINUTES:-5}"          # shortest synthetic session
TOKENIZER="${TOKENIZER:-model=small,steps=1200,vqgan.codes=4096,vqgan.reference=average,batch=8,lr=1e-3,tokenizer_stage.crop_frames=320,tokenizer_stage.crops_per_reading=8,tokenizer_stage.colour=1.5,tokenizer_stage.twins=0.5,tokenizer_stage.hide_channels=0.2,tokenizer_stage.fewest_channels=10,validate_every=200}"
RECON="${RECON:-model=tiny,steps=1500,batch=16,lr=3e-3,validate_every=125}"
LEAVE="${LEAVE:-none}"           # a data set left out of every stage instead: the models of docs/open.md
export OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-passive}"

for name in ds004504 mdd_husm eegmat adhd_nasrabadi; do
    test -f "$DATA/$name/labels.csv" || { echo "DATA=$DATA: no $name/labels.csv; unpack the data set there" >&2; exit 2; }
done

"$PYTHON" -m clef.importers.synthetic out="$OUT/synthetic" subjects="$SUBJECTS" minutes="$MINUTES" seed=7
# imports the open data with their units and rates, joins the synthetic people, trains both stages on all of them
"$PYTHON" -m benchmark.leave_out data="$DATA" out="$OUT" "leave=[$LEAVE]" synthetic="$OUT/synthetic" \
    "tokenizer=[$TOKENIZER]" "recon=[$RECON]" threads=1 workers=1

# ---- weights, record and card; exit code 1 says that scores of these very weights are not among the facts yet
RUN="$OUT/without-$LEAVE"
"$PYTHON" -m tools.bundle "runs=[$RUN/tokenizer,$RUN/recon]" "cohorts=[$RUN/cohort]" "tokens=[$RUN/tokens.zarr]" \
    facts="$FACTS" out="$BUNDLE"
