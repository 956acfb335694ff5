"""Concepts kept out of alignment, so that what a model makes of diagnoses and drugs it never met can be scored apart.

    codes of train -> groups (ICD-10 categories, ATC subgroups of four characters) -> a seeded share of them
    -> neither in a record nor, by the names that the suites of tasks have for them, in a report's summary

A drawn group goes with all of its codes and substances, and with codes that are wider than it. The list stands in the
model's config.json (`about.heldout_concepts`) and goes with its embeddings.
"""

import logging
import math
import re
from functools import cache

import polars as pl

from clef.codes import concept_group, normalise_code, overlap
from clef.reports.rules import split_sentences
from tokenizer.base.cli import preset_root
from tokenizer.base.files import fingerprint
from tokenizer.base.values import read_yaml

log = logging.getLogger(__name__)
CODES_OF_TITLE = re.compile(r"\((?=[A-Z]\d)[^()]*\)")


def draw_heldout(sessions: pl.DataFrame, events: pl.DataFrame, share: float, seed: int, min_count: int) -> list[str]:
    """A `share` of the groups of either classification that at least `min_count` training subjects have, rounded up.

    sessions, events: as `read_sessions` and `clef.cohort.read_events` return them. The groups with the lowest seeded
    hash are drawn: a smaller share is a part of a larger one, whatever the order of the tables.
    """
    train = sessions.filter(pl.col("split") == "train")["subject_id"].unique()
    rows = [(code, concept_group(code)) for code in events["code"].unique() if "//" in code]
    table = pl.DataFrame(rows, schema={"code": pl.String, "group": pl.String}, orient="row").drop_nulls()
    having = events.filter(pl.col("subject_id").is_in(train.implode())).join(table, on="code")
    counts = having.group_by("group").agg(pl.col("subject_id").n_unique())
    frequent = counts.filter(pl.col("subject_id") >= min_count)["group"]
    drawn = []
    for space in ("ATC//", "ICD10CM//"):
        groups = sorted((g for g in frequent if g.startswith(space)), key=lambda g: fingerprint(str(seed), g))
        drawn += groups[: math.ceil(share * len(groups))]
    log.info("held out of alignment: %d of %d groups of codes", len(drawn), len(frequent))
    return sorted(drawn)


def without_codes(events: pl.DataFrame, heldout: list[str]) -> pl.DataFrame:
    """The events without those whose code is of a held-out group, or wider than one."""
    normal = {code: normalise_code(code) for code in events["code"].unique() if "//" in code}
    gone = [code for code, known in normal.items() if known and overlap(known, heldout)]
    return events.filter(~pl.col("code").is_in(gone))


def without_words(summaries: dict[str, str], heldout: list[str]) -> dict[str, str]:
    """The summaries, by session, without the sentences that name a held-out concept; empty ones are left out."""
    names = sorted({name for name, codes in concept_names() if any(overlap(code, heldout) for code in codes)})
    if not names:
        return summaries
    pattern = re.compile(rf"\b(?:{'|'.join(map(re.escape, names))})", re.IGNORECASE)
    kept = {k: " ".join(s for s in split_sentences(text) if not pattern.search(s)) for k, text in summaries.items()}
    changed = sum(kept[k] != text for k, text in summaries.items())
    log.info("names of held-out concepts: sentences left out of %d of %d summaries", changed, len(summaries))
    return {k: text for k, text in kept.items() if text.strip()}


@cache
def concept_names() -> list[tuple[str, tuple[str, ...]]]:
    """Names of diagnoses and drugs, in lower case, with their codes: the titles of the suites that come with CLEF."""
    named = []
    for file in sorted((preset_root() / "benchmark" / "suite").glob("*.yaml")):
        for task in read_yaml(file).get("tasks", []):
            codes = tuple(code for code in task["codes"] if normalise_code(code))
            parts = re.split(r"[(),]", CODES_OF_TITLE.sub("", task["task"]))
            named += [(part.strip().lower(), codes) for part in parts if codes and len(part.strip()) > 3]
    return named
