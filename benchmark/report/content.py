"""What the page and the Markdown say in words and tables, and the templates that they are put into."""

import datetime
import functools
from pathlib import Path
from typing import Any

import clef
from benchmark.report import checks, protocol, words
from benchmark.report.facts import Facts
from benchmark.report.terminal import tables
from benchmark.report.verdict.sentences import verdict
from benchmark.scores.comparing import differences
from benchmark.scores.scoring import SMALL_N

TEMPLATES = Path(__file__).parent / "template"


@functools.cache
def template(name: str) -> Any:
    """One of the templates; what is put into a page is escaped, and into Markdown by the filter `plain`."""
    from jinja2 import Environment, PackageLoader

    loader = PackageLoader("benchmark.report", "template")
    pages = Environment(
        loader=loader, autoescape="html" in name, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    pages.filters |= {"plain": plain, "number": number, "chance": chance, "sets": sets}
    return pages.get_template(name)


def plain(text: object) -> str:
    """Any text as it is in Markdown: nothing in it is markup, a column's end or a new line."""
    flat = " ".join(str(text).split()).replace("&", "&amp;").replace("<", "&lt;")
    return "".join("\\" + c if c in "\\`*_[]|#" else c for c in flat)


def sets(needed: int | None) -> str:
    """How many sets a difference needs; nothing where nobody has so many."""
    return f"{needed:,}" if needed and needed < tables.MOST_SETS else ""


def chance(q: float | None) -> str:
    """A q value for people; nothing for None."""
    return "" if q is None else "< 0.001" if q < 0.001 else f"{q:.3f}"


def number(value: float | None, digits: int = 3, sign: bool = False) -> str:
    """A number for a table; nothing for None."""
    return "" if value is None else f"{value:{'+' if sign else ''}.{digits}f}".replace("-", "−")


def summary(facts: Facts) -> dict[str, Any]:
    """What the page and the Markdown say in words and tables."""
    results, scored, imbalances = facts.results, facts.scored, checks.imbalances(facts)
    subgroups = checks.subgroup_rows(facts)
    fewer = len(facts.budgets) > 1 and len(facts.tasks_of_all_budgets) < len(scored.tasks)
    return {
        "facts": facts,
        "title": tables.title_line(results),
        "in_words": words.in_words(facts),
        "matching": words.matching_in_words(facts),
        "not_shown": words.not_shown(facts),
        "verdict": verdict(results),
        "means_have_tasks": any(m.low_tasks is not None for m in facts.means),
        "at_budget": facts.at_budget,
        "fewer": fewer,
        "budgets": facts.budgets if fewer else facts.budgets[1:],
        "has_smd": any(row["smd"] is not None for row in facts.rows),
        "rows_in_words": words.rows_in_words(facts),
        "families": sorted({row["family"] for row in facts.rows}),
        "groups": sorted({row["group"] for row in facts.rows} - {""}),
        "flags": sorted({flag for row in facts.rows for flag in row["flags"]}),
        "unmatched": facts.unmatched,
        "differences": differences(scored),
        "wins": [(name, facts.outcomes(name, "win"), facts.outcomes(name, "loss")) for name in facts.against],
        "tested": any(row["q"] is not None for each in facts.against.values() for row in each.values()),
        "worst": [row for row in imbalances if row.after is not None][: checks.WORST],
        "covariates": checks.by_covariate(imbalances),
        "checks": checks.checks(facts),
        "subgroups": subgroups,
        "worst_groups": checks.worst_groups(subgroups),
        "overlap": {m.embedding: m.overlap for m in facts.means},
        "mark": tables.mark,
        "notes": scored.notes,
        "small": sum("small-n" in row["flags"] for row in facts.rows),
        "small_n": SMALL_N,
        "protocol": protocol.protocol_rows(facts),
        "quotation": protocol.quotation(facts),
        "citations": protocol.citations(),
        "version": clef.__version__,
        "date": datetime.date.today().isoformat(),
    }
