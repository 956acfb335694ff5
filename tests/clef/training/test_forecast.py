"""The forecast of a training: one line after the first steps, one more if it was far off, none where nobody waits."""

import datetime
import logging
import signal

import pytest

from clef.training.forecast import Forecast, in_words, moment
from tests.helpers import TINY, start, wait_until


def lines_of(seconds, caplog, start=0):
    """What is said of steps that take so many s each."""
    now, lines = [0.0], []
    forecast = Forecast(start, start + len(seconds), lambda: now[0])
    with caplog.at_level(logging.INFO):
        for number, taken in enumerate(seconds, start + 1):
            now[0] += taken
            forecast.note(number)
    lines += [record.getMessage() for record in caplog.records]
    return lines


def test_a_steady_training_is_foretold_once_without_its_slow_first_step(caplog):
    (line,) = lines_of([60] + 999 * [7.8], caplog)
    assert line.startswith("about 2 h 10 min for 1,000 steps: ends ")


def test_a_forecast_that_was_far_off_is_corrected_once(caplog):
    first, second = lines_of(100 * [2] + 400 * [6] + 500 * [20], caplog)
    assert first.startswith("about 33 min") and second.startswith("corrected: about ")


def test_a_forecast_that_was_wrong_by_seconds_is_left(caplog):
    assert len(lines_of(20 * [1] + 80 * [1.5], caplog)) == 1


def test_what_remains_of_a_run_is_foretold(caplog):
    (line,) = lines_of(100 * [30], caplog, start=900)
    assert line.startswith("about 50 min for the remaining 100 steps: ends ")


def test_a_training_of_seconds_needs_none(caplog):
    assert lines_of(100 * [0.01], caplog) == [] and lines_of(9 * [2], caplog) == []


WORDS = {0.2: "1 s", 80: "80 s", 150: "2 min", 7100: "118 min", 7_800: "2 h 10 min", 90_000: "25 h", 1e6: "12 days"}


@pytest.mark.parametrize(("seconds", "words"), [*WORDS.items(), (200_000, "2 days 8 h"), (7200, "2 h")])
def test_durations_are_said_as_people_say_them(seconds, words):
    assert in_words(seconds) == words


def test_an_end_on_another_day_has_its_date():
    now = datetime.datetime.now()
    assert moment(now) == f"{now:%H:%M}"
    later = now + datetime.timedelta(days=1)
    assert moment(later) == f"{later:%Y-%m-%d %H:%M}"


@pytest.mark.slow
def test_a_real_training_says_its_forecast_also_to_a_pipe(tiny_store, tmp_path):
    """Steps so many that the forecast is of minutes; it is stopped as soon as the line has come."""
    running = start(tmp_path / "said", "clef.pretrain", stage="recon", tokens=tiny_store, out=tmp_path / "r",
                    **TINY | {"steps": 100_000})  # fmt: skip
    assert wait_until(lambda: " for 100,000 steps: ends " in (running.folder / "err").read_text(), running)
    running.kill(signal.SIGINT)
    done = running.wait()
    assert "100000 steps on a CPU are a matter of days; machine=laptop takes fewer" in done.err
    assert done.code == 130 and done.err.count(" for 100,000 steps: ends ") == 1
