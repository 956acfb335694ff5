"""The table of mutations: none is without effect, and two at once say both."""

import numpy as np
import pytest

from tokenizer.edf.writer import write_edf
from tools.fuzz.fuzz_seeds import edf_seed, signal
from tools.fuzz.mutations import MUTATIONS, mutate, two

STARTS = [float(t) for t in (*range(10), *range(15, 25))]


@pytest.fixture(scope="module")
def seed(tmp_path_factory):
    path = write_edf(tmp_path_factory.mktemp("seed") / "a.edf", signal(20, 200), onsets=STARTS, kind="EDF+D")
    return edf_seed("a gap", "EDF+D", path, STARTS)


@pytest.mark.parametrize("name", [name for name in MUTATIONS if name != "beside the samples"])
def test_a_mutation_that_applies_changes_the_file_and_says_how(seed, name):
    mutated = [mutate(np.random.default_rng(number), seed, name) for number in range(20)]
    applied = [each for each in mutated if each]
    assert applied and all(each.seed.files != seed.files and each.damage.what for each in applied)


def test_what_stands_beside_the_samples_is_damaged_in_other_formats_alone(seed):
    assert mutate(np.random.default_rng(0), seed, "beside the samples") is None


def test_two_at_once_join_seconds_and_kinds(seed):
    damages = [each.damage for each in (two(np.random.default_rng(n), seed) for n in range(40)) if each]
    assert any(damage.spans and damage.unseen for damage in damages) and all("; " in damage.what for damage in damages)
