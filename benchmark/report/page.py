"""report.html: the whole result on one self-contained page, for somebody who was not there."""

import datetime
from pathlib import Path
from typing import Any

import polars as pl

import clef
from benchmark.report import tables
from benchmark.report.verdict import verdict
from benchmark.scores.comparing import differences, mean_scores
from benchmark.scores.results import Results
from benchmark.scores.scoring import SMALL_N
from clef.cohort import Cohort
from tokenizer.base.files import write_text

TASKS_PER_FIGURE = 40


def write_report(out: Path, results: Results, cohort: Cohort | None = None, tokens: str | None = None) -> Path:
    """Write `out/report.html` and return its path. With `cohort` and `tokens` one session is drawn."""
    from jinja2 import Environment, PackageLoader

    pages = Environment(
        loader=PackageLoader("benchmark.report", "."), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    text = pages.get_template("page.html.jinja").render(_content(results, cohort, tokens))
    write_text(out / "report.html", text)
    return out / "report.html"


def _content(results: Results, cohort: Cohort | None, tokens: str | None) -> dict[str, Any]:
    from benchmark.report.figures import forest_figure, means_figure
    from benchmark.report.session import session_picture

    scored = results.scored
    order = _by_family(results)
    forests = [
        (family, forest_figure(results, tasks[i : i + TASKS_PER_FIGURE]))
        for family, tasks in order.items()
        for i in range(0, len(tasks), TASKS_PER_FIGURE)
    ]
    return {
        "title": tables.title_line(results),
        "synthetic": results.synthetic,
        "verdict": verdict(results),
        "means": mean_scores(scored),
        "families": list(order),
        "unmatched": mean_scores(results.unmatched) if results.unmatched else [],
        "matched_away": _matched_away(results),
        "differences": [(tables.difference_text(d), d.holds) for d in differences(scored)],
        "means_figure": means_figure(results),
        "forests": forests,
        "protocol": _protocol(results),
        "notes": scored.notes,
        "overlap": {m.embedding: m.overlap for m in mean_scores(scored)},
        "small": int((scored.scores.unique("task")["cases"] < SMALL_N).sum()),
        "small_n": SMALL_N,
        "session": session_picture(cohort, tokens) if cohort and tokens else None,
        "version": clef.__version__,
        "date": datetime.date.today().isoformat(),
    }


def _matched_away(results: Results) -> list[dict[str, Any]]:
    """Rows that know what cases and controls are matched on: `what` they know, `auroc` with matching, `unmatched`."""
    without = {m.embedding: m.auroc for m in mean_scores(results.unmatched)} if results.unmatched else {}
    return [
        {"name": m.embedding, "what": encoder.what, "auroc": m.auroc, "unmatched": without.get(m.embedding)}
        for m in mean_scores(results.scored)
        if (encoder := results.encoders.get(m.embedding)) and encoder.matched_away
    ]


def _by_family(results: Results) -> dict[str, list[str]]:
    """Tasks of each family, the best known first."""
    best = (
        results.scored.scores.group_by("family", "task")
        .agg(top=pl.col("auroc").max())
        .sort("family", "top", descending=[False, True])
    )
    return {family: part["task"].to_list() for (family,), part in best.group_by("family", maintain_order=True)}


def _protocol(results: Results) -> list[tuple[str, str]]:
    """The whole protocol as pairs (what, how)."""
    scores, about = results.scored.scores, results.about
    protocol = about.get("protocol", {})
    chosen = ", ".join(f"{n} x {w}" for w, n in scores["chosen_on"].value_counts(sort=True).iter_rows())
    kept = sum(bool(c["kept"]) for c in about.get("counts", {}).values())
    rows = [
        ("Suite", f"{about.get('suite', '?')}: {len(scores['task'].unique())} tasks scored, {kept} built"),
        ("Cohort", f"{about.get('cohort', {}).get('name', '?')} ({about.get('cohort', {}).get('fingerprint', '?')})"),
        ("Unit", f"{scores['unit'][0]}: one score per session"),
        ("Controls", f"{protocol.get('controls', '?')} per case; {protocol.get('matching', '?')}"),
        ("Scored on", f"{scores['scored_on'][0]}; split hash {', '.join(scores['split_hash'].unique().sort())}"),
        ("Probe", scores["probe"][0]),
        ("Regularisation chosen on", chosen),
        ("Intervals", f"95 %, {results.scored.replicates.shape[-1]} bootstrap resamples of matched sets, "
                      "paired over embeddings, tied over tasks by shared subjects; the probe is held fixed. "
                      "Per task: standard error on the logit scale; means and differences: percentiles"),
        ("Seeds", f"{scores['seed'].n_unique()} (other inner folds of the probe; not covered by the intervals)"),
    ]  # fmt: skip
    return rows
