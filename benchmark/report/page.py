"""report.html: the whole result on one self-contained page, for somebody who was not there.

Nothing is loaded from anywhere, and whatever a name holds stays text: templates escape, the JSON block escapes `<`,
and a content policy admits the page's own two scripts by their digests and nothing else.
"""

import base64
import hashlib
from pathlib import Path
from typing import Any

from markupsafe import Markup

from benchmark.report import checks
from benchmark.report.content import TEMPLATES, summary, template
from benchmark.report.export import as_csv, as_markdown
from benchmark.report.facts import Facts
from benchmark.scores.results import Results
from clef.cohort import Cohort
from tokenizer.base.files import write_text

TASKS_PER_FIGURE = 40
OPEN = 60
"""Tasks up to which the figures of single tasks are shown at once; those of more have to be opened."""
SCRIPTS = ("tasks.js", "scatter.js")


def write_report(out: Path, results: Results, cohort: Cohort | None = None, tokens: str | None = None) -> Path:
    """Write `report.html`, `report.md` and `scores.csv` into `out`; returns the page's path.

    With `cohort` and `tokens` one session is drawn.
    """
    facts = Facts(results)
    write_text(out / "scores.csv", as_csv(facts))
    write_text(out / "report.md", as_markdown(facts))
    write_text(out / "report.html", page(facts, cohort, tokens))
    return out / "report.html"


def page(facts: Facts, cohort: Cohort | None = None, tokens: str | None = None) -> str:
    """The whole page."""
    from benchmark.report.session import session_picture

    scripts = [(TEMPLATES / name).read_text(encoding="utf-8") for name in SCRIPTS]
    return template("page.html.jinja").render(
        summary(facts),
        **_figures(facts),
        session=session_picture(cohort, tokens) if cohort and tokens else None,
        points=points(facts),
        style=Markup((TEMPLATES / "page.css").read_text(encoding="utf-8")),
        scripts=[Markup(script) for script in scripts],
        digests=[base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts],
    )


def _figures(facts: Facts) -> dict[str, Any]:
    from benchmark.report.curves import balance_figure, calibration_figure, labels_figure
    from benchmark.report.figures import forest_figure, means_figure

    return {
        "means_figure": means_figure(facts),
        "calibration_figure": calibration_figure(facts),
        "labels_figure": labels_figure(facts),
        "balance_figure": balance_figure(checks.imbalances(facts)),
        "forests": [
            (
                family if first == 0 else f"{family}, continued",
                forest_figure(facts, tasks[first : first + TASKS_PER_FIGURE]),
            )
            for family, tasks in _by_family(facts).items()
            for first in range(0, len(tasks), TASKS_PER_FIGURE)
        ],
        "open": len(facts.rows) <= OPEN,
    }


def _by_family(facts: Facts) -> dict[str, list[str]]:
    """Tasks of each family, the best known first."""
    rows = sorted(facts.rows, key=lambda row: -max(row["scores"][name][0] for name in facts.shown))
    return {f: [row["code"] for row in rows if row["family"] == f] for f in sorted({row["family"] for row in rows})}


def points(facts: Facts) -> dict[str, Any]:
    """What the scatter draws: names of tasks and embeddings, and AUROC with interval (embeddings, tasks)."""
    from benchmark.report.figures import colours

    names = [m.embedding for m in facts.means + facts.references]
    values = [[[round(v, 4) for v in row["scores"][name]] for row in facts.rows] for name in names]
    families = sorted({row["family"] for row in facts.rows})
    palette = list(colours(facts.results).values())
    return {
        "tasks": [f"{row['task']} (n={row['cases']})" for row in facts.rows],
        "family": [families.index(row["family"]) for row in facts.rows],
        "families": families,
        "colours": [palette[i % len(palette)] for i in range(len(families))],
        "embeddings": names,
        "values": values,
        "across": names.index(facts.control) if facts.control else min(1, len(names) - 1),
        "up": names.index(facts.best.embedding),
    }
