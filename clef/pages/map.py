"""The page of an archive: one point per session, coloured by what is known of it, each point a link to its page.

One HTML text that loads nothing: data as JSON, drawn on a canvas by map.js. Ids and labels are text wherever they go.
"""

import base64
import dataclasses
import hashlib
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import clef
from clef.pages.agreement import Agreement, agreement, in_words
from clef.pages.colourings import Colouring
from clef.pages.nearest import neighbours
from clef.pages.view import template
from tokenizer.base.files import fingerprint

NEIGHBOURS, ASKED, GRID = 10, 4_000, 10_000
"""Neighbours that are compared, sessions whose neighbours are, steps of an axis in the page."""
PLAIN = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000", "#999999")
"""Okabe & Ito's, which all eyes tell apart; the last is for the rest."""
YES, NO = "#D55E00", "#8fb8d6"
SCALE = ("#00224e", "#35456c", "#666970", "#948e77", "#c8b866", "#fee838")
"""Of numbers: cividis, dark to light."""


@dataclasses.dataclass
class Map:
    """What the page shows of n sessions.

    session_id, subjects (n,) · points (n, 2) in 0–1 · vectors (n, D) · colourings · pages: ids that have a page
    title · remarks: sentences above the picture
    """

    session_id: list[str]
    subjects: NDArray[np.int64]
    vectors: NDArray[np.float32]
    points: NDArray[np.float32]
    colourings: list[Colouring]
    title: str
    remarks: list[str]
    synthetic: bool = False
    seed: int = 0
    pages: set[str] = dataclasses.field(default_factory=set)

    def __post_init__(self) -> None:
        random = np.random.default_rng(self.seed)
        asked = np.sort(random.permutation(len(self.subjects))[:ASKED])
        nearest = neighbours(self.vectors, self.subjects, asked, NEIGHBOURS)
        self.agreements = [agreement(c, self.subjects, asked, nearest, self.seed) for c in self.colourings]
        self.kept = _kept(self.points, self.subjects, asked, nearest)
        """Share of the neighbours in the space that are neighbours in the picture, too."""


def _kept(points, subjects, asked, nearest) -> float:
    from scipy.spatial import cKDTree

    if not nearest.size:
        return float("nan")
    most = min(len(points), 4 * nearest.shape[1] + 1)  # more than asked for: those of the same person do not count
    _, close = cKDTree(points).query(points[asked], k=most)
    shares = [
        np.isin([c for c in row if subjects[c] != subjects[i]][: nearest.shape[1]], near).sum() / nearest.shape[1]
        for i, row, near in zip(asked, np.atleast_2d(close), nearest, strict=True)
    ]
    return float(np.mean(shares))


def page_name(session_id: str) -> str:
    """The file of a session's page in pages/: safe on every system whatever the id holds, and of no other session."""
    if PLAIN.fullmatch(session_id):
        return f"{session_id}.html"
    # capitals too: on some systems A.html is a.html
    return f"{re.sub(r'[^a-z0-9]+', '-', session_id.lower()).strip('-')[:60]}-{fingerprint(session_id)}.html"


def map_page(drawn: Map) -> str:
    """The whole page as HTML."""
    script = (Path(__file__).parent / "map.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return template("map.html.jinja").render(
        map=drawn, data=content(drawn), script=script, digest=digest, version=clef.__version__
    )  # fmt: skip


def content(drawn: Map) -> dict[str, Any]:
    """What map.js reads; `codes` are a character per session, a dot where nothing is known."""
    x, y = np.round(drawn.points.T * GRID).astype(int)
    return {
        "id": drawn.session_id,
        "x": x.tolist(),
        "y": (GRID - y).tolist(),  # upwards, as in a figure
        "page": [page_name(i) if i in drawn.pages else None for i in drawn.session_id],
        "scale": SCALE,
        "colourings": [_entry(c, a) for c, a in zip(drawn.colourings, drawn.agreements, strict=True)],
    }


def _entry(colouring: Colouring, measured: Agreement | None) -> dict[str, Any]:
    entry = {name: getattr(colouring, name) for name in ("name", "group", "kind", "labels", "unit")}
    entry["words"] = in_words(colouring, measured)
    if colouring.kind == "number":
        low, high = np.nanpercentile(colouring.numbers, [2, 98])
        values = [None if np.isnan(v) else float(f"{v:.4g}") for v in colouring.numbers]
        return entry | {"values": values, "low": float(f"{low:.3g}"), "high": float(f"{high:.3g}")}
    colours = (YES, NO) if colouring.kind == "concept" else COLOURS
    if colouring.labels[-1] == "others":
        colours = (*colours[: len(colouring.labels) - 1], COLOURS[-1])
    return entry | {"codes": "".join("." if c < 0 else str(c) for c in colouring.codes), "colours": colours}
