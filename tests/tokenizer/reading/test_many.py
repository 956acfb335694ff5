"""Many recordings: in order, bad ones as errors, also those that kill the process that reads them."""

import os
import signal

import pytest

from tokenizer.edf.writer import eeg, write_edf
from tokenizer.reading.many import FEW, read_many
from tokenizer.reading.read import Job, ReadingConfig
from tokenizer.recording import Raw, RecordingError, Session

COUNT = FEW + 2
CONFIG = ReadingConfig()


def facts(session: Session, raw: Raw) -> tuple[float, int]:
    return session.seconds, len(raw.picks)


def facts_or_death(session: Session, raw: Raw) -> tuple[float, int]:
    """As when there is no memory left for one recording."""
    if raw.file.name == "x.edf":
        os.kill(os.getpid(), signal.SIGKILL)
    return facts(session, raw)


def refuse(session: Session, raw: Raw) -> None:
    raise RecordingError("recording", "nothing in it is wanted")


@pytest.fixture
def jobs(tmp_path) -> list[Job]:
    """Recordings of 12, 13, … s."""
    return [Job(write_edf(tmp_path / f"{i}.edf", eeg(12 + i, channels=8)), CONFIG) for i in range(COUNT)]


@pytest.mark.parametrize("workers", [0, 2])
def test_results_come_in_the_order_of_the_jobs_and_bad_files_stop_nothing(jobs, tmp_path, workers):
    jobs[2] = Job(tmp_path / "none.edf", CONFIG)
    results = list(read_many(jobs, facts, workers))
    assert isinstance(results[2], RecordingError) and str(results[2]).startswith("none.edf: there is no such file")
    assert [r for i, r in enumerate(results) if i != 2] == [(12.0 + i, 8) for i in range(COUNT) if i != 2]


def test_what_is_made_of_a_recording_may_refuse_it(jobs):
    assert {error.reason for error in read_many(jobs, refuse, workers=1)} == {"nothing in it is wanted"}


def test_a_recording_that_kills_its_process_is_an_error_and_stops_nothing(jobs, tmp_path):
    jobs[1] = Job(write_edf(tmp_path / "x.edf", eeg(12, channels=8)), CONFIG)
    results = list(read_many(jobs, facts_or_death, workers=2))
    assert "died" in results[1].reason
    assert [r for i, r in enumerate(results) if i != 1] == [(12.0 + i, 8) for i in range(COUNT) if i != 1]
