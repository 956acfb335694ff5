"""Damage to the starts of data records: which seconds it touches, and where records now say that they are."""

import numpy as np
import pytest

from tokenizer.edf.writer import write_edf
from tools.fuzz.damage_records import annotation_bits, elsewhere, onsets
from tools.fuzz.fuzz_seeds import Seed, edf_seed, signal

STARTS = [float(t) for t in (*range(10), *range(15, 25))]


@pytest.fixture(scope="module")
def seed(tmp_path_factory) -> Seed:
    """20 records of 1 s, with 5 s missing in the middle."""
    path = write_edf(tmp_path_factory.mktemp("seed") / "a.edf", signal(20, 200), onsets=STARTS, kind="EDF+D")
    return edf_seed("a gap", "EDF+D", path, STARTS)


def test_a_record_that_says_another_start_is_there_now(seed):
    content = seed.files[seed.data]
    assert elsewhere(seed, content) == ()
    assert elsewhere(seed, content.replace(b"+24\x14", b"+99\x14")) == ((99.0, 100.0),)
    assert elsewhere(seed, content[:-1]) == ()  # records of another length cannot be compared


@pytest.mark.parametrize("mutation", [annotation_bits, onsets])
def test_the_seconds_of_the_records_are_named(seed, mutation):
    for number in range(40):
        mutated = mutation(np.random.default_rng(number), seed)
        spans = mutated.damage.spans
        assert spans and all(start in STARTS and stop == start + 1 for start, stop in spans)
        before, after = (np.frombuffer(each.files[seed.data], np.uint8) for each in (seed, mutated.seed))
        damaged = {seed.when(int(byte)) for byte in np.flatnonzero(before != after)}
        assert damaged <= {start for start, _ in spans}


def test_files_without_annotations_have_no_starts_to_damage(tmp_path):
    plain = edf_seed("plain", "EDF", write_edf(tmp_path / "a.edf", signal(12, 200)))
    assert onsets(np.random.default_rng(0), plain) is None and annotation_bits(np.random.default_rng(0), plain) is None
