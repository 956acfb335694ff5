"""Tables of `benchmark.topomaps`: a pool after the other, every way in it, what was published in italics."""

import dataclasses
from typing import Any

from benchmark.topomaps.published import PUBLISHED, Published
from benchmark.topomaps.scoring import AT, Row
from benchmark.topomaps.study import Study

HEADER = ["way", *(f"map from EEG R@{k}" for k in AT), "R@1 95 %", "mean rank", "R@1 in person"]
HEADER += [*(f"EEG from map R@{k}" for k in AT), "mean rank", "R@1 in person", "AUROC"]


@dataclasses.dataclass(frozen=True)
class Pool:
    """Segments of test people of one site: how many, of how many people, and every way in it."""

    site: str
    segments: int
    available: int
    people: int
    rows: list[Row]


def as_markdown(study: Study, pools: list[Pool]) -> str:
    """The page."""
    parts = [f"# {study.title}", "", *(f"- {note}" for note in study.notes)]
    for pool in pools:
        parts += ["", f"## {_title(pool)}", "", *_table(pool)]
    if any(pool.site in PUBLISHED for pool in pools):
        parts += ["", "Rows in italics are published numbers of another protocol:", ""]
        parts += [f"- {line}" for line in study.differences]
    return "\n".join(parts) + "\n"


def as_plain(study: Study, pools: list[Pool]) -> dict[str, Any]:
    """Everything as plain values; no name of a session or a person."""
    rows = [
        {"site": p.site, "segments": p.segments, "available": p.available, "people": p.people}
        | {"rows": [row.as_plain() for row in p.rows]}
        | ({"published": dataclasses.asdict(PUBLISHED[p.site])} if p.site in PUBLISHED else {})
        for p in pools
    ]
    return {"protocol": study.protocol, "notes": study.notes, "pools": rows}


def _title(pool: Pool) -> str:
    drawn = "" if pool.segments == pool.available else f", drawn from {pool.available:,}"
    published = PUBLISHED.get(pool.site)
    other = f" ({published.pool:,} published)" if published and published.pool != pool.segments else ""
    return f"{pool.site}: pool of {pool.segments:,} segments{drawn} of {pool.people} people{other}"


def _table(pool: Pool) -> list[str]:
    rows = [_chance(pool.rows[0]), *(_cells(row) for row in pool.rows)]
    if pool.site in PUBLISHED:
        rows.append(_published(PUBLISHED[pool.site]))
    return ["| " + " | ".join(row) + " |" for row in (HEADER, ["---"] * len(HEADER), *rows)]


def _cells(row: Row) -> list[str]:
    low, high = row.interval
    to_map, to_eeg = ([f"{each.recall(k):.1%}" for k in AT] for each in (row.to_map, row.to_eeg))
    cells = [row.name, *to_map, f"{low:.0%}–{high:.0%}", f"{row.to_map.mean_rank:.1f}", f"{row.within[0]:.1%}"]
    return [*cells, *to_eeg, f"{row.to_eeg.mean_rank:.1f}", f"{row.within[1]:.1%}", f"{row.auroc:.3f}"]


def _chance(row: Row) -> list[str]:
    recalls = [f"{row.to_map.chance(k):.2%}" for k in AT]
    rank, within = f"{row.to_map.chance_rank:.1f}", f"{row.within_chance:.1%}"
    return ["chance", *recalls, "", rank, within, *recalls, rank, within, "0.500"]


def _published(known: Published) -> list[str]:
    ways = [[f"{first:.1%}", "", f"{tenth:.1%}", f"{rank:.1f}"] for first, tenth, rank in (known.to_map, known.to_eeg)]
    cells = [f"NeuroNarrator, {known.name}, pool {known.pool:,}", *ways[0][:3], "", ways[0][3], ""]
    return [f"*{cell}*" if cell else "" for cell in [*cells, *ways[1], "", ""]]
