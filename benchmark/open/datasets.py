"""The open data sets: which table says what of their recordings, in which unit they are, how they enter a cohort.

DATA/<name>/labels.csv has a line per recording: `file` and `subject` at least. Names of people are study codes that
anyone has who fetches the data, so they are hashed without a key: a person has the same number in every cohort, and the
people a model was trained on can be found again wherever it is scored.
"""

import dataclasses
from pathlib import Path

import polars as pl

from clef.importers.importing import ImportConfig, Recording, import_recordings
from clef.importers.keys import NONE
from tokenizer.sessions import split_of, subject_number

LABELS = "labels.csv"


@dataclasses.dataclass(frozen=True)
class DataSet:
    """One data set.

    name: its folder, and its site in a cohort · what: a line on its people · labels: columns that questions ask of
    age: the column of the age in years, if there is one · rate, unit: what its files do not say, or say wrongly
    """

    name: str
    what: str
    labels: tuple[str, ...]
    age: str | None = "age"
    rate: float | None = None
    unit: str | None = None


DATA_SETS: dict[str, DataSet] = {
    each.name: each
    for each in (
        DataSet(
            "ds004504",
            "Alzheimer's disease, frontotemporal dementia, healthy; eyes closed (Miltiadous 2023, CC0)",
            ("diagnosis", "mmse"),
        ),
        DataSet(
            "mdd_husm",
            "major depression, healthy; eyes closed, a few also open (Mumtaz, CC BY 4.0)",
            ("diagnosis", "state"),
            age="age_years",
        ),
        DataSet(
            "adhd_nasrabadi",
            "children with ADHD and without, a visual task (Nasrabadi 2020, CC BY)",
            ("diagnosis",),
            age=None,
            rate=128.0,
            unit="0.1uV",  # the numbers of these tables are ten times those of other EEG
        ),
        DataSet("eegmat", "students at rest, eyes closed (Zyma 2019, ODC-BY 1.0); no question is asked of them", ()),
    )
}


def in_folder(data: Path, names: list[str] | None = None) -> list[DataSet]:
    """The data sets that are in the folder, or those `names`. ValueError with one line if one is not there."""
    wanted = list(DATA_SETS) if names is None else names
    if unknown := [name for name in wanted if name not in DATA_SETS]:
        raise ValueError(f"{unknown[0]!r} is no data set; there are: {', '.join(DATA_SETS)}")
    if not data.is_dir():
        raise ValueError(f"data={data}: there is no such folder; expected one with {', '.join(DATA_SETS)} in it")
    present = [name for name in wanted if (data / name / LABELS).is_file()]
    if absent := [name for name in wanted if name not in present and names is not None]:
        raise ValueError(f"data={data}: {absent[0]}/{LABELS} is not there; unpack the data set into it")
    if not present:
        raise ValueError(f"data={data}: none of {', '.join(wanted)} is in it; each is a folder with {LABELS}")
    return [DATA_SETS[name] for name in present]


def read_labels(data: Path, dataset: DataSet) -> pl.DataFrame:
    """The labels table of a data set, as text. ValueError with one line if it lacks a column."""
    path = data / dataset.name / LABELS
    table = pl.read_csv(path, infer_schema=False)
    needed = ["file", "subject", *dataset.labels]
    if missing := [column for column in needed if column not in table.columns]:
        raise ValueError(f"{dataset.name}/{LABELS}: no column {missing[0]!r} among {', '.join(table.columns)}")
    return table


def recordings_of(data: Path, dataset: DataSet, split: str | None = None, **reading: float) -> list[Recording]:
    """The recordings of a data set with their labels, as importers take them.

    split: of everybody; without one a tenth of the people are val and the others train, since nobody of them is scored
    by a model that learns from them · reading: more that is to be known when its files are read.
    """
    how = {"rate": dataset.rate, "unit": dataset.unit} | reading
    recordings, table = [], read_labels(data, dataset)
    years = table[dataset.age].cast(pl.Float64, strict=False) if dataset.age in table.columns else None
    for row in table.with_columns(years=years).iter_rows(named=True):
        events = [(None, f"LABEL//{dataset.name}//{name}//{row[name]}", None) for name in dataset.labels if row[name]]
        recordings.append(
            Recording(
                path=data / dataset.name / row["file"],
                shown=row["file"],
                subject=row["subject"],
                session=Path(row["file"]).stem,
                named=True,
                age=row["years"],
                sex=row.get("sex") if row.get("sex") in ("F", "M") else None,
                split=split or split_of(subject_number(dataset.name, row["subject"]), train=0.9, val=0.1),
                reading={key: value for key, value in how.items() if value is not None},
                events=events,
            )
        )
    return recordings


def import_data_set(
    data: Path, dataset: DataSet, cohort: Path, split: str | None = None, **reading: float
) -> pl.DataFrame:
    """Import a data set as one site of a cohort; returns its session table. Arguments as of `recordings_of`."""
    settings = ImportConfig(out=cohort, key=NONE)
    return import_recordings(recordings_of(data, dataset, split, **reading), dataset.name, settings)


def shortest(data: Path, dataset: DataSet, columns: float = 10.0) -> float | None:
    """Seconds of the shortest recording, as the labels say, in whole columns of tokens; None if they do not say it."""
    table = read_labels(data, dataset)
    if "seconds" not in table.columns:
        return None
    lengths = table["seconds"].cast(pl.Float64, strict=False).drop_nulls()
    return float(lengths.min() // columns * columns) if len(lengths) else None


def people_of(data: Path, dataset: DataSet) -> set[int]:
    """The numbers that the people of a data set have in every cohort."""
    return {subject_number(dataset.name, name) for name in read_labels(data, dataset)["subject"]}
