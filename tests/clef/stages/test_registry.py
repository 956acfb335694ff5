"""The table of stages: it is the only place that names them, and every row is whole."""

import ast
import dataclasses
import inspect

import pytest

from clef.stages.registry import STAGES
from tests.helpers import ROOT
from tokenizer.base.cli import preset_groups

COMMON = {"stage", "model", "text", "out", "cohort", "tokens", "init", "seed"}


@pytest.mark.parametrize("name", STAGES)
def test_a_row_is_whole(name):
    stage = STAGES[name]
    settings = {f"{name}.{f.name}" for name, g in stage.settings.items() for f in dataclasses.fields(g.schema)}
    assert stage.needs and set(stage.needs) <= {"cohort", "tokens", "init"} | settings
    assert bool(stage.source) != bool({"cohort", "tokens"} & set(stage.needs))
    assert list(inspect.signature(stage.build).parameters) == ["inputs", *stage.settings]
    named = dict.fromkeys(COMMON, "X") | {"windows": {"network": "X"}, "trials": {"root": "X"}}
    assert stage.next.format(**named).startswith("python -m ")
    for group in stage.settings.values():
        assert dataclasses.is_dataclass(group.schema) and group.doc.endswith(".")
        group.schema()  # every setting has a default
    preview = stage.preview({k: g.schema() for row in STAGES.values() for k, g in row.settings.items()})
    assert preview.lines or preview.workload


def test_every_stage_has_its_presets_and_no_others_do():
    assert preset_groups("clef.pretrain")["stage"] == sorted(STAGES)


@pytest.mark.parametrize("file", ["clef/pretrain.py", "clef/training/dry_run.py", "clef/training/loop.py"])
def test_what_runs_stages_names_none(file):
    """In no text, in no comparison or dictionary, and by no import."""
    tree = ast.parse((ROOT / file).read_text())
    texts = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    choices = [n for n in ast.walk(tree) if isinstance(n, ast.Compare | ast.Dict | ast.Subscript)]
    chosen = {n.value for choice in choices for n in ast.walk(choice) if isinstance(n, ast.Constant)}
    modules = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    for name in STAGES:
        assert name not in chosen and not any(f"stage={name}" in text for text in texts), name
        assert f"clef.stages.{name}" not in modules
