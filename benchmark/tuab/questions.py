"""The questions that EEG-CLIP (arXiv 2503.16531) asks of TUAB, and TUEP's; who has no answer is in neither group."""

import dataclasses
from collections.abc import Callable

import polars as pl

from clef.cohort import Cohort

DRUGS = r"(?i)keppra|dilantin|depakote|levetiracetam|phenytoin|valpro"
"""What a report has to name; one that names none is a "no", a session without a report is not asked. EEG-CLIP looked
for the three trade names alone; here a report that names the substance instead is no "no"."""


@dataclasses.dataclass(frozen=True)
class Question:
    """A question: its name, its cases in words, and session_id -> answer (bool, null where it is not known)."""

    name: str
    cases: str
    answers: Callable[[Cohort], pl.DataFrame]


def pathological(cohort: Cohort) -> pl.DataFrame:
    """The corpus's own label, or the finding of the report, of each session."""
    return labelled(cohort, r"^(LABEL//.*//pathology|FINDING)//(ab)?normal$", "//abnormal")


def epileptic(cohort: Cohort) -> pl.DataFrame:
    """TUEP's label, which is the person's."""
    return labelled(cohort, r"^LABEL//.*//epilepsy//(yes|no)$", "//yes")


def labelled(cohort: Cohort, pattern: str, case: str) -> pl.DataFrame:
    """session_id -> whether its label, one of those that fit `pattern`, ends in `case`; two labels are none."""
    labels = cohort.events.filter(pl.col("code").str.contains(pattern))
    of_session = labels.select("subject_id", "time", answer=pl.col("code").str.ends_with(case)).unique()
    joined = cohort.sessions.join(
        of_session, left_on=["subject_id", "start_time"], right_on=["subject_id", "time"], how="left", nulls_equal=True
    )
    alone = joined.group_by("session_id").agg(pl.col("answer").n_unique().alias("n"), pl.col("answer").first())
    return alone.select("session_id", answer=pl.when(pl.col("n") == 1).then("answer"))


def older(cohort: Cohort) -> pl.DataFrame:
    """Whether the person was older than 50 years."""
    return cohort.sessions.select("session_id", answer=pl.col("age") > 50)


def male(cohort: Cohort) -> pl.DataFrame:
    """Whether the person is male, where the file says one of the two."""
    return cohort.sessions.select(
        "session_id", answer=pl.when(pl.col("sex").is_in(["F", "M"])).then(pl.col("sex") == "M")
    )


def medicated(cohort: Cohort) -> pl.DataFrame:
    """Whether the report names one of three drugs."""
    named = cohort.reports.select("session_id", answer=pl.col("text").str.contains(DRUGS))
    return cohort.sessions.select("session_id").join(named, on="session_id", how="left")


QUESTIONS = (
    Question("pathological", "abnormal", pathological),
    Question("epilepsy", "epilepsy", epileptic),
    Question("age", "older than 50", older),
    Question("sex", "male", male),
    Question("medication", "the report names Keppra, Dilantin or Depakote, or their substances", medicated),
)
