"""Recordings of planted people: names, birth dates, numbers and report phrases wherever a file can hold text.

Every planted word begins with CORE, so that one search finds each of them, even cut short; every birth date lies in
YEAR. What the first fifty files are called says nothing; the names of the others hold NAMED, as a person's name would
stand there. Half can be read, half are broken or have texts where numbers belong.
"""

import datetime
import itertools
import string
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from tokenizer.channels import CHANNELS
from tokenizer.edf.writer import LABELS, eeg, write_edf
from tools.fuzz.format_files import eeglab_fields, write_brainvision, write_gdf, write_persyst

CORE, YEAR = "zqxvlk", 1913
NAMED = "Wjqpfz"
"""In names of files and folders: what the owner of a cohort sees, and nobody else."""
RATE, SECONDS = 100, 12


@dataclass(frozen=True)
class Person:
    """One planted person; `word(kind)` is of eight letters and stands nowhere else."""

    number: int

    def word(self, kind: int) -> str:
        high, low = divmod(4 * self.number + kind, 26)
        return CORE.capitalize() + string.ascii_lowercase[high] + string.ascii_lowercase[low]

    @property
    def surname(self) -> str:
        return self.word(0)

    @property
    def born(self) -> datetime.date:
        return datetime.date(YEAR, self.number % 12 + 1, self.number % 28 + 1)

    @property
    def patient(self) -> str:
        """The patient field of EDF+."""
        return f"{self.word(2)} F {self.born:%d-%b-%Y} {self.surname}_{self.word(1)}".upper()

    @property
    def phrase(self) -> str:
        """What a report could say, and the rules for reports keep."""
        return f"Background: {self.word(3)} rhythm of 9 Hz. Sharp waves over the left temporal lobe, {self.word(3)}."

    @property
    def note(self) -> str:
        """A remark with everything in it."""
        return f"{self.surname}, {self.word(1)}, born {self.born:%d.%m.%Y} ({self.born}): {self.phrase}"


def make_recordings(folder: Path) -> list[Path]:
    """All of them, one person each."""
    kinds = ["EDF"] * 8 + ["labels beside"] + ["EDF+C"] * 4 + ["EDF+D"] * 3 + ["BDF"] * 3 + list(OTHERS)
    kinds += BROKEN + list(SPOILT)
    named = ["EDF", "EDF+C", "table", "BrainVision", "text", "cut in the data", "broken FIF"]
    return [make_one(folder, Person(i), kind, "" if i < len(kinds) else NAMED) for i, kind in enumerate(kinds + named)]


def make_one(folder: Path, person: Person, kind: str, called: str = "") -> Path:
    path = folder / f"rec{person.number:02d}{called}"
    if kind in OTHERS:
        return OTHERS[kind](path, person)
    if kind in SPOILT:
        return _spoil(OTHERS[kind.removeprefix("broken ")](path, person), *SPOILT[kind], person)
    if kind in ("EDF+C", "EDF+D"):
        return _annotated(path, person, kind)
    return _bdf(path, person) if kind == "BDF" else _edf_with(path, person, kind)


# ---- EDF and BDF
def _edf(path: Path, person: Person, **changes) -> Path:
    """An EDF file with the person in every field that takes text."""
    given = {"rate": RATE, "data": _signal(person), "patient": person.patient}
    given["recording"] = f"Startdate 03-FEB-2021 {person.word(2)} {person.word(1)} {person.surname}s_amplifier"
    return plant(write_edf(path.with_suffix(".edf"), **(given | changes)), person)


def plant(path: Path, person: Person) -> Path:
    """Put the person into the fields of an EDF file that describe its channels."""
    count = int(path.read_bytes()[252:256])
    for i in range(count):
        _put(path, 256 + 16 * count + 80 * i, f"AgAgCl {person.note}"[:80])
        _put(path, 256 + 136 * count + 80 * i, f"HP:0.1Hz {person.note}"[:80])
        _put(path, 256 + 224 * count + 32 * i, f"{person.surname} {person.born}"[:32])
    return path


def _signal(person: Person) -> np.ndarray:
    return eeg(SECONDS, RATE, seed=person.number)


def _put(path: Path, at: int, text: str | bytes) -> Path:
    data, text = bytearray(path.read_bytes()), text.encode("latin-1") if isinstance(text, str) else text
    data[at : at + len(text)] = text
    path.write_bytes(data)
    return path


