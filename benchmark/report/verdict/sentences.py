"""The verdict of a benchmark run in words, and for programs: the rules of `benchmark.report.verdict.rules`, applied."""

import dataclasses
from typing import Any

from benchmark.report.verdict.rules import ABOUT, CAUTIONS, VERDICTS, Rule
from benchmark.report.verdict.standing import Standing
from benchmark.report.verdict.whole import Run
from benchmark.scores.comparing import differences, label_table, mean_scores
from benchmark.scores.results import Results
from benchmark.scores.scoring import Scored

FORMAT = 2


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
    run, scored = Run(results), results.scored
    return {
        "format": FORMAT,
        "synthetic": results.synthetic,
        "tasks": run.tasks,
        "subjects": run.subjects,
        "scored_on": scored.scores["scored_on"][0],
        "labels": scored.main,
        "seeds": run.seeds,
        "means": {m.embedding: dataclasses.asdict(m) | {"role": run.role(m.embedding)} for m in run.means},
        "few_labels": label_table(scored).to_dicts(),
        "differences": [dataclasses.asdict(d) for d in differences(scored)],
        "permuted": _means(results.permuted),
        "controls": _means(results.controls),
        "lines": [dataclasses.asdict(line) for line in verdict(results)],
    }


def _means(scored: Scored | None) -> dict[str, Any] | None:
    return {m.embedding: [m.auroc, m.low, m.high] for m in mean_scores(scored)} if scored else None
