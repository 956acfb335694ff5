"""The verdict of a benchmark run in words: a table of rules, each with when it fits, what it says and what to do next.

Texts stand for themselves; `{c.…}` in them is a value of `benchmark.report.standing`, where the terms are explained.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

from benchmark.report.standing import Run, Standing
from benchmark.scores.results import Results

FORMAT = 1
FEW = 120
"""Scored people below which the best of several embeddings ranks first hardly more often than not (simulated)."""
MATTERS = 0.02
"""A difference of mean AUROC that people would act on."""


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
        "amplifier",
        lambda c: c.nuisance,
        "{c.nuisance.embedding} {c.nuisance.auroc:.3f}, {c.score} on {c.on}: nothing is shown here beyond the "
        "amplifier, the length of recordings and what else is known without looking at the EEG",
        "take cases and controls of the same site and amplifier (benchmark.build match_on=), or other tasks",
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
        "above",
        lambda c: c.difference[1] > 0,
        "{c.score} is above the best control ({c.best}) on {c.on}: {c.by}, holds",
        "train again with another seed=, which the interval does not cover, and score other people",
    ),
    Rule(
        "unclear",
        lambda c: c.difference[2] >= MATTERS,
        "{c.score} is not shown to be above a control ({c.best}) on {c.on}: {c.by}, does not hold, and may be either",
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
        "other-readout",
        lambda c: c.other_readout,
        "{c.name}: its controls were read otherwise ({c.other_readout}), and a part of the difference may be that",
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


@dataclasses.dataclass
class Line:
    """One sentence: the `rule` that gave it, its `text`, what to do `next`.

    embedding: whom it is about, None for the whole run · control: what that was held against, if there was one
    difference: mean AUROC of the embedding minus the control's, with its 95 % interval: (by, low, high)
    """

    rule: str
    text: str
    next: str
    embedding: str | None = None
    control: str | None = None
    difference: tuple[float, float, float] | None = None

    def __str__(self) -> str:
        return f"{self.text}; next: {self.next}"


def verdict(results: Results) -> list[Line]:
    """What the run shows: a sentence per judged embedding, best first, with its cautions; then what holds for all."""
    run, lines = Run(results), []
    for standing in (Standing(results, mean) for mean in run.judged):
        rules = [next(r for r in VERDICTS if r.fits(standing)), *(r for r in CAUTIONS if r.fits(standing))]
        control = standing.rival.embedding if standing.rival else None
        lines += [Line(*_said(rule, standing), standing.name, control, standing.difference) for rule in rules]
    return lines + [Line(*_said(rule, run)) for rule in ABOUT if rule.fits(run)]


def _said(rule: Rule, case: Run) -> tuple[str, str, str]:
    return rule.name, rule.text.format(c=case), rule.next.format(c=case)


def as_table(results: Results) -> dict[str, Any]:
    """The verdict for reading by machines, as `verdict.json` holds it: plain values, rules by their names."""
    run = Run(results)
    return {
        "format": FORMAT,
        "synthetic": results.synthetic,
        "tasks": run.tasks,
        "subjects": run.subjects,
        "scored_on": results.scored.scores["scored_on"][0],
        "means": {m.embedding: [m.auroc, m.low, m.high] for m in run.means},
        "lines": [dataclasses.asdict(line) for line in verdict(results)],
    }
