"""Tables of `benchmark.trials`: categories, captions, categories one by one, matched against mismatched pairs."""

import dataclasses
from collections.abc import Iterator
from typing import Any

from benchmark.protocols.ranking import AT
from benchmark.trials.accuracy import Share
from benchmark.trials.scoring import Row


@dataclasses.dataclass(frozen=True)
class Result:
    """The rows, the run first; what they rest on, in lines and in plain values."""

    rows: list[Row]
    categories: int
    notes: list[str]
    protocol: dict[str, Any]


def as_plain(result: Result) -> dict[str, Any]:
    """Everything as plain values."""
    chance = {"accuracy_chance": 1 / result.categories}
    return {"protocol": result.protocol, "notes": result.notes} | chance | {"rows": [r.as_plain() for r in result.rows]}


def as_markdown(result: Result) -> str:
    """The page."""
    parts = ["# What was seen, from trials of EEG", "", *(f"- {note}" for note in result.notes)]
    for title, table in (
        (f"{result.categories} categories", _categories(result)),
        (f"Captions: pool of {result.rows[0].retrieval.by_caption.pool}", _captions(result)),
        ("Mean average precision by category", _per_class(result)),
        ("Scores of matched and mismatched pairs", _matching(result)),
    ):
        header, *rows = table
        lines = [header, ["---"] * len(header), *rows]
        parts += ["", f"## {title}", "", *("| " + " | ".join(line) + " |" for line in lines)]
    return "\n".join(parts) + "\n"


def _categories(result: Result) -> Iterator[list[str]]:
    subjects = list(result.rows[0].subjects)
    yield ["", "all [95 %, other subjects]", *(f"{name} [95 %]" for name in subjects)]
    for row in result.rows:
        yield [row.name, _share(row.accuracy), *(_share(row.subjects[name]) for name in subjects)]
    yield ["chance", *[f"{1 / result.categories:.1%}"] * (1 + len(subjects))]


def _captions(result: Result) -> Iterator[list[str]]:
    words = result.rows[0].words is not None
    yield [
        *("", "R@1 [95 %, other subjects]", *(f"R@{k}" for k in AT[1:]), "MAP", "mean rank", "median rank"),
        *(*(f"class R@{k}" for k in AT), "class MAP", *(["BERTScore", "above 0.7"] if words else [])),
    ]
    for row in result.rows:
        own, kind = row.retrieval.by_caption, row.retrieval.by_class
        cells = [row.name, _share(row.first), *(f"{own.recall(k):.1%}" for k in AT[1:])]
        cells += [f"{own.mean_average_precision:.3f}", f"{own.mean_rank:.1f}", f"{own.median_rank:.1f}"]
        cells += [*(f"{kind.recall(k):.1%}" for k in AT), f"{kind.mean_average_precision:.3f}"]
        yield cells + ([f"{row.words[0]:.3f}", f"{row.words[1]:.1%}"] if row.words else [])
    own, kind = result.rows[0].retrieval.by_caption, result.rows[0].retrieval.by_class
    cells = ["chance", *(f"{own.chance(k):.1%}" for k in AT), f"{own.chance_precision:.3f}", f"{own.chance_rank:.1f}"]
    cells += ["", *(f"{kind.chance(k):.1%}" for k in AT), f"{kind.chance_precision:.3f}"]
    yield cells + ["", ""] * words


def _per_class(result: Result) -> Iterator[list[str]]:
    views = [row.retrieval.by_class.precision_by_key for row in result.rows]
    yield ["category", *(row.name for row in result.rows)]
    yield from ([str(name), *(f"{view[name]:.3f}" for view in views)] for name in views[0])


def _matching(result: Result) -> Iterator[list[str]]:
    yield ["", "matched, mean (sd)", "mismatched, mean (sd)", "AUROC", "overlap"]
    for row in result.rows:
        known = row.retrieval.matching
        means = [f"{mean:.3f} ({sd:.3f})" for mean, sd in (known.matched, known.mismatched)]
        yield [row.name, *means, f"{known.auroc:.3f}", f"{known.overlap:.2f}"]


def _share(share: Share) -> str:
    return f"{share.value:.1%} [{share.low:.0%}, {share.high:.0%}]"
