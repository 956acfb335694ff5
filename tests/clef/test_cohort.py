"""The cohort folder: what is written is read, each table once, and what does not fit is refused."""

import shutil

import polars as pl
import pytest

from clef.cohort import EVENTS, REPORTS, Cohort, read_events, read_reports, seal, write_cohort
from tests.helpers import calls_of
from tokenizer.sessions import read_sessions, write_sessions


def write(folder, codes=("ICD10CM//I10", "ATC//N03"), reports=("normal", "slow")):
    names = [f"s{i}" for i in range(len(codes))]
    sessions = pl.DataFrame(
        {"session_id": names, "subject_id": range(len(names)), "path": names, "split": ["train"] * len(names)}
    )
    events = pl.DataFrame({"subject_id": range(len(names)), "code": codes})
    table = pl.DataFrame({"session_id": names[: len(reports)], "text": reports}) if reports else None
    write_cohort(folder, "test", sessions, events, table, {"ICD10CM//I10": "Hypertension"})
    return folder


def test_tables_come_back(tmp_path):
    cohort = Cohort(write(tmp_path))
    assert cohort.sessions["session_id"].to_list() == ["s0", "s1"]
    assert cohort.events.schema == EVENTS and cohort.events["code"].to_list() == ["ICD10CM//I10", "ATC//N03"]
    assert cohort.reports.schema == REPORTS and cohort.reports["text"].to_list() == ["normal", "slow"]
    assert cohort.descriptions == {"ICD10CM//I10": "Hypertension"}
    assert cohort.events.equals(read_events(tmp_path)) and cohort.reports.equals(read_reports(tmp_path))


def test_each_table_is_read_once(tmp_path):
    cohort = Cohort(write(tmp_path))

    def ask():
        for _ in range(3):
            _ = cohort.reports, cohort.fingerprint, cohort.sessions, cohort.events

    assert calls_of((read_sessions, read_events), ask) == {"read_sessions": 1, "read_events": 1}


def test_the_fingerprint_follows_labels_and_not_paths(tmp_path):
    first, same, other = (Cohort(write(tmp_path / n)) for n in "abc")
    assert first.fingerprint == same.fingerprint
    moved = same.sessions.with_columns(path=pl.lit("elsewhere"))
    write_cohort(tmp_path / "b", "b", moved, same.events)
    assert Cohort(tmp_path / "b").fingerprint == first.fingerprint
    write(other.path, codes=("ICD10CM//I10", "ATC//N05"))
    assert Cohort(other.path).fingerprint != first.fingerprint


def test_events_may_name_their_session_and_older_cohorts_keep_their_name(tmp_path):
    older = Cohort(write(tmp_path / "a"))
    assert older.fingerprint == "10d08aafa306f03e", "as it was before there was the column"
    (write(tmp_path / "b") / "metadata" / "manifest.json").unlink()
    events = older.events.drop("session_id")
    events.write_parquet(tmp_path / "b" / "data" / "0.parquet")
    assert Cohort(tmp_path / "b").events.equals(older.events), "a table without the column is read"
    names = set()
    for sessions in (["s0", None], ["s0", "s1"], ["s1", "s1"]):
        named = events.with_columns(session_id=pl.Series(sessions, dtype=pl.String))
        write_cohort(tmp_path / "c", "c", older.sessions, named)
        assert Cohort(tmp_path / "c").events["session_id"].to_list() == sessions
        names.add(Cohort(tmp_path / "c").fingerprint)
    assert len(names) == 3 and older.fingerprint not in names


def test_a_cohort_without_reports_or_events_is_empty(tmp_path):
    cohort = Cohort(write(tmp_path, reports=()))
    (tmp_path / "data" / "0.parquet").unlink()
    seal(tmp_path)
    assert len(cohort.reports) == 0 and len(cohort.events) == 0


