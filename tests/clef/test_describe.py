"""clef.describe: tables of recordings and cohorts, stopped runs, bad files."""

import polars as pl
import pytest

from clef.describe import DescribeConfig, main
from clef.descriptions.statements import KINDS, SCOPES
from clef.descriptions.table import SCHEMA, read_descriptions
from tests.clef.test_quality import cohort
from tokenizer.base.cli import ConfigError
from tokenizer.edf.writer import eeg


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """A cohort with a good recording, one that is none, and one that is good."""
    return cohort(tmp_path_factory.mktemp("describe") / "cohort", {"a": eeg(25), "b": None, "c": eeg(12, seed=1)})


@pytest.fixture(scope="module")
def out(archive):
    """The folder of a finished run; it exits with 1 since a recording cannot be read."""
    assert main(DescribeConfig(str(archive.parent / "out"), cohort=str(archive), workers=0)) == 1
    return archive.parent / "out"


def test_the_table_has_every_session_at_every_scope(out):
    table = read_descriptions(out / "descriptions.parquet")
    assert table.schema == pl.Schema(SCHEMA)
    assert table["session_id"].unique(maintain_order=True).to_list() == ["a", "b", "c"]
    assert set(table["kind"]) <= set(KINDS) and set(table.filter(session_id="a")["scope"]) == set(SCOPES)
    broken = table.filter(session_id="b").row(0, named=True)
    assert broken["kind"] == "recording" and broken["present"] is None and broken["forbidden"].startswith("begins with")
    assert table.filter(scope="segment", session_id="a", kind="power")["start"].to_list() == [0.0, 10.0]
    measured = table.filter(pl.col("forbidden").is_null() & (pl.col("kind") == "power"))
    assert measured["numbers"].list.len().min() >= 4 and measured["present"].all()
    assert sorted(p.name for p in out.iterdir()) == ["descriptions.parquet", "descriptions.txt"]


def test_the_text_says_what_it_is_not(out):
    text = (out / "descriptions.txt").read_text()
    assert text.startswith("For research only") and "diagnosis" in text.splitlines()[0]
    assert "\nb\nRecording: not described (begins with" in text


def test_the_same_command_describes_what_is_new_or_could_not_be_read(archive, out):
    before = (out / "descriptions.parquet").read_bytes()
    assert main(DescribeConfig(str(out), cohort=str(archive), workers=0)) == 1
    assert (out / "descriptions.parquet").read_bytes() == before
    with pytest.raises(ValueError, match="described with other settings: finest"):
        main(DescribeConfig(str(out), cohort=str(archive), finest="session"))


def test_a_recording_and_a_folder_are_called_by_their_files(archive, tmp_path):
    folder = archive / "recordings"
    one = DescribeConfig(str(tmp_path / "one"), recordings=str(folder / "a.edf"), finest="session")
    assert main(one) == 0
    table = read_descriptions(tmp_path / "one" / "descriptions.parquet")
    assert set(table["session_id"]) == {"a.edf"} and set(table["scope"]) == {"session"}
    assert main(DescribeConfig(str(tmp_path / "all"), recordings=str(folder), finest="session")) == 1
    assert set(read_descriptions(tmp_path / "all" / "descriptions.parquet")["session_id"]) == {
        "a.edf",
        "b.edf",
        "c.edf",
    }


@pytest.mark.parametrize("settings", ({}, {"recordings": "x", "cohort": "y"}))
def test_one_of_both_sources_is_needed(tmp_path, settings):
    with pytest.raises(ConfigError, match="either recordings=FILE_OR_DIR or cohort=COHORT"):
        main(DescribeConfig(str(tmp_path), **settings))


def test_a_path_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(ValueError, match="there is no such file or folder"):
        main(DescribeConfig(str(tmp_path), recordings=str(tmp_path / "none")))
