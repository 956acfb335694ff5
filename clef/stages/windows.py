"""stage=windows: networks of short waveform windows, on the same sessions as ours and towards the same partners.

Other people's models as configurations of this one (model=elm, model=eegclip): some windows of each session meet its
report, its record or both, under our losses or theirs (`align.loss`). There is no reconstruction before it, so nothing
but a cohort is needed; its windows are cut once and kept beside it.

Shapes: B sessions · K windows of a session · T windows of a batch · C channels · S samples.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from torch import Tensor

from clef.network.record_encoder import RecordConfig
from clef.network.report_encoder import TextConfig
from clef.network.waveform.encoder import LIMITS, WaveformConfig, WaveformEncoder
from clef.stages.align import LIMITS as ALIGN_LIMITS
from clef.stages.align import AlignConfig, AlignObjective, make_heads
from clef.stages.epochs import session_order
from clef.stages.inputs import Inputs, trained_on
from clef.stages.partners import Partners
from clef.stages.stage import Batch, Objective, Preview, Samples
from clef.waveform.cutting import Cutting
from clef.waveform.kept import FOLDER, KeptWindows, keep_windows
from clef.waveform.preparation import PUBLISHED
from clef.waveform.standard import standardised
from tokenizer.base.limits import check_settings
from tokenizer.sessions import read_sessions

AT_ONCE = 64
"""Windows that are validated together."""
TRIED = 16
"""Sessions that a dry run cuts: it writes nothing, and archives do not fit into memory."""


@dataclasses.dataclass
class WindowsConfig(WaveformConfig):
    """The network of stage=windows, and how many windows of a session it sees at once."""

    per_session: int = 4
    """Windows of a session in one sample, drawn anew each time."""
    upsample: bool = False
    """Take recordings that are slower than the network's rate."""


class WindowsObjective(AlignObjective):
    """The waveform network, the heads and the contrastive losses; all of it from scratch, at one learning rate.

    Batch norm and dropout see the share of a batch that this process holds, so n processes do not give the weights of
    one, unlike the other stages.
    """

    encoder: WaveformEncoder

    def groups(self) -> list[dict]:
        return Objective.groups(self)

    def forward(self, batch: Batch, totals: dict[str, float], progress: float) -> dict[str, Tensor]:
        with torch.random.fork_rng(devices=[]):  # dropout follows from the samples, so that a resumed run has the same
            torch.manual_seed(int(batch["draw"]))
            return super().forward(batch, totals, progress)

    def _embed(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor | None]:
        """Sessions as the mean of their windows (B, H), and what meets the reports: the same, or windows (B, K, H)."""
        ok = batch["window_ok"]
        # all at once while training, since batch norm looks at the batch, which has no padding in it; else in parts
        parts = [batch["windows"]] if self.encoder.training else batch["windows"].split(AT_ONCE)
        vectors = torch.cat([self.encoder(part) for part in parts])  # (T, H)
        each = vectors.new_zeros(*ok.shape, vectors.shape[1])
        each[ok] = vectors
        session = each.sum(1) / ok.sum(1, keepdim=True)
        return (session, each, ok) if self.config.multiple_instance else (session, session, None)

    def save_model(self, folder: Path) -> None:
        self.encoder.save_pretrained(folder / "waveform")
        self.heads.save_pretrained(folder / "align")


