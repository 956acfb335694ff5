"""Maps of the voltage at a segment's middle sample, from a network of waveforms: the study of an encoder.

The map is a function of what the network sees, so that whoever copies the middle sample finds everything.

| way | the EEG's side | the map's side |
|---|---|---|
| the person | mean map of the session: who it is, and not which segment | map |
| the segment before | map at the middle of the session's segment before it | map |
| untrained | the network and the towers as they were before training | map, through such a tower |
| encoder | features of the trained network over the middle, through its tower | map, through its tower |
| 10 ms before, 10 ms after | map of the neighbouring sample | map |
| the middle sample of 17 electrodes | the map itself, without those that the network's montage lacks | map |
| the middle sample | the map itself: 1 by construction | map |
"""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from benchmark.models.asked import people_seen
from benchmark.topomaps.published import VOLTAGE_DIFFERENCES
from benchmark.topomaps.scoring import Vectors, unit
from benchmark.topomaps.settings import TopomapsConfig
from benchmark.topomaps.study import Study, seen_note
from benchmark.topomaps.ways import before, session_mean
from clef.network.waveform.encoder import WaveformEncoder
from clef.network.waveform.topomap import TopomapTowers
from clef.training.run import finished_model
from clef.waveform.kept import KeptWindows, keep_windows
from clef.waveform.montage import Derivations
from clef.waveform.segments import MIDDLE, Around, SegmentCut, voltage_maps
from tokenizer.base import ranks
from tokenizer.base.files import file_digest
from tokenizer.base.hub import WEIGHTS
from tokenizer.base.progress import track

Array = NDArray[np.floating]
AT_ONCE = 64
"""Segments that go through the network together."""
Model = tuple[WaveformEncoder, TopomapTowers]


def study(config: TopomapsConfig, sessions: pl.DataFrame, people: set[int]) -> Study:
    """Cut, embed; people: those of split test. ValueError for an encoder that saw them, or nobody to ask."""
    model, folder = load(config.encoder)
    seen = people_seen(f"encoder={config.encoder}", model[0].about, "split test", people, config.allow_overlap)
    asked = sessions.filter(pl.col("split") == "test")
    if not len(asked):
        raise ValueError(f"cohort={config.cohort}: nobody is of split test; import people of it")
    cut = SegmentCut(model[0].preparation.band)
    kept = keep_windows(config.cohort, asked, cut, config.out / "segments", config.workers)
    known = pl.DataFrame({"session_id": kept.session_id}).join(asked, on="session_id", maintain_order="left")
    columns = (known[name].fill_null("site unknown").to_numpy().astype(str) for name in ("site", "split"))
    site, split, person = (np.repeat(values, kept.count) for values in (*columns, kept.subject_id))
    return Study(
        *("EEG and maps of the voltage at the middle sample", list(all_ways(kept, model, config)), site, split, person),
        *(protocol_of(model, folder, config), notes_of(kept, asked, model, seen), VOLTAGE_DIFFERENCES),
    )


def load(run: str) -> tuple[Model, Path]:
    """The network and the towers of a finished run, and its model folder. ValueError in one line for another run."""
    folder = finished_model(run)
    if not (folder / "topomap").is_dir():
        raise ValueError(f"encoder={run}: not a run of stage=topomaps; train one with clef.pretrain")
    encoder = WaveformEncoder.from_pretrained(str(folder / "waveform"))
    towers = TopomapTowers.from_pretrained(str(folder / "topomap"))
    if (width := encoder.network.over_width) != towers.features:
        raise ValueError(f"encoder={run}: its towers take {towers.features} features, its network gives {width}")
    return (encoder, towers), folder


def untrained(model: Model, seed: int) -> Model:
    """The same network and towers with fresh weights."""
    encoder, towers = model
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        fresh = WaveformEncoder(encoder.config, encoder.shift, encoder.scale)
        return fresh.eval(), TopomapTowers(towers.features, towers.config).eval()


