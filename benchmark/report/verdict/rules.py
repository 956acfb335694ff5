"""The rules of the verdict: a table, each row with when it fits, what it says and what to do next.

Texts stand for themselves; `{c.…}` in them is a value of `benchmark.report.verdict.standing` or, of the whole run, of
`benchmark.report.verdict.whole`, where the terms are explained.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

FEW = 120
"""Scored people below which the best of several embeddings ranks first hardly more often than not (simulated)."""
MATTERS = 0.02
"""A difference of mean AUROC that people would act on."""
DRAWS = 3
"""Seeds below which nobody can tell whether an order is that of the labelled people who were drawn."""


@dataclasses.dataclass(frozen=True)
class Rule:
    """A row of the tables below."""

    name: str
    fits: Callable[[Any], Any]
    text: str
    next: str


VERDICTS = (
    Rule(
        "seen",
        lambda c: c.seen,
        "{c.score} is no held-out score: its model has seen {c.seen} of the people scored here",
        "score a model that has not seen them, or tasks built with splits=[test]",
    ),
    Rule(
        "alone",
        lambda c: not c.controls,
        "{c.score} on {c.on}, and no control beside it: nobody can tell what it is worth",
        "the same command with cohort=COHORT, which makes the baselines",
    ),
    Rule(
        "without-eeg",
        lambda c: c.metadata,
        "{c.metadata.embedding} {c.metadata.auroc:.3f}, {c.score} on {c.on}: nothing is shown here beyond what is "
        "known of people and their recordings without looking at the EEG",
        "match cases and controls on what tells them apart (benchmark.build match_on= or match=propensity), or take "
        "other tasks",
    ),
    Rule(
        "filters",
        lambda c: c.acquisition,
        "{c.acquisition.embedding} {c.acquisition.auroc:.3f}, {c.score} on {c.on}: nothing is shown here beyond "
        "filters and noise floor, which hold some EEG; amplifier and illness cannot be told apart",
        "take cases and controls of the same amplifier (benchmark.build match_on=), or recordings filtered alike",
    ),
    Rule(
        "chance",
        lambda c: c.mean.low <= 0.5 and c.controls[0].low <= 0.5,
        "{c.score}, best control {c.best}: neither can be told from guessing on {c.on}",
        "look at the recordings (python -m clef.quality) and at the labels; {c.more_people}",
    ),
    Rule(
        "below",
        lambda c: c.difference[2] < 0,
        "{c.score} is below the best control ({c.best}) on {c.on}: {c.by}, holds",
        "use {c.rival.embedding} for these tasks; train longer, or on more people, before scoring again",
    ),
    Rule(
        "other-readout",
        lambda c: c.difference[1] > 0 and c.other_readout,
        "{c.score} is ahead of the best control ({c.best}) on {c.on}: {c.by}, but that was read otherwise "
        "({c.other_readout}), and a part of the difference, or all, may be that",
        "make it with the settings of this one (python -m clef.embed kind=untrained …, or kind=codes) and score again",
    ),
    Rule(
        "above",
        lambda c: c.difference[1] > 0 and c.every_draw,
        "{c.score} is above the best control ({c.best}) on {c.on}: {c.by}, holds, and in each of {c.draws}",
        "train again with another seed=, which the interval does not cover, and score other people",
    ),
    Rule(
        "unclear",
        lambda c: c.difference[2] >= MATTERS,
        "{c.score} is not shown to be above a control ({c.best}) on {c.on}: {c.by}, {c.doubt}, and may be either",
        "{c.more_people}; until then use the simpler of the two",
    ),
    Rule(
        "level",
        lambda c: True,
        "{c.score} is no better than a control ({c.best}) on {c.on}: {c.by}, less than "
        + f"{MATTERS} above it at best",
        "use the simpler of the two for these tasks",
    ),
)
"""Of one embedding: the first that fits."""
CAUTIONS = (
    Rule(
        "unknown-training",
        lambda c: c.is_unknown,
        "{c.name}: its file does not say whom its model was trained on; if people scored here were among them, its "
        "score is too high",
        "ask whoever made it; python -m clef.embed writes it into the file",
    ),
    Rule(
        "mixed-readout",
        lambda c: c.controls and c.mixed_readout,
        "{c.name}: some controls were read otherwise ({c.mixed_readout}), and a part of the difference may be that",
        "make them with the settings of this one: python -m clef.embed kind=untrained …, and kind=codes",
    ),
)
"""Of one embedding, beside its verdict: all that fit."""
ABOUT = (
    Rule(
        "synthetic",
        lambda c: c.results.synthetic,
        "synthetic cohort: these numbers try the software and say nothing about patients",
        "import recordings of your own (python -m clef.importers.folder --help)",
    ),
    Rule(
        "few-people",
        lambda c: c.subjects < FEW,
        "too few people: {c.subjects} are scored, intervals are up to {c.widest} wide, too wide to order models; with "
        f"fewer than {FEW} the better of two comes first hardly more often than not",
        "{c.more_people}",
    ),
    Rule(
        "unmatched",
        lambda c: not c.matched,
        "controls are drawn at random: age, sex and site are a part of every score",
        "build the tasks with matched=true",
    ),
    Rule(
        "unbalanced",
        lambda c: c.unbalanced,
        "in {c.unbalanced} of {c.tasks} tasks cases and controls differ after matching by more than 0.1 standard "
        "deviations in age, sex, site or setting: a part of those scores may be that",
        "read the table of balance; match=propensity, or another match_on=, may do better",
    ),
    Rule(
        "permuted",
        lambda c: c.permuted,
        "with case and control exchanged by a draw a score has to be 0.5, and is not: {c.permuted}; something other "
        "than the question is scored, and nothing here can be relied on",
        "look for people, sessions or sets on both sides of a split, and report it with the command that was run",
    ),
    Rule(
        "unrelated",
        lambda c: c.unrelated,
        "conditions that an EEG should not show are told from others (suite=controls): {c.unrelated}; how ill people "
        "are, or where they were recorded, may be a part of every score",
        "match on what is left open (benchmark.build match_on=), and judge by what is above these tasks",
    ),
    Rule(
        "few-draws",
        lambda c: c.judged and c.seeds < DRAWS,
        "labelled people and folds were drawn {c.times}: the order may be that of the draw",
        "the same command with seeds=3",
    ),
    Rule(
        "few-labels",
        lambda c: c.few_labels,
        "{c.few_labels}: which embedding to take depends on how many labels there are",
        "look at the row of your number of labelled cases (train_cases=)",
    ),
    Rule(
        "nothing-judged",
        lambda c: not c.judged,
        "only controls were scored: there is nothing to judge",
        "the same command with embeddings=yours.parquet",
    ),
    Rule(
        "no-ablation",
        lambda c: c.judged and c.absent("ablation"),
        "no row {c.absent_ablations}: you cannot tell what training added",
        "{c.commands}",
    ),
    Rule(
        "no-baseline",
        lambda c: c.judged and c.absent("baseline"),
        "no row {c.absent_baselines}: you cannot tell what a plain spectrum or the amplifier gives away",
        "the same command with cohort=COHORT",
    ),
)
"""Of the whole run: all that fit."""
