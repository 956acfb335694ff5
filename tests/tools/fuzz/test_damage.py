"""Damage: where it lies in the session, and that a mutation changes the bytes it names."""

import numpy as np
import pytest

from tokenizer.edf.writer import write_edf
from tools.fuzz.damage import block, changed, flip, header_size, stretch
from tools.fuzz.fuzz_seeds import Seed, edf_seed, signal


@pytest.fixture(scope="module")
def seed(tmp_path_factory) -> Seed:
    """20 s at 200 Hz in records of 1 s."""
    path = write_edf(tmp_path_factory.mktemp("seed") / "a.edf", signal(20, 200))
    return edf_seed("20 s", "EDF", path)


def test_the_header_ends_where_the_first_second_begins(seed):
    assert header_size(seed) == seed.header.size == 256 * 20
    assert seed.when(header_size(seed) - 1) < 0 and seed.when(header_size(seed)) == 0


def test_bytes_of_the_data_are_seconds_of_the_session(seed):
    first = seed.header.size + 5 * seed.header.record_bytes
    assert stretch(seed, first, first + 1) == (5, 6)
    assert stretch(seed, first, first + seed.header.record_bytes + 1) == (5, 7)


def test_flipped_bits_are_where_they_are_said_to_be():
    content, places = flip(np.random.default_rng(0), bytes(100), 10, 20, 1)
    assert [i for i, byte in enumerate(content) if byte] == places and 10 <= places[0] < 20
    assert bin(content[places[0]]).count("1") == 1


def test_a_block_lies_within_the_data(seed):
    for number in range(50):
        first, stop = block(np.random.default_rng(number), seed)
        assert header_size(seed) <= first < stop <= len(seed.files[seed.data])


def test_another_number_of_lines_moves_all_that_follow():
    table = Seed("t", "CSV", {"t.csv": b"a\n1\n2\n3\n"}, "t.csv", float)
    assert changed(table, b"a\n1\n3\n", "", ((2.0, 3.0),)).damage.spans == ((2.0, float("inf")),)
    assert changed(table, b"a\n1\n9\n3\n", "", ((2.0, 3.0),)).damage.spans == ((2.0, 3.0),)
