"""What `benchmark.open` writes: the table of answers with its protocol as Markdown, and the same as plain values."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

import clef
from benchmark.models.views import KINDS, REBUILT
from benchmark.open.answers import Answer, Interval, best_of, counted, difference, mean_of, retention
from benchmark.open.datasets import DATA_SETS
from benchmark.open.questions import QUESTIONS
from tokenizer.reference import Reference

NUISANCE = ("metadata", "acquisition")
BASELINES = {"recorded": "bandpower", "average": "bandpower average"}
"""Band power by what electrodes are measured against."""
SAW = "‡"
WITHIN = 0.02
"""How far an AUROC may move when nothing but the gain changes."""
KEPT = 0.95
"""Share of what band power tells that has to be left in the tokens."""


@dataclasses.dataclass
class Result:
    """All answers, and who was asked.

    seen: (model, data set) -> how many of its people the model saw; None: it does not say · runs: its fingerprint
    others: encoders beside the models, which have no controls of their own
    references: what a model's tokens are measured against; as recorded where nothing is said
    """

    models: list[str]
    gains: list[float]
    retention: bool
    folds: int
    seeds: int
    answers: list[Answer] = dataclasses.field(default_factory=list)
    seen: dict[tuple[str, str], int | None] = dataclasses.field(default_factory=dict)
    runs: dict[tuple[str, str], str] = dataclasses.field(default_factory=dict)
    others: list[str] = dataclasses.field(default_factory=list)
    references: dict[tuple[str, str], Reference] = dataclasses.field(default_factory=dict)

    def controls(self, model: str) -> list[str]:
        """The rows that a model has to beat."""
        return [*BASELINES.values(), model + KINDS["untrained"], model + KINDS["codes"]]

    def baseline(self, model: str, dataset: str) -> str:
        """Band power against the reference that a model's tokens have."""
        return BASELINES[self.references.get((model, dataset), "recorded")]

    def saw(self, row: str, dataset: str) -> bool:
        """Whether a row comes from weights that saw people of a data set, or may have."""
        model = next((m for m in (*self.models, *self.others) if row == m or row.startswith(f"{m} ")), None)
        return model is not None and self.seen[model, dataset] != 0


def as_markdown(result: Result) -> str:
    """The whole page."""
    parts = ["# Open data sets: questions asked of people whom the models never saw", "", *_scores(result)]
    parts += [line for model in result.models for line in _paired(result, model)]
    parts += _gains(result) if result.gains and result.models else []
    parts += _retention(result) if result.retention and result.models else []
    return "\n".join([*parts, *_protocol(result), ""])


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(line)} |" for line in (header, ["---"] * len(header), *rows)] + [""]


def _scores(result: Result) -> list[str]:
    names = [*NUISANCE, *BASELINES.values(), *result.others]
    names += [model + kind for model in result.models for kind in (KINDS["codes"], KINDS["untrained"], "")]
    rows = [
        [_title(one), f"{one.cases} / {one.controls}", *(_cell(result, one, name) for name in names)]
        for one in result.answers
    ]
    known = counted(result.answers)
    if known:
        means = [mean_of(known, name) for name in names]
        saw = [SAW * any(result.saw(name, one.question.dataset) for one in known) for name in names]
        cells = [f"**{mean[0]:.3f}**{mark}" for mean, mark in zip(means, saw, strict=True)]
        rows.append([f"**mean of {len(known)}**", "", *cells])
    head = f"AUROC out of fold, mean over {result.seeds} seeds; below each its 95 % interval. "
    head += f"{SAW}: the model saw people of this data set, or does not say whom it saw." if _any_saw(result) else ""
    return [head.strip(), "", *_table(["question", "people", *names], rows)]


def _title(one: Answer) -> str:
    note = "" if one.question.counted else " (not in the mean)"
    return f"{one.question.what}{note}"


def _cell(result: Result, one: Answer, row: str) -> str:
    if one.refused:
        return "–"
    value, low, high = one.of(row)
    return f"{value:.2f}{SAW * result.saw(row, one.question.dataset)} <br>{low:.2f}–{high:.2f}"


def _any_saw(result: Result) -> bool:
    return any(count != 0 for count in result.seen.values())


def _paired(result: Result, model: str) -> list[str]:
    """A model against each of its controls, by question and over all."""
    known, controls = counted(result.answers), result.controls(model)
    if not known:
        return []
    best = best_of(result.answers, controls)
    others = [name for name in (*controls, *result.others) if name != best]
    header = ["question", f"minus {best} (best control)", *(f"minus {name}" for name in others)]
    rows = [[_title(one), *(_by(difference([one], model, c)) for c in (best, *others))] for one in _scored(result)]
    rows.append([f"**mean of {len(known)}**", *(f"**{_by(difference(known, model, c))}**" for c in (best, *others))])
    note = "Paired by person, 95 % intervals for other people; the best control is that with the highest mean over all."
    return [f"## {model} against its controls", "", note, "", *_table(header, rows)]


def _by(interval: Interval) -> str:
    value, low, high = interval
    return f"{value:+.3f} [{low:+.3f}, {high:+.3f}]"


def _scored(result: Result) -> list[Answer]:
    return [one for one in result.answers if one.auroc]


