"""The alignment heads: EEG, report and record in shared spaces of one width.

Two separate linear projections of the session embedding, one to meet the report's vector and one to meet the
record's; the report encoder (`clef.network.report_encoder`) and the record encoder (`clef.network.record_encoder`) end
in the same width.

Shapes: B sessions · D_s session embedding · P = 512 shared width.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from clef.network.record_encoder import RecordEncoder
from clef.network.report_encoder import TextEncoder
from tokenizer.base.hub import ModelPart, load_folder, load_strictly, save_folder


class Alignment(nn.Module, ModelPart, library_name="clef-eeg", tags=["eeg", "clef"], license="apache-2.0"):
    """The heads of stage=align. Either of report and record may be missing."""

    def __init__(self, embedding: int, report: TextEncoder | None, record: RecordEncoder | None):
        super().__init__()
        self.embedding = embedding
        self.report, self.record = report, record
        self.to_report = nn.Linear(embedding, report.config.output) if report else None
        self.to_record = nn.Linear(embedding, record.vocabulary.config.output) if record else None

    @torch.no_grad()
    def text(self, texts: list[str]) -> Tensor:
        """Unit vectors (n, P) of texts in the report space. Raises ValueError if the model knows no reports."""
        if self.report is None:
            raise ValueError("this model was aligned without reports: it cannot read text")
        ids, mask = self.report.tokenize(texts)
        device = self.to_report.weight.device
        return F.normalize(self.report(ids.to(device), mask.to(device)), dim=-1)

    def describe(self) -> dict[str, Any]:
        """The configuration as plain values, as stored beside the weights."""
        parts = {"report": self.report, "record": self.record}
        configs = {k: v.to_config() if v is not None else None for k, v in parts.items()}
        return {"format": 1, "kind": "clef-alignment", "embedding": self.embedding, **configs}

    def _save_pretrained(self, save_directory: Path) -> None:
        save_folder(save_directory, self.describe(), self.state_dict())

    @classmethod
    def _from_pretrained(cls, *, model_id: str, **options: Any) -> "Alignment":
        config, tensors = load_folder(model_id, "clef-alignment", options)
        report = TextEncoder.from_config(config["report"]) if config["report"] else None
        record = RecordEncoder.from_config(config["record"]) if config["record"] else None
        model = cls(config["embedding"], report, record)
        load_strictly(model, tensors, "alignment")
        return model.eval()
