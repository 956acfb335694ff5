"""The encoder protocol: an encoder is anything that turns sessions into vectors, and a row of `registry.ENCODERS`.

A new encoder is one file beside this one that ends in an `Encoder`, and one line in `registry.py`. Nothing else names
an encoder: who may be scored, what is shown beside a score, hints and colours all come from the row.
"""

import dataclasses
import json
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from benchmark.encoders.signal import measure
from clef.cohort import Cohort
from clef.embeddings import Embeddings
from clef.readout import Readout
from tokenizer.base.files import fingerprint
from tokenizer.reference import Reference

Windows = Literal["mean", "mean+sd"]


@dataclasses.dataclass
class Inputs:
    """What an encoder may look at; every program fills in what it was given."""

    cohort: Cohort
    keep: Path
    """Folder in which measurements of recordings are kept (signal.parquet), so that the same command goes on."""
    blank_below: float = 0.0
    """Leave frequencies below so many Hz out."""
    workers: int = 2
    """Processes that read recordings; 0 reads in this one."""
    model: str | None = None
    """A run folder, or its model/."""
    tokens: str | None = None
    """A token store made with the model's tokenizer."""
    device: str = "auto"
    """Where a model runs: auto, cpu, cuda or cuda:N."""
    readout: Readout = Readout()
    """How a model's states become a vector."""
    weights: str | None = None
    """Weights of an encoder of other people, a file, a folder or a name of the hub; or `random`."""
    window: float | None = None
    """Seconds of a window; None for what the encoder was published with."""
    windows: Windows = "mean"
    """How the vectors of a session's windows become one."""
    upsample: bool = False
    """Take recordings that are slower than the encoder's rate."""
    reference: Reference = "recorded"
    """What the electrodes are measured against in quantities of the spectrum."""
    definitions: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    """The tasks that will be scored, as their file defines them: codes, exclude, …"""

    @cached_property
    def signal(self) -> pl.DataFrame:
        """What was measured of each recording (`signal.MEASURED`), read once for all encoders that ask."""
        path = self.keep / ("signal.parquet" if self.reference == "recorded" else f"signal-{self.reference}.parquet")
        sessions = self.cohort.sessions
        return measure(self.cohort.path, sessions, path, self.blank_below, self.workers, self.reference)


@dataclasses.dataclass
class TaskEmbeddings(Embeddings):
    """Embeddings of which a part depends on the task; `vectors` is the part that does not.

    columns: task -> what is added for it, (n, p), of the same p for every task
    """

    columns: Callable[[str], np.ndarray] = dataclasses.field(kw_only=True)

    def of_task(self, task: str) -> np.ndarray:
        """Vectors (n, D + p) for the sessions' score on one task."""
        return np.concatenate([self.vectors, self.columns(task)], axis=1)


@dataclasses.dataclass(frozen=True)
class Encoder:
    """One way to turn sessions into vectors.

    name: as in `encoder=NAME` and in tables · what: the same in a line of words, for hints, help and the report
    embed: Inputs -> Embeddings, one vector per session; ValueError in one line where it cannot
    kind: what the metadata of its files call it
    role: `baseline` needs the cohort alone and is shown beside every score with cohort=; `ablation` needs a model and
        belongs beside that model's score; `model` is what is judged; `reference` (the planted causes of a synthetic
        cohort) is shown, and is neither a control nor judged
    needs: fields of `Inputs`, beside the cohort, that have to be given
    fitted_on_nobody: no subject's data went into it, so its files need not say whom it has seen
    matched_away: it knows what cases and controls are matched on, so it is shown without matching, too
    nuisance: it knows nothing, or hardly anything, of the brain: who is no better has not shown that it knows more
    colour: in figures; without one, the next free colour
    both: of a model of short windows, Inputs and a number of windows -> what `embed` gives, and by session the vectors
        (k, D) of as many windows at most; recordings are read once
    hub: its weights= may be OWNER/NAME of the Hugging Face hub
    """

    name: str
    what: str
    embed: Callable[[Inputs], Embeddings]
    kind: str
    role: Literal["baseline", "ablation", "model", "reference"]
    needs: tuple[str, ...] = ()
    fitted_on_nobody: bool = False
    matched_away: bool = False
    nuisance: bool = False
    colour: str | None = None
    both: Callable[[Inputs, int], tuple[Embeddings, dict[str, np.ndarray]]] | None = None
    hub: bool = False


def as_embeddings(session_id: list[str], vectors: np.ndarray, name: str, config: dict[str, Any]) -> Embeddings:
    """Vectors (n, D) of an encoder without weights; its settings `config` are its fingerprint."""
    model = fingerprint(name, json.dumps(config, sort_keys=True))
    return Embeddings(session_id, vectors.astype(np.float32), name, model, config)
