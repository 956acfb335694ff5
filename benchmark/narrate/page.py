"""The table of `benchmark.narrate`: every way with its facts, and whether a model is above the baselines."""

import dataclasses
from typing import Any

from benchmark.narrate.scoring import Row
from clef.narratives.facts import POINTS

HEADER = ["way", "Fact-F1", "95 %", "precision", "recall", *POINTS, "ROUGE-L", "contradicted"]


@dataclasses.dataclass(frozen=True)
class Result:
    """All rows, and what they rest on, in plain values and in lines."""

    rows: list[Row]
    protocol: dict[str, Any]
    notes: list[str]


def as_plain(result: Result) -> dict[str, Any]:
    """Everything as plain values; no name of a session or a person."""
    rows = [row.as_plain() for row in result.rows]
    return {"protocol": result.protocol, "notes": result.notes, "rows": rows, "verdicts": verdicts(result.rows)}


def as_markdown(result: Result) -> str:
    """The page."""
    with_bert = any(row.bertscore is not None for row in result.rows)
    header = [*HEADER, *["BERTScore"] * with_bert]
    lines = [header, ["---"] * len(header), *(_cells(row, with_bert) for row in result.rows)]
    parts = ["# Narratives", "", *(f"- {note}" for note in result.notes), "", *map(_line, lines), ""]
    differences = [["difference in Fact-F1", "", "95 %"], ["---"] * 3]
    for row in result.rows:
        for name, (value, (low, high)) in row.against.items():
            differences.append([f"{row.name} − {name}", f"{value:+.3f}", f"{low:+.3f} to {high:+.3f}"])
    return "\n".join([*parts, *map(_line, differences), "", *verdicts(result.rows)]) + "\n"


def verdicts(rows: list[Row]) -> list[str]:
    """A line for each model: above all baselines, or which it is not above."""
    lines = []
    for row in rows:
        if row.is_model:
            others = [name for name in row.against if name not in row.beats()]
            what = f"not above: {', '.join(others)}" if others else f"above all {len(row.against)} baselines"
            lines.append(f"**{row.name}: {what}** (95 % interval of the difference in Fact-F1)")
    return lines


def _cells(row: Row, with_bert: bool) -> list[str]:
    total, (low, high) = row.facts["all"], row.intervals["all"]
    points = [f"{row.facts[point].overlap.f1:.3f}" for point in POINTS]
    share = total.contradicted / max(total.said, 1)
    cells = [row.name, f"{row.f1:.3f}", f"{low:.3f}–{high:.3f}", f"{total.overlap.precision:.3f}"]
    cells += [f"{total.overlap.recall:.3f}", *points, f"{row.rouge:.3f}", f"{total.contradicted} ({share:.1%})"]
    return [*cells, *([f"{row.bertscore:.3f}"] if with_bert and row.bertscore is not None else [""] * with_bert)]


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
