"""Trees laid out like the TUH corpora for tests, and what an import made of them."""

from pathlib import Path

import polars as pl

from clef.importers.tuh.importer import TUHImport, main
from tokenizer.channels import CHANNELS
from tokenizer.edf.writer import eeg, write_edf
from tokenizer.sessions import read_sessions, split_of, subject_number

LINKED_EARS = [f"EEG {name.upper()}-LE" for name in CHANNELS]


OTHERS = ["EEG A1-LE", "EEG EKG-LE", "PHOTIC PH", "DC1-DC", "BURSTS", "SUPPR", "EEG 27-LE", "PULSE RATE"]


def recording(path: Path, sex: str = "F", age: str = "42", year: str = "2012", seconds: int = 12, **settings) -> Path:
    """A recording with a header as TUH writes it since 2024: the day and the time of the start are placeholders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    name = path.name.split("_")[0]
    header = {
        "patient": f"{name} {sex} 01-JAN-0000 {name} Age:{age}",
        "recording": f"Startdate 01-JAN-{year} {path.stem[:13]} XXX X",
        "start": "01.01.8500.00.00",
    }
    data = settings.pop("data", None)
    return write_edf(path, eeg(seconds, seed=sum(path.name.encode())) if data is None else data, **(header | settings))


def make_tree(root: Path, subjects: int, seconds: int = 30) -> None:
    """A corpus like TUAB v2.0.0, the last with reports: a third of the people in eval, some of train will be val.

    In each split every second person is abnormal, and of the sex and about the age of the one before.
    """
    splits = [("train", "test", "train", "val", "train", "test")[i % 6] for i in range(subjects)]
    for i, (name, split) in enumerate(zip(names(splits), splits, strict=True)):
        pair, abnormal = divmod(splits[:i].count(split), 2)
        pathology = ("normal", "abnormal")[abnormal]
        visit = f"s001_20{10 + i % 6}_03_{1 + i % 28:02d}"
        part = "eval" if split == "test" else "train"
        folder = root / "edf" / part / pathology / "01_tcp_ar" / name[2:5] / name / visit
        person = {"sex": "FM"[pair % 2], "age": str(30 + pair % 40 + abnormal)}
        recording(folder / f"{name}_s001_t000.edf", data=eeg(seconds, seed=i), **person)
        finding = ("Posterior rhythm of 10 Hz.", "Diffuse slowing of the background.")[abnormal]
        report = f"DESCRIPTION OF THE RECORD:\n{finding}\nIMPRESSION: {pathology} EEG.\n"
        (folder / f"{name}_s001.txt").write_text(report)
    (root / "_AAREADME.txt").write_text("File: _AAREADME.txt\n")


def names(splits: list[str]) -> list[str]:
    """Names of people whom the seeded share puts where `splits` says; those of eval, test, are free."""
    chosen, number = [], 0
    while len(chosen) < len(splits):
        name, number = f"{number:08d}", number + 1
        if splits[len(chosen)] in ("test", split_of(subject_number("tuh", name), 0, 0.9, 1.0)):
            chosen.append(name)
    return chosen


def run(root: Path, out: Path, **settings) -> pl.DataFrame:
    main(TUHImport(root=root, out=out, workers=2, **settings))
    return read_sessions(out)
