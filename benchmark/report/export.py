"""The task table as CSV and the report as Markdown, for spreadsheets and for a repository."""

import csv
import io
from typing import Any

from benchmark.report.content import summary, template
from benchmark.report.facts import Facts

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_csv(facts: Facts) -> str:
    """A row per task, with every embedding's AUROC and interval, and judged ones held against the control.

    Begins with a byte order mark, without which spreadsheets read the text in another encoding.
    """
    out = io.StringIO()
    rows = [_flat(facts, row) for row in facts.rows]
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writerow({name: cell(name) for name in rows[0]})
    writer.writerows({name: cell(value) for name, value in row.items()} for row in rows)
    return "\ufeff" + out.getvalue()


def cell(value: Any) -> Any:
    """A value for a spreadsheet: numbers with six decimals, and no text that would be worked out as a formula."""
    if isinstance(value, float):
        return f"{value:.6g}"
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _flat(facts: Facts, row: dict[str, Any]) -> dict[str, Any]:
    flat = {k: row[k] for k in ("task", "code", "family", "group", "cases", "controls")}
    flat |= {"flags": ", ".join(row["flags"]), "smd": row["smd"], "ceiling": row["ceiling"]}
    for name, values in row["scores"].items():
        flat |= {f"{name} {k}": v for k, v in zip(("auroc", "low", "high"), values, strict=True)}
    for name, apart in row["against"].items():
        keys = ("by", "low", "high", "p", "q", "outcome")
        flat |= {f"{name} minus {facts.control} {k}": apart[k] for k in keys}
    return flat


def as_markdown(facts: Facts) -> str:
    """Means, verdict, tasks won and lost, checks and protocol."""
    return template("report.md.jinja").render(summary(facts))
