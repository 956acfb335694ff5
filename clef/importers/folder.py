"""The importer of a folder of recordings with a CSV of labels: a site of a cohort folder.

    python -m clef.importers.folder root=DIR labels=FILE.csv site=NAME out=COHORT targets=[diagnosis]

The table has one line per recording, in any usual encoding, with any usual separator. `file` (below `root`) and
`subject` are required; `session` (its name in the cohort), `age`, `sex`, `start`, `setting`, `split` and `report` (the
text, or a file .txt below `root`) are understood, also under other names (`columns`); each column named in `targets`
becomes the event `LABEL//<site>//<column>//<value>`; the rest is left out and counted.
"""

import logging
from collections import defaultdict
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from clef.importers.columns import (
    Labels,
    column_at,
    find_columns,
    known_names,
    read_ages,
    read_settings,
    read_sexes,
    read_splits,
    read_starts,
)
from clef.importers.importing import ImportConfig, Recording, import_recordings
from clef.importers.locating import Locator
from clef.importers.reports import read_cells
from clef.importers.tables import plain, read_table
from clef.importers.targets import Target, parse_target, say_unknown
from clef.importers.values import DateOrder
from tokenizer.base.cli import program
from tokenizer.base.values import MISSING
from tokenizer.recording import Unit

log = logging.getLogger(__name__)


@dataclass
class FolderImport(ImportConfig):
    root: Path = MISSING
    """Folder that the `file` column of the labels starts from."""
    labels: Path = MISSING
    """Table (CSV) with one line per recording; columns `file` and `subject` at least."""
    site: str = MISSING
    """Name of the hospital or lab; part of every session id and label."""
    targets: list[str] = field(default_factory=list)
    """Columns of the labels that become events, as [a,b]; numbers are cut in two, as '[mmse<24]'."""
    columns: list[str] = field(default_factory=list)
    """Which column is what, where its name does not say it, as [file=Dateiname,start=]: nothing after = for none."""
    sex: list[str] = field(default_factory=list)
    """What codes in the column for sex mean, as [1=M,2=F]."""
    dates: DateOrder | None = None
    """Whether dates like 03/04/2020 begin with the day or the month, where no date in the column tells."""
    rate: float | None = None
    """Sampling rate in Hz, for files that do not say it (CSV)."""
    unit: Unit | None = None
    """Unit of the numbers in the files, where they do not say it or say it wrongly."""


def main(config: FolderImport) -> int:
    """Import one folder."""
    labels = read_labels(config)
    targets = [parse_target(target, labels.table.columns) for target in config.targets]
    left_out: dict[str, list[str]] = defaultdict(list)
    recordings = read_recordings(labels, targets, config, left_out)
    _say_columns(labels, targets)
    import_recordings(recordings, config.site, config, left_out)
    return 0


def read_labels(config: FolderImport) -> Labels:
    """The labels table, checked: it has the required columns and the targets."""
    if not config.root.is_dir():
        raise ValueError(f"root={config.root}: there is no such folder")
    if not config.labels.is_file():
        raise ValueError(f"labels={config.labels}: there is no such file; expected a CSV with columns file and subject")
    told = {plain(text.partition("=")[2]) for text in config.columns} | {plain(target) for target in config.targets}
    table = read_table(config.labels, known_names() | told)
    return Labels(table, find_columns(table, config.columns))


def read_recordings(
    labels: Labels, targets: list[Target], config: FolderImport, left_out: dict[str, list[str]]
) -> list[Recording]:
    """The recordings of a labels table; lines that name none go to `left_out`."""
    of_targets = {target.name: _labels_of(labels, target) for target in targets}
    understood: dict[str, list[Any]] = {
        "subject": labels.cells("subject"),
        "age": read_ages(labels),
        "sex": read_sexes(labels, config.sex),
        "start": read_starts(labels, config.dates),
        "setting": read_settings(labels),
        "split": read_splits(labels),
        "report": read_cells(labels.cells("report"), config.root),
    }
    files, sessions = labels.cells("file"), labels.cells("session")
    locator = Locator(config.root, files)
    recordings = []
    for i, file in enumerate(files):
        if file is None or understood["subject"][i] is None:
            left_out["a line without file or subject"].append(file or "no file")
            continue
        path, reason = locator.find(file)
        if reason:
            left_out[reason].append(file)
            continue
        values = {word: column[i] for word, column in understood.items()}
        codes = [(f"LABEL//{config.site}//{name}//{column[i]}") for name, column in of_targets.items() if column[i]]
        recordings.append(
            Recording(
                path=path,
                shown=path.relative_to(config.root).as_posix() if path.is_relative_to(config.root) else file,
                session=sessions[i] or path.stem,
                named=sessions[i] is not None,
                reading={k: v for k, v in (("rate", config.rate), ("unit", config.unit)) if v is not None},
                events=[(values["start"], code, None) for code in codes],
                **values,
            )
        )
    labels.table.notes += locator.notes()
    return recordings


def _labels_of(labels: Labels, target: Target) -> list[str | None]:
    """The labels that a target gives the rows."""
    if target.column not in labels.table.columns:
        near = get_close_matches(target.column, labels.table.columns, 1, 0.7)
        shown = ", ".join(labels.table.columns[:20])
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(
            f"{labels.table.name}: no column {target.column!r} among {len(labels.table.columns)} ({shown}){hint}"
        )
    column_at(labels.table, target.column, "targets")
    cells = labels.column(target.column)
    values = target.labels(cells)
    say_unknown(target.name, cells, values)
    return values


def _say_columns(labels: Labels, targets: list[Target]) -> None:
    """What was taken for what, columns that were not imported, and names that differ by letter case alone."""
    for note in labels.table.notes:
        log.info("%s: %s", labels.table.name, note)
    used = {labels.table.columns[i] for i in labels.columns.values()} | {target.column for target in targets}
    ignored = [c for c in labels.table.columns if c not in used]
    if ignored:
        log.info("%d columns not imported: %s (name them in targets= to have labels)", len(ignored), ", ".join(ignored))
    subjects = {subject for subject in labels.cells("subject") if subject}
    if alike := len(subjects) - len({"".join(subject.split()).casefold() for subject in subjects}):
        log.warning("%d subjects are called like another but for letter case or blanks: are they one person?", alike)


if __name__ == "__main__":
    program(FolderImport, main, "clef.importers.folder")
