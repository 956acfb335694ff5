"""Readers with planted bugs must be caught, and the right one must not."""

import numpy as np
import pytest

from tokenizer.channels import CHANNELS
from tokenizer.reading.read import read
from tokenizer.recording import Session
from tools.fuzz.damage import Damage
from tools.fuzz.fuzz_oracle import Good, compare, far_seconds

NOWHERE, MIDDLE = Damage("nothing"), Damage("in the middle", ((50.0, 51.0),))


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
