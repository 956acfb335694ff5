"""A reader in a process of its own: crashes, loops and hunger are observed and not suffered."""

import os
import signal
import time

import numpy as np
import pytest

import tools.fuzz.fuzz_child
from tokenizer.reading.read import read
from tokenizer.recording import RecordingError


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
    np.ones(tools.fuzz.fuzz_child.MEMORY + 2**24, np.uint8)
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
    assert time.monotonic() - began < 20
