"""stage=align: the session embedding meets the report and the record of the same session (symmetric InfoNCE each).

Starts from a finished stage=recon run. Sessions without a report (or record) are left out of its anchors and
negatives; several sessions of one subject are not each other's negatives. A share of the tokens may be left out
of each sample, which costs less and regularises (Li et al. 2023, arXiv 2212.00794).

Shapes: B sessions · L text ids · R x W token grid · P shared width.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
import torch
from torch import Tensor, nn

from clef import cohort
from clef.descriptions.captions import captions_of
from clef.network.alignment import Alignment
from clef.network.encoder import Encoder
from clef.network.record_encoder import RecordConfig
from clef.network.report_encoder import TextConfig
from clef.network.session_encoder import PartEncoder, SessionEncoder
from clef.reports.summarisers import report_summaries
from clef.stages.epochs import session_order
from clef.stages.heldout import draw_heldout, without_codes, without_words
from clef.stages.inputs import Inputs, about_training, check_splits, check_tokenizer, load_tokens
from clef.stages.masks import kept_positions
from clef.stages.pair_loss import Loss, PairLoss
from clef.stages.partners import Partners, SessionRows, find_partners, make_record, make_text
from clef.stages.stage import Batch, Objective, Samples
from tokenizer.base.limits import SHARE, check_settings
from tokenizer.sessions import read_sessions
from tokenizer.store import Tokens
from tokenizer.stretches import cut, stretch


@dataclasses.dataclass
class AlignConfig:
    """Settings of stage=align beside the loop's and the encoders'."""

    temperature: float = 0.07
    """Temperature of the contrastive losses; where it is learned, its start."""
    learned_temperature: bool = False
    """Learn the temperature, one for reports and one for records, down to 0.01."""
    loss: Loss = "infonce"
    """infonce: each finds its partner among all (symmetric softmax). sigmoid: each pair is a question (SigLIP). dot:
    infonce of vectors of any length (EEG-CLIP). instances: infonce of every part and sentence of its own (ELM)."""
    bias: float = -10.0
    """Start of the bias that loss=sigmoid learns."""
    same_subject: Literal["ignored", "positive"] = "ignored"
    """Other sessions of a subject in the batch: neither positives nor negatives (ignored), or positives too."""
    report_weight: float = 1.0
    """Weight of EEG against report; 0 leaves reports out."""
    record_weight: float = 1.0
    """Weight of EEG against record; 0 leaves records out."""
    multiple_instance: bool = False
    """Compare parts of the session with sentences of the report, whichever belong together, instead of the wholes."""
    parts: int = 4
    """multiple_instance: parts of equal length that a sample's valid columns are cut into."""
    sentences: int = 8
    """multiple_instance: most sentences of a summary, the first ones."""
    record_negatives: Literal["all", "different"] = "all"
    """Negatives among records: all, or those that differ and are not both of age and sex alone (different)."""
    encoder_scale: float = 0.3
    """Learning rate of the pretrained encoder relative to the new heads."""
    drop: float = 0.0
    """Share of a sample's valid tokens left out while training."""
    partner_drop: float = 0.0
    """Share of a report's words and of a record's entries left out while training; a tenth of each always stays."""
    columns: int = 128
    """Longest stretch of a session in one sample, in columns of 10 s."""
    validation_sessions: int = 256
    """Held-out sessions the loss is validated on, as one batch: they are each other's negatives."""
    heldout_concepts: float = 0.0
    """Share of the ICD-10 categories and ATC subgroups kept out of records and summaries, to be scored apart."""
    heldout_seed: int = 0
    """Which ones: the same seed holds out the same of a cohort in every run."""
    summariser: str = "rules"
    """Whose summaries of the reports: rules, hf:FOLDER, http:URL#MODEL, or the fingerprint that clef.summarise says;
    impression or description: the rules on that part alone."""
    descriptions: str = ""
    """Folder that clef.describe wrote for the cohort: its sentences take the place of reports, which none has to have
    written."""


