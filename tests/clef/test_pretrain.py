"""clef.pretrain: what a stage needs is asked for before anything is written, and what is trained is found again."""

import pytest

from clef.pretrain import input_fingerprints
from clef.stages.registry import STAGES
from clef.training.settings import PretrainConfig
from tests.helpers import pretrain


@pytest.mark.parametrize("stage", STAGES)
def test_what_a_stage_needs_is_asked_for_first(stage, tmp_path):
    done = pretrain(tmp_path / "said", stage, out=tmp_path / "run")
    assert done.code == 2 and done.one_line and not (tmp_path / "run").exists()
    assert f"stage={stage} needs " + " and ".join(f"{name}=" for name in STAGES[stage].needs) in done.err


def test_inputs_are_known_by_their_contents(tiny_cohort, tiny_store, tiny_recon):
    config = PretrainConfig(stage="align", cohort=str(tiny_cohort), tokens=str(tiny_store), init=str(tiny_recon))
    names = input_fingerprints(config)
    assert set(names) == {"cohort", "tokens", "init"} and len(set(names.values())) == 3
    assert input_fingerprints(config) == names and input_fingerprints(PretrainConfig(stage="recon")) == {}


def test_a_finished_run_says_so_and_what_comes_next(tiny_recon, tiny_store, tmp_path):
    done = pretrain(tmp_path / "said", "recon", tokens=tiny_store, out=tiny_recon, steps=8, checkpoint_minutes=0)
    assert done.code == 0 and "already finished after 8 steps, nothing changed" in done.err
    assert f"next: python -m clef.embed model={tiny_recon} tokens={tiny_store}" in done.err
