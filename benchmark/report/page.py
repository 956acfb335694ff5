"""report.html: the whole result on one self-contained page, for somebody who was not there."""

import datetime
import logging
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import clef
from benchmark.report import tables
from benchmark.scores.comparing import differences, mean_scores
from benchmark.scores.results import Results
from benchmark.scores.scoring import SMALL_N
from tokenizer.base.files import write_text

log = logging.getLogger(__name__)
TASKS_PER_FIGURE = 40


def write_report(out: Path, results: Results, cohort: str | None = None, tokens: str | None = None) -> Path:
    """Write `out/report.html` and return its path. With `cohort` and `tokens` one session is drawn."""
    from jinja2 import Environment, PackageLoader

    pages = Environment(
        loader=PackageLoader("benchmark.report", "."), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    text = pages.get_template("page.html.jinja").render(_content(results, cohort, tokens))
    write_text(out / "report.html", text)
    return out / "report.html"


def _content(results: Results, cohort: str | None, tokens: str | None) -> dict[str, Any]:
    from benchmark.report.figures import forest_figure, means_figure

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
        "means": mean_scores(scored),
        "families": list(order),
        "unmatched": mean_scores(results.unmatched)[0] if results.unmatched else None,
        "nuisance": next((m for m in mean_scores(scored) if m.embedding == "nuisance"), None),
        "differences": [(tables.difference_text(d), d.holds) for d in differences(scored)],
        "means_figure": means_figure(results),
        "forests": forests,
        "protocol": _protocol(results),
        "notes": scored.notes,
        "overlap": {m.embedding: m.overlap for m in mean_scores(scored)},
        "small": int((scored.scores.unique("task")["cases"] < SMALL_N).sum()),
        "small_n": SMALL_N,
        "session": _session(cohort, tokens) if cohort and tokens else None,
        "version": clef.__version__,
        "date": datetime.date.today().isoformat(),
    }


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


def _session(cohort: str, path: str) -> dict[str, Any] | None:
    """One session drawn, the longest of the test split; nothing (and a log line) if it cannot be read."""
    import torch

    from benchmark.report.figures import session_figure
    from tokenizer.channels import CHANNELS
    from tokenizer.multitaper import session_spectrogram
    from tokenizer.reading.read import read_row
    from tokenizer.recording import RecordingError
    from tokenizer.sessions import read_sessions
    from tokenizer.store import TokenStore

    store = TokenStore(path)
    where = {str(name): i for i, name in enumerate(store.session_id)}
    columns_of = (np.asarray(store.valid[:], np.float32) >= 0.5).sum(1)
    rows = [row for row in read_sessions(cohort).to_dicts() if row["session_id"] in where]
    rows = [row for row in rows if columns_of[where[row["session_id"]]]]
    rows.sort(key=lambda row: (row["split"] != "test", -columns_of[where[row["session_id"]]], row["session_id"]))
    for row in rows[:1]:  # the longest of the test split
        index = where[row["session_id"]]
        try:
            spec, valid = session_spectrogram(read_row(cohort, row))
        except RecordingError as error:
            log.info("no picture of a session: %s", error)
            return None
        codes = np.asarray(store.tokens[index]).astype(np.int64)
        decoded = np.asarray(store.tokenizer.decode(torch.as_tensor(codes)[None])[0])
        columns = min(len(valid) // 10, codes.shape[1])
        channel = list(CHANNELS).index("O1") if "O1" in CHANNELS else 0
        shown = slice(0, 10 * columns)
        image = session_figure(
            np.asarray(spec)[channel][:, shown], decoded[channel][:, shown], codes[:, :columns],
            np.asarray(valid, bool)[shown], list(CHANNELS)[channel],
        )  # fmt: skip
        return {"image": image, "split": row["split"]}
    return None
