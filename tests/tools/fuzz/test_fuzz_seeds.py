"""Seeds: undamaged files of every format that the reader takes, and which byte is which second."""

import pytest

from tokenizer.reading.read import read
from tools.fuzz.fuzz_seeds import Seed, seeds


@pytest.fixture(scope="module")
def every() -> list[Seed]:
    return [seed for seed, _ in seeds(None, None, None)]


def test_there_is_one_of_every_format(every):
    formats = {seed.format.partition("+")[0] for seed in every}
    assert formats == {"EDF", "BDF", "CSV", "BrainVision", "EEGLAB", "FIF", "GDF"}


def test_a_seed_is_read_and_knows_its_seconds(every, tmp_path):
    for number, seed in enumerate(every):
        (tmp_path / str(number)).mkdir()
        session = read(seed.write(tmp_path / str(number)), **seed.options)
        content = seed.files[seed.data]
        seconds = [seed.when(byte) for byte in range(0, len(content), max(1, len(content) // 3000))]
        assert seconds == sorted(seconds), seed.name  # the header, then the samples in order
        last = max(second for second in seconds if second < 1e9)
        assert last == pytest.approx(session.valid.nonzero()[0].max(), abs=2), seed.name