LIMITS = {
    **{"temperature": (0.01, 100), "bias": (-100, 100), "report_weight": (0, 1e6), "record_weight": (0, 1e6)},
    **{"encoder_scale": (0, 1000), "drop": SHARE, "partner_drop": (0, 1), "columns": (1, 1 << 31)},
    **{"parts": (1, 1024), "sentences": (1, 1024)},
    **{"heldout_concepts": SHARE, "heldout_seed": (0, 1 << 31)},
    "validation_sessions": (0, 1 << 31),
}


def pair_loss(config: AlignConfig) -> PairLoss:
    """The loss of one pair of spaces, as the settings have it."""
    positives = config.same_subject == "positive"
    if config.loss == "dot" and config.multiple_instance:
        raise ValueError("align.loss=dot compares whole sessions with whole reports; take multiple_instance=false")
    return PairLoss(config.loss, config.temperature, config.learned_temperature, config.bias, positives)


class AlignObjective(Objective):
    """The encoder, the heads and the two contrastive losses."""

    def __init__(self, encoder: SessionEncoder | PartEncoder, heads: Alignment, config: AlignConfig):
        super().__init__()
        check_settings(config, LIMITS, "align")
        self.encoder, self.heads, self.config = encoder, heads, config
        known = {"report": heads.report, "record": heads.record}
        self.losses = nn.ModuleDict({name: pair_loss(config) for name, part in known.items() if part is not None})
        embedding = {id(p) for p in encoder.embedding_parameters()}
        for parameter in encoder.parameters():  # the rest, such as a decoder, stays what its own training made it
            parameter.requires_grad_(id(parameter) in embedding)

    def groups(self) -> list[dict]:
        encoder = [p for p in self.encoder.parameters() if p.requires_grad]
        rest = [*self.heads.parameters(), *self.losses.parameters()]
        return [{"params": encoder, "scale": self.config.encoder_scale}, {"params": rest}]

    def forward(self, batch: Batch, totals: dict[str, float], progress: float) -> dict[str, Tensor]:
        session, parts, parts_ok = self._embed(batch)
        out: dict[str, Tensor] = {}
        if self.heads.report is not None:
            words, ok = self.heads.report(batch["report"], batch["report_mask"]), None
            if self.config.multiple_instance:
                words = words.unflatten(0, (len(session), -1))  # (B, S, P)
                ok = parts_ok, batch["report_mask"].any(1).unflatten(0, (len(session), -1))
            self._add(out, "report", self.heads.to_report(parts), words, batch, totals, ok)
        if self.heads.record is not None:
            codes = self.heads.record(batch["record"], batch["record_mask"])
            self._add(out, "record", self.heads.to_record(session), codes, batch, totals)
        weights = {"report": self.config.report_weight, "record": self.config.record_weight}
        out["loss"] = sum(weights[k] * out[f"loss_{k}"] for k in weights if f"loss_{k}" in out)
        return out

    def _embed(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor | None]:
        """Embeddings of the sessions, and what of them meets the reports: parts and which there are, or the same."""
        given = batch["tokens"], batch["kept"], batch["kept_ok"]
        if self.config.multiple_instance:
            return self.encoder.embed_parts(*given, batch["part"], self.config.parts)
        session = self.encoder.embed_kept(*given)
        return session, session, None

    def _add(self, out, name: str, a: Tensor, b: Tensor, batch: Batch, totals: dict[str, float], ok=None) -> None:
        """The loss and the share of first places of one pair of spaces."""
        kind = batch["record_kind"] if name == "record" and self.config.record_negatives == "different" else None
        pairs = self.losses[name](a, b, batch[f"has_{name}"], batch["subject"], kind, ok)
        out[f"loss_{name}"] = pairs["sum"] / totals[name]
        out[f"first_{name}"] = (pairs["hits_ab"] + pairs["hits_ba"]) / 2 / totals[name]

    def after_step(self, step: int) -> dict[str, float]:
        learned = {name: loss.after_step() for name, loss in self.losses.items()}
        return {f"{key}_{name}": value for name, values in learned.items() for key, value in values.items()}

    def save_model(self, folder: Path) -> None:
        self.encoder.save_pretrained(folder / "encoder")
        self.heads.save_pretrained(folder / "align")


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
        partners = self.partners.thinned(rows, generators, partner_drop)
        if self.config.multiple_instance:
            batch["part"] = _parts(batch["valid"], self.config.parts)
        counts = {k: float(partners[f"has_{k}"].sum()) for k in ("report", "record")}
        subject = torch.from_numpy(self.tokens.subject_id[rows])
        return batch | kept_positions(kept) | partners | {"subject": subject, "counts": counts}


