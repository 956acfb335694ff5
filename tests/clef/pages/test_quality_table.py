"""The table of a cohort's quality: rows put aside and taken up, the newest of a session, other settings refused."""

import polars as pl
import pytest

from clef.pages.quality_table import SCHEMA, Finished, read_quality, recording_name, refused_rows

SETTINGS = {"crop": "start", "min_channels": 8}


def rows(session: str, recording: str, reason: str | None = None) -> list[dict]:
    return [row | {"session_id": session, "recording": recording} for row in refused_rows(reason)]


def test_rows_put_aside_are_taken_up_and_the_newest_count(tmp_path):
    first = Finished(tmp_path, SETTINGS)
    first.add(rows("a", "1"))
    first.add(rows("b", "1", "is damaged"))
    again = Finished(tmp_path, SETTINGS)
    assert again.measured() == {"a": "1"}  # what could not be read is measured again
    again.add(rows("b", "2"))
    assert again.measured() == {"a": "1", "b": "2"}
    table = again.close(["b", "a", "never measured"])
    assert table["session_id"].unique(maintain_order=True).to_list() == ["b", "a"] and len(table) == 2 * 19
    assert read_quality(tmp_path / "quality.parquet").equals(table) and table.schema == pl.Schema(SCHEMA)
    assert [path.name for path in tmp_path.iterdir()] == ["quality.parquet"]
    assert Finished(tmp_path, SETTINGS).measured() == {"a": "1", "b": "2"}


def test_other_settings_are_refused(tmp_path):
    Finished(tmp_path, SETTINGS).add(rows("a", "1"))
    with pytest.raises(ValueError, match=r"measured with other settings: crop \(was start, now middle\)"):
        Finished(tmp_path, SETTINGS | {"crop": "middle"})


def test_a_table_that_lacks_columns_is_one_line(tmp_path):
    Finished(tmp_path, SETTINGS).close([])
    path = tmp_path / "quality.parquet"
    pl.read_parquet(path).drop("flags").write_parquet(path, metadata={"clef.format": "1"})
    with pytest.raises(ValueError, match="columns flags are missing"):
        read_quality(path)


def test_a_recording_that_changed_has_another_name(tmp_path):
    row = {"path": "a.edf", "reading": None}
    absent = recording_name(str(tmp_path), row)
    (tmp_path / "a.edf").write_bytes(b"x")
    present = recording_name(str(tmp_path), row)
    (tmp_path / "a.edf").write_bytes(b"xy")
    names = {
        absent,
        present,
        recording_name(str(tmp_path), row),
        recording_name(str(tmp_path), row | {"reading": "{}"}),
    }
    assert len(names) == 4
