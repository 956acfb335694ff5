"""What is measured of a recording, and that it is measured once."""

import numpy as np
import pytest

from benchmark.encoders.signal import ACQUISITION, BANDS, MEASURED, band_statistics, measure, used_bands
from tokenizer.base.tables import table_metadata, write_table
from tokenizer.channels import CHANNELS
from tokenizer.sessions import read_sessions


def test_levels_rise_with_alpha_and_a_missing_channel_is_nan(recorded, tmp_path):
    measured = measure(recorded, read_sessions(recorded), tmp_path / "signal.parquet", 0.0, 0)
    assert measured.schema == MEASURED and measured["session_id"].to_list() == [f"s{i}" for i in range(6)]
    levels = np.array(measured["level"].to_list()[:5]).reshape(5, len(BANDS), 19)
    alpha = levels[:, list(BANDS).index("alpha")]
    assert (np.diff(np.nanmean(alpha, 1)) > 1).all()
    assert np.argwhere(np.isnan(alpha)).tolist() == [[4, list(CHANNELS).index("O1")]]


def test_what_cannot_be_read_has_a_reason_and_is_counted(recorded, tmp_path, caplog):
    caplog.set_level("INFO")
    measured = measure(recorded, read_sessions(recorded), tmp_path / "signal.parquet", 0.0, 0)
    assert measured["refused"].null_count() == 5 and len(measured["refused"][5]) > 10
    assert measured.row(5, named=True)["level"] is None
    assert "1 of 6 recordings could not be read" in caplog.text


def test_a_second_measurement_reads_only_what_is_missing(recorded, tmp_path):
    sessions, path = read_sessions(recorded), tmp_path / "signal.parquet"
    whole = measure(recorded, sessions, path, 0.0, 0)
    before = path.stat().st_mtime_ns
    assert measure(tmp_path / "nowhere", sessions, path, 0.0, 0).equals(whole)
    assert path.stat().st_mtime_ns == before
    write_table(path, whole.head(5), table_metadata(path))  # as if stopped before the last one, which has no signal
    assert measure(recorded, sessions, path, 0.0, 0).equals(whole)
    assert measure(recorded, sessions, path, 2.0, 0)["level"][0].len() == 5 * 19, "other bands are measured again"


def test_processes_measure_the_same(recorded, tmp_path):
    sessions = read_sessions(recorded)
    alone, two = (measure(recorded, sessions, tmp_path / f"{n}.parquet", 0.0, n) for n in (0, 2))
    assert two.equals(alone)


def test_band_statistics_of_a_known_spectrum():
    """Level 7 dB in alpha and 0 elsewhere; half the frames 2 dB above, half 2 dB below."""
    spec = np.zeros((19, 128, 10))
    spec[:, 4 * 8 : 4 * 13] = 7
    spec[:, :, ::2] += 2
    spec[:, :, 1::2] -= 2
    statistics = band_statistics(spec, np.ones(19, bool))
    level = np.array(statistics["level"]).reshape(len(BANDS), 19)
    assert level[list(BANDS).index("alpha")] == pytest.approx(7) and level[list(BANDS).index("theta")] == pytest.approx(
        0
    )
    assert np.array(statistics["sd"]) == pytest.approx(2)


def test_blanking_cuts_bands():
    assert used_bands(0) == BANDS
    assert used_bands(3) == {name: band for name, band in BANDS.items() if name != "low delta"} | {"delta": (3, 4)}


def test_the_amplifier_is_measured(recorded, tmp_path):
    row = measure(recorded, read_sessions(recorded), tmp_path / "s.parquet", 0.0, 0).row(4, named=True)
    assert row["channels"] == 18 and row["rate"] == 200 and row["seconds"] == pytest.approx(20)
    assert all(np.isfinite(row[name]) for name in ACQUISITION)