def _keep(ok: np.ndarray, drop: float, rng: np.random.Generator) -> np.ndarray:
    kept = ok.copy()
    kept[rng.permutation(np.flatnonzero(ok))[: int(drop * ok.sum())]] = False
    return kept


def _parts(valid: Tensor, parts: int) -> Tensor:
    """Which of so many equal parts of its valid columns each column (B, W) is in: (B, W) int64."""
    place = valid.cumsum(1) - 1
    return (place * parts // valid.sum(1, keepdim=True).clamp_min(1)).clamp_min(0)


def build(
    inputs: Inputs, align: AlignConfig, report_encoder: TextConfig, record_encoder: RecordConfig
) -> tuple[Objective, Samples]:
    """The encoder of a finished stage=recon run with fresh heads, and sessions with their reports and records.

    Raises ValueError if the stores do not fit each other, or if there is nothing to align with.
    """
    check_settings(align, LIMITS, "align")
    store, tokens = load_tokens(inputs.tokens)
    encoder = Encoder.from_pretrained(str(inputs.init / "encoder"))
    check_tokenizer(encoder, store, inputs.tokens)
    heads, partners, texts = make_heads(encoder.output, tokens, inputs, align, report_encoder, record_encoder)
    encoder.about, encoder.attention = about_training("align", store, tokens) | texts, inputs.attention
    return AlignObjective(encoder.train(), heads, align), Pairs(tokens, partners, align, inputs.seed)


def make_heads(
    width: int,
    tokens: SessionRows,
    inputs: Inputs,
    align: AlignConfig,
    report_encoder: TextConfig,
    record_encoder: RecordConfig,
) -> tuple[Alignment, Partners, dict[str, Any]]:
    """Fresh heads on embeddings of `width`, what the sessions are aligned with, and what the model folder says of it.

    Raises ValueError if the stores do not fit each other, or if there is nothing to align with.
    """
    sessions, events = read_sessions(inputs.cohort), cohort.read_events(inputs.cohort)
    check_splits(tokens, sessions, inputs)
    summaries, about = _texts(inputs, sessions, align), dict[str, Any]()
    if align.descriptions:
        about["reports"] = "descriptions"
    if align.heldout_concepts:
        groups = draw_heldout(sessions, events, align.heldout_concepts, align.heldout_seed, record_encoder.min_count)
        events, summaries = without_codes(events, groups), without_words(summaries, groups)
        about["heldout_concepts"] = groups
    place = inputs.cohort if inputs.writes else None
    text = make_text(report_encoder, tokens, summaries, align.report_weight, place, inputs.device)
    record = make_record(record_encoder, sessions, events, align.record_weight)
    if text is None and record is None:
        raise ValueError(
            f"cohort={inputs.cohort}: no reports and no ICD-10 or ATC codes; there is nothing to align with. Words for "
            f"the signal itself: python -m clef.describe, then align.descriptions=FOLDER"
        )
    sentences = align.sentences if align.multiple_instance else 0
    vocabulary = record.vocabulary if record else None
    partners = find_partners(tokens, sessions, events, summaries, text, vocabulary, sentences)
    return Alignment(width, text, record), partners, about


def _texts(inputs: Inputs, sessions: pl.DataFrame, align: AlignConfig) -> dict[str, str]:
    """What sessions meet as their reports, by session: summaries of reports, or captions made from the signal."""
    if align.descriptions:
        return captions_of(align.descriptions, sessions["session_id"])
    return report_summaries(cohort.read_reports(inputs.cohort), align.summariser)
