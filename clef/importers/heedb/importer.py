"""The importer of the Harvard EEG Database (HEEDB), or of a part of it: sites of a cohort folder.

    python -m clef.importers.heedb root=heedb out=COHORT [tables=DIR] [sites=[S0001,S0002]] [reports=DIR]

A row is one EDF file of a session that the tables name; each hospital is a site, and a person is the same person at all
of them. Findings become `FINDING//seizure`, diagnoses `ICD10CM//G40.909`, drugs `ATC//N03AX`. Splits are a seeded hash
of the person. Which files and columns are read stands in `tables` and `codes` beside this file. HEEDB's dates
are shifted: their order and distance within a person can be used, the calendar cannot.
"""

import logging
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from clef.importers.heedb.codes import DESCRIPTIONS, code_rows, finding_rows
from clef.importers.heedb.files import Row, match_files, read_report, report_files, scan_folders
from clef.importers.heedb.tables import ENDINGS, KEY, TextTable, merged_people, people_rows, read_table, session_rows
from clef.importers.importing import ImportConfig, Recording, import_recordings
from clef.importers.keys import NONE
from clef.importers.values import parse_age, parse_sex, parse_time
from tokenizer.base.cli import ConfigError
from tokenizer.base.values import MISSING

log = logging.getLogger(__name__)

ARCHIVE = "HEEDB"
SETTINGS = {
    "routine": "routine",
    "reeg": "routine",
    "emu": "emu",
    "ltm": "icu",  # "ICU/LTM" in the database's own description: the acutely and critically ill
    "icu": "icu",
    "icu/ltm": "icu",
    "or": None,
    "faulkner": None,
    "fish": None,
}
"""Service as HEEDB names it -> setting; None where it is none of ours."""
OLDEST = 90.0
MISSING_FILE = "not downloaded: no EDF file in the folder of this session"
WITHOUT = {
    "sessions": "sessions come from the tables of findings alone",
    "findings": "no findings",
    "people": "sex and age come from the other tables alone",
    "diagnoses": "no ICD-10 codes",
    "drugs": "no ATC codes",
    "merges": "somebody with two numbers counts as two people",
}


@dataclass
class HEEDBImport(ImportConfig):
    root: Path = MISSING
    """Folder that holds the recordings, at any depth: …/S0001/sub-S0001111188844/ses-1/eeg/*.edf."""
    tables: Path | None = None
    """Folder that holds the tables, at any depth; `root` if not given."""
    sites: list[str] = field(default_factory=list)
    """Hospitals to import, as [S0001,I0003]; all if not given."""
    reports: Path | None = None
    """Folder of report files (NeuroReport_….txt, unpacked), at any depth."""
    key: str = NONE
    """none: HEEDB's own pseudonyms are hashed as they are, the same for all who have it; auto or a file: with a key."""


def main(config: HEEDBImport) -> int:
    """Import one hospital after the other; 1 if one of them could not be."""
    for name in ("root", "tables", "reports"):
        if (folder := getattr(config, name)) is not None and not folder.is_dir():
            raise ConfigError(f"{name}={folder}: there is no such folder")
    files, people = scan_folders(config.root)
    if config.tables is not None:
        files = scan_folders(config.tables)[0]
    tables = read_tables(files, config.tables or config.root)
    merges = merged_people(tables["merges"])
    sessions, records = read_sessions(tables, merges), read_records(tables, merges)
    matches, missing = _find(sessions, people, config)
    failed = _import_sites(_recordings(matches, config), missing, records, config)
    return int(failed > 0)


def read_tables(files: dict[str, list[Path]], folder: Path) -> dict[str, list[TextTable]]:
    """Read all tables, by kind; says what is not there. Raises ValueError if no table names sessions."""
    tables: dict[str, list[TextTable]] = {}
    for kind, paths in files.items():
        paths = sorted(paths, key=lambda path: path.name)  # the name ends in the date of the release
        for path in (p for p in paths if p.suffix.lower() not in ENDINGS):
            log.info("%s is not read: unpack it, or save it as CSV", path.name)
        tables[kind] = [read_table(path) for path in paths if path.suffix.lower() in ENDINGS]
        for table in tables[kind]:
            log.info("%s: %s, %d rows", kind, table.name, len(table.frame))
        if not tables[kind]:
            log.info("no table of %s: %s", kind, WITHOUT[kind])
    if not tables["sessions"] and not tables["findings"]:
        raise ValueError(
            f"{folder}: no table of sessions in it; expected S0001_eeg_metadata_….csv or "
            f"S0001_EEG__reports_findings.csv (tables= names the folder that holds them)"
        )
    return tables


def read_sessions(tables: dict[str, list[TextTable]], merges: dict[str, str]) -> pl.DataFrame:
    """All sessions of all tables, with their findings and what is known of the person; `person` is who it was."""
    rows, unnamed = session_rows(tables["findings"] + tables["sessions"])
    if unnamed:
        log.info("%d rows name no site, patient or session: left out", unnamed)
    rows = rows.join(finding_rows(tables["findings"]), on=KEY, how="left")
    rows = rows.join(people_rows(tables["people"]), on="patient", how="left")
    folder = pl.concat_str(pl.lit("sub-"), "site", "patient")
    return rows.with_columns(pl.col("folder").fill_null(folder), person=pl.col("patient").replace(merges))


