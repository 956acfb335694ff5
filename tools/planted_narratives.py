"""What is planted in every minute of a synthetic cohort, in words: references for narratives.

    python -m tools.planted_narratives cohort=COHORT out=FILE.parquet

The cohort must have truth/latents.parquet and a course (clef.importers.synthetic course=true) with units of a minute.
The table is one that stage=narrate takes as narrate.texts= and benchmark.narrate as texts=.
"""

import logging
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from clef.narratives.texts import Place, write_texts
from tokenizer.base.cli import program
from tokenizer.base.files import check_out
from tokenizer.base.progress import track
from tools.descriptions.planted_minutes import minute_texts

log = logging.getLogger(__name__)


@dataclass
class PlantedNarratives:
    """Settings of tools.planted_narratives."""

    cohort: str = "???"
    """Synthetic cohort with truth/latents.parquet."""
    out: str = "???"
    """The table of texts to write."""
    minutes: int = 7
    """Whole minutes of each session."""
    seed: int = 0
    """Draws wordings."""


def main(config: PlantedNarratives) -> None:
    """Say what is planted, and write."""
    check_out(config.out, "file")
    file = Path(config.cohort) / "truth" / "latents.parquet"
    if not file.is_file():
        raise ValueError(f"{file}: there is no such file; only a synthetic cohort has a planted truth")
    truth = pl.read_parquet(file)
    if "course_seed" not in truth.columns:
        raise ValueError(f"{file}: its sessions have no course; make the cohort with course=true")
    rows = []
    for z in track(truth.iter_rows(named=True), "say", len(truth)):
        texts = minute_texts(z, 60 * config.minutes, config.seed)
        rows += [(Place(z["session_id"], i), text) for i, text in enumerate(texts)]
    if not rows:
        raise ValueError(f"minutes={config.minutes}: courses of so short sessions have units below a minute; give 5 "
                         f"or more")  # fmt: skip
    write_texts(config.out, rows, "minute")
    log.info("wrote %s: %d minutes of %d sessions", config.out, len(rows), len(truth))


if __name__ == "__main__":
    program(PlantedNarratives, main, "tools.planted_narratives")
