"""The tables of the Harvard EEG Database (HEEDB) as frames of text: which files, which columns, who and when.

    EEG/eeg-metadata/S0001_eeg_metadata_2025-05-06.csv         a row per session: who, when, how old, which service
    EEG/HEEDB_Metadata/S0001_EEG__reports_findings.csv         a row per session with a report: 39 findings
    EEG/HEEDB_Metadata/HEEDB_patients.csv                      a row per person
    EEG/HEEDB_Metadata/HEEDB_ICD10_for_Neurology.csv           a row per person, a column per class: codes
    EEG/HEEDB_Metadata/HEEDB_Medication_ATC.csv                the same for drugs
    EEG/bids/S0001/sub-S0001111188844/ses-1/eeg/sub-S0001111188844_ses-1_task-EEG_eeg.edf

Written from what is public, not tried on the database: https://bdsp.io/content/harvard-eeg-db, the tables in
https://github.com/bdsp-core/Harvard-EEG-Database-Tools, and Sun et al., Epilepsia 2025, doi:10.1111/epi.18487. Names of
columns differ between hospitals and releases, so they are compared by their letters and digits alone.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import polars as pl

KINDS = {
    "sessions": r"eeg_?metadata",
    "findings": r"reports?_findings|eegs?_(with|and)_reports",
    "people": r"heedb_patients",
    "diagnoses": r"icd-?10_for_",
    "drugs": r"medication_?atc",
    "merges": r"merge_?history",
}
"""Our word for a table -> what the name of its file holds."""

COLUMNS = {
    "site": ("SiteID", "InstituteID"),
    "patient": ("BDSPPatientID", "PatientID", "person_id"),
    "merged": ("MergedBDSPPatientID",),
    "folder": ("BidsFolder",),
    "session": ("SessionID",),
    "start": ("StartTime", "StartTime(EEG)", "StartDateTime"),
    "age": ("AgeAtVisit",),
    "age_days": ("AgeInDaysAtVisit",),
    "mean_age": ("AgeAtVisitAvg",),
    "visits": ("VisitCount",),
    "sex": ("SexDSC", "Sex"),
    "service": ("ServiceName", "ServiceName(EEG)"),
    "report": ("reports", "ReportText", "note_text"),
    "report_file": ("DeidentifiedName(Reports)", "ReportName"),
    "code": ("Code", "ICD10", "ICD10Code", "ICDCode", "DiagnosisCode", "ATC", "ATCCode", "MedicationCode"),
    "time": ("Date", "CodeDate", "DiagnosisDate", "MedicationDate", "ContactDate", "EncounterDate", "StartDate"),
}
"""Our word for a column -> what it may be called; where a table has several of them, the first that is filled."""

HOSPITALS = {"mgh": "S0001", "bwh": "S0002", "bidmc": "I0002", "bch": "I0003"}
EMPTY = ("", "none", "nan", "nat", "null", "n/a", "na", "<na>", "u", "unknown", "not mentioned", "not available")
ENDINGS = {".csv": ",", ".tsv": "\t", ".parquet": ""}
KEY = ("site", "patient", "session")
SESSION_COLUMNS = ("folder", "start", "age", "age_days", "sex", "service", "report", "report_file")
_FOLDER = r"(?i)^(?:sub-)?([a-z]\d{4})(\w+)$"


@dataclass
class TextTable:
    """One file: columns of text under their plain names, nothing where the file says nothing."""

    name: str
    site: str | None
    """The hospital that the file's name says."""
    frame: pl.DataFrame

    def has(self, word: str) -> bool:
        """Whether one of the columns is called `word` in `COLUMNS`."""
        return any(plain(name) in self.frame.columns for name in COLUMNS[word])

    def get(self, word: str) -> pl.Expr:
        """The column for `word`, empty if there is none."""
        present = [pl.col(plain(name)) for name in COLUMNS[word] if plain(name) in self.frame.columns]
        return pl.coalesce(present or [pl.lit(None, pl.String)]).alias(word)

    def require(self, *words: str) -> None:
        """Raise ValueError (one line) unless the table has a column for one of `words`."""
        if not any(map(self.has, words)):
            names = [name for word in words for name in COLUMNS[word]]
            raise ValueError(f"{self.name}: no column {' or '.join(names)}; it has {', '.join(self.frame.columns)}")


