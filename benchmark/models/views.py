"""The sessions of a data set as vectors: every model with its controls, every gain, each kept in a file of its own.

A recording is read once for all models and gains. Files that were made before, of the same sessions by the same model,
are taken as they are.
"""

import dataclasses
import functools
import logging
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch

from benchmark.encoders.bandpower import band_vectors
from benchmark.encoders.quantities import quantities
from benchmark.models.asked import Asked
from clef.cohort import Cohort
from clef.embeddings import Embeddings, read_embeddings, write_embeddings
from clef.model import Model
from tokenizer.base.progress import track
from tokenizer.multitaper import CEILING, FLOOR
from tokenizer.reading.many import read_many
from tokenizer.reading.read import ReadingConfig, row_jobs
from tokenizer.readings import Reading, reading_of
from tokenizer.recording import Raw, RecordingError, Session
from tokenizer.reference import Reference
from tokenizer.store import Tokens
from tokenizer.tokens import rebuild

log = logging.getLogger(__name__)
KINDS = {"trained": "", "untrained": " untrained", "codes": " codes"}
"""Kind of an embedding -> what is added to the model's name in tables."""
REBUILT = " bandpower rebuilt"


@dataclasses.dataclass(frozen=True)
class View:
    """How the recordings are looked at: nothing below so many Hz, and times so much in amplitude."""

    blank_below: float = 0.0
    gain: float = 1.0

    @property
    def name(self) -> str:
        parts = [f"above {self.blank_below:g} Hz"] * bool(self.blank_below) + [f"x{self.gain:g}"] * (self.gain != 1)
        return ", ".join(parts) or "as recorded"


def scaled(reading: Reading, gain: float) -> Reading:
    """The reading that the same recording times `gain` gives: 20·log10(gain) dB more, within the range of all."""
    if gain == 1:
        return reading
    spec = (reading.spec + 20 * math.log10(gain)).clamp(FLOOR, CEILING)
    spec[~reading.channel_ok] = FLOOR
    spec[..., ~reading.valid] = FLOOR
    return dataclasses.replace(reading, spec=spec)


def make_vectors(
    cohort: Cohort, asked: Sequence[Asked], views: Sequence[View], keep: Path, rebuilt: bool, workers: int
) -> None:
    """Write the files that are not there yet: KEEP/<model>/<view>.<kind>.parquet."""
    todo = [(one, view) for one in asked for view in views if missing(cohort, one, view, keep, rebuilt)]
    if not todo:
        return
    tokens: dict[int, list[Tokens]] = {i: [] for i in range(len(todo))}
    features: dict[int, list[list[float]]] = {i: [] for i in range(len(todo))}
    names: list[str] = []
    references = sorted({one.model.vqgan.config.reference for one, _ in todo})
    for name, readings in read_cohort(cohort, references, workers):
        names.append(name)
        for i, (one, view) in enumerate(todo):
            reading = readings[one.model.vqgan.config.reference]
            tokens[i].append(one.model.tokenise(scaled(reading, view.gain), view.blank_below))
            if rebuilt and view.gain == 1:
                features[i].append(rebuilt_features(one.model, reading, view.blank_below))
    for i, (one, view) in enumerate(track(todo, "embed")):
        write_view(cohort, one, view, keep, joined(tokens[i], names), features[i])


def missing(cohort: Cohort, one: Asked, view: View, keep: Path, rebuilt: bool) -> bool:
    """Whether a file of a view is not there, or of other sessions, another model or other settings."""
    kinds = [*KINDS, *(["rebuilt"] if rebuilt and view.gain == 1 else [])]
    return any(read_view(cohort, one, view, keep, kind) is None for kind in kinds)


def path_of(one: Asked, view: View, keep: Path, kind: str) -> Path:
    blank, gain = f"above{view.blank_below:g}Hz-" * bool(view.blank_below), f"x{view.gain:g}"
    return keep / one.name / f"{blank}{gain}.{kind}.parquet"


def about(cohort: Cohort, one: Asked, view: View, kind: str) -> dict[str, Any]:
    """What a file has to say of itself to be taken as it is: whose vectors it holds, and how states were read."""
    readings = cohort.sessions["reading"].fill_null("").unique().sort().to_list()
    how = {} if kind == "rebuilt" else one.model.readout(kind).about()
    of_view = {"cohort": cohort.fingerprint, "readings": readings, "view": dataclasses.asdict(view)}
    return {"kind": kind, **how, **of_view, "run": one.model.fingerprint}


def read_view(cohort: Cohort, one: Asked, view: View, keep: Path, kind: str) -> Embeddings | None:
    """The vectors of a view by one model, or None if there are none yet."""
    path = path_of(one, view, keep, kind)
    if not path.is_file():
        return None
    store = read_embeddings(path)
    fits = about(cohort, one, view, kind).items() <= store.config.items()
    return store if fits else None


def read_cohort(
    cohort: Cohort, references: list[Reference], workers: int
) -> Iterator[tuple[str, dict[Reference, Reading]]]:
    """Every session that can be read, with its id and against each reference; the others are said."""
    jobs = row_jobs(cohort.path, cohort.sessions, ReadingConfig())
    each = read_many(jobs, functools.partial(readings_of, references=references), workers)
    for name, readings in zip(cohort.sessions["session_id"], track(each, "encode", len(jobs)), strict=True):
        if isinstance(readings, RecordingError):
            log.warning("left out %s", readings)
        elif readings[references[0]].valid.any():
            yield name, readings


def readings_of(session: Session, raw: Raw, references: list[Reference]) -> dict[Reference, Reading]:
    """A session against each reference; `raw` is not needed."""
    return {reference: reading_of(session, reference=reference) for reference in references}


def joined(parts: list[Tokens], names: list[str]) -> Tokens:
    """Tokens of single sessions as those of many, under their own names."""
    fields = [field.name for field in dataclasses.fields(Tokens)]
    whole = Tokens(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in fields})
    return dataclasses.replace(whole, session_id=np.array(names))


@torch.inference_mode()
def rebuilt_features(model: Model, reading: Reading, blank_below: float) -> list[float]:
    """Band power of the spectrogram that the tokens give back."""
    spec = rebuild(reading, model.vqgan)[1]
    valid, ok = reading.valid.numpy(), reading.channel_ok.numpy()
    return list(quantities(spec[:, :, valid], ok, blank_below).values())


def write_view(cohort: Cohort, one: Asked, view: View, keep: Path, tokens: Tokens, features: list[list[float]]) -> None:
    """Write one model's vectors of one view, a file for each kind."""
    model, names = one.model, [str(name) for name in tokens.session_id]
    trained_on = model.encoder.about.get("trained_on", {})
    for kind, words in KINDS.items():
        config = model.about(kind) | about(cohort, one, view, kind)
        store = Embeddings(
            names, model.read(tokens, kind=kind), one.name + words, model.fingerprint, config, trained_on
        )
        write_embeddings(path_of(one, view, keep, kind), store)
    if features:
        store = band_vectors(pl.DataFrame({"session_id": names, "quantities": features}), {}, view.blank_below)
        store.name, store.trained_on = one.name + REBUILT, trained_on
        store.config |= about(cohort, one, view, "rebuilt")
        write_embeddings(path_of(one, view, keep, "rebuilt"), store)
