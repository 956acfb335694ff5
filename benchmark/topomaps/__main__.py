"""EEG and maps of band power: does a segment's code find its map among those of other segments, and a map its EEG?

    python -m benchmark.topomaps cohort=COHORT tokenizer=RUN out=DIR [head=false]

Recordings are cut into segments of ten seconds. A map is the log power of each of 19 electrodes in delta, theta, alpha
and beta (to 32 Hz), against the tokenizer's reference and without its level; the EEG's side is what the tokenizer kept
of the segment. Means, covariances and a small head of two towers are fitted on people of split train, the head is
chosen on val, and segments of test people are asked, a pool per site. A tokenizer that saw people of test is refused.
OUT/topomaps.md holds the tables with pools and chance, OUT/topomaps.json the same; segments are kept in OUT/segments,
and the same command goes on where it stopped. Cost: each recording is read, encoded and decoded once, a second or two
per 20 minutes on one core; the head takes under a minute for some thousand segments.
"""

import dataclasses
import logging
from pathlib import Path

import numpy as np
import polars as pl

from benchmark.models.asked import people_seen
from benchmark.topomaps.centring import centre
from benchmark.topomaps.page import Pool, Result, as_markdown, as_plain
from benchmark.topomaps.published import PUBLISHED
from benchmark.topomaps.scoring import Vectors, draw_pool, score
from benchmark.topomaps.segments import Segments, make_segments
from benchmark.topomaps.towers import TowersConfig
from benchmark.topomaps.ways import fitted_ways, plain_ways
from tokenizer.base import ranks
from tokenizer.base.cli import ConfigError, program
from tokenizer.base.files import check_out, fingerprint, write_json, write_text
from tokenizer.base.values import MISSING
from tokenizer.maps import BANDS
from tokenizer.reading.read import ReadingConfig
from tokenizer.sessions import read_sessions
from tokenizer.tokens import load_tokenizer
from tokenizer.vqgan import VQGAN

log = logging.getLogger(__name__)

ORDER = ("the person", "the segment before", "rebuilt, correlation", "rebuilt, distance", "rebuilt, matched", "head")
"""Rows from the weakest knowledge on; bandpower, the ceiling, comes last."""


@dataclasses.dataclass
class TopomapsConfig:
    """Settings of `python -m benchmark.topomaps`."""

    cohort: str = MISSING
    """Cohort folder whose sessions are of split train, val and test."""
    tokenizer: str = MISSING
    """A run folder of stage=tokenizer, or a model folder; its grid must have columns of 10 s."""
    out: Path = MISSING
    """Folder for the tables and the segments; the same folder goes on."""
    head: bool = True
    """Train the two towers; without them everything is in closed form."""
    towers: TowersConfig = dataclasses.field(default_factory=TowersConfig)
    """The head's size and training."""
    most: int = 1500
    """Segments of a pool at most; a site of a published table has the pool that was published, if it has as many."""
    allow_overlap: bool = False
    """Show, marked, a tokenizer that saw people of test or does not say whom it saw, instead of refusing."""
    reading: ReadingConfig = dataclasses.field(default_factory=ReadingConfig)
    """How recordings become spectrograms."""
    workers: int = 1
    """Processes that read recordings beside this one."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N, for encoding and decoding."""
    seed: int = 0
    """Draws pools, batches and the bootstrap."""