def plain(name: str) -> str:
    """The letters and digits of a column's name."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def kind_of(name: str) -> str | None:
    """Which of our tables a file is, by its name; None for any other file."""
    stem, ending = Path(name).stem.lower(), Path(name).suffix.lower()
    if ending not in (*ENDINGS, ".xlsx", ".zip", ".gz") or "statistics" in stem:
        return None
    return next((kind for kind, pattern in KINDS.items() if re.search(pattern, stem)), None)


def read_table(path: Path) -> TextTable:
    """Read one table as text. Raises ValueError (one line) if it is none."""
    ending = path.suffix.lower()
    if not path.is_file():
        raise ValueError(f"{path.name}: is no file; expected a table")
    try:
        if ending == ".parquet":
            frame = pl.read_parquet(path).select(pl.all().cast(pl.String))
        else:
            frame = pl.read_csv(path, separator=ENDINGS[ending], infer_schema=False, encoding="utf8-lossy")
    except pl.exceptions.PolarsError as error:
        raise ValueError(f"{path.name}: not a table ({str(error).splitlines()[0]})") from None
    columns: dict[str, list[pl.Expr]] = {}
    for name in frame.columns:
        columns.setdefault(plain(name), []).append(_filled(pl.col(name)))
    return TextTable(
        path.name, _site(path.name), frame.select(pl.coalesce(same).alias(n) for n, same in columns.items())
    )


def _filled(column: pl.Expr) -> pl.Expr:
    text = column.str.strip_chars()
    return pl.when(~text.str.to_lowercase().is_in(EMPTY)).then(text)


def _site(name: str) -> str | None:
    first = re.split(r"[_.]", name.lower())[0]
    return first.upper() if re.fullmatch(r"[a-z]\d{4}", first) else HOSPITALS.get(first)


def number(column: pl.Expr) -> pl.Expr:
    """An identifier as every table writes it: `7.0` and `07` are `7`."""
    return column.str.replace(r"\.0+$", "").str.replace(r"^0+(.)", "$1")


def session_key(table: TextTable) -> list[pl.Expr]:
    """Columns site, patient and session of a table's rows, from what the row says, else its folder or its file."""
    table.require("session")
    table.require("patient", "folder")
    folder = table.get("folder")
    site = pl.coalesce(table.get("site"), folder.str.extract(_FOLDER, 1), pl.lit(table.site, pl.String))
    patient = pl.coalesce(number(table.get("patient")), number(folder.str.extract(_FOLDER, 2)))
    return [site.str.to_uppercase().alias("site"), patient.alias("patient"), number(table.get("session"))]


def session_rows(tables: list[TextTable]) -> tuple[pl.DataFrame, int]:
    """A row per session: site, patient, session, folder and the `SESSION_COLUMNS`; and how many rows name no session.

    Of rows of one session, what is filled counts, and what the later table says before what the earlier one says.
    """
    rows = [table.frame.select(*session_key(table), *map(table.get, SESSION_COLUMNS)) for table in tables]
    every = pl.concat(rows or [pl.DataFrame(schema=dict.fromkeys((*KEY, *SESSION_COLUMNS), pl.String))])
    known = every.drop_nulls(KEY)
    values = [pl.col(word).drop_nulls().last() for word in SESSION_COLUMNS]
    return known.group_by(KEY, maintain_order=True).agg(values), len(every) - len(known)


def people_rows(tables: list[TextTable]) -> pl.DataFrame:
    """A row per person: patient, sex, and the age of those who came once (the table has the mean over visits)."""
    schema = dict.fromkeys(("patient", "person_sex", "person_age"), pl.String)
    rows = [pl.DataFrame(schema=schema)]
    for table in tables:
        table.require("patient")
        once = number(table.get("visits")) == "1"
        patient, age = number(table.get("patient")), pl.when(once).then(table.get("mean_age"))
        rows.append(table.frame.select(patient, table.get("sex").alias("person_sex"), age.alias("person_age")))
    return pl.concat(rows).drop_nulls("patient").unique("patient", keep="last", maintain_order=True)


def merged_people(tables: list[TextTable]) -> dict[str, str]:
    """The number a person was given twice -> the one that stays, chains followed to their end."""
    merges: dict[str, str] = {}
    for table in tables:
        table.require("merged")
        table.require("patient")
        pairs = table.frame.select(number(table.get("merged")), number(table.get("patient"))).drop_nulls()
        merges |= dict(pairs.filter(pl.col("merged") != pl.col("patient")).iter_rows())
    return {old: _last(merges, old) for old in merges}


def _last(merges: dict[str, str], old: str) -> str:
    seen = {old}
    while (new := merges.get(old)) and new not in seen:
        seen.add(new)
        old = new
    return old
