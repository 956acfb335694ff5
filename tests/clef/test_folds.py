"""Folds of subjects: even, of every label some, drawn again the same, and refused where they do not fit."""

from collections import Counter

import polars as pl
import pytest

from clef.cohort import REPORTS, Cohort, write_cohort
from clef.folds import draw_folds, in_folds, read_folds, write_fold_cohort, write_folds

LABELS = ("a", "b")


@pytest.fixture
def cohort(tmp_path):
    """28 people of one site, half of them with each label; the first comes twice."""
    people = [*range(28), 0]
    sessions = pl.DataFrame(
        {
            "session_id": [f"s{i}" for i in range(29)],
            "subject_id": people,
            "path": [f"{i}.edf" for i in range(29)],
            "site": "here",
            "split": "train",
        }
    )
    codes = [f"LABEL//here//group//{LABELS[i % 2]}" for i in range(28)]
    events = pl.DataFrame({"subject_id": list(range(28)), "code": codes})
    write_cohort(tmp_path / "cohort", "people", sessions, events)
    return Cohort(tmp_path / "cohort")


def test_folds_are_even_and_have_as_many_of_each_label(cohort):
    table = draw_folds(cohort, 5, 0)
    of = dict(table.iter_rows())
    counts = [Counter(of[i] for i in range(28) if i % 2 == label) for label in (0, 1)]
    assert counts[0] == counts[1] and set(counts[0].values()) == {2, 3}
    assert draw_folds(cohort, 5, 0).equals(table) and not draw_folds(cohort, 5, 1).equals(table)


def test_people_who_are_all_different_are_shared_out_too(cohort):
    codes = [f"LABEL//here//group//{i}" for i in range(28)]
    cohort.events = pl.DataFrame({"subject_id": list(range(28)), "code": codes})
    sizes = draw_folds(cohort, 4, 0)["fold"].value_counts()["count"]
    assert sizes.max() - sizes.min() <= 2


def test_a_folds_cohort_holds_its_people_out_and_finds_the_recordings(cohort, tmp_path):
    table = draw_folds(cohort, 5, 0)
    write_fold_cohort(cohort, table, 2, 0, tmp_path / "fold")
    sessions = Cohort(tmp_path / "fold").sessions
    held_out = set(table.filter(pl.col("fold") == 2)["subject_id"])
    assert set(sessions.filter(pl.col("split") == "test")["subject_id"]) == held_out
    assert sessions.filter(pl.col("split") == "val")["subject_id"].n_unique() == 2
    assert sessions["path"][0] == str((tmp_path / "cohort" / "0.edf").resolve())
    assert Cohort(tmp_path / "fold").events.equals(cohort.events)
    named = cohort.events.with_columns(session_id=pl.Series([cohort.sessions["session_id"][0]] * len(cohort.events)))
    cohort.events = named
    write_fold_cohort(cohort, table, 2, 0, tmp_path / "named")
    assert Cohort(tmp_path / "named").events.equals(named)


def test_a_folds_cohort_has_reports_only_for_alignment(cohort, tmp_path):
    table = draw_folds(cohort, 5, 0)
    texts = cohort.sessions.select("session_id").with_columns(text=pl.lit("Normal."), summary=None, summariser=None)
    cohort.reports = texts.cast(REPORTS)
    for reports in (False, True):
        write_fold_cohort(cohort, table, 2, 0, tmp_path / str(reports), reports)
        assert len(Cohort(tmp_path / str(reports)).reports) == len(texts) * reports


def test_too_many_folds_are_refused(cohort):
    with pytest.raises(ValueError, match="28 subjects are too few for 15 folds"):
        draw_folds(cohort, 15, 0)


def test_sessions_take_the_fold_of_their_subject_and_strangers_are_refused(cohort, tmp_path):
    table = draw_folds(cohort, 5, 0)
    write_folds(tmp_path, table, {"folds": 5, "seed": 0})
    placed, count = in_folds(cohort.sessions, tmp_path)
    assert count == 5 and placed["split"][0] == placed["split"][28] == f"fold{dict(table.iter_rows())[0]}"
    write_folds(tmp_path, table.head(20), {"folds": 5, "seed": 0})
    with pytest.raises(ValueError, match="8 subjects of the cohort have no fold there"):
        in_folds(cohort.sessions, tmp_path)


def test_a_folder_without_folds_or_with_odd_ones_is_refused(cohort, tmp_path):
    with pytest.raises(ValueError, match=r"no folds\.parquet in this folder"):
        read_folds(tmp_path)
    for broken in ({"subject_id": [1, 1], "fold": [0, 1]}, {"subject_id": [1], "fold": [7]}):
        write_folds(tmp_path, pl.DataFrame(broken), {"folds": 5, "seed": 0})
        with pytest.raises(ValueError, match=r"expected one row per subject|a fold is none of 0 to 4"):
            read_folds(tmp_path)