def all_ways(kept: KeptWindows, model: Model, config: TopomapsConfig) -> Iterator[Vectors]:
    """Every way to ask, in the order of the table."""
    around = [np.stack([voltage_maps(each, MIDDLE + step) for step in (-1, 0, 1)]) for each in parts(kept)]
    earlier, true, later = np.concatenate(around, 1)
    maps, session = unit(true), np.repeat(np.arange(len(kept)), kept.count)
    yield Vectors("the person", unit(session_mean(true, session)), maps)
    yield Vectors("the segment before", unit(before(true, session)), maps)
    device = ranks.set_up(config.device)
    for name, asked in (("untrained", untrained(model, config.seed)), ("encoder", model)):
        yield Vectors(name, *embed(kept, asked, true, device))
    yield Vectors("10 ms before", unit(earlier), maps)
    yield Vectors("10 ms after", unit(later), maps)
    if not (seen := electrodes_seen(model[0])).all():
        yield Vectors(f"the middle sample of {seen.sum()} electrodes", unit(blurred(true, seen)), maps)
    yield Vectors("the middle sample", maps, maps)


def electrodes_seen(encoder: WaveformEncoder) -> NDArray[np.bool_]:
    """Of which electrodes (19,) the network's montage is made."""
    return (Derivations.of(encoder.preparation.channels).weights != 0).any(0)


def blurred(maps: Array, seen: NDArray[np.bool_]) -> Array:
    """Maps (n, 19) in which electrodes that are not seen have the mean of those that are."""
    return np.where(seen, maps, maps[:, seen].mean(1, keepdims=True))


def parts(kept: KeptWindows) -> Iterator[NDArray[np.float32]]:
    """All segments (n, 19, 1000) µV in their order, some at a time."""
    for first in range(0, len(kept.signal), AT_ONCE):
        yield kept.signal[first : first + AT_ONCE].astype(np.float32)


@torch.inference_mode()
def embed(kept: KeptWindows, model: Model, maps: Array, device: torch.device) -> tuple[Array, Array]:
    """Unit vectors (n, V) of the segments and of the maps (n, 19)."""
    encoder, towers = (part.to(device).eval() for part in model)
    around, features = Around(encoder.preparation), []
    for segments in track(parts(kept), "segments", -(-len(kept.signal) // AT_ONCE)):
        windows = torch.from_numpy(around(segments, MIDDLE)).to(device)
        features.append(encoder.network.over(windows, around.sample))
    eeg, of_maps = towers(torch.cat(features), torch.from_numpy(maps).to(device))
    return tuple(torch.nn.functional.normalize(each).cpu().numpy() for each in (eeg, of_maps))


def protocol_of(model: Model, folder: Path, config: TopomapsConfig) -> dict:
    """What the numbers rest on, as plain values."""
    encoder, towers = model
    digests = {part: file_digest(folder / part / WEIGHTS) for part in ("waveform", "topomap")}
    sizes = dataclasses.asdict(encoder.config) | dataclasses.asdict(towers.config)
    return {"encoder": sizes, "digests": digests, "loss": towers.about, "seed": config.seed}


def notes_of(kept: KeptWindows, asked: pl.DataFrame, model: Model, seen: int | None) -> list[str]:
    """The lines above the tables."""
    encoder, _ = model
    people, left_out = len(np.unique(kept.subject_id)), len(asked) - len(kept)
    trained = {split: len(hashes) for split, hashes in encoder.about.get("trained_on", {}).items()}
    notes = [
        f"{len(kept.signal):,} segments of 10 s of {people} people of test; {encoder.config.network}, which sees "
        f"{encoder.config.seconds:g} s around the middle, trained on {trained.get('train', 0)} people, chosen on "
        f"{trained.get('val', 0)}",
        "a map is the voltage of 19 electrodes against their average at the middle sample (100 Hz), of length one; "
        "equal scores go by index",
        "the map is a part of what the encoder sees, so copying solves the task; nothing clinical follows from R@1",
    ]
    notes += seen_note("encoder", seen)
    if left_out:
        notes.append(f"left out: {left_out} recordings without a segment (an electrode missing or flat, or not read)")
    return notes
