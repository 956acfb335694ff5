"""What git never takes in: what the programs write, recordings, keys, and tables that say who is who."""

import subprocess

import pytest

from tests.helpers import ROOT

WRITTEN = (
    *("runs/demo/report.html", "mine/checkpoints/step-00000010/ema.safetensors", "mine/metrics.jsonl"),
    *("mine/model/encoder/model.safetensors", "tokens.zarr/zarr.json", "embeddings.parquet", "scores/verdict.json"),
    *("scores/report.html", "cohort/data/here.parquet", "cohort/dataset_description.json", "quality/quality.png"),
    *("out/inpaint.json", "wandb/run-1/files/config.yaml", "session.html"),
)
OF_PEOPLE = (
    *("a.edf", "A.EDF", "a.bdf", "a.gdf", "a.vhdr", "a.vmrk", "a.eeg", "a_raw.fif", "a.set", "a.fdt", "a.lay"),
    *("labels.csv", "participants.tsv", "who/mapping.csv", "site.key", "secrets/hospital.key"),
)
OURS = ("README.md", "clef/embed.py", "configs/pretrain/stage/recon.yaml", "tests/test_privacy.py", "docs/scaling.png")
WEIGHTS = ("clef/weights/clef-open/encoder/model.safetensors", "clef/weights/clef-open/record.json")
"""The one model that belongs here."""


@pytest.fixture(scope="module")
def ignored() -> set[str]:
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout")
    command = ["git", "check-ignore", "--no-index", "--stdin"]
    done = subprocess.run(
        command, input="\n".join(WRITTEN + OF_PEOPLE + OURS + WEIGHTS), cwd=ROOT, capture_output=True, text=True
    )
    return set(done.stdout.splitlines())


def test_what_the_programs_write_and_what_is_of_people_stays_out(ignored):
    assert ignored == {*WRITTEN, *OF_PEOPLE}


def test_nothing_of_that_kind_is_in_the_repository_now(ignored):
    command = ["git", "ls-files", "--cached", "--ignored", "--exclude-standard"]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout == ""
