"""What `benchmark.tuab` writes: the tables with their whole protocol as Markdown, and the same as plain values."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

import clef
from benchmark.tuab.asking import OWN, QuestionScores
from benchmark.tuab.levels import LEVELS, Score
from benchmark.tuab.probes import PROBES
from benchmark.tuab.questions import QUESTIONS
from benchmark.tuab.words import Leak

OFFICIAL = "tuab"
"""The site of the corpus that has an official split."""
SAW = "‡"
WORDS = {
    "logistic": "L2 logistic regression; space and strength chosen on val where it has 15 of each group, else on inner "
    "folds of people; probabilities calibrated there; groups weigh the same",
    "perceptron": "EEG-CLIP's readout: layers of 64, 16 and 1, AdamW 5e-3, decay 5e-4, 10 epochs of 64 rows; the last "
    "weights, nothing chosen",
    OWN: "the network itself, trained from scratch on the question: AdamW, cosine, steps of 64 windows, as many of "
    "cases as of others; the step chosen on val",
    "people": "ELM's unit: the mean of each person's vectors, the logistic probe on those",
}


@dataclasses.dataclass
class Result:
    """All answers, what was asked, and of how many sessions and people."""

    name: str
    """The corpus, as `tuab`, or the folder of the cohort."""
    synthetic: bool
    not_asked: dict[str, str]
    """Question -> why."""
    asked: list[QuestionScores]
    few: list[QuestionScores]
    counts: dict[str, tuple[int, int]]
    """Split -> sessions, people."""
    seen: dict[str, int | None]
    """Row -> how many people of eval its model saw; None: it does not say."""
    leaks: list[Leak] = dataclasses.field(default_factory=list)
    """Words of prompts by which reports of train tell an answer."""


def as_json(result: Result) -> dict[str, Any]:
    """Plain values: one entry for each score."""
    entries = [
        {"question": a.question, "row": a.row, "probe": a.probe, "share": a.share, "draw": a.draw, "people": a.people}
        | dataclasses.asdict(score)
        | {"chosen": a.chosen, "saw": result.seen[a.row]}
        for a in (*result.asked, *result.few)
        for score in a.scores
    ]
    return {"format": 1, "kind": "tuab", "clef": clef.__version__, "counts": result.counts, "scores": entries} | {
        "name": result.name,
        "synthetic": result.synthetic,
        "not_asked": result.not_asked,
        "leaks": [dataclasses.asdict(one) for one in result.leaks],
        "probes": WORDS,
    }


def as_markdown(result: Result) -> str:
    """The tables and, under them, how they came about."""
    title = "TUAB: the official eval part" if result.name == OFFICIAL else f"{result.name}: its split test"
    lines = [f"# {title}, scored whole", ""]
    if result.synthetic:
        lines += ["SYNTHETIC DATA, not patients: these numbers try the software.", ""]
    counts = [f"{split} {n:,} sessions of {people:,} people" for split, (n, people) in result.counts.items()]
    lines += ["; ".join(counts) + ". AUROC [95 % interval, people resampled], then balanced accuracy.", ""]
    for question in QUESTIONS:
        mine = [one for one in result.asked if one.question == question.name]
        lines += [f"## {question.name}: {question.cases}", ""]
        lines += [*_table(mine, result), ""] if mine else [f"Not asked: {result.not_asked[question.name]}.", ""]
    if result.few:
        lines += ["## Few labels", "", *_few_table(result.few), ""]
    return "\n".join([*lines, *_protocol(result)]) + "\n"


def _table(asked: Sequence[QuestionScores], result: Result) -> list[str]:
    head = ["row", "probe", *LEVELS, "cases / others, sessions"]
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    for one in asked:
        by_level = {score.level: score for score in one.scores}
        cells = [_cell(by_level.get(level)) for level in LEVELS]
        counted = by_level.get("session") or by_level.get("person")
        cells.append(f"{counted.cases} / {counted.controls}" + " people" * ("session" not in by_level))
        mark = "" if result.seen[one.row] == 0 else SAW
        lines.append(f"| {one.row}{mark} | {one.probe} | {' | '.join(cells)} |")
    return lines


def _cell(score: Score | None) -> str:
    if score is None:
        return "–"
    return f"{score.auroc:.3f} [{score.low:.2f}, {score.high:.2f}], {score.balanced_accuracy:.3f}"


def _few_table(few: Sequence[QuestionScores]) -> list[str]:
    """Mean AUROC of sessions over draws, with the least and the largest."""
    shares = sorted({one.share for one in few}, reverse=True)
    lines = [f"| question | row | {' | '.join(f'{100 * s:g} %' for s in shares)} |", f"|{' --- |' * (2 + len(shares))}"]
    for question, row in dict.fromkeys((one.question, one.row) for one in few):
        cells = []
        for share in shares:
            of = [o for o in few if (o.question, o.row, o.share) == (question, row, share)]
            values = [s.auroc for o in of for s in o.scores if s.level == "session"]
            people = f"{of[0].people} people" if of else ""
            cells.append(f"{np.mean(values):.3f} ({min(values):.3f} to {max(values):.3f}; {people})" if values else "–")
        lines.append(f"| {question} | {row} | {' | '.join(cells)} |")
    return lines


def _split(name: str) -> str:
    if name == OFFICIAL:
        return "- split: the corpus's own; a share of the people of train is val; eval was asked once"
    return "- split: the cohort's (of TUEP, which has none of its own, a seeded share of people); test was asked once"


def _protocol(result: Result) -> list[str]:
    lines = ["## Protocol", "", _split(result.name)]
    lines.append(
        "- levels: a session has the mean log-odds (AUROC) and the mean probability (called above one half) of its "
        "windows, a person those of their sessions; levels are never mixed"
    )
    mixed = max((score.mixed for one in result.asked for score in one.scores), default=0)
    if mixed:
        lines.append(f"- {mixed} people of eval have answers of both kinds and are in neither group of people")
    lines += [
        f"- {probe}: {WORDS[probe]}" for probe in (*PROBES, OWN) if any(one.probe == probe for one in result.asked)
    ]
    if any(one.probe.startswith("zero-shot") for one in result.asked):
        lines.append(
            "- zero-shot: cosine to the cases' words less that to the others', called above zero, no label used; "
            "EEG-CLIP's prompts as published, or the templates of configs/search/prompts.yaml"
        )
    for one in result.leaks:
        lines.append(
            f"- **reports of train say the answer to {one.question!r}**: {one.word!r} in {100 * one.cases:.0f} % of "
            f"the cases' and {100 * one.others:.0f} % of the others'; who was aligned with whole reports was told"
        )
    for row, seen in result.seen.items():
        if seen != 0:
            what = "does not say whom it saw" if seen is None else f"saw {seen} people of eval"
            lines.append(f"- {SAW} {row}: {what}")
    if result.few:
        draws = 1 + max(one.draw for one in result.few)
        lines.append(f"- few labels: of so many of train's people, {draws} draws; mean (least to largest), sessions")
    return [*lines, f"- CLEF {clef.__version__}"]
