"""A table of what CLEF, mne, edfio and pyedflib make of the same recordings: seconds, channels, gaps, or the error.

    python -m tools.compare_readers recordings=DIR out=table.md

One line per recording in DIR (not below it), as a Markdown table. A `manifest.csv` in DIR with the columns `file` and
`what` says what each is. Readers that are not installed are named as such: `pip install pyedflib` for the last column.
"""

import contextlib
import csv
import io
import logging
import platform
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from clef import __version__
from tokenizer.base.cli import program
from tokenizer.base.files import write_text
from tokenizer.base.progress import track
from tokenizer.base.values import MISSING
from tokenizer.reading.formats import EDF_SUFFIXES, open_source, recording_suffixes
from tokenizer.reading.read import read
from tokenizer.recording import RecordingError

log = logging.getLogger(__name__)

SUFFIXES = (*recording_suffixes(), ".eeg")
OTHER_FORMAT = "not its format"


@dataclass
class CompareReaders:
    recordings: Path = MISSING
    """A folder with recordings."""
    out: Path = MISSING
    """The Markdown file to write."""


def main(config: CompareReaders) -> int:
    """Open every recording with every reader, and write the table."""
    files = sorted(path for path in config.recordings.glob("*") if path.name.lower().endswith(SUFFIXES))
    if not files:
        raise ValueError(f"recordings={config.recordings}: no recording here; looked for {', '.join(SUFFIXES)}")
    known = _descriptions(config.recordings / "manifest.csv")
    readers = {"clef-eeg": ours, "mne": mne, "edfio": edfio, "pyedflib": pyedflib}
    lines = [["recording", "what it is", *(_title(name) for name in readers)], ["---"] * (2 + len(readers))]
    for path in track(files, "recordings"):
        lines.append(
            [f"`{path.name}`", known.get(path.name, ""), *(_cell(reader, path) for reader in readers.values())]
        )
    table = "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)
    write_text(config.out, f"{table}\n\nPython {platform.python_version()}, {datetime.now():%B %Y}.\n")
    log.info("%s: %d recordings, %d readers", config.out, len(files), len(readers))
    return 0


def ours(path: Path) -> str:
    """What `tokenizer.reading.formats.open_source` reads, and whether `tokenizer.read` takes it."""
    try:
        file = open_source(path, None, None)
    except RecordingError as error:
        return f"refused: {_short(error.reason)}"
    segments = file.segments(max(file.rates))
    last, rate = segments[-1], max(file.rates)
    seconds = sum(segment.samples for segment in segments) / rate
    gaps = f" in {len(segments)} pieces over {last.onset + last.samples / rate:.10g} s" if len(segments) > 1 else ""
    return f"{_summary(seconds, file.rates, file.start, gaps)}; {_taken(path)}"


def mne(path: Path) -> str:
    """What `mne.io.read_raw` finds."""
    from mne.io import read_raw

    raw = read_raw(path, preload=False, verbose="error")
    return _summary(raw.n_times / raw.info["sfreq"], [raw.info["sfreq"]] * len(raw.ch_names), raw.info["meas_date"])


def edfio(path: Path) -> str:
    """What `edfio.read_edf` or `read_bdf` finds; seconds are those of its longest signal."""
    from edfio import read_bdf, read_edf

    if path.suffix.lower() not in EDF_SUFFIXES:
        return OTHER_FORMAT
    file = (read_bdf if path.suffix.lower() == ".bdf" else read_edf)(path)
    seconds = max((len(signal.digital) / signal.sampling_frequency for signal in file.signals), default=0.0)
    return _summary(seconds, [signal.sampling_frequency for signal in file.signals], file.startdatetime)


def pyedflib(path: Path) -> str:
    """What `pyedflib.EdfReader` finds; seconds are those of its longest signal."""
    from pyedflib import EdfReader

    if path.suffix.lower() not in EDF_SUFFIXES:
        return OTHER_FORMAT
    with contextlib.redirect_stdout(io.StringIO()), EdfReader(str(path)) as file:
        rates = [file.getSampleFrequency(i) for i in range(file.signals_in_file)]
        seconds = max((n / rate for n, rate in zip(file.getNSamples(), rates, strict=True)), default=0.0)
        return _summary(seconds, rates, file.getStartdatetime())


def _cell(reader: Callable[[Path], str], path: Path) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return reader(path)
    except ImportError as error:
        return f"not installed ({error.name})"
    except Exception as error:  # whatever a reader raises is what the table is about
        return f"error: {type(error).__name__}"


def _summary(seconds: float, rates: list[float], start: datetime | None, more: str = "") -> str:
    """Seconds of signal, channels, their rates, and the start if it is not on a whole second."""
    hertz = " to ".join(f"{rate:g}" for rate in sorted({min(rates), max(rates)})) if rates else ""
    fraction = f", starts at second {start:%S.%f}".rstrip("0") if start and start.microsecond else ""
    return f"{seconds:.7g} s{more}, {len(rates)} channels" + (f" at {hertz} Hz" if hertz else "") + fraction


def _taken(path: Path) -> str:
    try:
        session = read(path)
    except RecordingError as error:
        return f"no session: {_short(error.reason)}"
    return f"a session of {session.channel_ok.sum()} electrodes"


def _short(reason: str) -> str:
    return reason.partition(";")[0].partition(" (")[0]


def _title(package: str) -> str:
    try:
        return f"{package} {__version__ if package == 'clef-eeg' else version(package)}"
    except PackageNotFoundError:
        return package


def _descriptions(manifest: Path) -> dict[str, str]:
    if not manifest.is_file():
        return {}
    with manifest.open(encoding="utf-8", newline="") as file:
        return {row["file"]: row["what"] for row in csv.DictReader(file)}


if __name__ == "__main__":
    program(CompareReaders, main, "tools.compare_readers")
