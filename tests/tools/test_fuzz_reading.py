"""A small run of the fuzzer, and whether it would notice: readers with planted bugs must be caught."""

import copy
import os
import signal
import time

import numpy as np
import pytest

import tools.fuzz.fuzz_child
from tests.helpers import run
from tokenizer.channels import CHANNELS
from tokenizer.edf.writer import eeg, write_edf
from tokenizer.reading.read import read
from tokenizer.recording import RecordingError, Session
from tools.fuzz.damage import Damage
from tools.fuzz.fuzz_oracle import Good, compare, examine, far_seconds, read_good
from tools.fuzz_reading import Fuzzer, FuzzReading

FILES = 60
GAP = [*map(float, range(40)), *map(float, range(60, 120))]
NOWHERE, MIDDLE = Damage("nothing"), Damage("in the middle", ((50.0, 51.0),))


@pytest.fixture(scope="module")
def fuzzer(tmp_path_factory):
    return Fuzzer(read, FuzzReading(), tmp_path_factory.mktemp("fuzz"))


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """100 s with a gap from second 40 to 60."""
    return write_edf(tmp_path_factory.mktemp("good") / "a.edf", eeg(100), onsets=GAP, kind="EDF+D")


@pytest.fixture(scope="module")
def good(recording, tmp_path_factory) -> Good:
    found, _ = read_good(read, recording, {}, recording.stat().st_size, tmp_path_factory.mktemp("kept") / "good.npz")
    return found


@pytest.fixture
def verdict(recording, good):
    """The verdict on another reader of the undamaged recording."""
    return lambda reader, damage=NOWHERE: examine(reader, recording, {}, recording.stat().st_size, good, damage)


def test_no_damage_is_read_wrongly(tmp_path):
    """As a program of its own: it forks for every file, and what other tests have started does not survive a fork."""
    done = run(tmp_path, "tools.fuzz_reading", files=FILES)
    assert done.code == 0, done.out[-2000:] + done.err[-2000:]
    said = done.out + done.err
    row = next(line.split() for line in said.splitlines() if line.startswith("all "))
    assert sum(int(word) for word in row[1:] if word.isdigit()) == FILES
    assert all(word in said for word in ("refused", "same", "near", "fewer electrodes")), "damage is of many kinds"


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


def test_the_right_reader_is_right(verdict):
    assert verdict(read).kind == "same" and verdict(read, MIDDLE).kind == "same"


def ignores_gaps(path):
    session = read(path)
    session.signal[:, 8000:20_000] = session.signal[:, 12_000:24_000]
    session.valid[:100], session.valid[100:] = 1, 0
    return session


def swaps_two_electrodes(path):
    session = read(path)
    session.signal[[3, 4]] = session.signal[[4, 3]]
    return session


def doubles_an_electrode(path):
    session = read(path)
    session.signal[5] *= 2
    return session


def is_off_by_half_a_microvolt(path):
    session = read(path)
    session.signal[5, 14_000] += 0.5
    return session


def is_late_by_one_sample(path):
    session = read(path)
    session.signal[:] = np.roll(session.signal, 1, -1)
    return session


def gives_what_is_no_number(path):
    session = read(path)
    session.signal[5, 9000] = np.nan
    return session


def fills_what_it_leaves_out(path):
    session = read(path)
    session.channel_ok[5] = False
    return session


def invents_the_end(path):
    session = read(path)
    session.valid[1270:] = 1
    return session


@pytest.mark.parametrize("damage", [NOWHERE, Damage("the start", ((0.0, 1.0),))])
@pytest.mark.parametrize(
    "reader",
    [
        *(ignores_gaps, swaps_two_electrodes, doubles_an_electrode, is_off_by_half_a_microvolt),
        *(is_late_by_one_sample, gives_what_is_no_number, fills_what_it_leaves_out, invents_the_end),
    ],
)
def test_a_reader_with_a_bug_is_wrong(verdict, reader, damage):
    assert verdict(reader, damage).kind == "WRONG"


def test_only_what_a_field_explains_goes_unseen(verdict):
    seen = lambda reader, *kinds: verdict(reader, Damage("a field", (), frozenset(kinds))).kind
    assert seen(doubles_an_electrode, "calibration") == "unseen calibration"
    assert seen(swaps_two_electrodes, "label") == "unseen label"
    assert seen(doubles_an_electrode, "label", "clock") == "WRONG"
    assert seen(swaps_two_electrodes, "calibration", "clock") == "WRONG"
    for reader in (ignores_gaps, is_late_by_one_sample, gives_what_is_no_number, is_off_by_half_a_microvolt):
        assert seen(reader, "calibration", "label", "clock") == "WRONG"


