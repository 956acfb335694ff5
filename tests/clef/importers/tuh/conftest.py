"""Trees like TUAB and TUEG, with people who stand in both."""

from pathlib import Path

import pytest

from tests.clef.importers.tuh.tree import LINKED_EARS, OTHERS, recording
from tokenizer.edf.writer import eeg


@pytest.fixture(scope="session")
def tuab(tmp_path_factory) -> Path:
    """A tree like TUAB v3.0.1. The person aaaaaaaq is in train with a normal and an abnormal recording of one year."""
    root = tmp_path_factory.mktemp("abnormal") / "v3.0.1"
    recording(root / "edf/train/normal/01_tcp_ar/aaaaaaaq_s004_t000.edf", "F", "42", "2012")
    recording(root / "edf/train/abnormal/01_tcp_ar/aaaaaaaq_s005_t001.edf", "F", "43", "2012")
    for i, name in enumerate(("aaaaaaav", "aaaaaabb", "aaaaaacc", "aaaaaadd", "aaaaaaee", "aaaaaaff", "aaaaaagg")):
        folder = ("normal", "abnormal")[i % 2]
        recording(root / f"edf/train/{folder}/01_tcp_ar/{name}_s001_t000.edf", "M", str(20 + i))
    recording(root / "edf/eval/normal/01_tcp_ar/aaaaamye_s001_t000.edf", "F", "999", "2013")
    recording(root / "edf/eval/abnormal/01_tcp_ar/aaaaamyf_s002_t000.edf", "X", "0", "2013")
    for name in ("AAREADME.txt", "DOCS/electrodes.pdf", "DOCS/example.edf"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("not a recording")
    return root


@pytest.fixture(scope="session")
def tueg(tmp_path_factory) -> Path:
    """A tree like TUEG v2.0.1, in which two people of the TUAB tree stand again, one of its train, one of its eval."""
    root = tmp_path_factory.mktemp("eeg") / "v2.0.1"
    for visit in ("000/aaaaaaaq/s004_2012", "001/aaaaamye/s001_2013"):
        _, subject, session = visit.split("/")
        for token in ("t000", "t001"):
            recording(root / "edf" / visit / f"01_tcp_ar/{subject}_{session[:4]}_{token}.edf", year=session[5:])
    data = [*eeg(12), *eeg(12, channels=len(OTHERS), seed=5)]
    path = root / "edf/000/aaaaaaab/s001_2002/02_tcp_le/aaaaaaab_s001_t000.edf"
    recording(path, age="0.0109", year="2002", data=data, labels=[*LINKED_EARS, *OTHERS])
    path.with_suffix(".lbl").write_text("x")
    return root
