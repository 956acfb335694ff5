"""stage=align: the session embedding meets the report and the record of the same session (symmetric InfoNCE each).

Starts from a finished stage=recon run. Sessions without a report (or record) are left out of its anchors and
negatives; several sessions of one subject are not each other's negatives. A share of the tokens may be left out
of each sample, which costs less and regularises (Li et al. 2023, arXiv 2212.00794).

Shapes: B sessions · L text ids · R x W token grid · P shared width.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import torch
from torch import Tensor

from clef.network.alignment import Alignment
from clef.network.encoder import Encoder
from clef.network.record_encoder import RecordVocabulary
from clef.network.report_encoder import TextEncoder
from clef.stages.contrastive import symmetric_info_nce
from clef.stages.masks import pack
from clef.stages.stage import Batch, Objective, session_order
from tokenizer.store import Tokens
from tokenizer.stretches import cut, stretch


@dataclasses.dataclass
class AlignConfig:
    """Settings of stage=align beside the loop's and the encoders'."""

    temperature: float = 0.07
    """Temperature of the contrastive losses."""
    report_weight: float = 1.0
    """Weight of EEG against report; 0 leaves reports out."""
    record_weight: float = 1.0
    """Weight of EEG against record; 0 leaves records out."""
    encoder_scale: float = 0.3
    """Learning rate of the pretrained encoder relative to the new heads."""
    drop: float = 0.0
    """Share of a sample's valid tokens left out while training."""
    partner_drop: float = 0.0
    """Share of a report's words and of a record's entries left out while training."""
    columns: int = 128
    """Longest stretch of a session in one sample, in columns of 10 s."""
    validation_sessions: int = 256
    """Held-out sessions the loss is watched on, as one batch: they are each other's negatives."""
    summariser: str = "rules"
    """What turns reports into their electrographic content."""


class AlignObjective(Objective):
    """The encoder, the heads and the two contrastive losses."""

    def __init__(self, encoder: Encoder, heads: Alignment, config: AlignConfig):
        super().__init__()
        self.encoder, self.heads, self.config = encoder, heads, config
        for unused in (encoder.decoder, encoder.to_decoder, encoder.to_token):
            unused.requires_grad_(False)  # the decoder stays what reconstruction made it
        for parameter in (encoder.token_bias, encoder.dropped_token, encoder.hidden_token):
            parameter.requires_grad_(False)

    def groups(self) -> list[dict]:
        encoder = [p for p in self.encoder.parameters() if p.requires_grad]
        return [{"params": encoder, "scale": self.config.encoder_scale}, {"params": list(self.heads.parameters())}]

    def forward(self, batch: Batch, totals: dict[str, float], progress: float) -> dict[str, Tensor]:
        session = self.encoder.embed_kept(batch["tokens"], batch["kept"], batch["kept_ok"])
        out: dict[str, Tensor] = {}
        if self.heads.report is not None:
            words = self.heads.report(batch["report"], batch["report_mask"])
            self._add(out, "report", self.heads.to_report(session), words, batch, totals)
        if self.heads.record is not None:
            codes = self.heads.record(batch["record"], batch["record_mask"])
            self._add(out, "record", self.heads.to_record(session), codes, batch, totals)
        weights = {"report": self.config.report_weight, "record": self.config.record_weight}
        out["loss"] = sum(weights[k] * out[f"loss_{k}"] for k in weights if f"loss_{k}" in out)
        return out

    def _add(self, out, name: str, a: Tensor, b: Tensor, batch: Batch, totals: dict[str, float]) -> None:
        """The loss and the share of first places of one pair of spaces."""
        found = symmetric_info_nce(a, b, batch[f"has_{name}"], batch["subject"], self.config.temperature)
        out[f"loss_{name}"] = found["sum"] / totals[name]
        out[f"first_{name}"] = (found["hits_ab"] + found["hits_ba"]) / 2 / totals[name]

    def save_model(self, folder: Path) -> None:
        self.encoder.save_pretrained(folder / "encoder")
        self.heads.save_pretrained(folder / "align")


