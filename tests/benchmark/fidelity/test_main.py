"""The program as a user runs it: its files, its flags, its one-line mistakes."""

import json
import shutil

import pytest
import torch

from benchmark.fidelity.__main__ import EvaluateConfig, choose
from clef.embeddings import subject_hash
from tests.helpers import must, run
from tokenizer.channels import CHANNELS
from tokenizer.sessions import read_sessions
from tokenizer.vqgan import VQGAN, VQGANConfig


@pytest.fixture(scope="module")
def untrained(tmp_path_factory, tiny_cohort):
    """A tokenizer that says it has seen the train people of the tiny cohort."""
    torch.manual_seed(0)
    vqgan, rows = VQGAN(VQGANConfig(width=8, codes=64)), read_sessions(tiny_cohort, "train")
    vqgan.about = {"trained_on": {"train": sorted({subject_hash(i) for i in rows["subject_id"]})}}
    folder = tmp_path_factory.mktemp("untrained") / "tokenizer"
    vqgan.save_pretrained(folder)
    return folder


def evaluate(folder, **settings):
    return run(folder / "output", "benchmark.fidelity", out=folder / "out", workers=0, redrawn=1, draws=2, **settings)


def test_the_program_writes_numbers_table_and_page(tmp_path, tiny_cohort, untrained):
    done = must(evaluate(tmp_path, tokenizer=untrained, cohort=tiny_cohort, sessions=5, disturb=True))
    report = json.loads((tmp_path / "out" / "tokenizer.json").read_text())
    numbers, protocol = report["groups"]["all"]["numbers"], report["protocol"]
    assert report["groups"]["all"]["count"]["recordings"] == 5 and protocol["seen"] == {} and protocol["synthetic"]
    assert numbers["raw_mae"][0] > numbers["raw_mae_static"][0] > 2 and numbers["bits_per_second"][0] == pytest.approx(
        9.6
    )
    assert sum(g["count"]["recordings"] for g in report["groups"].values()) == 2 * 5  # the whole, and site by site
    assert report["expected"]["sessions"] == 1 and "tasks=" in report["notes"][0]
    assert len(report["disturbances"]) == 8 and "of 8 disturbances within the bars" in done.out
    assert "SYNTHETIC" in done.out and "SEEN" not in done.out and "dynamics R²" in done.out
    assert (tmp_path / "out" / "tokenizer.png").read_bytes()[:4] == b"\x89PNG"
    text = (tmp_path / "out" / "tokenizer.md").read_text()
    assert all(f"| {channel} |" in text for channel in CHANNELS) and "nan" not in text
    assert "## Disturbed" in text and "| gain 0.25 | x " in text


@pytest.mark.slow
def test_people_the_tokenizer_has_seen_are_flagged_and_a_bad_recording_is_a_line(tmp_path, tiny_cohort, untrained):
    cohort = tmp_path / "cohort"
    shutil.copytree(tiny_cohort, cohort)
    config = EvaluateConfig("", str(cohort), "", split="train", sessions=6)
    victim = choose(read_sessions(cohort), config).row(0, named=True)
    (cohort / victim["path"]).write_bytes(b"no recording")
    done = evaluate(tmp_path, tokenizer=untrained, cohort=cohort, split="train", sessions=6)
    report = json.loads((tmp_path / "out" / "tokenizer.json").read_text())
    people = report["groups"]["all"]["count"]["people"]
    assert done.code == 1 and f"not read: {victim['session_id']}" in done.err and "Traceback" not in done.err
    assert list(report["protocol"]["refused"]) == [victim["session_id"]]
    assert "SEEN" in done.out and report["protocol"]["seen"] == {"train": people}


@pytest.mark.parametrize(("settings", "message", "code"), [
    ({"sessions": 999}, "sessions=999: split test has", 1),
    ({"sessions": -1}, "sessions and redrawn must be 0 or more", 2),
    ({"tokenizer": "no/such/folder"}, "there is no such model folder", 1),
])  # fmt: skip
def test_mistakes_are_one_line(tmp_path, tiny_cohort, untrained, settings, message, code):
    done = evaluate(tmp_path, **({"tokenizer": untrained, "cohort": tiny_cohort} | settings))
    assert done.code == code and done.one_line and message in done.err