def _gains(result: Result) -> list[str]:
    """Every question again with all recordings times a gain."""
    lines = ["## The same recordings times a gain", ""]
    lines += [f"AUROC, and what the gain changes; **bold**: by more than {WITHIN}. Probes are fitted anew.", ""]
    header = ["question", "row", "as recorded", *(f"x{gain:g}" for gain in result.gains)]
    rows = []
    for one in _scored(result):
        for row in (model + kind for model in result.models for kind in ("", KINDS["codes"])):
            moved = [one.auroc[f"{row} x{gain:g}"] - one.auroc[row] for gain in result.gains]
            cells = [f"{one.auroc[row] + by:.2f} ({by:+.3f})" for by in moved]
            cells = [f"**{c}**" if abs(by) > WITHIN else c for c, by in zip(cells, moved, strict=True)]
            rows.append([_title(one), row, f"{one.auroc[row]:.2f}", *cells])
    return lines + _table(header, rows)


def _retention(result: Result) -> list[str]:
    """What band power tells before the tokens and after."""
    lines = ["## What band power still tells through the tokens", ""]
    lines += [f"(AUROC − 0.5) of the rebuilt spectrogram as a share of the original's; the bar is {KEPT}.", ""]
    rows = []
    for one in _scored(result):
        for model in result.models:
            original = result.baseline(model, one.question.dataset)
            share, low, high = retention(one, original, model + REBUILT)
            shown = "–" if share is None else f"{share:.2f}"
            shown += " (no interval: the original may be chance)" if low is None else f" [{low:.2f}, {high:.2f}]"
            values = [f"{one.auroc[name]:.3f}" for name in (original, model + REBUILT)]
            rows.append([_title(one), model, *values, shown])
    return lines + _table(["question", "model", "original", "rebuilt", "kept"], rows)


# ---- protocol
def _protocol(result: Result) -> list[str]:
    return ["## Protocol", "", *(f"- {line}" for line in protocol_lines(result))]


def protocol_lines(result: Result) -> list[str]:
    """How every number came about, a sentence each."""
    asked = dict.fromkeys(one.question.dataset for one in result.answers)
    lines = [f"{name}: {DATA_SETS[name].what}; {_length(result, name)}" for name in asked]
    lines += [f"{one.question.what}: not scored ({one.refused})" for one in result.answers if one.refused]
    lines.append(
        f"unit: the session, one per person and question (two where both are asked); {result.folds} folds of people x "
        f"{result.seeds} seeds; the smaller group are the cases, everybody of the larger is in the set of one of them; "
        f"sets are never divided; pairs are compared within their fold; intervals resample sets, the probes held fixed"
    )
    lines.append("MMSE: AUROC of the lower half of all patients against the upper, no regression")
    lines += sorted({f"probe: {one.protocol}" for one in _scored(result)})
    widths = {name: width for one in _scored(result) for name, width in one.dimensions.items() if " x" not in name}
    lines.append("dimensions: " + ", ".join(f"{name} {width}" for name, width in sorted(widths.items())))
    lines += [_of_model(result, model) for model in (*result.models, *result.others)]
    hashes = ", ".join(dict.fromkeys(f"{one.question.dataset} {one.split_hash}" for one in _scored(result)))
    return [*lines, f"folds (hash of one seed's): {hashes}", f"CLEF {clef.__version__}"]


def _length(result: Result, dataset: str) -> str:
    one = next(one for one in result.answers if one.question.dataset == dataset)
    return f"every recording cut to its first {one.seconds:g} s" if one.seconds else "recordings as long as they are"


def _of_model(result: Result, model: str) -> str:
    parts = []
    for (name, dataset), count in result.seen.items():
        if name == model:
            overlap = "does not say whom it saw" if count is None else f"saw {count} of its people"
            run = result.runs.get((model, dataset))
            parts.append(f"on {dataset}{f' {run}' if run else ''}, {overlap}")
    return f"{model}: {'; '.join(parts)}"


def as_json(result: Result) -> dict[str, Any]:
    """Everything as plain values."""
    known = counted(result.answers)
    questions = []
    for one in result.answers:
        rows = {row: [round(v, 4) for v in one.of(row)] for row in sorted(one.auroc)}
        words = {"name": one.question.name, "what": one.question.what, "data set": one.question.dataset}
        questions.append(
            words
            | {"cases": one.cases, "controls": one.controls, "seconds": one.seconds, "refused": one.refused}
            | {"counted": one.question.counted, "auroc": rows, "split_hash": one.split_hash}
        )
    return {
        "questions": questions,
        "means": {row: mean_of(known, row) for row in (known[0].auroc if known else ())},
        "differences": _differences(result) if known else {},
        "retention": {
            model: {
                one.question.name: retention(one, result.baseline(model, one.question.dataset), model + REBUILT)
                for one in _scored(result)
            }
            for model in (result.models if result.retention else ())
        },
        "largest change by gain": _largest_change(result),
        "saw": [{"model": m, "data set": d, "people": n} for (m, d), n in result.seen.items()],
        "protocol": protocol_lines(result),
        "asked": [q.name for q in QUESTIONS],
    }


def _differences(result: Result) -> dict[str, Any]:
    known = counted(result.answers)
    return {
        model: {"best control": best_of(result.answers, result.controls(model))}
        | {name: difference(known, model, name) for name in (*result.controls(model), *result.others)}
        for model in result.models
    }


def _largest_change(result: Result) -> dict[str, float]:
    """Model -> the largest change of an AUROC by gain alone, over all questions and gains."""
    if not result.gains or not _scored(result):
        return {}
    return {
        model: float(
            np.max(
                [abs(one.auroc[f"{model} x{g:g}"] - one.auroc[model]) for one in _scored(result) for g in result.gains]
            )
        )
        for model in result.models
    }
