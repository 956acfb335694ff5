"""What sessions are aligned with: their reports as word pieces and their records as codes, row by row as in the tokens.

Words and codes are learned from subjects of split train alone; the encoders that read them are made here, as their
vocabularies depend on the cohort.

Shapes: n sessions · L text ids · J record entries.
"""

import dataclasses
import logging
from typing import Protocol

import numpy as np
import polars as pl
import torch
from torch import Tensor

from clef.network.bpe import learn
from clef.network.pretrained_text import PretrainedTextEncoder, ReportEncoder
from clef.network.record_encoder import RecordConfig, RecordEncoder, RecordVocabulary
from clef.network.report_encoder import TextConfig, TextEncoder, check_from_scratch
from clef.network.text_features import Features
from clef.reports.rules import split_sentences
from clef.stages.stage import Batch

log = logging.getLogger(__name__)


@dataclasses.dataclass
class Partners:
    """What sessions are aligned with, row by row as in the tokens: report ids (or features) and record codes.

    report (n, L) int64, report_mask (n, L), has_report (n,) · record (n, J) int64, record_mask (n, J), has_record (n,)
    record_kind (n,) int64: equal where two records say the same, or both nothing but age and sex
    sentence (n, S) int64: if reports are bags of sentences, report and report_mask have a row for each different
    sentence instead, and these are its rows, -1 where a report has fewer
    """

    report: Tensor | Features
    report_mask: Tensor
    has_report: Tensor
    record: Tensor
    record_mask: Tensor
    has_record: Tensor
    record_kind: Tensor
    sentence: Tensor | None = None

    def rows(self, rows: list[int]) -> Batch:
        """The partners of B rows; with sentences report and report_mask have B·S rows, those of a session together."""
        names = [f.name for f in dataclasses.fields(self) if f.name != "sentence"]
        if self.sentence is None:
            return {name: getattr(self, name)[rows] for name in names}
        place = self.sentence[rows].flatten()
        report = {"report": self.report[place.clamp_min(0)]}
        report["report_mask"] = self.report_mask[place.clamp_min(0)] & (place >= 0)[:, None]
        return report | {name: getattr(self, name)[rows] for name in names if name not in report}

    def thinned(self, rows: list[int], generators: list[np.random.Generator], drop: float) -> Batch:
        """`rows` of which a share of the words and of the entries is left out, by each session's own generator."""
        partners = self.rows(rows)
        for name in ("report_mask", "record_mask"):
            mask = partners[name].reshape(len(rows), -1)  # of a session with sentences, all of them
            chance = np.stack([g.random(mask.shape[1]) for g in generators])
            partners[name] = _thinned(mask, torch.from_numpy(chance), drop).view_as(partners[name])
        return partners


def _thinned(mask: Tensor, chance: Tensor, drop: float) -> Tensor:
    """The entries (B, M) bool whose chance is at least `drop`; of each row at least a tenth, those of the best."""
    order = torch.where(mask, chance, -1.0).argsort(dim=1, descending=True, stable=True)
    place = order.argsort(dim=1)
    least = torch.ceil(mask.sum(1, keepdim=True) / 10)
    return mask & ((chance >= drop) | (place < least))


class SessionRows(Protocol):
    """What partners are looked up for: n sessions by their names, whose they are and in which split (n,)."""

    session_id: np.ndarray
    subject_id: np.ndarray
    split: np.ndarray

    def __len__(self) -> int: ...


def find_partners(
    tokens: SessionRows,
    sessions: pl.DataFrame,
    events: pl.DataFrame,
    summaries: dict[str, str],
    text: ReportEncoder | None,
    vocabulary: RecordVocabulary | None,
    sentences: int = 0,
) -> Partners:
    """Reports and records of the sessions in `tokens`, ready for their encoders; absent ones are marked.

    sentences: with a number, reports are bags of their first so many sentences.
    """
    n = len(tokens)
    none = torch.zeros(n, 1, dtype=torch.int64), torch.zeros(n, 1, dtype=torch.bool), torch.zeros(n, dtype=torch.bool)
    report, record, sentence = none, (*none, torch.zeros(n, dtype=torch.int64)), None
    if text is not None:
        words = [summaries.get(s, "") for s in tokens.session_id]
        known, sentence = sentences_of(words, sentences) if sentences else (words, None)
        prepared, mask = text.prepare(known)
        if sentences and isinstance(prepared, Tensor):  # sentences are short, and there are many
            longest = int(mask.any(0).sum())
            prepared, mask = prepared[:, :longest], mask[:, :longest]
        report = prepared, mask, torch.tensor([bool(w) for w in words])
    if vocabulary is not None:
        rows = pl.DataFrame({"session_id": tokens.session_id.tolist()}).join(sessions, on="session_id", how="left")
        records = vocabulary.encode(rows, events)
        record = records.ids, records.mask, records.present, records.kinds()
    return Partners(*report, *record, sentence)


def sentences_of(texts: list[str], most: int) -> tuple[list[str], Tensor]:
    """The different sentences of `texts`, and for each text (n, most) int64 which its first ones are, then -1."""
    number: dict[str, int] = {"": 0}
    place = torch.full((len(texts), most), -1)
    for row, text in enumerate(texts):
        mine = [number.setdefault(s, len(number)) for s in split_sentences(text)[:most]]
        place[row, : len(mine)] = torch.tensor(mine, dtype=torch.int64)
    return list(number), place


def make_text(
    config: TextConfig,
    tokens: SessionRows,
    summaries: dict[str, str],
    weight: float,
    cohort: str | None = None,
    device: str = "cpu",
) -> ReportEncoder | None:
    """The report encoder, on a language model or on words learned from the training reports.

    None if there are no reports or their loss weighs 0. summaries: by session_id. Words are counted by subject: one
    person's many reports must not make a name a word. `cohort`, `device`: as `PretrainedTextEncoder.make` takes them.
    """
    subjects: dict[int, list[str]] = {}
    for session, subject, split in zip(tokens.session_id, tokens.subject_id, tokens.split, strict=True):
        if split == "train" and summaries.get(session):
            subjects.setdefault(int(subject), []).append(summaries[session])
    if not subjects or not weight:
        log.info("aligning without reports")
        return None
    if config.pretrained:
        return PretrainedTextEncoder.make(config, cohort, device)
    check_from_scratch(config, "text=hf or text=t5")
    return TextEncoder(config, learn(subjects.values(), config.vocabulary, config.min_count))


def make_record(
    config: RecordConfig, sessions: pl.DataFrame, events: pl.DataFrame, weight: float
) -> RecordEncoder | None:
    """The record encoder with the codes of the training subjects; None if there are none or their loss weighs 0."""
    vocabulary = RecordVocabulary.fit(sessions, events, config)
    if not vocabulary.codes or not weight:
        log.info("aligning without records")
        return None
    return RecordEncoder(vocabulary)
