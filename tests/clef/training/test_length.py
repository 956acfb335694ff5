"""The length of a training: steps as given, or as many as the sessions need, between a floor and a ceiling."""

import pytest

from clef.training.length import settle_steps, steps_of, training_sessions
from clef.training.settings import PretrainConfig
from tests.helpers import pretrain
from tokenizer.base.cli import ConfigError, parse
from tokenizer.sessions import read_sessions

LAPTOP = {"tokenizer": [(19, 300), (210, 394), (2_100, 1500), (182_000, 1500)],
          "recon": [(19, 143), (210, 1575), (2_100, 2600), (182_000, 2600)]}  # fmt: skip


@pytest.mark.parametrize("stage", LAPTOP)
def test_a_laptop_takes_more_steps_for_a_larger_archive_between_two_bounds(stage):
    config = parse(PretrainConfig, "clef.pretrain", [f"stage={stage}", "machine=laptop"])
    assert [(n, steps_of(config, n)) for n, _ in LAPTOP[stage]] == LAPTOP[stage]


def test_steps_that_are_given_are_taken(tiny_cohort):
    config = parse(PretrainConfig, "clef.pretrain", ["stage=tokenizer", "machine=laptop", "steps=7", "cohort=none"])
    settle_steps(config)
    assert config.steps == 7


def test_training_sessions_are_those_of_the_cohort_or_of_the_store(tiny_cohort, tiny_store):
    train = int((read_sessions(tiny_cohort)["split"] == "train").sum())
    assert training_sessions(PretrainConfig(stage="tokenizer", cohort=str(tiny_cohort))) == train
    assert training_sessions(PretrainConfig(stage="recon", tokens=str(tiny_store))) == train


@pytest.mark.parametrize(
    "wrong", [{"steps": -1}, {"steps": 0, "epochs": 0}, {"steps": 0, "fewest_steps": 9, "most_steps": 8}]
)
def test_impossible_lengths_are_refused(wrong, tiny_cohort):
    with pytest.raises(ConfigError, match="must be"):
        settle_steps(PretrainConfig(stage="tokenizer", cohort=str(tiny_cohort), **wrong))


def test_a_run_of_so_many_epochs_has_its_steps_in_its_config_and_goes_on(tiny_store, tmp_path):
    settings = {"tokens": tiny_store, "out": tmp_path / "run", "steps": 0, "epochs": 1, "fewest_steps": 2}
    for line in ("step ", "already finished after "):
        done = pretrain(tmp_path / "said", "recon", **settings)
        assert done.code == 0 and line in done.err, done.err
    assert "\nsteps: " in "\n" + (tmp_path / "run" / "config.yaml").read_text()
    assert "\nsteps: 0\n" not in "\n" + (tmp_path / "run" / "config.yaml").read_text()
