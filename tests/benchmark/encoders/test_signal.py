"""What is measured of a recording, and that it is measured once."""

import numpy as np
import pytest

from benchmark.encoders.quantities import feature_names
from benchmark.encoders.signal import MEASURED, measure
from tokenizer.base.tables import table_metadata, write_table
from tokenizer.channels import CHANNELS
from tokenizer.sessions import read_sessions


def test_levels_rise_with_alpha(recorded, tmp_path):
    measured = measure(recorded, read_sessions(recorded), tmp_path / "signal.parquet", 0.0, 0)
    assert measured.schema == MEASURED and measured["session_id"].to_list() == [f"s{i}" for i in range(6)]
    rows = [dict(zip(feature_names(), row, strict=True)) for row in measured["quantities"].to_list()[:5]]
    assert (np.diff([[row[f"level alpha {c}"] for c in CHANNELS] for row in rows], axis=0) > 0).all()
    assert (np.diff([row["alpha peak height"] for row in rows]) > 0).all()


def test_what_cannot_be_read_has_a_reason_and_is_counted(recorded, tmp_path, caplog):
    caplog.set_level("INFO")
    measured = measure(recorded, read_sessions(recorded), tmp_path / "signal.parquet", 0.0, 0)
    assert measured["refused"].null_count() == 5 and len(measured["refused"][5]) > 10
    assert measured.row(5, named=True)["quantities"] is None
    assert "1 of 6 recordings could not be used" in caplog.text


def test_a_second_measurement_reads_only_what_is_missing(recorded, tmp_path):
    sessions, path = read_sessions(recorded), tmp_path / "signal.parquet"
    whole = measure(recorded, sessions, path, 0.0, 0)
    before = path.stat().st_mtime_ns
    assert measure(tmp_path / "nowhere", sessions, path, 0.0, 0).equals(whole)
    assert path.stat().st_mtime_ns == before
    write_table(path, whole.head(5), table_metadata(path))  # as if stopped before the last one, which has no signal
    assert measure(recorded, sessions, path, 0.0, 0).equals(whole)
    assert measure(recorded, sessions, path, 2.0, 0)["quantities"][0].len() == len(feature_names(2.0)), "measured again"


def test_processes_measure_the_same(recorded, tmp_path):
    sessions = read_sessions(recorded)
    alone, two = (measure(recorded, sessions, tmp_path / f"{n}.parquet", 0.0, n) for n in (0, 2))
    assert two.equals(alone)


def test_the_amplifier_is_measured(recorded, tmp_path):
    row = measure(recorded, read_sessions(recorded), tmp_path / "s.parquet", 0.0, 0).row(4, named=True)
    assert row["channels"] == 18 and row["rate"] == 200 and row["seconds"] == pytest.approx(20)
    assert all(np.isfinite(row[name]) for name in ("slow", "floor", "mains", "seconds", "channels", "rate"))
