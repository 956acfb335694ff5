"""The alignment heads: EEG, report and record in shared spaces of one width.

Two separate linear projections of the session embedding, one to meet the report's vector and one to meet the
record's; the report encoder (`clef.network.report_encoder`, `clef.network.pretrained_text`) and the record encoder
(`clef.network.record_encoder`) end in the same width.

Shapes: B sessions · D_s session embedding · P = 512 shared width.
"""

import dataclasses
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from clef.network.pretrained_text import ReportEncoder, check_report_encoder, least_numbers, report_encoder
from clef.network.record_encoder import RecordConfig, RecordEncoder, check_record_encoder
from clef.network.report_encoder import TextConfig
from tokenizer.base.hub import ModelPart, build, check_entry, check_network, load_folder, save_folder
from tokenizer.base.limits import is_whole

FORMAT = 1


@dataclasses.dataclass
class _NoSettings:
    """Alignment has sizes of its parts alone."""


class Alignment(nn.Module, ModelPart, library_name="clef-eeg", tags=["eeg", "clef"], license="apache-2.0"):
    """The heads of stage=align. Either of report and record may be missing."""

    def __init__(self, embedding: int, report: ReportEncoder | None, record: RecordEncoder | None):
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
        return {"format": FORMAT, "kind": "clef-alignment", "embedding": self.embedding, **configs}

    def _save_pretrained(self, save_directory: Path) -> None:
        save_folder(save_directory, self.describe(), self.state_dict())

    @classmethod
    def _from_pretrained(cls, *, model_id: str, **options: Any) -> "Alignment":
        config, tensors = load_folder(model_id, "clef-alignment", options)
        name = Path(model_id).name
        check_network(config, _NoSettings, {}, FORMAT, name, ("embedding", "report", "record"))
        embedding, report, record = (config.get(key) for key in ("embedding", "report", "record"))
        check_entry(is_whole(embedding, 1, 1 << 20), name, "embedding", embedding, "a whole number from 1 to 1048576")
        if report is not None:
            check_report_encoder(report, name)
        if record is not None:
            check_record_encoder(record, name)

        def make() -> Alignment:
            text = None if report is None else report_encoder(report)
            return cls(embedding, text, None if record is None else RecordEncoder.from_config(record))

        least = 0
        if report is not None:
            least += least_numbers(report) + embedding * TextConfig(**report["config"]).output
        if record is not None:
            sizes = RecordConfig(**record["config"])
            least += 12 * sizes.width**2 * sizes.layers + embedding * sizes.output
        return build(make, tensors, least, "alignment")