def filters_other_mains(path, mains="60"):
    session = read(path, mains=mains)
    session.signal[:] *= 1 if mains == "none" else 0.99
    return session


def test_another_notch_is_told_from_another_signal(verdict):
    assert verdict(filters_other_mains).kind == "other notch"
    assert verdict(lambda path, mains="60": doubles_an_electrode(path) if mains else None).kind == "WRONG"


def refuses(path):
    raise RecordingError(path.name, "is damaged in some way; copy it again")


def refuses_in_two_lines(path):
    raise RecordingError(path.name, "is damaged in some way;\ncopy it again")


def fails(path):
    raise IndexError("list index out of range")


def fails_in_conversion(path):
    raise ValueError("could not convert string to float: 'Jane Doe'")


def dies(path):
    os.kill(os.getpid(), signal.SIGKILL)


def takes_memory(path):
    np.ones(80 * 2**20, np.uint8)
    return read(path)


def asks_for_memory_it_does_not_use(path):
    np.zeros(2**33, np.uint8)
    return read(path)


def hides_that_it_asked(path):
    try:
        np.zeros(2**33, np.uint8)
    except MemoryError:
        raise RecordingError(path.name, "is damaged in some way; copy it again") from None
    return read(path)


@pytest.mark.parametrize(
    ("reader", "kind"),
    [
        *((refuses, "refused"), (refuses_in_two_lines, "CRASH"), (fails, "CRASH"), (fails_in_conversion, "CRASH")),
        *((dies, "CRASH"), (takes_memory, "HUNGRY"), (asks_for_memory_it_does_not_use, "HUNGRY")),
        (hides_that_it_asked, "HUNGRY"),
    ],
)
def test_other_ways_to_fail(verdict, reader, kind):
    assert verdict(reader).kind == kind


def test_a_reader_without_end_is_ended(verdict, monkeypatch):
    monkeypatch.setattr(tools.fuzz.fuzz_child, "LIMIT_SECONDS", -0.5)
    monkeypatch.setattr(tools.fuzz.fuzz_child, "LIMIT_CLOCK", 3.0)

    def turns(path):
        while True:
            pass

    began = time.monotonic()
    assert verdict(turns).kind == verdict(lambda path: time.sleep(60)).kind == "HANG"
    assert time.monotonic() - began < 60  # the sleeper was ended before its time


def session_of(good: Good, **changes) -> Session:
    fields = {"signal": np.array(good.signal), "valid": good.valid, "channel_ok": good.channel_ok, "start": None}
    return Session(**(fields | {"notes": [], "rate": good.rate, "seconds": 1.0} | changes),
                   channels_in_file=19, mains_hz=0, mains_level=0.0)  # fmt: skip


def test_electrodes_left_out_and_marked_are_no_error(good):
    ok, signal = good.channel_ok.copy(), np.array(good.signal)
    ok[5], signal[5] = False, 0
    assert compare(good, session_of(good, channel_ok=ok, signal=signal), NOWHERE).kind == "fewer electrodes"
    assert CHANNELS[5] in compare(good, session_of(good, channel_ok=ok, signal=signal), NOWHERE).why


def test_what_is_close_to_the_damage_may_be_anything(good):
    far = far_seconds(Damage("two", ((50.0, 51.5), (200.0, float("inf")))))
    assert np.flatnonzero(far).tolist() == [*range(20), *range(82, 170)]
    signal = np.array(good.signal)
    signal[:, 25 * 200 : 81 * 200] += 1000
    assert compare(good, session_of(good, signal=signal), MIDDLE).kind == "same"
    assert compare(good, session_of(good, signal=signal), Damage("later", ((70.0, 71.0),))).kind == "WRONG"
    assert compare(good, session_of(good), Damage("all", ((0.0, 200.0),))).kind == "near"


def test_one_file_alone_from_the_command_line(tmp_path):
    done = run(tmp_path / "said", "tools.fuzz_reading", index=5, seed=3)
    assert done.code == 0 and "file 5 of seed 3" in done.err and "Traceback" not in done.err