def main(config: TopomapsConfig) -> None:
    """Cut, encode, fit, ask, print, write."""
    if config.most < 2 or config.towers.steps < 0 or config.towers.width < 1:
        raise ConfigError("most must be 2 or more, towers.steps 0 or more, towers.width 1 or more")
    check_out(config.out, "folder")
    sessions = read_sessions(config.cohort)
    vqgan = load_tokenizer(config.tokenizer).to(ranks.set_up(config.device))
    if (rows := vqgan.grid[0]) != 16 or vqgan.config.frames_per_token != 10:
        raise ValueError(f"tokenizer={config.tokenizer}: {rows} rows of tokens; expected a grid of 16 x 128")
    people = set(sessions.filter(pl.col("split") == "test")["subject_id"])
    seen = people_seen(f"tokenizer={config.tokenizer}", vqgan.about, "split test", people, config.allow_overlap)
    segments = make_segments(config.cohort, sessions, vqgan, config.reading, config.out / "segments", config.workers)
    ways, about = all_ways(segments, vqgan, config)
    pools = [pool_of(site, segments, ways, config) for site in np.unique(segments.site[segments.split == "test"])]
    if not pools:
        raise ValueError(f"cohort={config.cohort}: no segment is of split test; import people of it")
    result = Result(pools, protocol_of(config, vqgan, about, segments), notes_of(segments, about, seen, vqgan))
    write_json(config.out / "topomaps.json", as_plain(result))
    text = as_markdown(result)
    write_text(config.out / "topomaps.md", text)
    print(text)
    log.info("wrote %s and topomaps.json; next: docs/retrieval.md says what the rows are", config.out / "topomaps.md")


def all_ways(segments: Segments, vqgan: VQGAN, config: TopomapsConfig) -> tuple[list[Vectors], dict[str, int]]:
    """Every way to ask, in the order of the table."""
    centred = centre(segments)
    codes = vqgan.codebook.vectors.detach().cpu().numpy()
    fitted, about = fitted_ways(segments, centred, codes, config.towers, config.head, config.seed)
    named = {way.name: way for way in (*plain_ways(segments, centred), *fitted)}
    return [named[name] for name in (*ORDER, "bandpower") if name in named], about


def pool_of(site: str, segments: Segments, ways: list[Vectors], config: TopomapsConfig) -> Pool:
    """Every way among test people of a site."""
    rows = np.flatnonzero((segments.site == site) & (segments.split == "test"))
    most = PUBLISHED[site].pool if site in PUBLISHED else config.most
    drawn = draw_pool(rows, most, config.seed)
    people = len(np.unique(segments.person[drawn]))
    return Pool(
        str(site), len(drawn), len(rows), people, [score(way, drawn, segments.person, config.seed) for way in ways]
    )


def protocol_of(config: TopomapsConfig, vqgan: VQGAN, about: dict[str, int], segments: Segments) -> dict:
    """What the numbers rest on, as plain values."""
    return {
        "tokenizer": fingerprint(*vqgan.to_bytes()),
        "reference": vqgan.config.reference,
        "codes": vqgan.config.codes,
        "bands": {name: list(ends) for name, ends in BANDS.items()},
        "fitted_on": about,
        "towers": dataclasses.asdict(config.towers) if config.head else None,
        "left_out": segments.left_out,
        "seed": config.seed,
    }


def notes_of(segments: Segments, about: dict[str, int], seen: int | None, vqgan: VQGAN) -> list[str]:
    """The lines above the tables."""
    people = {split: len(np.unique(segments.person[segments.split == split])) for split in ("train", "val", "test")}
    notes = [
        f"{len(segments.maps):,} segments of 10 s; people of train {people['train']}, val {people['val']}, "
        f"test {people['test']}; reference {vqgan.config.reference}",
        f"means and covariances from {about['train']:,} segments of train; "
        + (
            f"head chosen on {about['val']:,} of val, at step {about['best_step']}"
            if "best_step" in about
            else "no head"
        ),
        "a map is 19 electrodes x 4 bands of log power, without level; equal scores go by index",
    ]
    if seen != 0:
        notes.append("**the tokenizer " + (f"saw {seen} people of test**" if seen else "does not say whom it saw**"))
    notes += [f"left out: {count} recordings, {reason}" for reason, count in segments.left_out.items()]
    return notes


if __name__ == "__main__":
    program(TopomapsConfig, main, "benchmark.topomaps")
