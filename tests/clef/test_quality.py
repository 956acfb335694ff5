"""clef.quality: a cohort's table, stopped runs, bad files, and the cohort of the good sessions."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from clef.pages.quality_table import SCHEMA, read_quality
from clef.quality import QualityConfig, main
from tests.helpers import PATIENCE, ROOT, slow_recording
from tokenizer.edf.writer import eeg, write_edf
from tokenizer.reading.read import ReadingConfig, read
from tokenizer.sessions import read_sessions, write_sessions


def cohort(folder: Path, files: dict[str, np.ndarray | None]) -> Path:
    """A cohort of EDF files; None stands for one that is no recording."""
    (folder / "recordings").mkdir(parents=True)
    for name, samples in files.items():
        path = folder / "recordings" / f"{name}.edf"
        if samples is None:
            path.write_text("no recording " * 50)
        else:
            write_edf(path, samples)
    rows = [(name, i, f"recordings/{name}.edf", "AB"[i % 2], "train") for i, name in enumerate(files)]
    columns = ["session_id", "subject_id", "path", "site", "split"]
    write_sessions(folder, pl.DataFrame(rows, schema=columns, orient="row"))
    return folder


@pytest.fixture(scope="module")
def mixed(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("mixed")
    clipped, common = np.clip(eeg(30, seed=1), -50, 50), eeg(30, channels=1) + 0.2 * eeg(30, seed=1)
    return cohort(folder / "cohort", {"good": eeg(30), "broken": None, "clipped": clipped, "common": common})


@pytest.fixture(scope="module")
def out(mixed) -> Path:
    """The folder of a finished run; it exits with 1 since a recording cannot be read."""
    assert main(QualityConfig(str(mixed), str(mixed.parent / "q"), workers=0)) == 1
    return mixed.parent / "q"


def test_a_cohorts_table_and_page(out):
    table = read_quality(out / "quality.parquet")
    assert table.schema == pl.Schema(SCHEMA) and len(table) == 4 * 19
    assert table["session_id"].unique(maintain_order=True).to_list() == ["good", "broken", "clipped", "common"]
    rows = {row["session_id"]: row for row in table.unique("session_id").iter_rows(named=True)}
    assert rows["good"]["session_flags"] == [] and rows["common"]["session_flags"] == ["common mode"]
    assert "bad channels" in rows["clipped"]["session_flags"] and rows["broken"]["session_flags"] is None
    assert rows["broken"]["reason"].startswith("begins with") and rows["good"]["reason"] is None
    assert (out / "quality.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert sorted(p.name for p in out.iterdir()) == ["quality.parquet", "quality.png"]


def test_the_good_ones_become_a_cohort(out, mixed, tmp_path, caplog):
    caplog.set_level("INFO")
    assert main(QualityConfig(str(mixed), str(out), str(tmp_path / "good"), workers=0)) == 1
    assert "not read: broken: begins with" in caplog.text and "2 suspicious (" in caplog.text
    assert "(4 sessions, 1 of them measured now)" in caplog.text and "1 not read" in caplog.text
    kept = read_sessions(tmp_path / "good")
    assert kept["session_id"].to_list() == ["good"]
    assert read(kept["path"][0]).seconds == 30
    assert len(read_sessions(mixed)) == 4


def test_other_settings_and_the_cohort_itself_are_refused(out, mixed):
    with pytest.raises(ValueError, match=r"crop \(was start, now middle\)"):
        main(QualityConfig(str(mixed), str(out), reading=ReadingConfig(crop="middle")))
    with pytest.raises(ValueError, match="this is the cohort itself"):
        main(QualityConfig(str(mixed), str(out), good=str(mixed), workers=0))


def test_a_stopped_run_goes_on_and_measures_nothing_twice(tmp_path):
    names = ["a", "b", "c", "d"]
    folder = cohort(tmp_path / "cohort", {name: eeg(12, channels=8, seed=i) for i, name in enumerate(names)})
    files = {name: folder / "recordings" / f"{name}.edf" for name in names}
    content = files["c"].read_bytes()
    slow_recording(files["c"])  # the reader is stopped here
    command = [sys.executable, "-m", "clef.quality", f"cohort={folder}", f"out={tmp_path / 'q'}", "workers=0"]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    while "c.edf" not in Path(f"/proc/{running.pid}/maps").read_text() and running.poll() is None:
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=PATIENCE)
    assert running.returncode == 130 and "goes on from here" in said and "Traceback" not in said, said
    assert not (tmp_path / "q" / "quality.parquet").exists()
    files["c"].unlink()
    files["c"].write_bytes(content)
    for name in ("a", "b"):  # as long as before, but nothing that could be measured again
        files[name].write_bytes(bytes(files[name].stat().st_size))
    assert main(QualityConfig(str(folder), str(tmp_path / "q"), workers=0)) == 0
    table = read_quality(tmp_path / "q" / "quality.parquet")
    assert table["session_id"].unique(maintain_order=True).to_list() == names and table["reason"].is_null().all()
    files["d"].write_bytes(b"0" + files["d"].read_bytes())  # this one changed
    assert main(QualityConfig(str(folder), str(tmp_path / "q"), workers=0)) == 1
    table = read_quality(tmp_path / "q" / "quality.parquet").filter(pl.col("reason").is_not_null())
    assert table["session_id"].unique().to_list() == ["d"]
