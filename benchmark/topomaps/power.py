"""Maps of band power, from what a tokenizer keeps of a segment: the study of a tokenizer.

A map is the log power of each of 19 electrodes in delta, theta, alpha and beta (to 32 Hz), against the tokenizer's
reference and without its level; the EEG's side is what the tokenizer kept of the segment. Means, covariances and a
small head of two towers are fitted on people of split train, the head is chosen on val.
"""

import dataclasses

import numpy as np
import polars as pl

from benchmark.models.asked import people_seen
from benchmark.topomaps.centring import centre
from benchmark.topomaps.published import POWER_DIFFERENCES
from benchmark.topomaps.scoring import Vectors
from benchmark.topomaps.segments import Segments, make_segments
from benchmark.topomaps.settings import TopomapsConfig
from benchmark.topomaps.study import Study, seen_note
from benchmark.topomaps.ways import fitted_ways, plain_ways
from tokenizer.base import ranks
from tokenizer.base.files import fingerprint
from tokenizer.maps import BANDS
from tokenizer.tokens import load_tokenizer
from tokenizer.vqgan import VQGAN

ORDER = ("the person", "the segment before", "rebuilt, correlation", "rebuilt, distance", "rebuilt, matched", "head")
"""Rows from the weakest knowledge on; bandpower, the ceiling, comes last."""


def study(config: TopomapsConfig, sessions: pl.DataFrame, people: set[int]) -> Study:
    """Cut, encode, fit; people: those of split test. ValueError for a tokenizer that saw them or does not fit."""
    vqgan = load_tokenizer(config.tokenizer).to(ranks.set_up(config.device))
    if (rows := vqgan.grid[0]) != 16 or vqgan.config.frames_per_token != 10:
        raise ValueError(f"tokenizer={config.tokenizer}: {rows} rows of tokens; expected a grid of 16 x 128")
    seen = people_seen(f"tokenizer={config.tokenizer}", vqgan.about, "split test", people, config.allow_overlap)
    segments = make_segments(config.cohort, sessions, vqgan, config.reading, config.out / "segments", config.workers)
    ways, about = all_ways(segments, vqgan, config)
    return Study(
        *("EEG and maps of band power", ways, segments.site, segments.split, segments.person),
        *(protocol_of(config, vqgan, about, segments), notes_of(segments, about, seen, vqgan), POWER_DIFFERENCES),
    )


def all_ways(segments: Segments, vqgan: VQGAN, config: TopomapsConfig) -> tuple[list[Vectors], dict[str, int]]:
    """Every way to ask, in the order of the table."""
    centred = centre(segments)
    codes = vqgan.codebook.vectors.detach().cpu().numpy()
    fitted, about = fitted_ways(segments, centred, codes, config.towers, config.head, config.seed)
    named = {way.name: way for way in (*plain_ways(segments, centred), *fitted)}
    return [named[name] for name in (*ORDER, "bandpower") if name in named], about


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
    notes += seen_note("tokenizer", seen)
    notes += [f"left out: {count} recordings, {reason}" for reason, count in segments.left_out.items()]
    return notes