def test_a_report_of_no_session_is_refused(tmp_path):
    write(tmp_path)
    pl.DataFrame({"session_id": ["who"], "text": ["normal"]}).write_parquet(
        tmp_path / "reports.parquet", metadata={"clef.format": "1"}
    )
    seal(tmp_path)
    with pytest.raises(ValueError, match=r"1 reports name a session that is not in sessions.parquet"):
        _ = Cohort(tmp_path).reports


def test_a_folder_that_is_none_is_refused_when_asked(tmp_path):
    with pytest.raises(ValueError, match=r"no sessions.parquet in this folder"):
        _ = Cohort(tmp_path / "none").sessions


# ---- files that are not those that were written
def refusal(cohort, ask=lambda cohort: (cohort.sessions, cohort.events, cohort.reports)):
    with pytest.raises(ValueError) as caught:
        ask(Cohort(cohort))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", ("sessions.parquet", "data/0.parquet", "reports.parquet"))
def test_a_table_of_another_cohort_is_refused(tmp_path, name):
    mine, other = (
        write(tmp_path / "mine"),
        write(tmp_path / "other", codes=("ICD10CM//I10", "ATC//N05"), reports=("a", "b")),
    )
    other_sessions = Cohort(other).sessions.with_columns(age=pl.Series([5.0, 6.0]))
    write_sessions(other, other_sessions)
    shutil.copy(other / name, mine / name)
    assert f"{name} is not the file that metadata/manifest.json lists" in refusal(mine)


@pytest.mark.parametrize("name", ("data/0.parquet", "reports.parquet"))
def test_a_table_that_is_gone_is_refused(tmp_path, name):
    (write(tmp_path) / name).unlink()
    said = refusal(tmp_path)
    assert f"{name} is gone" in said and "clef.cohort.seal(" in said


def test_a_table_changed_on_purpose_can_be_accepted(tmp_path):
    cohort = Cohort(write(tmp_path))
    older = cohort.sessions.with_columns(age=pl.Series([5.0, 6.0], dtype=pl.Float32))
    older.write_parquet(tmp_path / "sessions.parquet", metadata={"clef.format": "2"})
    assert "sessions.parquet" in refusal(tmp_path)
    seal(tmp_path)
    assert Cohort(tmp_path).sessions.equals(older) and len(Cohort(tmp_path).events) == 2


def test_sessions_alone_can_be_written_again(tmp_path):
    cohort = Cohort(write(tmp_path))
    older = cohort.sessions.with_columns(age=pl.Series([5.0, 6.0], dtype=pl.Float32))
    write_sessions(tmp_path, older)
    assert Cohort(tmp_path).sessions.equals(older) and len(Cohort(tmp_path).reports) == 2


def test_a_cohort_made_by_hand_needs_no_manifest(tmp_path):
    cohort = Cohort(write(tmp_path))
    (tmp_path / "metadata" / "manifest.json").unlink()
    pl.DataFrame({"subject_id": [1], "code": ["ATC//A"]}).write_parquet(tmp_path / "data" / "1.parquet")
    assert len(cohort.events) == 3 and len(cohort.sessions) == 2


@pytest.mark.parametrize(
    "text", ("", "[]", '{"format": 1, "files": {"a": "b"}}', '{"format": 1}', '{"format": 1, "file": {}}')
)
def test_a_damaged_manifest_is_one_line(tmp_path, text):
    (write(tmp_path) / "metadata" / "manifest.json").write_text(text)
    assert "manifest.json: damaged" in refusal(tmp_path)


@pytest.mark.parametrize("text", ("{", "[]", "{}", '{"dataset_name": 3}', "\0"))
def test_odd_dataset_metadata_is_one_line(tmp_path, text):
    (write(tmp_path) / "metadata" / "manifest.json").unlink()
    (tmp_path / "metadata" / "dataset.json").write_text(text)
    assert "dataset.json: no MEDS dataset metadata" in refusal(tmp_path, lambda cohort: cohort.is_synthetic)


