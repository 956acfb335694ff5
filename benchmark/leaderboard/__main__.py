"""One page of every system under every protocol, from score files alone: nothing is computed anew.

    python -m benchmark.leaderboard scores=[runs/open,runs/tuab,runs/scores] out=leaderboard.html

Each folder holds what benchmark.open (open.json), benchmark.tuab (tuab.json) or benchmark.run (verdict.json) wrote; the
same name in two of them is one row. Numbers of the literature stand in grey; empty cells stay empty.
"""

import dataclasses
import logging
from pathlib import Path

import yaml

from benchmark.leaderboard.entries import literature, read_scores
from benchmark.leaderboard.page import page
from tokenizer.base.cli import ConfigError, preset_root, program
from tokenizer.base.files import check_out, write_text
from tokenizer.base.values import MISSING

log = logging.getLogger(__name__)


@dataclasses.dataclass
class LeaderboardConfig:
    """Settings of `python -m benchmark.leaderboard`."""

    out: Path = MISSING
    """The page to write, .html."""
    scores: list[str] = dataclasses.field(default_factory=list)
    """Folders that benchmark.open, benchmark.tuab or benchmark.run wrote, or score files in them."""
    literature: Path | None = None
    """File of published numbers; without it the one that comes with CLEF."""


def main(config: LeaderboardConfig) -> None:
    """Read, draw, write."""
    if not config.scores:
        raise ConfigError("scores= must name at least one folder, as scores=[runs/open,runs/scores]")
    check_out(config.out, "file")
    scores = [one for folder in config.scores for one in read_scores(Path(folder))]
    path = config.literature or preset_root() / "benchmark" / "literature.yaml"
    if not path.is_file():
        raise ConfigError(f"literature={path}: there is no such file")
    published = list(literature(yaml.safe_load(path.read_text(encoding="utf-8")) or [], path.name))
    write_text(config.out, page(scores, published))
    numbers, systems = sum(len(one.entries) for one in scores), {e.system for one in scores for e in one.entries}
    counts = f"{numbers} numbers of {len(systems)} rows, and {len(published)} published"
    log.info("wrote %s: %s; next: open it in a browser", config.out, counts)


if __name__ == "__main__":
    program(LeaderboardConfig, main, "benchmark.leaderboard")
