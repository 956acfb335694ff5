"""Metadata: what is known of a session without looking at the EEG or at the amplifier.

Age, sex, site, setting, year, duration, channel count and the number of other codes on the person's record. An
embedding that is no better than this row may have learned who comes to which hospital.

"Other" depends on the task. Its own codes would tell cases from controls by themselves (with ten independent codes a
person, their number alone gives AUROC 0.588), and so would those of the excluded block, which no control carries. So
`TaskEmbeddings.of_task` counts without them, and a file, which knows of no task, holds the vectors without a count.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from benchmark.encoders.columns import category_columns, number_columns
from benchmark.encoders.encoder import Encoder, Inputs, TaskEmbeddings, as_embeddings
from clef.codes import block, normalise_code
from clef.cohort import Cohort


def embed(inputs: Inputs) -> TaskEmbeddings:
    """What is known without the recording's content, (n, width), of every session of the cohort.

    A missing number takes the mean over train sessions and is marked in a column of its own. For a task of
    `inputs.definitions` a column is added: log(1 + different ICD-10 and ATC codes that are not the task's).
    """
    sessions, counts = inputs.cohort.sessions, CodeCounts(inputs.cohort)
    measured = inputs.signal.select("session_id", "seconds", "channels")
    table = sessions.join(measured, on="session_id", how="left", maintain_order="left")
    numbers = table.select(
        pl.col("age"), pl.col("start_time").dt.year().alias("year"), pl.col("seconds", "channels").log1p()
    )
    categories = [category_columns(table[c]) for c in ("sex", "site", "setting")]
    vectors = np.concatenate([number_columns(numbers, (table["split"] == "train").to_numpy()), *categories], axis=1)
    config = {"cohort": inputs.cohort.fingerprint, "kind": METADATA.kind}
    config["codes"] = "not counted here; benchmark.run adds the number of other codes, task by task"
    plain = as_embeddings(table["session_id"].to_list(), vectors, METADATA.name, config)

    def other_codes(task: str) -> np.ndarray:
        if task not in inputs.definitions:
            return np.zeros((len(table), 1), np.float32)  # whose codes to leave out is not known
        return np.log1p(counts.without(own_codes(inputs.definitions[task])))[:, None].astype(np.float32)

    return TaskEmbeddings(**vars(plain), columns=other_codes)


class CodeCounts:
    """How many different ICD-10 and ATC codes are on the record of each session's subject."""

    def __init__(self, cohort: Cohort):
        spelling = {c: normal for c in cohort.events["code"].unique() if (normal := normalise_code(c))}
        known = cohort.events.filter(pl.col("code").is_in(list(spelling)))
        pairs = known.select("subject_id", pl.col("code").replace_strict(spelling, return_dtype=pl.String)).unique()
        people = cohort.sessions["subject_id"].unique().sort()
        pairs = pairs.filter(pl.col("subject_id").is_in(people.implode()))
        self._codes = pairs["code"].unique().sort().to_list()
        self._code = pairs["code"].rank("dense").cast(pl.Int64).to_numpy() - 1
        self._person = np.searchsorted(people.to_numpy(), pairs["subject_id"].to_numpy())
        self._row = np.searchsorted(people.to_numpy(), cohort.sessions["subject_id"].to_numpy())
        self._people = len(people)

    def without(self, prefixes: tuple[str, ...]) -> np.ndarray:
        """Codes (n sessions,) that begin with none of `prefixes`; a dot in either counts for nothing."""
        bare = tuple(prefix.replace(".", "") for prefix in prefixes)
        other = np.array([not code.replace(".", "").startswith(bare) for code in self._codes], bool)
        kept = other[self._code] if len(self._codes) else np.zeros(0, bool)
        return np.bincount(self._person[kept], minlength=self._people)[self._row]


def own_codes(definition: Mapping[str, Any]) -> tuple[str, ...]:
    """Prefixes of a task's own codes and of those whose carriers are neither case nor control.

    `definition` as a task file gives it: `codes`, and `exclude` where the file says it; else the blocks of `codes`.
    """
    exclude = definition.get("exclude")
    return (*definition["codes"], *(map(block, definition["codes"]) if exclude is None else exclude))


METADATA = Encoder(
    "metadata",
    "age, sex, site, setting, year, duration, channels and the number of other codes on record, and nothing of the EEG",
    embed,
    kind="metadata",
    role="baseline",
    fitted_on_nobody=True,
    matched_away=True,
    nuisance=True,
    colour="#999999",
)
