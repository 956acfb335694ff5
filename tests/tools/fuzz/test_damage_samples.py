"""Damage to samples: it stays out of the header, and touches no second but those it names."""

import numpy as np
import pytest

from tokenizer.edf.writer import write_edf
from tools.fuzz.damage_samples import appended, data_bits, one_bit, overwritten, shifted, swapped, truncated
from tools.fuzz.fuzz_seeds import Seed, edf_seed, signal


@pytest.fixture(scope="module")
def seed(tmp_path_factory) -> Seed:
    return edf_seed("20 s", "EDF", write_edf(tmp_path_factory.mktemp("seed") / "a.edf", signal(20, 200)))


@pytest.mark.parametrize("mutation", [appended, data_bits, one_bit, overwritten, shifted, swapped, truncated])
def test_what_differs_lies_in_the_named_seconds(seed, mutation):
    kinds = 0
    for number in range(40):
        if (mutated := mutation(np.random.default_rng(number), seed)) is None:
            continue
        before, after = seed.files[seed.data], mutated.seed.files[seed.data]
        length = min(len(before), len(after))
        differ = np.frombuffer(before[:length], np.uint8) != np.frombuffer(after[:length], np.uint8)
        seconds = {seed.when(int(byte)) for byte in np.flatnonzero(differ)} - {float("inf")}
        assert all(any(a <= s < b for a, b in mutated.damage.spans) for s in seconds), mutated.damage
        assert not any(second < 0 for second in seconds)
        kinds += before != after
    assert kinds > 10


def test_after_the_end_of_what_is_left_anything_may_come(seed):
    for number in range(20):
        mutated = truncated(np.random.default_rng(number), seed)
        ((start, stop),) = mutated.damage.spans
        assert stop == float("inf") and start == min(20.0, seed.when(len(mutated.seed.files[seed.data])))