@dataclasses.dataclass
class Partners:
    """What sessions are aligned with, row by row as in the tokens: report ids and record codes.

    report (n, L) int64, report_mask (n, L), has_report (n,) · record (n, J) int64, record_mask (n, J), has_record (n,)
    """

    report: Tensor
    report_mask: Tensor
    has_report: Tensor
    record: Tensor
    record_mask: Tensor
    has_record: Tensor

    def rows(self, rows: list[int]) -> Batch:
        """The partners of some rows."""
        return {f.name: getattr(self, f.name)[rows] for f in dataclasses.fields(self)}


def find_partners(
    tokens: Tokens,
    sessions: pl.DataFrame,
    events: pl.DataFrame,
    summaries: dict[str, str],
    text: TextEncoder | None,
    vocabulary: RecordVocabulary | None,
) -> Partners:
    """Reports and records of the sessions in `tokens`, ready for their encoders; absent ones are marked."""
    n = len(tokens)
    none = torch.zeros(n, 1, dtype=torch.int64), torch.zeros(n, 1, dtype=torch.bool), torch.zeros(n, dtype=torch.bool)
    report, record = none, none
    if text is not None:
        words = [summaries.get(s, "") for s in tokens.session_id]
        report = *text.tokenize(words), torch.tensor([bool(w) for w in words])
    if vocabulary is not None:
        rows = pl.DataFrame({"session_id": tokens.session_id.tolist()}).join(sessions, on="session_id", how="left")
        found = vocabulary.encode(rows, events)
        record = found.ids, found.mask, found.present
    return Partners(*report, *record)


class Pairs:
    """Sessions and their partners: sample number -> pair, as a pure function of the seed."""

    def __init__(self, tokens: Tokens, partners: Partners, config: AlignConfig, seed: int):
        self.tokens, self.partners, self.config, self.seed = tokens, partners, config, seed
        self.train = np.flatnonzero(tokens.split == "train")
        self.held_out = np.flatnonzero(tokens.split == "val")
        if not len(self.train):
            raise ValueError("tokens: no session has split train; there is nothing to learn from")

    def batch(self, numbers: Sequence[int]) -> Batch:
        order = [self.train[session_order(self.seed, n, len(self.train))] for n in numbers]
        generators = [np.random.default_rng((self.seed, 1, n)) for n in numbers]
        return self._pairs(order, generators, self.config.drop, self.config.partner_drop)

    def validation(self) -> list[Batch]:
        drawn = np.random.default_rng((0, 5)).permutation(self.held_out)[: self.config.validation_sessions]
        rows = sorted(drawn.tolist())
        return [self._pairs(rows, [np.random.default_rng((0, 3, r)) for r in rows])] if rows else []

    def _pairs(
        self, rows, generators: list[np.random.Generator], drop: float = 0.0, partner_drop: float = 0.0
    ) -> Batch:
        valid = self.tokens.valid
        stretches = [stretch(valid[r], self.config.columns, g) for r, g in zip(rows, generators, strict=True)]
        batch = cut(self.tokens, rows, stretches)
        ok = np.repeat(batch["valid"].numpy()[:, None], self.tokens.tokens.shape[1], 1).reshape(len(rows), -1)
        kept = np.stack([_keep(o, drop, g) for o, g in zip(ok, generators, strict=True)])
        partners = self.partners.rows(rows)
        for name in ("report_mask", "record_mask"):
            chance = np.stack([g.random(partners[name].shape[1]) for g in generators])
            partners[name] = partners[name] & torch.from_numpy(chance >= partner_drop)
        counts = {k: float(partners[f"has_{k}"].sum()) for k in ("report", "record")}
        subject = torch.from_numpy(self.tokens.subject_id[rows])
        return batch | pack(kept) | partners | {"subject": subject, "counts": counts}


def _keep(ok: np.ndarray, drop: float, rng: np.random.Generator) -> np.ndarray:
    kept = ok.copy()
    kept[rng.permutation(np.flatnonzero(ok))[: int(drop * ok.sum())]] = False
    return kept
