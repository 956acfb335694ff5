"""The rig that serves a model: `clef.summarise` asks it across processes, and it goes wrong as it is told to."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from clef.cohort import read_reports
from clef.reports.rules import condense
from tests.clef.reports.summarisers.small_cohort import write_small_cohort
from tests.clef.reports.summarisers.tiny_model import PROMPT, REPORTS, SUMMARY, save_tiny
from tests.helpers import Done, run, start, wait_until

BY_RULES = [condense(report) for report in REPORTS]
COUNT = len(REPORTS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A model that answers every report with SUMMARY; the last report says nothing of seizures."""
    pytest.importorskip("transformers", reason="the rig needs transformers")
    return save_tiny(tmp_path_factory.mktemp("model"), REPORTS, PROMPT, both=True)


@contextmanager
def serving(said: Path, folder: Path, **settings: object) -> Iterator[str]:
    """The address of a server process."""
    server = start(said, "tools.serve_summariser", f"folder={folder}", port=0, **settings)
    try:
        assert wait_until(lambda: "listening" in (said / "err").read_text(), server)
        yield re.search(r"http://\S+", (said / "err").read_text())[0]
    finally:
        server.process.kill()
        server.process.join()


def summarise(tmp_path: Path, folder: Path, fault: str, **settings: object) -> tuple[Done, Path]:
    """How a run of clef.summarise ends that asks such a server."""
    cohort = write_small_cohort(tmp_path / "cohort", REPORTS)
    prompt = tmp_path / "prompt.txt"
    prompt.write_text(PROMPT)
    with serving(tmp_path / "server", folder, fault=fault, after=settings.pop("after", 0)) as url:
        given = {"http.retries": 1, "http.backoff": 0, "http.parallel": 1, "prompt": prompt} | settings
        done = run(tmp_path / "said", "clef.summarise", cohort=cohort, summariser=f"http:{url}", **given)
    assert "spells" not in done.err + (tmp_path / "server" / "err").read_text() and "Traceback" not in done.err
    return done, cohort


@pytest.mark.slow  # a process that imports transformers
def test_its_answers_are_checked_and_kept(tmp_path, folder):
    done, cohort = summarise(tmp_path, folder, "none")
    kept = read_reports(cohort)["summary"].to_list()
    assert done.code == 0 and "1 of them are by the rules" in done.err and "1  invented" in done.err
    assert kept == [SUMMARY, SUMMARY, BY_RULES[2]] and "align.summariser=" in done.err.splitlines()[-1]


@pytest.mark.slow
def test_nonsense_is_the_rules_and_counted(tmp_path, folder):
    done, cohort = summarise(tmp_path, folder, "nonsense")
    assert done.code == 0 and f"{COUNT}  empty" in done.err and "align.summariser=" in done.err.splitlines()[-1]
    assert read_reports(cohort)["summary"].to_list() == BY_RULES


@pytest.mark.slow
@pytest.mark.parametrize("fault", ("hang", "error", "html"))
def test_what_it_does_not_answer_is_counted_and_asked_for_again(tmp_path, folder, fault):
    patience = {"http.timeout": 1.0 if fault == "hang" else 60}
    done, cohort = summarise(tmp_path, folder, fault, **patience, **{"http.parallel": 4, "http.retries": 0})
    assert done.code == 1 and f"0 of {COUNT} reports have a summary" in done.err
    assert done.err.splitlines()[-1].startswith(f"{COUNT} reports were not answered; the same command")
    assert read_reports(cohort)["summary"].null_count() == COUNT
    with serving(tmp_path / "mended", folder, fault="nonsense") as url:
        again = run(tmp_path / "again", "clef.summarise", cohort=cohort, summariser=f"http:{url}")
    assert again.code == 0 and read_reports(cohort)["summary"].to_list() == BY_RULES


@pytest.mark.slow
def test_what_it_answered_before_it_failed_is_kept(tmp_path, folder):
    done, cohort = summarise(tmp_path, folder, "error", after=2)
    assert done.code == 1 and done.err.splitlines()[-1].startswith("1 reports were not answered")
    assert read_reports(cohort)["summary"].null_count() == 1
