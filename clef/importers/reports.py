"""The reports of an import: their text from a cell or a file, and their findings as events.

Archives whose findings stand in reports alone get them with `findings=true`: what a report states becomes
`FINDING//x`, what it denies `FINDING//x//absent`, so that the benchmark knows that somebody looked. What it thinks
possible is neither: it is left out and counted.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from clef.reports.finding_words import TITLES
from clef.reports.findings import findings, presences
from tokenizer.base.progress import track

log = logging.getLogger(__name__)

ENDINGS = {"present": "", "absent": "//absent"}
DESCRIPTIONS = {f"FINDING//{name}": title for name, title in TITLES.items()}


def read_text(path: Path) -> str:
    """The text of a file in UTF-8, or in Latin-1 as older systems write it; empty if there is no such file."""
    data = path.read_bytes() if path.is_file() else b""
    try:
        return data.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        return data.decode("latin-1").strip()


def read_cells(cells: Sequence[str | None], root: Path) -> list[str | None]:
    """The reports of a column: a cell is the text, or names a file .txt below `root`; says how many are not there."""
    named = [cell is not None and cell.lower().endswith(".txt") and "\n" not in cell for cell in cells]
    texts = [(read_text(root / cell) or None) if file else cell for cell, file in zip(cells, named, strict=True)]
    if missing := sum(file and text is None for file, text in zip(named, texts, strict=True)):
        log.info("report: %d of %d files are empty or not there", missing, sum(named))
    return texts


def finding_codes(reports: Sequence[str | None]) -> list[list[str]]:
    """The codes that each report gives its recording, none where there is no report; says how many there are."""
    codes, counts, silent = [], Counter(), 0
    for text in track(reports, "findings of reports", len(reports)):
        stated = presences(findings(text)) if text else {}
        counts.update(stated.values())
        silent += bool(text) and not stated
        codes.append([f"FINDING//{name}{ENDINGS[how]}" for name, how in stated.items() if how in ENDINGS])
    log.info(
        "findings of %d reports: %d present, %d absent; %d possible ones left out; %d reports state none",
        *(sum(map(bool, reports)), counts["present"], counts["absent"], counts["possible"], silent),
    )
    return codes
