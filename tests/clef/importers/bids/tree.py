"""EEG-BIDS trees for tests, and what an import made of them."""

import json
import zlib
from pathlib import Path

import numpy as np
import polars as pl

from clef.cohort import read_events
from clef.importers.bids.importer import BidsImport, main
from tokenizer.channels import CHANNELS
from tokenizer.edf.writer import eeg, write_edf
from tokenizer.sessions import read_sessions, subject_number

SITE = "sma-hjerner"


def make_tree(root: Path, subjects: int, seconds: int = 30) -> None:
    """An EEG-BIDS tree of `subjects` people, half of them patients; every third was there twice.

    Columns for `targets=[group,phenotype/moca.total]`, `icd10=[diagnosis]` and `atc=[drugs]`. Of 12 people, two matched
    pairs at least stand in train and in test.
    """
    root.mkdir(parents=True, exist_ok=True)
    write_json(root / "dataset_description.json", Name="Små hjerner", BIDSVersion="1.10.0", DatasetType="raw")
    write_json(
        root / "participants.json",
        age={"Units": "years"},
        sex={"Levels": {"1": "male", "2": "female"}},
        group={"Levels": {"patient": "epilepsy, by two neurologists", "control": {"Description": "no disease"}}},
    )
    write_json(root / "task-rest_eeg.json", SamplingFrequency=200, RecordingType="continuous", EEGReference="Cz")
    people, moca = ["participant_id\tage\tsex\tgroup\tdiagnosis\tdrugs\thand"], ["participant_id\ttotal"]
    for number in range(1, subjects + 1):
        person, ill = f"sub-{number:02d}", number // 2 % 2
        codes = "patient\tG40.909; F32.9\tN03AX14" if ill else "control\tG43.009\tn/a"
        people.append(f"{person}\t{40 + number % 5}\t{1 + number % 3 // 2}\t{codes}\tright")
        moca.append(f"{person}\t{20 + number % 3}")
        for visit in ("ses-01", "ses-02") if number % 3 == 0 else ("ses-01",):
            add_visit(root, f"{person}_{visit}", seconds, f"2021-{visit[-2:]}-{1 + number % 28:02d}T09:30:00")
    write_lines(root / "participants.tsv", people)
    write_lines(root / "phenotype" / "moca.tsv", moca)


def add_visit(root: Path, name: str, seconds: int = 12, time: str | None = None, task: str = "rest") -> Path:
    """Write one recording to its place in the tree, `name` as sub-01 or sub-01_ses-02; with `time`, a scans.tsv."""
    folder = root.joinpath(*name.split("_"))
    (folder / "eeg").mkdir(parents=True, exist_ok=True)
    seed = zlib.crc32(name.encode())
    path = write_edf(folder / "eeg" / f"{name}_task-{task}_eeg.edf", eeg(seconds, seed=seed))
    if time:
        write_lines(folder / f"{name}_scans.tsv", ["filename\tacq_time", f"eeg/{path.name}\t{time}"])
    return path


def write_lines(path: Path, lines: list[str], encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding=encoding)
    return path


def write_json(path: Path, **fields) -> None:
    path.write_text(json.dumps(fields), encoding="utf-8")


def write_brainvision(path: Path, data: np.ndarray) -> Path:
    """Header, markers and samples: three files. `data` (19, n) in µV at 200 Hz."""
    head = "Brain Vision Data Exchange {} File, Version 1.0\n[Common Infos]\nCodepage=UTF-8\n"
    head += f"DataFile={path.stem}.eeg\n"
    layout = f"MarkerFile={path.stem}.vmrk\nDataFormat=BINARY\nDataOrientation=MULTIPLEXED\nNumberOfChannels=19\n"
    layout += "SamplingInterval=5000\n[Binary Infos]\nBinaryFormat=INT_16\n[Channel Infos]\n"
    channels = "\n".join(f"Ch{i}={name},,0.1,µV" for i, name in enumerate(CHANNELS, 1))
    path.write_text(head.format("Header") + layout + channels + "\n", encoding="utf-8")
    marks = "[Marker Infos]\nMk1=New Segment,,1,1,0,20210203123000000000\n"
    path.with_suffix(".vmrk").write_text(head.format("Marker").replace("Header", "Marker") + marks, encoding="utf-8")
    np.round(data.T * 10).astype("<i2").tofile(path.with_suffix(".eeg"))
    return path


def imported(root: Path, out: Path, **settings) -> pl.DataFrame:
    """The session table after an import."""
    main(BidsImport(root=root, out=out, **{"site": "here", "workers": 1, "key": "none"} | settings))
    return read_sessions(out)


def codes_of(out: Path, person: str, site: str = "here") -> list[str]:
    return read_events(out).filter(pl.col("subject_id") == subject_number(site, person))["code"].to_list()
