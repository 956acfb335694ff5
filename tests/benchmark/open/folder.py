"""A folder like that of the open data sets, with made-up recordings of a quarter of a minute."""

from pathlib import Path

import numpy as np

from tokenizer.channels import CHANNELS
from tokenizer.edf.writer import eeg, write_edf

PATIENTS = ("alzheimer", "healthy", "frontotemporal")


def write_open_data(root: Path, people: int = 3, seconds: float = 16) -> Path:
    """Write DATA with four data sets of so many people (the depressed also with eyes open); returns it."""
    dementia = ["subject,diagnosis,sex,age,mmse,seconds,file"]
    mood = ["subject,diagnosis,group,state,sex,age_years,rec_year,n_channels,seconds,file"]
    children, students = ["subject,diagnosis,group,seconds,file"], ["subject,age,sex,count_quality,file"]
    for i in range(people):
        kind, ill = PATIENTS[i % 3], i % 2
        score = 30 if kind == "healthy" else 10 + i
        dementia.append(f"sub-{i:03d},{kind},F,{60 + i},{score},{seconds},sub-{i:03d}_EC.edf")
        _write(root / "ds004504" / f"sub-{i:03d}_EC.edf", seconds + i, 95, seed=i, gain=1 + 2 * (kind == "alzheimer"))
        for state in ("EC", "EO"):
            diagnosis = "MDD" if ill else "healthy"
            mood.append(f"P{i:02d},{diagnosis},{ill},{state},M,30,2013,20,{seconds},P{i:02d}_{state}.edf")
            _write(root / "mdd_husm" / f"P{i:02d}_{state}.edf", seconds, 256, seed=100 + i)
        children.append(f"A{i:02d},{'ADHD' if ill else 'control'},{ill},{seconds},A{i:02d}.csv")
        _write_table(root / "adhd_nasrabadi" / f"A{i:02d}.csv", seconds, seed=200 + i)
        students.append(f"Subject{i:02d},20,F,1,Subject{i:02d}_rest.edf")
        _write(root / "eegmat" / f"Subject{i:02d}_rest.edf", seconds, 500, seed=300 + i)
    tables = {"ds004504": dementia, "mdd_husm": mood, "adhd_nasrabadi": children, "eegmat": students}
    for name, lines in tables.items():
        (root / name / "labels.csv").write_text("\r\n".join(lines) + "\r\n")
    return root


def _write(path: Path, seconds: float, rate: int, seed: int, gain: float = 1.0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_edf(path, gain * eeg(seconds, rate, seed=seed), rate)


def _write_table(path: Path, seconds: float, seed: int) -> None:
    """Numbers in 0.1 µV under the names of electrodes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header, values = ",".join(CHANNELS), 10 * eeg(seconds, 128, seed=seed)
    np.savetxt(path, values.T, "%.0f", ",", header=header, comments="")
