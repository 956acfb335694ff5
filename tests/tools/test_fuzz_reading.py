"""A small run of the fuzzer: damage that is what it says, and no file that is read wrongly."""

import copy

import numpy as np
import pytest

from tests.helpers import run
from tokenizer.reading.read import read
from tools.fuzz_reading import Fuzzer, FuzzReading

FILES = 60


@pytest.fixture(scope="module")
def fuzzer(tmp_path_factory):
    return Fuzzer(read, FuzzReading(), tmp_path_factory.mktemp("fuzz"))


def test_no_damage_is_read_wrongly(tmp_path):
    """As a program of its own: it forks for every file, and what other tests have started does not survive a fork."""
    done = run(tmp_path, "tools.fuzz_reading", files=FILES)
    assert done.code == 0, done.out[-2000:] + done.err[-2000:]
    lines = done.out + done.err
    row = next(line.split() for line in lines.splitlines() if line.startswith("all "))
    assert sum(int(word) for word in row[1:] if word.isdigit()) == FILES
    assert all(word in lines for word in ("refused", "same", "near", "fewer electrodes")), "damage is of many kinds"


def test_a_file_hangs_on_its_number_and_the_seed_alone(fuzzer):
    again = copy.copy(fuzzer)
    again.config = FuzzReading(files=7)
    for index in (3, 14, 15):
        first, second = fuzzer.make(index)[2], again.make(index)[2]
        assert first.seed.files == second.seed.files and first.damage == second.damage
    again.config = FuzzReading(seed=1)
    assert any(fuzzer.make(i)[2].damage != again.make(i)[2].damage for i in range(3))


def test_what_a_mutation_changes_lies_where_it_says(fuzzer):
    checked = 0
    for index in range(400):
        number, _, mutated = fuzzer.make(index)
        seed, name = fuzzer.seeds[number], fuzzer.seeds[number].data
        before, after = (np.frombuffer(each.files[name], np.uint8) for each in (seed, mutated.seed))
        if len(before) != len(after):
            continue
        for byte in np.flatnonzero(before != after)[:: max(1, len(before) // 1000)].tolist():
            second = seed.when(byte)
            inside = [start <= second <= stop for start, stop in mutated.damage.spans]
            assert not 0 <= second < 1e9 or any(inside), (index, mutated.damage)
            checked += 1
    assert checked > 500


def test_one_file_alone_from_the_command_line(tmp_path):
    done = run(tmp_path / "said", "tools.fuzz_reading", index=5, seed=3)
    assert done.code == 0 and "file 5 of seed 3" in done.err and "Traceback" not in done.err
