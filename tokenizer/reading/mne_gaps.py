"""Where time breaks in a recording that MNE reads: gaps that keep their place, and joins where time was cut out.

MNE gives one array without interruption, and what is missing in it formats say in ways of their own: `VENDORS` has a
function for each that does. A join whose length is known moves what follows to its true time; at any join the signal
is filtered apart. Samples that were never recorded are annotated BAD_ACQ_SKIP by MNE, whatever the format.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tokenizer.edf.records import LONGEST
from tokenizer.reading import brainvision
from tokenizer.reading.breaks import Breaks, Joins, Mark, annotation_rows, first_sample, joins_at, joins_between

DAY = 86_400
"""Seconds."""
_MNE_JOIN = re.compile(r"(?:BAD |EDGE )?boundary", re.IGNORECASE)
_EEGLAB_BOUNDARY = re.compile(r"boundary|-99(?:\.0)?", re.IGNORECASE)
_GDF_NEW_SEGMENT = re.compile(str(0x7FFE))
_PERSYST_TIMES = re.compile(r"^\[SampleTimes\]\s*$(.*?)(?=^\[|\Z)", re.MULTILINE | re.DOTALL | re.IGNORECASE)
_PERSYST_TIME = re.compile(r"^(\d+)=(\d+(?:\.\d*)?)\s*$", re.MULTILINE)


def find_breaks(raw: Any, path: Path | None) -> Breaks:
    """The breaks of an `mne.io.Raw`; `path` is its file, None for a recording in memory.

    Raises RecordingError if its file is damaged so that no sample is where it is expected.
    """
    vendor = VENDORS.get(type(raw).__name__, _others)(raw, path)
    # a clock that is a year ahead is damaged: there is a join, but its length is not known
    joins = {at: lost if lost is None or lost < LONGEST else None for at, lost in vendor.joins.items()}
    joins = {at: lost for at, lost in joins.items() if 0 < at < raw.n_times}
    notes = vendor.notes
    if unknown := sum(lost is None for lost in joins.values()):
        notes = [*notes, f"{unknown} joins where an unknown time is missing: what follows may be later than it seems"]
    return Breaks(_skips(raw), joins, notes)


def _skips(raw: Any) -> list[tuple[int, int]]:
    rate = raw.info["sfreq"]
    rows = [(onset - raw.first_time, length, text) for onset, length, text in annotation_rows(raw.annotations)]
    return [
        (round(onset * rate), round(onset * rate + length * rate))
        for onset, length, text in rows
        if text.upper().startswith("BAD_ACQ_SKIP")
    ]


# ---- the vendors: (an `mne.io.Raw`, its file) -> the joins and notes that its format has


def _others(raw: Any, path: Path | None) -> Breaks:
    """MNE's own mark, made where it puts recordings one after another."""
    return Breaks(joins=joins_at(raw, _MNE_JOIN))


def _edf(raw: Any, path: Path | None) -> Breaks:
    """An EDF file that somebody else opened: MNE puts its records one after another, whatever time they state."""
    notes = []
    if path is None and _is_discontinuous(Path(raw.filenames[0] or "")):
        notes = ["MNE joined the records of a discontinuous file (EDF+D): its gaps are lost; read it by its path"]
    return Breaks(joins=joins_at(raw, _MNE_JOIN), notes=notes)


def _is_discontinuous(file: Path) -> bool:
    if not file.is_file():
        return False
    with file.open("rb") as content:
        return b"+D" in content.read(256)[192:197]


def _eeglab(raw: Any, path: Path | None) -> Breaks:
    """Events called boundary (-99 where events are numbers), whose duration is that of the samples removed there."""
    joins = joins_at(raw, _EEGLAB_BOUNDARY)
    if joins and path:
        joins |= _eeglab_removed(path, raw.info["sfreq"])
    return Breaks(joins=joins)


def _eeglab_removed(path: Path, rate: float) -> Joins:
    """Boundaries as the file has them: of a recording that it has opened, MNE cuts annotations at the end."""
    import mne

    joins: Joins = {}
    for onset, removed, text in annotation_rows(mne.read_annotations(path)):
        if _EEGLAB_BOUNDARY.fullmatch(text):
            first = first_sample(onset, rate)
            joins[first] = ((joins.get(first) or 0.0) + removed) or None
    return joins


def _gdf(raw: Any, path: Path | None) -> Breaks:
    """Event 0x7ffe, a new segment; nothing says how much later it begins."""
    return Breaks(joins=joins_at(raw, _GDF_NEW_SEGMENT))


def _persyst(raw: Any, path: Path | None) -> Breaks:
    """The section [SampleTimes] of a layout file (samples and their time of day), which MNE does not use."""
    joins = joins_at(raw, _MNE_JOIN)
    if path is None:
        return Breaks(joins=joins)
    section = _PERSYST_TIMES.search(path.read_text("latin-1"))
    times = [(int(at), float(second)) for at, second in _PERSYST_TIME.findall(section[1] if section else "")]
    seconds = [second for _, second in times]
    if any(at >= raw.n_times for at, _ in times) or max(seconds, default=0) - min(seconds, default=0) >= LONGEST:
        notes = ["its sample times do not fit its samples: breaks in time, if there are any, are not known"]
        return Breaks(joins=joins, notes=notes)
    between = joins_between(_past_midnight(times), raw.info["sfreq"])
    # the section has a line every minute: one without missing time is no join
    return Breaks(joins=joins | {at: lost for at, lost in between.items() if lost != 0})


def _past_midnight(times: list[tuple[int, float]]) -> list[Mark]:
    """(sample, time of day in s) -> the same in seconds from the first midnight."""
    marks: list[Mark] = []
    latest = 0.0
    for at, time in times:
        while time < latest - DAY / 2:  # clocks are set back by less than half a day
            time += DAY
        marks.append((at, time))
        latest = time
    return marks


VENDORS: dict[str, Callable[[Any, Path | None], Breaks]] = {
    "RawEEGLAB": _eeglab,
    "RawBrainVision": brainvision.breaks,
    "RawGDF": _gdf,
    "RawPersyst": _persyst,
    "RawEDF": _edf,
    "RawBDF": _edf,
}
"""MNE's class for a format -> what reads its breaks; for all others there is MNE's own mark."""
