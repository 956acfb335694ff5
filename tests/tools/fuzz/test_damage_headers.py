"""Damage to headers: every byte is a field, and only fields that no reader can check go unseen."""

from itertools import pairwise

import numpy as np
import pytest

from tokenizer.edf.writer import write_edf
from tools.fuzz.damage_headers import collision, fields, header_field, limits, number_field
from tools.fuzz.fuzz_seeds import Seed, edf_seed, signal


@pytest.fixture(scope="module")
def seed(tmp_path_factory) -> Seed:
    return edf_seed("20 s", "EDF", write_edf(tmp_path_factory.mktemp("seed") / "a.edf", signal(20, 200)))


def test_the_fields_of_a_header_cover_it_without_gap_or_overlap(seed):
    places = sorted(field[1:] for field in fields(seed.header))
    assert places[0][0] == 0 and places[-1][1] == seed.header.size
    assert all(a[1] == b[0] for a, b in pairwise(places))
    (label,) = [seed.files[seed.data][a:b] for name, a, b in fields(seed.header) if name == "label"][:1]
    assert label.decode().strip() == seed.header.labels[0]


@pytest.mark.parametrize("mutation", [header_field, number_field, limits, collision])
def test_a_header_is_damaged_and_no_sample_is(seed, mutation):
    for number in range(30):
        mutated = mutation(np.random.default_rng(number), seed)
        content = mutated.seed.files[seed.data]
        assert len(content) == len(seed.files[seed.data]) and mutated.damage.spans == ()
        assert content[seed.header.size :] == seed.files[seed.data][seed.header.size :]


def test_only_a_range_a_label_or_a_clock_goes_unseen(seed):
    of = lambda mutation: {kind for n in range(60) for kind in mutation(np.random.default_rng(n), seed).damage.unseen}
    assert of(limits) == {"calibration"} and of(collision) == set()
    assert of(number_field) == {"clock"} and of(header_field) == {"calibration", "label", "clock"}
