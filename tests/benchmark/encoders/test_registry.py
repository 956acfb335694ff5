"""The table of encoders, and that nothing else lists them."""

import ast

import numpy as np
import pytest

from benchmark.encoders.registry import ENCODERS, encoder_lines, encoder_of, encoders_of, with_role
from clef.embeddings import Embeddings
from tests.helpers import ROOT


def store(kind):
    return Embeddings(["s"], np.zeros((1, 1)), "e", config={"kind": kind} if kind else {})


def test_names_and_kinds_are_unique_and_words_are_one_line():
    assert len({e.kind for e in ENCODERS.values()}) == len(ENCODERS)
    for name, encoder in ENCODERS.items():
        assert encoder.name == name and encoder.what and "\n" not in encoder.what


def test_baselines_need_the_cohort_alone():
    assert {e.name for e in with_role("baseline")} == {"bandpower", "metadata", "acquisition"}
    assert all(not e.needs and e.fitted_on_nobody for e in with_role("baseline"))
    assert all(e.needs and not e.fitted_on_nobody for e in with_role("ablation") + with_role("model"))


def test_a_file_is_known_by_what_it_says_not_by_its_name():
    assert encoder_of(store("codes")).name == "codes" and encoder_of(store("trained")).name == "clef"
    assert encoder_of(store("rebuilt")) is None and encoder_of(store(None)) is None
    assert set(encoders_of({"metadata": store(None), "mine": store("metadata")})) == {"mine"}


def test_what_knows_hardly_anything_of_the_brain_is_marked_and_the_planted_causes_are_no_control():
    assert {e.name for e in ENCODERS.values() if e.nuisance} == {"metadata", "acquisition"}
    assert {e.name for e in ENCODERS.values() if e.matched_away} == {"metadata"}
    assert [e.name for e in with_role("reference")] == ["truth"] and not ENCODERS["truth"].nuisance


def test_help_names_every_encoder():
    assert all(f"  {name} " in encoder_lines() for name in ENCODERS)


@pytest.mark.parametrize("where", ["scores/*.py", "report/*.py", "report/*/*.py", "run.py", "encode.py"])
def test_no_other_module_names_an_encoder(where):
    kinds = {e.kind for e in ENCODERS.values()} - {"codes"}  # a task has codes, too
    for file in (ROOT / "benchmark").glob(where):
        words = {n.value for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.Constant)}
        assert not words & kinds, f"{file.name} names {words & kinds}"
