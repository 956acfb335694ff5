"""Planted names, dates and report phrases of recordings and tables are in nothing that any program writes or says."""

import socket
from pathlib import Path

import polars as pl
import pytest
import zarr

from clef.__main__ import programs
from clef.cohort import read_reports
from clef.network.bpe import learn
from clef.reports.summarisers import report_summaries
from tests.helpers import ROOT, Done
from tests.leaks import found_in, leaks
from tests.planted import CORE, NAMED, Person
from tests.planted_runs import RUNS, At, make_planted, run_all
from tests.programs import help_of
from tokenizer.base.files import write_json
from tokenizer.base.tables import write_table
from tokenizer.sessions import read_sessions
from tokenizer.store import TokenStore

OWNED = ("cohort", "bids", "tuh", "heedb", "crossfit/fold0/cohort", "crossfit/fold1/cohort", "tuab/cohort")
"""Folders of cohorts, which stay with their owner: they say where the recordings are."""
IDS = ("embed_files.parquet",)
"""What calls sessions by their files, because it was made from files without a cohort."""


@pytest.fixture(scope="module")
def planted(tmp_path_factory) -> Path:
    """Planted recordings, tables and trees."""
    folder = tmp_path_factory.mktemp("planted")
    make_planted(folder)
    return folder


@pytest.fixture(scope="module")
def made(planted, tmp_path_factory) -> tuple[Path, dict[str, Done]]:
    """What every program makes of them in out/, what they said in said/, and how each ended."""
    base = tmp_path_factory.mktemp("made")
    return base, run_all(At(planted, base / "out", base / "said"))


def test_every_program_has_a_row():
    written = {*programs(), "tools.bundle"}  # of the tools, the one whose work is published
    assert {row.program for row in RUNS} == written, "a row in tests/planted_runs.py for every program"


def test_every_program_read_the_files_to_the_end(made):
    base, done = made
    check_ends(done)
    store = TokenStore(base / "out" / "tokens.zarr")
    assert len(store.load()) >= 25 and store.refused()


def check_ends(done: dict[str, Done]) -> None:
    codes = {row.name: row.code for row in RUNS}
    for name, ended in done.items():
        assert ended.code == codes[name], f"{name}: {ended.err}"
        assert "Traceback" not in ended.err, f"{name}: {ended.err}"


@pytest.mark.slow
def test_nothing_planted_is_in_what_slow_programs_write_and_say(planted, made):
    check_ends(run_all(At(planted, made[0] / "out", made[0] / "said"), slow=True))
    check_nothing_planted(made[0])


def test_nothing_planted_is_in_any_output_log_or_error(made):
    check_nothing_planted(made[0])


def check_nothing_planted(base: Path) -> None:
    assert leaks(base, without=tuple(base / "out" / name / "reports.parquet" for name in OWNED)) == []


def test_names_in_names_of_files_stay_with_the_cohort_and_on_the_terminal(made):
    base, _ = made
    assert not any(NAMED in name for name in read_sessions(base / "out" / "cohort")["session_id"])
    assert leaks(base / "out", tuple(base / "out" / name for name in OWNED + IDS), NAMED) == []
    assert leaks(base / "said" / "deidentify", (), NAMED) == [], "its log is what people send with a question"
    assert leaks(base / "out" / "cohort", (), NAMED) and leaks(base / "said" / "inpaint_broken", (), NAMED)


def test_help_names_no_machine_and_no_user():
    for name in programs():
        text = help_of(name)
        for word in (str(ROOT), str(Path.home()), socket.gethostname()):
            assert len(word) < 3 or word not in text, f"{name}: {word}"


def test_rare_words_of_reports_were_there_to_be_learned(made):
    base, _ = made
    summaries = report_summaries(read_reports(base / "out" / "cohort"))
    assert len(summaries) >= 25 and all(found_in(text.encode()) for text in summaries.values())
    assert found_in(str(learn([[text] for text in summaries.values()], 4000, 1).to_json()).encode())


def test_the_search_finds_what_is_planted(planted, tmp_path):
    lines = leaks(planted)
    for path in planted.glob("rec*"):
        alone = path.suffix in (".eeg", ".dat")
        assert alone or any(line.startswith(path.name) for line in lines), path.name
    person = Person(3)
    write_table(tmp_path / "t.parquet", pl.DataFrame({"a": [[None, person.surname]]}), {"b": str(person.born)})
    group = zarr.open_group(tmp_path / "t.zarr", mode="w", zarr_format=3)
    group.create_array("reason", data=pl.Series(list(person.note.encode())).cast(pl.UInt8).to_numpy())
    write_json(tmp_path / "t.json", {"a": f"{person.born:%d.%m.%Y}"})
    lines = "\n".join(leaks(tmp_path))
    for place in ("t.parquet, cells", "t.parquet, metadata", "reason/zarr.json, array", "t.json, bytes"):
        assert place in lines, place


@pytest.mark.parametrize(
    "text",
    (
        *(CORE.upper(), f"x{CORE}y", CORE.encode("utf-16-le"), "1913-05-02", "02.05.1913", "2 May 1913", "02-MAY-1913"),
        *("19130502", "05/02/1913", "02051913", "02.05.13", "May 2, 1913"),
    ),
)
def test_the_search_knows_spellings(text):
    data = text if isinstance(text, bytes) else text.encode()
    assert found_in(b"a: " + data + b", b") and not found_in(b"0.19130502 1913 2021-05-02 12.02.0513")
    assert not found_in(b"f2ed5ec499619138c58f61fccae08cea9360155586e8221")  # a digest of nobody
