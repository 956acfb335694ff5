"""Models that were aligned with reports, ours and runs of stage=windows: vectors and texts brought into one space."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from benchmark.models.asked import Asked
from benchmark.models.others import Other
from benchmark.tuab.rows import EACH
from clef.model import Model, text_vectors
from clef.network.alignment import Alignment
from clef.network.waveform.encoder import WaveformEncoder
from clef.readout import parts_of
from clef.training.run import finished_model

Texts = Sequence[str | Sequence[str]]


@dataclasses.dataclass(frozen=True)
class ReportSpace:
    """How rows of vectors meet words.

    text: texts, or lists of wordings -> unit vectors (n, P)
    project: rows (n, D) -> (n, P), of which a session's mean is taken
    """

    text: Callable[[Texts], np.ndarray]
    project: Callable[[np.ndarray], np.ndarray]


def report_spaces(asked: Sequence[Asked], others: Mapping[str, Other]) -> dict[str, ReportSpace]:
    """Row of the table -> its report space, of all that were aligned with reports."""
    spaces = {one.name: of_model(one.model) for one in asked}
    spaces |= {name + EACH: of_window_run(other.weights) for name, other in others.items()}
    return {row: space for row, space in spaces.items() if space is not None}


def of_model(model: Model) -> ReportSpace | None:
    """A model of ours, whose rows are what its heads gave; None if it was not aligned with reports."""
    if "report" not in model.head_names:
        return None
    assert parts_of(model.readout("trained").head)[0] == "report", "read at its heads, the report's first"
    width = model.heads.to_report.out_features
    return ReportSpace(model.text, lambda x: x[:, :width])


def of_window_run(run: str | Path | None) -> ReportSpace | None:
    """A run of stage=windows, whose rows are features of single windows; None for anything else."""
    model = finished_model(run) if run and Path(run).is_dir() else None
    if model is None or not (model / "align").is_dir():
        return None
    heads = Alignment.from_pretrained(str(model / "align")).eval()
    if heads.report is None:
        return None
    encoder = WaveformEncoder.from_pretrained(str(model / "waveform")).eval()

    @torch.inference_mode()
    def project(x: np.ndarray) -> np.ndarray:
        return heads.to_report(encoder.head(torch.from_numpy(x.astype(np.float32)))).numpy()

    return ReportSpace(lambda texts: text_vectors(heads, texts), project)
