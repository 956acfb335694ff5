"""The formats of recordings: which opener reads which file, each giving the same `Source`.

To add a format, write its opener in a file of its own here, and put it into `FORMATS` with its suffixes. An opener is a
function `(path, rate, unit) -> Source`: `rate` (Hz) and `unit` (a key of `tokenizer.recording.MICROVOLTS`) are what the
person states, None if nothing; they have been checked, and the path is an ordinary file (or a folder, `paths.FOLDERS`).
It reads the header only; `Source.load` reads samples, as float32 µV. It raises RecordingError for what it cannot read,
in a line without words of the file (they may be names), and may let OSError through. A foreign package is imported
inside of functions, so that it costs only those who have such files. The first format in the list that a name ends with
is taken; whatever no format claims is given to MNE.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tokenizer.edf.reader import open_edf
from tokenizer.reading.csv_files import open_table
from tokenizer.reading.mne_files import open_raw, open_with_mne
from tokenizer.reading.paths import check_path
from tokenizer.recording import MICROVOLTS, RecordingError, Source

if TYPE_CHECKING:
    import mne

Opener = Callable[[Path, float | None, str | None], Source]
EDF_SUFFIXES = (".edf", ".bdf", ".rec")
PACKED = (".gz", ".zip", ".xz", ".bz2", ".7z", ".zst", ".rar")


@dataclass(frozen=True)
class Format:
    """The files with some suffixes, and what opens them."""

    suffixes: tuple[str, ...]
    """How their names end, in small letters."""
    open: Opener
    evident: bool = True
    """Whether the suffix alone tells that a file is a recording; a text can be anything."""


FORMATS = (
    Format(EDF_SUFFIXES, open_edf),
    Format((".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz"), open_table, evident=False),
    Format((".vhdr", ".ahdr", ".set", ".fif", ".fif.gz", ".gdf", ".lay", ".cnt", ".mff"), open_with_mne),
)


def recording_suffixes() -> tuple[str, ...]:
    """How files end that can be told for recordings by their names, in small letters, sorted.

    For programs that search folders: `path.name.lower().endswith(recording_suffixes())`. Files that can be a part of a
    recording (.eeg, .fdt) are not among them, nor are text tables.
    """
    return tuple(sorted(suffix for each in FORMATS if each.evident for suffix in each.suffixes))


def open_source(source: "str | Path | Source | mne.io.BaseRaw", rate: float | None, unit: str | None) -> Source:
    """Open a recording: a path, or an `mne.io.Raw`; a `Source` is open already (tokenizer.reading.arrays makes some).

    `rate` (Hz) and `unit` (uV, 0.1uV, mV, V) say what the file does not: tables need both; elsewhere `unit` overrules
    the file (the numbers of an `mne.io.Raw` or a FIF file are V, else µV unless the header says otherwise). Raises
    RecordingError if the file is missing, damaged or of no known kind, ValueError for a rate or unit that is none.
    """
    if unit is not None and unit not in MICROVOLTS:
        raise ValueError(f"unit={unit}: expected one of {', '.join(MICROVOLTS)}")
    if rate is not None and not rate > 0:
        raise ValueError(f"rate={rate}: expected a sampling rate in Hz, above 0")
    if isinstance(source, Source):
        return source
    if not isinstance(source, str | Path):
        return open_raw(source, rate, unit)
    path = Path(source)
    try:
        check_path(path)
        return _opener(path)(path, rate, unit)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise RecordingError(path.name, f"cannot be opened ({reason}); check the file") from None


def _opener(path: Path) -> Opener:
    name, suffix = path.name.lower(), path.suffix.lower()
    for each in FORMATS:
        if name.endswith(each.suffixes):
            return each.open
    if suffix in PACKED:
        raise RecordingError(path.name, f"is packed ({suffix}); unpack it first")
    return open_with_mne  # it knows more formats than are listed, and says of the parts of one which file to give