class WindowPairs:
    """Windows of sessions and their partners: sample number -> pair, as a pure function of the seed."""

    def __init__(self, kept: KeptWindows, partners: Partners, windows: WindowsConfig, align: AlignConfig, seed: int):
        self.kept, self.partners, self.windows, self.align, self.seed = kept, partners, windows, align, seed
        self.train, self.held_out = (np.flatnonzero(kept.split == split) for split in ("train", "val"))
        if not len(self.train):
            raise ValueError("cohort: no session of split train has a window; there is nothing to learn from")

    def batch(self, numbers: Sequence[int]) -> Batch:
        rows = [self.train[session_order(self.seed, n, len(self.train))] for n in numbers]
        generators = [np.random.default_rng((self.seed, 1, n)) for n in numbers]
        draw = int(np.random.default_rng((self.seed, 2, numbers[0])).integers(1 << 62))
        return self._pairs(rows, generators, self.align.partner_drop, draw)

    def validation(self) -> list[Batch]:
        drawn = np.random.default_rng((0, 5)).permutation(self.held_out)[: self.align.validation_sessions]
        rows = sorted(drawn.tolist())
        return [self._pairs(rows, [np.random.default_rng((0, 3, r)) for r in rows], 0.0, 0)] if rows else []

    def _pairs(self, rows: list[int], generators: list[np.random.Generator], drop: float, draw: int) -> Batch:
        most = self.windows.per_session
        chosen = [g.permutation(self.kept.count[r])[:most] for r, g in zip(rows, generators, strict=True)]
        windows = np.concatenate([self.kept.some(r, which) for r, which in zip(rows, chosen, strict=True)])
        window_ok = np.arange(most) < np.array([len(which) for which in chosen])[:, None]
        partners = self.partners.thinned(rows, generators, drop)
        counts = {k: float(partners[f"has_{k}"].sum()) for k in ("report", "record")}
        return partners | {
            **{"windows": torch.from_numpy(windows), "window_ok": torch.from_numpy(window_ok)},
            **{"subject": torch.from_numpy(self.kept.subject_id[rows]), "counts": counts, "draw": torch.tensor(draw)},
        }


def build(
    inputs: Inputs,
    align: AlignConfig,
    report_encoder: TextConfig,
    record_encoder: RecordConfig,
    windows: WindowsConfig,
) -> tuple[Objective, Samples]:
    """A fresh network with fresh heads, and windows of the sessions of train and val with their reports and records.

    Raises ValueError if no session can be cut into windows, or if there is nothing to align with.
    """
    check_settings(align, ALIGN_LIMITS, "align")
    check_settings(windows, LIMITS | {"per_session": (1, 1024)}, "windows")
    sessions = read_sessions(inputs.cohort).filter(pl.col("split").is_in(["train", "val"]))
    if not inputs.writes:
        sessions = sessions.filter(pl.col("split") == "train").head(TRIED)
    encoder, kept = network_and_windows(inputs, windows, sessions)
    heads, partners, texts = make_heads(encoder.output, kept, inputs, align, report_encoder, record_encoder)
    seen = trained_on(sessions["subject_id"], sessions["split"])
    encoder.about = {"stage": "windows", "trained_on": seen} | texts
    return WindowsObjective(encoder.train(), heads, align), WindowPairs(kept, partners, windows, align, inputs.seed)


def network_and_windows(
    inputs: Inputs, windows: WindowsConfig, sessions: pl.DataFrame
) -> tuple[WaveformEncoder, KeptWindows]:
    """A fresh network in the units of the training sessions, and the windows of all."""
    made = dataclasses.replace(PUBLISHED[windows.network], window=windows.seconds)
    made.check(windows.network)
    cut = standardised(inputs.cohort, sessions, Cutting.of(made, windows.upsample), made, inputs.workers)
    fields = {field.name: getattr(windows, field.name) for field in dataclasses.fields(WaveformConfig)}
    encoder = WaveformEncoder(WaveformConfig(**fields), cut.shift, cut.scale)
    place = Path(inputs.cohort) / FOLDER if inputs.writes else None
    return encoder, keep_windows(inputs.cohort, sessions, cut, place, inputs.workers)


def preview(settings: dict[str, Any]) -> Preview:
    """The size of the network; what a step costs depends on the cohort."""
    config = settings["windows"]
    count = sum(p.numel() for p in WaveformEncoder(config).parameters())
    return Preview([f"parameters: {count / 1e6:.2f} M in {config.network}, without its heads"])