# ---- tables of other programs
def without_manifest(path):
    """The cohort of a table as others make it: no manifest says what belongs to it."""
    cohort = path.parent if path.parent.name not in ("data", "metadata") else path.parent.parent
    (cohort / "metadata" / "manifest.json").unlink()


def rewrite(path, change):
    without_manifest(path)
    table = change(pl.read_parquet(path))
    table.write_parquet(path, metadata={"clef.format": "1"})


DAMAGES = {
    "code is a number": ("data/0.parquet", lambda t: t.with_columns(code=pl.lit(7))),
    "code is empty": ("data/0.parquet", lambda t: t.with_columns(code=pl.lit(None, pl.String))),
    "no subjects": ("data/0.parquet", lambda t: t.drop("subject_id")),
    "subjects are words": ("data/0.parquet", lambda t: t.with_columns(subject_id=pl.lit("Smith"))),
    "subjects are fractions": ("data/0.parquet", lambda t: t.with_columns(subject_id=pl.lit(1.5))),
    "subjects are too large": ("data/0.parquet", lambda t: t.with_columns(subject_id=pl.lit(2**63, pl.UInt64))),
    "times are words": ("data/0.parquet", lambda t: t.with_columns(time=pl.lit("noon"))),
    "values are words": ("data/0.parquet", lambda t: t.with_columns(numeric_value=pl.lit("high"))),
    "text is a number": ("reports.parquet", lambda t: t.with_columns(text=pl.lit(1.5))),
    "text is empty": ("reports.parquet", lambda t: t.with_columns(text=pl.lit(None, pl.String))),
    "reports of nobody": ("reports.parquet", lambda t: t.drop("session_id")),
    "summaries are lists": ("reports.parquet", lambda t: t.with_columns(summary=pl.lit([1]))),
    "codes without codes": ("metadata/codes.parquet", lambda t: t.drop("code")),
    "words are numbers": ("metadata/codes.parquet", lambda t: t.with_columns(description=pl.lit(3))),
    "sessions are numbers": ("sessions.parquet", lambda t: t.with_columns(session_id=pl.lit(3))),
    "split is empty": ("sessions.parquet", lambda t: t.with_columns(split=pl.lit(None, pl.String))),
    "age is text": ("sessions.parquet", lambda t: t.with_columns(age=pl.lit("45 y"))),
    "no path": ("sessions.parquet", lambda t: t.drop("path")),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_table_that_does_not_fit_is_one_line_with_file_and_column(damage, tmp_path):
    name, change = DAMAGES[damage]
    cohort = Cohort(write(tmp_path))
    rewrite(tmp_path / name, change)
    with pytest.raises(ValueError) as caught:
        _ = cohort.events, cohort.reports, cohort.descriptions
    said = str(caught.value)
    assert "\n" not in said and said.startswith(str(tmp_path / name)) and "column '" in said and "Smith" not in said


def test_what_loses_nothing_is_taken(tmp_path):
    cohort = Cohort(write(tmp_path))
    change = {"subject_id": pl.col("subject_id").cast(pl.Int16), "code": pl.col("code").cast(pl.Categorical)}
    rewrite(tmp_path / "data" / "0.parquet", lambda t: t.with_columns(**change).drop("time", "numeric_value"))
    assert cohort.events.schema == EVENTS and cohort.events["code"].to_list() == ["ICD10CM//I10", "ATC//N03"]


@pytest.mark.parametrize("size", (0, 4, 100, 900))
def test_a_cut_table_is_one_line(size, tmp_path):
    cohort = Cohort(write(tmp_path))
    without_manifest(tmp_path / "sessions.parquet")
    for name in ("sessions.parquet", "data/0.parquet"):
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole[:size])
        with pytest.raises(ValueError, match="not a readable Parquet file"):
            _ = cohort.sessions, cohort.events
        (tmp_path / name).write_bytes(whole)
