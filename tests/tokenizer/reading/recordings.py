"""One recording in every format, and what a source makes of it; shared by the tests of reading."""

import numpy as np
import pytest

from tokenizer.channels import CHANNELS
from tokenizer.edf.writer import eeg, write_edf
from tokenizer.reading.formats import open_source
from tools.fuzz.format_files import STEP, write_brainvision, write_eeglab, write_eeglab_hdf5, write_gdf, write_persyst

SIGNAL = eeg(30)
"""(19, 6000) µV at 200 Hz."""
NAMES = list(CHANNELS)


def samples(source, **stated) -> np.ndarray:
    """(19, n) µV in CLEF's order, as a source gives them piece by piece."""
    file = open_source(source, stated.get("rate"), stated.get("unit"))
    n = sum(segment.samples for segment in file.segments(200))
    halves = [[file.load(c, a, b - a) for c in range(19)] for a, b in ((0, n // 2), (n // 2, n))]
    assert all(len(x) == 19 and x[0].dtype == np.float32 for x in halves)
    return np.concatenate(halves, axis=1)


def onsets(source, **stated) -> list[tuple[int, float]]:
    """(first sample, s) of every segment."""
    segments = open_source(source, stated.get("rate"), stated.get("unit")).segments(200)
    return [(segment.first, round(segment.onset, 6)) for segment in segments]


def raw_of(signal, **about):
    import mne

    raw = mne.io.RawArray(signal * 1e-6, mne.create_info(NAMES, 200, "eeg"), verbose="error")
    raw.set_meas_date(about.get("date"))
    return raw


def write_fif(path, signal):
    raw_of(signal).save(path, verbose="error", fmt="double")
    return path


def write_csv(path, signal, separator=",", comma=False, names=NAMES, digits=2):
    rows = [separator.join(f"{x:.{digits}f}" for x in row) for row in signal.T]
    text = "\n".join(rows).replace(".", ",") if comma else "\n".join(rows)
    path.write_text(separator.join(names) + "\n" + text + "\n", encoding="utf-8")
    return path


WRITERS = {
    "a.edf": lambda p: write_edf(p, SIGNAL),
    "plus.edf": lambda p: write_edf(p, SIGNAL, onsets=[float(i) for i in range(30)]),
    "plus_d.edf": lambda p: write_edf(p, SIGNAL, onsets=[float(i) for i in range(30)], kind="EDF+D"),
    "a.rec": lambda p: write_edf(p, SIGNAL),
    "a.bdf": lambda p: write_edf(p, SIGNAL, bits=24),
    "micro.vhdr": lambda p: write_brainvision(p, SIGNAL),
    "milli.vhdr": lambda p: write_brainvision(p, SIGNAL / 1e3, unit="mV", resolution=STEP / 1e3),
    "none.vhdr": lambda p: write_brainvision(p, SIGNAL, unit=""),
    "vector.vhdr": lambda p: write_brainvision(p, SIGNAL, layout="VECTORIZED"),
    "struct.set": lambda p: write_eeglab(p, SIGNAL),
    "fields.set": lambda p: write_eeglab(p, SIGNAL, form="fields"),
    "fdt.set": lambda p: write_eeglab(p, SIGNAL, form="fdt"),
    "hdf5.set": lambda p: pytest.importorskip("h5py") and write_eeglab_hdf5(p, SIGNAL),
    "a_raw.fif": lambda p: write_fif(p, SIGNAL),
    "a_raw.fif.gz": lambda p: write_fif(p, SIGNAL),
    "micro.gdf": lambda p: write_gdf(p, SIGNAL),
    "milli.gdf": lambda p: write_gdf(p, SIGNAL / 1e3, unit=4274),
    "volt.gdf": lambda p: write_gdf(p, SIGNAL / 1e6, unit=4256),
    "nano.gdf": lambda p: write_gdf(p, SIGNAL * 1e3, unit=4276),
    "old.gdf": lambda p: write_gdf(p, SIGNAL, unit="uV"),
    "old_milli.gdf": lambda p: write_gdf(p, SIGNAL / 1e3, unit="mV"),
    "a.lay": lambda p: write_persyst(p, SIGNAL),
    "a.csv": lambda p: write_csv(p, SIGNAL),
    "a.tsv": lambda p: write_csv(p, SIGNAL, "\t"),
    "semicolon.csv": lambda p: write_csv(p, SIGNAL, ";", comma=True),
    "a.txt": lambda p: write_csv(p, SIGNAL, "\t", comma=True),
}
