"""What sessions are aligned with: their reports as word pieces and their records as codes, row by row as in the tokens.

Words and codes are learned from subjects of split train alone; the encoders that read them are made here, as their
vocabularies depend on the cohort.

Shapes: n sessions · L text ids · J record entries.
"""

import dataclasses
import logging

import polars as pl
import torch
from torch import Tensor

from clef.network.bpe import learn
from clef.network.record_encoder import RecordConfig, RecordEncoder, RecordVocabulary
from clef.network.report_encoder import TextConfig, TextEncoder
from clef.stages.stage import Batch
from tokenizer.store import Tokens

log = logging.getLogger(__name__)


@dataclasses.dataclass
class Partners:
    """What sessions are aligned with, row by row as in the tokens: report ids and record codes.

    report (n, L) int64, report_mask (n, L), has_report (n,) · record (n, J) int64, record_mask (n, J), has_record (n,)
    record_kind (n,) int64: equal where two records say the same, or both nothing but age and sex
    """

    report: Tensor
    report_mask: Tensor
    has_report: Tensor
    record: Tensor
    record_mask: Tensor
    has_record: Tensor
    record_kind: Tensor

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
    report, record = none, (*none, torch.zeros(n, dtype=torch.int64))
    if text is not None:
        words = [summaries.get(s, "") for s in tokens.session_id]
        report = *text.tokenize(words), torch.tensor([bool(w) for w in words])
    if vocabulary is not None:
        rows = pl.DataFrame({"session_id": tokens.session_id.tolist()}).join(sessions, on="session_id", how="left")
        records = vocabulary.encode(rows, events)
        record = records.ids, records.mask, records.present, records.kinds()
    return Partners(*report, *record)


def make_text(config: TextConfig, tokens: Tokens, summaries: dict[str, str], weight: float) -> TextEncoder | None:
    """The report encoder with words learned from the training reports; None if there are none or their loss weighs 0.

    summaries: by session_id. Words are counted by subject: one person's many reports must not make a name a word.
    """
    subjects: dict[int, list[str]] = {}
    for session, subject, split in zip(tokens.session_id, tokens.subject_id, tokens.split, strict=True):
        if split == "train" and summaries.get(session):
            subjects.setdefault(int(subject), []).append(summaries[session])
    if not subjects or not weight:
        log.info("aligning without reports")
        return None
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
