"""Who is explained by which probe: nobody by a probe that was fitted on them.

A table with splits: one probe on people of train, those of test are explained. With folds: for each fold a probe on the
others. A table whose rows are all of split test (real people who are no part of a training) is put into folds here,
matched sets kept whole.
"""

import dataclasses
from collections.abc import Iterator

import numpy as np
import polars as pl

from clef.embeddings import Embeddings, hash_subjects
from clef.explanations.probes import Probe, fit_probe
from clef.explanations.targets import Target, probe_target, prompt_target
from clef.model import Model
from clef.tasks import is_fold
from tokenizer.base.files import fingerprint

LEAST = 2
"""Cases, and controls, without which no probe is fitted."""


@dataclasses.dataclass
class Part:
    """A target, a name for it under which results are kept, and the rows of the people whose sessions it explains."""

    target: Target
    key: str
    rows: pl.DataFrame


def by_probes(
    model: Model, task: str, rows: pl.DataFrame, embeddings: Embeddings, folds: int, seed: int
) -> tuple[list[Part], str]:
    """The probes of a task, each with the rows that it was not fitted on; and how, in words."""
    rows = in_folds(known_rows(rows, embeddings), folds, seed)
    parts = [
        Part(probe_target(model, probe), fingerprint(probe.weights.tobytes(), probe.mean.tobytes()), asked)
        for probe, asked in probes(task, rows, embeddings)
    ]
    how = ", ".join(f"{key}={embeddings.config[key]}" for key in ("kind", "pool", "head") if key in embeddings.config)
    fitted = "split train" if "train" in set(rows["split"]) else "the other folds"
    return parts, f"{how}; probes fitted on {fitted} of {len(rows)} people, nobody explained by one that knows them"


def by_prompt(model: Model, prompt: str, rows: pl.DataFrame) -> tuple[list[Part], str]:
    """A text with the rows of split test or of all folds; and how, in words."""
    held_out = rows.filter((pl.col("split") == "test") | pl.col("split").str.starts_with("fold"))
    return [Part(prompt_target(model, prompt), fingerprint(prompt), held_out)], f"likeness to the text {prompt!r}"


def in_folds(rows: pl.DataFrame, folds: int, seed: int = 0) -> pl.DataFrame:
    """The rows of a task with folds, if they have nothing but split test; matched sets stay whole."""
    if set(rows["split"]) != {"test"}:
        return rows
    sets = np.random.default_rng(seed).permutation(rows["match_id"].unique().sort().to_list())
    number = {name: i % folds for i, name in enumerate(sets.tolist())}
    return rows.with_columns(split=pl.col("match_id").replace_strict(number).cast(pl.String).str.replace("^", "fold"))


def known_rows(rows: pl.DataFrame, embeddings: Embeddings) -> pl.DataFrame:
    """The rows whose sessions have an embedding."""
    return rows.filter(pl.col("session_id").is_in(embeddings.session_id)).sort("session_id")


def probes(task: str, rows: pl.DataFrame, embeddings: Embeddings) -> Iterator[tuple[Probe, pl.DataFrame]]:
    """Each probe, and the rows that it was not fitted on.

    Raises ValueError with one line if one would be fitted on fewer than `LEAST` cases or controls.
    """
    splits = sorted(set(rows["split"]))
    held_out = [split for split in splits if is_fold(split)] or ["test"]
    for split in held_out:
        fit = rows.filter(pl.col("split") != split if is_fold(split) else pl.col("split") == "train")
        asked = rows.filter(pl.col("split") == split)
        cases = int(fit["label"].sum())
        if min(cases, len(fit) - cases) < LEAST or not len(asked):
            raise ValueError(
                f"task={task}: {cases} cases and {len(fit) - cases} controls to fit on, {len(asked)} to explain; "
                f"expected {LEAST}, {LEAST} and 1 or more"
            )
        yield fit_probe(task, of_rows(embeddings, fit), fit["label"].to_numpy(), trained_on(fit)), asked


def trained_on(fit: pl.DataFrame) -> dict[str, list[str]]:
    """Whom a probe was fitted on, as embedding files say it."""
    return hash_subjects({"train": fit["subject_id"].to_list()})


def of_rows(embeddings: Embeddings, rows: pl.DataFrame) -> Embeddings:
    """The embeddings of some sessions, in their order."""
    at = {name: i for i, name in enumerate(embeddings.session_id)}
    names = rows["session_id"].to_list()
    vectors = embeddings.vectors[[at[name] for name in names]]
    return Embeddings(names, vectors, embeddings.name, embeddings.model, embeddings.config, embeddings.trained_on)


def drawn(asked: pl.DataFrame, most: int, seed: int) -> pl.DataFrame:
    """Up to `most` of the rows, half of them cases as far as there are any."""
    rng = np.random.default_rng(seed)
    groups = [asked.filter(pl.col("label") == label).sort("session_id") for label in (True, False)]
    few = [min(len(group), most // 2) for group in groups]
    sizes = [min(len(group), most - few[1 - i]) for i, group in enumerate(groups)]
    picks = [group[np.sort(rng.permutation(len(group))[:size])] for group, size in zip(groups, sizes, strict=True)]
    return pl.concat(picks)