def read_records(tables: dict[str, list[TextTable]], merges: dict[str, str]) -> pl.DataFrame:
    """Diagnoses and drugs of people: subject, time?, code."""
    records = []
    for kind, system in (("diagnoses", "ICD10CM"), ("drugs", "ATC")):
        rows = code_rows(tables[kind], system)
        if tables[kind]:
            dated = len(rows) - rows["time"].null_count()
            log.info("%s: %d codes of %d people, %d of them dated", kind, len(rows), rows["patient"].n_unique(), dated)
        records.append(rows)
    return pl.concat(records).select(pl.col("patient").replace(merges).alias("subject"), "time", "code")


def _find(
    sessions: pl.DataFrame, people: dict[str, Path], config: HEEDBImport
) -> tuple[list[tuple[Row, Path]], dict[str, list[str]]]:
    """Sessions of the chosen sites with their files, and those without. Raises ValueError if there is no file."""
    known = sessions["site"].unique().sort().to_list()
    if unknown := sorted(set(config.sites) - set(known)):
        raise ConfigError(f"sites={unknown[0]}: the tables have no such site; they have {', '.join(known)}")
    chosen = sessions.filter(pl.col("site").is_in(config.sites or known)).sort("folder", "session")
    matches, missing = match_files(chosen.iter_rows(named=True), people, len(chosen))
    if not matches:
        raise ValueError(
            f"root={config.root}: none of the {len(chosen)} sessions of the tables is there; expected "
            f"…/S0001/sub-S0001111188844/ses-1/eeg/*.edf, and came upon {len(people)} folders sub-…"
        )
    present = len(chosen) - sum(map(len, missing.values()))
    log.info("%d of %d sessions of the tables are there, in %d EDF files", present, len(chosen), len(matches))
    if unknown_people := len(set(people) - set(sessions["folder"])):
        log.info("%d folders sub-… belong to nobody in the tables: not imported", unknown_people)
    return matches, missing


def _recordings(matches: list[tuple[Row, Path]], config: HEEDBImport) -> list[tuple[str, Recording]]:
    """Each recording and its site."""
    texts = report_files(config.reports)
    recordings = []
    for row, path in matches:
        recording = Recording(
            path=path,
            shown=str(path.relative_to(config.root)),
            subject=row["person"],
            session=path.stem.removesuffix("_eeg"),
            start=parse_time(row["start"]),
            age=_age(row),
            sex=parse_sex(row["sex"]) or parse_sex(row["person_sex"]),
            setting=SETTINGS.get((row["service"] or "").lower()),
            report=row["report"] or (read_report(texts[name]) if (name := row["report_file"]) in texts else None),
            named_by=ARCHIVE,
        )
        recording.events = [(recording.start, code, None) for code in row["codes"] or []]
        recordings.append((row["site"], recording))
    _say_values([row for row, _ in matches], [recording for _, recording in recordings])
    return recordings


def _age(row: Row) -> float | None:
    """Years, 90 for all who are older; from days where they are given, for children."""
    try:
        age = float(row["age_days"]) / 365.25
    except (TypeError, ValueError):
        age = parse_age(row["age"] or row["person_age"])
    return None if age is None or not 0 <= age <= 120 else min(age, OLDEST)


def _say_values(rows: list[Row], recordings: list[Recording]) -> None:
    """Values of the tables that could not be used, counted."""
    settings = Counter(recording.setting or "none" for recording in recordings)
    log.info("settings: %s", ", ".join(f"{name} {n}" for name, n in settings.most_common()))
    services = Counter(row["service"].lower() for row in rows if row["service"])
    unused = {name.upper(): n for name, n in services.items() if name in SETTINGS and not SETTINGS[name]}
    if others := sum(n for name, n in services.items() if name not in SETTINGS):
        unused["others"] = others
    if unused:
        log.info("services that name no setting: %s", ", ".join(f"{name} {n}" for name, n in unused.items()))
    sources = {"start": ("start",), "age": ("age", "age_days", "person_age"), "sex": ("sex", "person_sex")}
    for what, columns in sources.items():
        lost = [r for r, row in zip(recordings, rows, strict=True) if getattr(r, what) is None and _any(row, columns)]
        if lost:
            log.info("%s: %d values not understood, left empty", what, len(lost))


def _any(row: Row, columns: tuple[str, ...]) -> bool:
    return any(row[column] for column in columns)


def _import_sites(
    recordings: list[tuple[str, Recording]], missing: dict[str, list[str]], records: pl.DataFrame, config: HEEDBImport
) -> int:
    """Import the recordings of each site; how many sites could not be."""
    sites, failed = defaultdict(list), 0
    for site, recording in recordings:
        sites[site].append(recording)
    for site in sorted(set(missing) - set(sites)):
        log.info("site %s: none of its %d sessions is there, so it is not imported", site, len(missing[site]))
    for site, own in sorted(sites.items()):
        try:
            import_recordings(own, site, config, {MISSING_FILE: missing.get(site, [])}, DESCRIPTIONS, records)
        except ValueError as error:
            log.error("%s", error)
            failed += 1
    return failed
