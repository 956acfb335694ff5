"""clef.quality: a cohort's table and page, stopped runs, bad files, and the cohort of the good sessions."""

import os
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from clef.pages.quality import ROWS, _rows, draw
from clef.pages.quality_table import SCHEMA, read_quality
from clef.quality import QualityConfig, main
from tests.helpers import PATIENCE, ROOT, when_read
from tokenizer.channels import CHANNELS
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
    found = {row["session_id"]: row for row in table.unique("session_id").iter_rows(named=True)}
    assert found["good"]["session_flags"] == [] and found["common"]["session_flags"] == ["common mode"]
    assert "bad channels" in found["clipped"]["session_flags"] and found["broken"]["session_flags"] is None
    assert found["broken"]["reason"].startswith("begins with") and found["good"]["reason"] is None
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
    files["c"].unlink()
    os.mkfifo(files["c"])  # the reader waits here until it is stopped
    command = [sys.executable, "-m", "clef.quality", f"cohort={folder}", f"out={tmp_path / 'q'}", "workers=0"]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    writer = when_read(files["c"])
    running.send_signal(signal.SIGINT)
    os.close(writer)  # a signal that came just before the read is answered when the read ends
    _, said = running.communicate(timeout=PATIENCE)
    assert running.returncode == 130 and "goes on from here" in said and "Traceback" not in said
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


def random_table(sessions: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    random = np.random.default_rng(0)
    ids = [f"s{i:05d}" for i in range(sessions)]
    each = pl.DataFrame({"session_id": ids, "session_seconds": 1200.0, "session_flags": [[]] * sessions})
    each = each.with_columns(session_usable_seconds=1100.0, session_common_share=pl.Series(random.random(sessions)))
    each = each.with_columns(session_common_seconds=0.1)
    table = each.join(pl.DataFrame({"channel": CHANNELS, "recorded": True}), how="cross")
    shares = pl.Series(random.random(len(table)))
    table = table.with_columns(usable_share=shares, mains_share=shares, flags=pl.lit(["pops"]))
    table = table.with_columns(pl.lit(None, t).alias(c) for c, t in SCHEMA.items() if c not in table.columns)
    sites = pl.DataFrame({"session_id": ids, "site": [f"site {int(x)}" for x in random.exponential(4, sessions)]})
    return table.select(pl.col(c).cast(t) for c, t in SCHEMA.items()), sites


@pytest.mark.parametrize("sessions", (1, 3, 2000))
def test_the_page_is_one_page_for_any_number_of_sessions(tmp_path, sessions):
    import matplotlib.image

    table, sites = random_table(sessions)
    draw(table, sites, "name", tmp_path / "page.png")
    page = matplotlib.image.imread(tmp_path / "page.png")
    assert page.shape[:2] == (1232, 1760) and page[..., :3].std() > 0.05


def test_a_map_of_many_sessions_keeps_their_order_and_their_sites_apart():
    each = pl.DataFrame({"site": sorted(f"site {i % 7 if i % 50 else 8}" for i in range(5000))})
    rows = _rows(each)
    sites = [set(each["site"].to_numpy()[rows == row]) for row in range(rows.max() + 1)]
    assert all(len(site) == 1 for site in sites) and ROWS * 0.9 < len(sites) < ROWS * 1.2
    assert all(b - a in (0, 1) for a, b in pairwise(rows.tolist()))
    assert _rows(each.head(80)).tolist() == list(range(80))
