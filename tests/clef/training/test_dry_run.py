"""dry_run=true: what a run would need is said and nothing is written."""

import pytest
import torch

from clef.stages.registry import STAGES
from clef.training import dry_run, trial
from clef.training.settings import PretrainConfig, stage_settings
from tests.helpers import pretrain, run, snapshot
from tokenizer.base.cli import parse

FIXTURES = {"cohort": "tiny_cohort", "tokens": "tiny_store", "init": "tiny_recon", "narrate.texts": "tiny_texts"}


def parameters(model):
    """The line that tells the size of the encoder."""
    settings = parse(PretrainConfig, "clef.pretrain", ["stage=recon", f"model={model}"])
    objective, _, _ = STAGES["recon"].preview(stage_settings(settings)).workload.make(1, "auto")
    return f"parameters: {sum(p.numel() for p in objective.parameters()) / 1e6:.1f} M"


def test_a_dry_run_says_what_is_needed_and_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run(tmp_path / "said", "clef.pretrain", stage="recon", model="tiny", dry_run=True, **{"recon.columns": 4})
    assert done.code == 0, done.err
    lines = done.err.splitlines()
    assert parameters("tiny") in lines
    for start in ("a session: 64 tokens; 32 enter", "operations: ", "memory, estimated: ", "one large matrix product: ",
                  "training: ", "20 epochs of 260,000 sessions: "):  # fmt: skip
        assert sum(line.startswith(start) for line in lines) == 1, (start, done.err)
    assert [p.name for p in tmp_path.iterdir()] == ["said"]


def test_a_dry_run_of_the_tokenizer_says_its_size(tmp_path):
    done = run(tmp_path / "said", "clef.pretrain", stage="tokenizer", model="tiny", dry_run=True)
    assert done.code == 0 and "M in the tokenizer" in done.err


@pytest.mark.parametrize("stage", [name for name, stage in STAGES.items() if not stage.source])
def test_a_dry_run_of_every_stage_speaks_of_the_archive_it_was_given(stage, request, tmp_path, monkeypatch):
    needs = {name: request.getfixturevalue(FIXTURES[name]) for name in STAGES[stage].needs}
    monkeypatch.chdir(tmp_path)
    before = {name: snapshot(path) for name, path in needs.items() if path.is_dir()}
    quick = {"windows": {"windows.seconds": 5}, "narrate": {"narrate.scope": "segment"}}.get(stage, {})
    done = pretrain(tmp_path / "said", stage, dry_run=True, steps=50, **needs, **quick)
    assert done.code == 0, done.err
    assert "archive: 36 sessions (" in done.err and "length, of at most 21.3 min that are used: 0." in done.err
    for start in ("parameters: ", "steps: 50 of 4 samples: ", "memory: about ", "a step: ", "time: about "):
        assert sum(line.startswith(start) for line in done.err.splitlines()) == 1, (start, done.err)
    assert "260,000" not in done.err
    assert [p.name for p in tmp_path.iterdir()] == ["said"]
    assert {name: snapshot(path) for name, path in needs.items() if path.is_dir()} == before


def test_a_dry_run_says_which_input_it_lacks(tiny_cohort, tmp_path):
    done = pretrain(tmp_path / "said", "tokenizer", dry_run=True)
    assert done.code == 0 and "cohort=: give it, and its own steps are timed" in done.err


def test_a_dry_run_of_alignment_is_that_of_its_encoder(tmp_path):
    settings = {"model": "tiny", "recon.columns": 4}
    done = run(tmp_path / "said", "clef.pretrain", stage="align", dry_run=True, **settings)
    lines = done.err.splitlines()
    assert done.code == 0 and any("this is stage=recon of the same encoder" in line for line in lines)
    assert parameters("tiny") in lines


def test_steps_are_timed_in_seconds_and_leave_no_gradient():
    layer, batch = torch.nn.Linear(2, 1), {"counts": {}}
    objective = lambda batch, totals, progress: {"loss": layer(torch.ones(1, 2)).sum()}
    objective.zero_grad = layer.zero_grad
    seconds = trial.step_seconds(objective, batch, "fp32", torch.device("cpu"))
    assert 0 < seconds < 1 and layer.weight.grad is None


def test_a_real_run_needs_tokens_and_a_folder(tmp_path):
    done = run(tmp_path / "said", "clef.pretrain", stage="recon", model="tiny")
    assert done.code == 2 and done.one_line and "stage=recon needs tokens= and out=" in done.err


NUMBERS = [
    (1.31e12, "1.31 T"),
    (9.996e11, "1 T"),
    (999.4e9, "999 G"),
    (2.5e17, "250 P"),
    (12, "12 "),
    (4.5e18, "4,500 P"),
]


@pytest.mark.parametrize(("number", "text"), NUMBERS)
def test_numbers_have_three_digits_and_a_prefix(number, text):
    assert dry_run.scaled(number) == text
