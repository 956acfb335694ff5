"""The settings of clef.pretrain: the loop's, the common ones, and those of every row of the table of stages."""

import dataclasses
import pickle

from clef.stages.registry import STAGES
from clef.training.loop import LoopConfig
from clef.training.settings import CommonConfig, PretrainConfig, needed_by, stage_settings
from tokenizer.base.cli import field_docs


def test_the_groups_are_those_of_the_table_in_its_order_after_the_common_ones():
    names = [f.name for f in dataclasses.fields(PretrainConfig)]
    common = [f.name for f in dataclasses.fields(CommonConfig)]
    assert names[: len(common)] == common and common[: len(dataclasses.fields(LoopConfig))][0] == "steps"
    brought = dict.fromkeys(name for stage in STAGES.values() for name in stage.settings)
    assert names[len(common) :] == list(brought)


def test_keys_of_config_yaml_are_those_that_older_runs_have():
    """A run goes on only if its config.yaml has the same keys."""
    groups = [
        "reading",
        "vqgan",
        "tokenizer_stage",
        "encoder",
        "recon",
        "align",
        "report_encoder",
        "record_encoder",
        "joint",
        "narrate",
        "narrator",
        "windows",
        "topomaps",
        "trials",
    ]
    config = dataclasses.asdict(PretrainConfig(stage="recon"))
    assert [key for key, value in config.items() if isinstance(value, dict)] == groups
    assert {"stage", "model", "text", "out", "dry_run", "cohort", "tokens", "init", "wandb", "attention"} <= set(config)


def test_every_config_has_its_own_groups_and_can_be_sent_to_another_process():
    one, other = PretrainConfig(stage="recon"), PretrainConfig(stage="recon")
    one.encoder.width = 12
    assert other.encoder.width != 12 and stage_settings(one)["encoder"].width == 12
    assert pickle.loads(pickle.dumps(one)) == one


def test_help_says_which_stage_needs_what():
    docs = field_docs(PretrainConfig)
    assert (
        needed_by("tokens") == "stage=recon and stage=align and stage=joint and stage=narrate"
        and needed_by("tokens") in docs["tokens"]
    )
    assert "align (needs tokens=, cohort=, init=)" in docs["stage"]
    for stage in STAGES.values():
        assert all(docs[name] == group.doc for name, group in stage.settings.items())
