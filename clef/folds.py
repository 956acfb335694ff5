"""The folds of a cross-fitted model: which subjects each of its models has not seen.

`folds.parquet` in the folder that `clef.crossfit` writes:

| column     | type  | meaning                                                                       |
|------------|-------|-------------------------------------------------------------------------------|
| subject_id | int64 | the person, as in sessions.parquet; unique                                    |
| fold       | int64 | 0 … N−1: the model of that fold was trained without this person, in every stage |

File metadata (JSON in the key "clef.folds"): `format`, `folds` (N), `seed` and `cohort` (fingerprint).
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from clef.cohort import Cohort, write_cohort
from tokenizer.base.tables import check_table, json_metadata, read_table, write_table

FORMAT = 1
NAME = "folds.parquet"
SCHEMA = {"subject_id": pl.Int64, "fold": pl.Int64}
VAL_SHARE = 0.1  # of the subjects a fold's model may see; their loss is watched, nothing is learned from them
UNEVEN = 2  # people that one fold may have more than another, so that groups are shared out evenly


def fold_name(fold: int) -> str:
    """What tables call a fold: fold0, fold1 …"""
    return f"fold{fold}"


def draw_folds(cohort: Cohort, folds: int, seed: int) -> pl.DataFrame:
    """A fold for each subject, `SCHEMA`: drawn from the seed, people of one site and one label shared out evenly.

    Labels only even out the numbers, so that each fold has cases and controls; no model sees them.
    Raises ValueError if there are fewer subjects than two for each fold.
    """
    groups = _groups(cohort)
    if len(groups) < 2 * folds:
        raise ValueError(
            f"cohort={cohort.path}: {len(groups)} subjects are too few for {folds} folds of two or more; lower folds="
        )
    shuffled = groups[np.random.default_rng((seed, 6)).permutation(len(groups))].sort("group", maintain_order=True)
    fold_of, in_all = {}, Counter()
    for _, people in shuffled.group_by("group", maintain_order=True):
        in_group = Counter()
        for subject in people["subject_id"]:
            least = min(in_all[f] for f in range(folds))
            fold = min(range(folds), key=lambda f: (in_all[f] >= least + UNEVEN, in_group[f], f))
            in_group[fold], in_all[fold] = in_group[fold] + 1, in_all[fold] + 1
            fold_of[subject] = fold
    return pl.DataFrame(sorted(fold_of.items()), schema=SCHEMA, orient="row")


def _groups(cohort: Cohort) -> pl.DataFrame:
    """Each subject with its group: its site and its values of labelled columns, as one text."""
    labels = cohort.events.filter(pl.col("code").str.starts_with("LABEL//")).group_by("subject_id")
    labels = labels.agg(pl.col("code").unique().sort().str.join("\x1f").alias("labels"))
    people = cohort.sessions.group_by("subject_id").agg(pl.col("site").drop_nulls().first()).sort("subject_id")
    group = pl.concat_str(pl.col("site", "labels").fill_null("?"), separator="\x1f")
    return people.join(labels, on="subject_id", how="left").select("subject_id", group=group)


def write_folds(folder: Path, table: pl.DataFrame, about: dict[str, Any]) -> None:
    """Write `folds.parquet` into `folder`, whole or not at all."""
    write_table(folder / NAME, table.select(*SCHEMA), {"clef.folds": json.dumps(about | {"format": FORMAT})})


def read_folds(folder: str | Path) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Read and check the folds of a cross-fitted model. Raises ValueError in one line if the folder holds none."""
    path = Path(folder) / NAME
    if not path.is_file():
        raise ValueError(f"{folder}: no {NAME} in this folder; `python -m clef.crossfit` writes one")
    table, about = read_table(path), json_metadata(path, "clef.folds")
    check_table(path, about.get("format"), FORMAT)
    if dict(table.schema) != SCHEMA or sum(table.null_count().row(0)) or table["subject_id"].is_duplicated().any():
        raise ValueError(f"{path}: expected one row per subject with subject_id and fold (int64), got {table.schema}")
    if not table["fold"].is_between(0, int(about["folds"]) - 1).all():
        raise ValueError(f"{path}: a fold is none of 0 to {about['folds'] - 1}; run clef.crossfit in another folder")
    return table, about


def in_folds(sessions: pl.DataFrame, folder: str | Path) -> tuple[pl.DataFrame, int]:
    """Sessions whose `split` is the fold of their subject, and the number of folds.

    Raises ValueError if a subject has none: a model that was trained before somebody came cannot say who has seen whom.
    """
    table, about = read_folds(folder)
    placed = sessions.drop("split").join(table, on="subject_id", how="left", maintain_order="left")
    if missing := placed.filter(pl.col("fold").is_null())["subject_id"].n_unique():
        raise ValueError(
            f"crossfit={folder}: {missing} subjects of the cohort have no fold there; is it another cohort's, or has "
            f"the cohort grown? Then run clef.crossfit again, in another folder"
        )
    return placed.with_columns(split=pl.format("fold{}", "fold")).drop("fold").select(sessions.columns), about["folds"]


def write_fold_cohort(
    cohort: Cohort, table: pl.DataFrame, fold: int, seed: int, out: Path, reports: bool = False
) -> None:
    """The cohort as the models of one fold see it: the fold's subjects are `test`, a tenth of the others `val`.

    Recordings stay where they are; their paths become absolute, since the folder is another. Reports are copied only
    where they are asked for: each copy is one more place to keep to oneself.
    """
    others = table.filter(pl.col("fold") != fold)["subject_id"].sort().to_numpy()
    watched = np.random.default_rng((seed, 7, fold)).permutation(others)[: max(1, round(VAL_SHARE * len(others)))]
    held_out = table.filter(pl.col("fold") == fold)["subject_id"]
    split = pl.when(pl.col("subject_id").is_in(held_out.implode())).then(pl.lit("test"))
    split = split.when(pl.col("subject_id").is_in(watched.tolist())).then(pl.lit("val")).otherwise(pl.lit("train"))
    home = cohort.path.resolve()
    path = pl.col("path").map_elements(lambda p: str(home / p), pl.String)
    sessions = cohort.sessions.with_columns(split=split, path=path)
    texts = cohort.reports if reports and len(cohort.reports) else None
    meta = home / "metadata" / "dataset.json"  # its name says whether people were drawn by a program
    name = json.loads(meta.read_text(encoding="utf-8"))["dataset_name"] if meta.is_file() else "cohort"
    write_cohort(out, name, sessions, cohort.events, texts, cohort.descriptions)
