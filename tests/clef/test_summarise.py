"""clef.summarise: summaries are checked, counted, kept when it is stopped; no text of a report is said."""

import signal
import time
from pathlib import Path

import pytest

from clef.cohort import read_reports
from clef.reports.summarisers import report_summaries, summarise
from tests.clef.reports.summarisers.server import HALF, ChatServer
from tests.clef.reports.summarisers.small_cohort import write_small_cohort
from tests.helpers import Done, run, start
from tokenizer.base.tables import read_table

REPORT = "HISTORY: Marlow{i} takes clobazam.\nIMPRESSION: Abnormal EEG due to left temporal spikes. No seizures."
GOOD = "Abnormal EEG, left temporal spikes. No seizures."
BY_RULES = "abnormal eeg due to left temporal spikes. no seizures."
COUNT = 6
QUICK = {"http.timeout": 0.3, "http.retries": 1, "http.backoff": 0.01, "http.parallel": 1}


@pytest.fixture
def cohort(tmp_path) -> Path:
    """Six sessions with reports that differ in a name."""
    return write_small_cohort(tmp_path / "cohort", [REPORT.format(i=i) for i in range(COUNT)])


def ask(folder: Path, cohort: Path, server: ChatServer, **settings) -> Done:
    return run(folder, "clef.summarise", **({"cohort": cohort, "summariser": f"http:{server.url}"} | QUICK | settings))


def number(report: str) -> int:
    return int(report.split("Marlow")[1][0])


def test_summaries_are_kept_and_used_and_a_bad_one_is_that_of_the_rules(cohort, tmp_path):
    replies = [GOOD, f"{GOOD} Taking clobazam.", "Burst suppression.", "Poems are nice.", "Marlow4 has spikes.", (400,)]
    with ChatServer(lambda report: replies[number(report)]) as server:
        done = ask(tmp_path / "said", cohort, server)
        name = f"http:{server.url}"
        assert done.code == 0 and "Marlow" not in done.err and "6 of 6 reports" in done.err
        for kind in ("5 of them are by the rules", "1  drug", "1  invented", "1  identity", "1  empty", "1  refused"):
            assert kind in done.err, kind
        kept = report_summaries(read_reports(cohort), name)
        asked = len(server.questions)
        assert ask(tmp_path / "again", cohort, server).code == 0 and len(server.questions) == asked
    assert kept == {"s0": GOOD.lower()} | {f"s{i}": BY_RULES for i in range(1, COUNT)}
    assert report_summaries(read_reports(cohort), f"{name}#small-model") == kept  # without asking the server
    assert not (cohort / "summaries.part").exists()
    assert "align.summariser=" in done.err.splitlines()[-1]
    fingerprint = done.err.splitlines()[-1].split("align.summariser=")[1].split()[0]
    assert report_summaries(read_reports(cohort), fingerprint) == kept


@pytest.mark.parametrize("bad", (2.0, (500,), b"<html>", HALF))
def test_a_server_that_fails_is_one_line_and_what_was_done_is_kept(cohort, tmp_path, bad):
    with ChatServer(lambda report: GOOD if number(report) < 1 else bad) as server:
        stopped = ask(tmp_path / "stopped", cohort, server, **{"http.retries": 0, "http.timeout": 0.1})
        assert stopped.code == 1 and "Traceback" not in stopped.err and "Marlow" not in stopped.err
        assert read_reports(cohort)["summary"].drop_nulls().to_list() == [GOOD.lower()]
        server.reply = lambda report: GOOD
        before = len(server.questions)
        assert ask(tmp_path / "again", cohort, server).code == 0
        assert len(server.questions) - before == COUNT - 1
    assert read_reports(cohort)["summary"].to_list() == [GOOD.lower()] * COUNT


@pytest.mark.parametrize("number_of_signal", (signal.SIGINT, signal.SIGKILL))
def test_a_run_that_is_stopped_loses_nothing(cohort, tmp_path, number_of_signal):
    settings = {"cohort": cohort, "http.parallel": 1, "http.timeout": 60}
    with ChatServer(lambda report: GOOD if number(report) < 3 else 60.0) as server:
        running = start(tmp_path / "stopped", "clef.summarise", summariser=f"http:{server.url}", **settings)
        while len(server.questions) < 4:
            time.sleep(0.01)
        running.kill(number_of_signal)
        assert running.wait(20).code in (130, -signal.SIGKILL)
        read_reports(cohort)  # whole
        server.reply = lambda report: GOOD
        before = len(server.questions)
        assert ask(tmp_path / "again", cohort, server).code == 0
        assert len(server.questions) - before == COUNT - 3
    assert read_reports(cohort)["summary"].to_list() == [GOOD.lower()] * COUNT


def test_the_rules_fill_the_table_and_other_work_is_not_written_over_unasked(cohort, tmp_path):
    assert run(tmp_path / "rules", "clef.summarise", cohort=cohort).code == 0
    assert read_reports(cohort)["summary"].to_list() == [summarise(REPORT)] * COUNT
    with ChatServer(lambda report: GOOD) as server:
        assert ask(tmp_path / "model", cohort, server).code == 0  # the rules' may go: they are made again in no time
        prompt = tmp_path / "prompt.txt"
        prompt.write_text("# why\nSay it in short.\n{report}")
        refused = ask(tmp_path / "prompt", cohort, server, prompt=prompt)
        assert refused.code == 1 and refused.one_line and "replace=true" in refused.err
        assert ask(tmp_path / "replaced", cohort, server, prompt=prompt, replace="true").code == 0
        assert server.questions[-1]["messages"][0]["content"].startswith("Say it in short.\nHISTORY")
    assert read_table(cohort / "reports.parquet")["summary"].to_list() == [GOOD.lower()] * COUNT


@pytest.mark.parametrize(
    ("settings", "said"),
    (
        ({"summariser": "gpt"}, "there are: rules, impression, description, hf:FOLDER, http:URL"),
        ({"summariser": "http:http://127.0.0.1:1/v1"}, "cannot be reached"),
        ({"summariser": "http:http://127.0.0.1:1/v1#m", "prompt": "nowhere.txt"}, "prompt=nowhere.txt"),
        ({"summariser": "http:http://127.0.0.1:1/v1#m", "http.parallel": 0}, "http.parallel=0"),
    ),
)
def test_what_cannot_be_is_one_line(cohort, tmp_path, settings, said):
    done = run(tmp_path / "said", "clef.summarise", cohort=cohort, **settings)
    assert done.code == 1 and done.one_line and said in done.err
    assert read_reports(cohort)["summary"].null_count() == COUNT