def _annotated(path: Path, person: Person, kind: str) -> Path:
    """EDF+ with a text in every record; in EDF+D the second half comes five seconds later."""
    onsets = [t + (5 if kind == "EDF+D" and t >= SECONDS // 2 else 0) for t in range(SECONDS)]
    path = _edf(path, person, onsets=onsets, kind=kind)
    texts = [person.surname, person.word(3), f"{person.word(1)}ü", f"{person.born:%d.%m.%Y}", str(person.born), "HV"]
    for record, onset in enumerate(onsets):
        lists = f"+{onset}\x14\x14\0+{onset}.5\x151\x14{texts[record % len(texts)]}\x14\0".encode()
        _put(path, 256 * 21 + 2 * (19 * RATE + 30) * record + 2 * 19 * RATE, lists.ljust(60, b"\0"))
    return path


def _bdf(path: Path, person: Person) -> Path:
    """The same samples in 24 bits."""
    source = _edf(path, person).read_bytes()
    path.with_suffix(".edf").unlink()
    header = b"\xffBIOSEMI" + source[8:192] + b"24BIT " + person.surname.encode().ljust(38) + source[236 : 256 * 20]
    wide = np.frombuffer(source[256 * 20 :], "<i2").astype("<i4").view(np.uint8).reshape(-1, 4)
    path.with_suffix(".bdf").write_bytes(header + wide[:, :3].tobytes())
    return path.with_suffix(".bdf")


FIELDS = {"date": 168, "time": 176, "reserved": 192, "records": 236, "seconds": 244, "count": 252, "version": 0}
COLUMNS = {"unit": 96, "physical minimum": 104, "digital maximum": 128, "samples": 216}
CUTS = {"cut in the header": 700, "cut in the data": 256 * 20 + 5000}
BROKEN = [*FIELDS, *COLUMNS, *CUTS, "bipolar", "labels", "label of a flat one", "amplitude", "text", "untimed"]
BROKEN += ["words in a table"]


def _edf_with(path: Path, person: Person, how: str) -> Path:
    """An EDF file that is whole ("EDF"), or that has the person somewhere it should not."""
    word = person.surname
    if how in ("text", "words in a table"):
        path = path.with_suffix(".edf" if how == "text" else ".csv")
        head = "" if how == "text" else ",".join(CHANNELS) + "\n"
        path.write_text(head + f"{word} {person.note}{',' * 18 if head else ''}\n" * 20)
        return path
    if how == "untimed":
        return _put(_annotated(path, person, "EDF+D"), 256 * 21 + 2 * 19 * RATE, person.note.encode()[:60])
    path = _edf(path, person, **_changes(person, how))
    if how in FIELDS:
        _put(path, FIELDS[how], word[: 4 if how == "count" else 8])
    elif how in COLUMNS:
        _put(path, 256 + 19 * COLUMNS[how], word * 19)
    elif how in CUTS:
        path.write_bytes(path.read_bytes()[: CUTS[how]])
    elif how == "label of a flat one":
        _put(path, 256 + 19 * 104, word)
    return path


def _changes(person: Person, how: str) -> dict:
    word = person.surname
    if how == "labels beside":
        return {"labels": [*LABELS[:17], f"Fp1-{word}", f"{word} 1"]}
    if how == "bipolar":
        return {"labels": [f"{a}-{b}" for a, b in itertools.pairwise(CHANNELS)] + [word]}
    if how == "labels":
        return {"labels": [f"{word} {i}" for i in range(19)]}
    if how == "label of a flat one":
        return {"labels": [f"{name}-{word}" for name in CHANNELS]}
    return {"data": 40 * _signal(person), "limit": 1e6} if how == "amplitude" else {}


# ---- other formats
def _brainvision(path: Path, person: Person) -> Path:
    path = write_brainvision(path.with_suffix(".vhdr"), _signal(person), RATE)
    path.write_text(path.read_text() + f"\n[Comment]\nPatient {person.note}\n")
    markers = path.with_suffix(".vmrk")
    markers.write_text(markers.read_text().replace("Mr Doe opens his eyes", f"{person.surname} {person.born}"))
    return path


def _fif(path: Path, person: Person) -> Path:
    import mne

    raw = mne.io.RawArray(_signal(person) * 1e-6, mne.create_info(list(CHANNELS), RATE, "eeg"), verbose="error")
    raw.set_annotations(mne.Annotations([1, 2], [0, 1], [person.note, "BAD_ACQ_SKIP"]))
    names = {"his_id": person.word(2), "last_name": person.surname, "first_name": person.word(1)}
    raw.info["subject_info"] = names | {"birthday": person.born}
    raw.info["description"], raw.info["experimenter"] = person.note, person.surname
    path = path.with_name(f"{path.name}_raw.fif")
    raw.save(path, verbose="error")
    return path


def _eeglab(path: Path, person: Person) -> Path:
    from scipy.io import savemat

    fields = eeglab_fields(_signal(person), RATE, [(person.note, 100.0, 1.0)])
    fields |= {"subject": person.surname, "comments": person.note, "setname": person.word(1)}
    savemat(path.with_suffix(".set"), {"EEG": fields})
    return path.with_suffix(".set")


def _gdf(path: Path, person: Person) -> Path:
    path = write_gdf(path.with_suffix(".gdf"), _signal(person), RATE)
    return _put(_put(path, 8, f"{person.word(2)} {person.surname} {person.born}"), 92, person.word(1))


def _persyst(path: Path, person: Person) -> Path:
    path = write_persyst(path.with_suffix(".lay"), _signal(person), RATE)
    text = (
        path.read_text().replace("Jane", person.word(1)).replace("Doe", person.surname).replace("4711", person.word(2))
    )
    path.write_text(text.replace("not/a/date", f"{person.born:%m/%d/%Y}"))
    return path


def _table(path: Path, person: Person) -> Path:
    path = path.with_suffix(".csv")
    names = [*CHANNELS, f"{person.surname} {person.born}"]
    columns = np.vstack([_signal(person), np.zeros(RATE * SECONDS)])
    pl.DataFrame(columns.T.round(1), schema=names, orient="row").write_csv(path)
    return path


OTHERS = {
    **{"BrainVision": _brainvision, "FIF": _fif, "EEGLAB": _eeglab, "GDF": _gdf, "Persyst": _persyst},
    "table": _table,
}
SPOILT = {
    "broken BrainVision": (b"SamplingInterval=10000", "SamplingInterval={}"),
    "broken EEGLAB": (b"srate", "{:.5}"),
}
SPOILT |= {
    "broken Persyst": (b"SamplingRate=100", "SamplingRate={}"),
    "broken FIF": (None, ""),
    "broken GDF": (None, ""),
}


def _spoil(path: Path, text: bytes | None, by: str, person: Person) -> Path:
    """The file with its first `text` replaced, or cut after a third."""
    data = path.read_bytes()
    assert text is None or text in data
    by = by.format(person.surname).encode()
    path.write_bytes(data[: len(data) // 3] if text is None else data.replace(text, by, 1))
    return path
