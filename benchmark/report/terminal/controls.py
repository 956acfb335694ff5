"""Controls on the benchmark itself, as text and as plain values: what has to give 0.5, and who is behind a score."""

import dataclasses
from typing import Any

from benchmark.report.terminal.tables import text_table
from benchmark.scores.comparing import mean_scores
from benchmark.scores.results import Results
from benchmark.scores.scoring import Scored
from benchmark.scores.subgroups import MIN_SETS, worst_levels

FORMAT = 1
WORDS = {
    "permuted": "mean AUROC with a member of every matched set, drawn at random, as its case; expected: 0.5",
    "controls": "mean AUROC on tasks that an EEG should not show (suite=controls); expected: 0.5",
    "identity": "auroc: share of pairs in which a session of the same person is nearer than one of another of the same "
    "sex, site, setting and age; recall: how often the nearest of `pool` sessions is the person's own",
    "subgroups": f"mean AUROC over tasks with {MIN_SETS} matched sets whose case is of that level; everybody: all "
    "sets on the same tasks",
}


def control_table(results: Results) -> str:
    """A row per embedding: permuted labels, control tasks, identity, worst subgroup; what was not made is absent."""
    names = results.scored.embeddings
    columns: dict[str, dict[str, str]] = {}
    for title, scored in (("permuted labels", results.permuted), ("control tasks", results.controls)):
        if scored:
            columns[title] = {m.embedding: f"{m.auroc:.3f} [{m.low:.3f}, {m.high:.3f}]" for m in mean_scores(scored)}
    if results.identity:
        pool, people = results.identity[0].pool, results.identity[0].people
        columns[f"knows people ({people})"] = {i.embedding: f"{i.auroc:.3f}" for i in results.identity}
        columns[f"nearest of {pool} is own"] = {i.embedding: f"{i.recall:.0%}" for i in results.identity}
    if len(results.subgroups):
        worst = worst_levels(results.subgroups).iter_rows(named=True)
        columns["worst subgroup (everybody)"] = {
            w["embedding"]: f"{w['by']} {w['level']} {w['auroc']:.3f} ({w['everybody']:.3f})" for w in worst
        }
    if not columns:
        return "controls on the benchmark itself: none were made"
    rows = [[name, *(column.get(name, "") for column in columns.values())] for name in names]
    title = "controls on the benchmark itself: permuted labels and control tasks have to give 0.5"
    return "\n".join([title, "", text_table(["embedding", *columns], rows), *_astray(results)])


def _astray(results: Results) -> list[str]:
    """Where 0.5 lies outside the interval of a control that has to give it."""
    lines = []
    for what, scored in (("permuted labels", results.permuted), ("control tasks", results.controls)):
        if odd := [m.embedding for m in mean_scores(scored) if not m.low <= 0.5 <= m.high] if scored else []:
            by_chance = "of rows that know nothing one in 20 does so"
            lines.append(f"! {what}: 0.5 lies outside the interval of {', '.join(odd)}; {by_chance}")
    return lines


def controls_as_table(results: Results) -> dict[str, Any]:
    """The same for reading by machines, as `controls.json` holds it: plain values, each part with its words."""
    return {
        "format": FORMAT,
        "synthetic": results.synthetic,
        "words": WORDS,
        "permuted": _scores(results.permuted),
        "controls": _scores(results.controls),
        "identity": [dataclasses.asdict(one) for one in results.identity],
        "subgroups": results.subgroups.to_dicts(),
        "worst": worst_levels(results.subgroups).to_dicts(),
    }


def _scores(scored: Scored | None) -> dict[str, Any] | None:
    """Means with their intervals, and each task's scores."""
    if scored is None:
        return None
    columns = ("task", "embedding", "auroc", "low", "high", "cases", "controls", "flags")
    return {
        "means": {m.embedding: [m.auroc, m.low, m.high] for m in mean_scores(scored)},
        "tasks": scored.scores.select(columns).to_dicts(),
        "people": scored.subjects,
        "notes": scored.notes,
    }
