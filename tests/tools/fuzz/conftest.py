"""A recording, what the reader makes of it, and verdicts on readers with bugs."""

import pytest

from tokenizer.edf.writer import eeg, write_edf
from tokenizer.reading.read import read
from tools.fuzz.damage import Damage
from tools.fuzz.fuzz_oracle import Good, examine, read_good

GAP = [*map(float, range(40)), *map(float, range(60, 120))]
NOWHERE = Damage("nothing")


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """100 s with a gap from second 40 to 60."""
    return write_edf(tmp_path_factory.mktemp("good") / "a.edf", eeg(100), onsets=GAP, kind="EDF+D")


@pytest.fixture(scope="module")
def good(recording, tmp_path_factory) -> Good:
    undamaged, _ = read_good(
        read, recording, {}, recording.stat().st_size, tmp_path_factory.mktemp("kept") / "good.npz"
    )
    return undamaged


@pytest.fixture
def verdict(recording, good):
    """The verdict on another reader of the undamaged recording."""
    return lambda reader, damage=NOWHERE: examine(reader, recording, {}, recording.stat().st_size, good, damage)
