"""The report encoder on a pretrained language model: a summary in words -> token states -> one vector.

    texts -> ids, mask (B, L) -> language model (B, L, D) -> + positions (B, L, W) -> Transformer -> (B, out)

The paper (arXiv 2605.10817) puts a Transformer on the features of a frozen T5: `text=t5`. Frozen features are computed
once (`clef.network.text_features`), in float16, and a batch holds them instead of ids. Ours, beside that: a LayerNorm
on the features, as models differ in their scale; the last layers, or LoRA, may be trained. With pooling=mean or last
nothing stands on top: the vector is in the language model's own space.

The language model itself is no part of this module's weights: a model folder names it and its fingerprint, and holds
what was trained of it. Without it at hand everything works but reading text.
"""

import dataclasses
import logging
import math
from typing import Any

import torch
from torch import Tensor, nn

from clef.network.adapted_language_model import Adaptation, AdaptedLanguageModel, Base, check_adapted, open_adapted
from clef.network.report_encoder import LIMITS, PooledTransformer, TextConfig, TextEncoder, check_text_encoder
from clef.network.text_features import Features, feature_bytes, features_of, half
from tokenizer.base.hub import check_entry, check_keys, check_part
from tokenizer.base.limits import check_settings

log = logging.getLogger(__name__)


class PretrainedTextEncoder(AdaptedLanguageModel):
    """Summaries -> (B, output) on a language model; `to_config` and `state_dict` reload all but the language model."""

    def __init__(self, config: TextConfig, base: Base, shapes: dict[str, list[int]]) -> None:
        """`shapes`: of the language model's tensors that are trained, by name."""
        super().__init__(base, Adaptation(config.train_layers, config.lora), shapes)
        check_settings(config, LIMITS, "report_encoder")
        self.config = config
        self.keep: tuple[str, str] | None = None
        if config.pooling == "transformer":
            self.norm = nn.LayerNorm(base.width)
            self.words = nn.Linear(base.width, config.width)
            self.positions = nn.Parameter(torch.empty(config.length, config.width))
            nn.init.normal_(self.positions, std=0.02)
            self.trunk = PooledTransformer(config.width, config.layers, config.heads, config.output, config.dropout)

    @classmethod
    def make(cls, config: TextConfig, cohort: str | None = None, device: str = "cpu") -> "PretrainedTextEncoder":
        """An encoder on the language model `config.name`. Raises ValueError (one line) if that is not to be had.

        cohort: the folder beside which features are kept, on `device` computed; None keeps none
        """
        language, base, trained = open_adapted(config.name, Adaptation(config.train_layers, config.lora))
        language.check_length(config.length)
        output = config.output if config.pooling == "transformer" else language.width
        config = dataclasses.replace(config, name=language.name, output=output)  # a name as models may say it: no path
        encoder = cls(config, base, {})
        encoder.take(language, trained)
        encoder.keep = (cohort, device) if cohort and config.cache and not trained else None
        return encoder

    # ---- texts to ids and features
    def tokenize(self, texts: list[str]) -> tuple[Tensor, Tensor]:
        """Texts -> ids (n, L) int64 and mask (n, L) bool on the CPU; L, at most `length`, is the longest text's."""
        language = self.opened()
        return language.pad(language.tokenize(texts, self.config.length))

    def prepare(self, texts: list[str]) -> tuple[Tensor | Features, Tensor]:
        """What training keeps of n texts: rows of it go into `forward`. Features where they can be kept, else ids."""
        if self.keep is None:
            ids, mask = self.tokenize(texts)
            if self.config.cache and not len(self.trained):  # features were asked for, but this is a dry run
                different = list({text: i for i, text in enumerate(texts)}.values())
                size = feature_bytes(int(mask[different].sum()), self.base.width)
                log.info("features of the reports would take %.3g GB; here they are computed at every step", size / 1e9)
            return ids, mask
        features = features_of(texts, self.opened(), self.config.length, *self.keep)
        return features, features.mask

    def forward(self, report: Tensor, mask: Tensor) -> Tensor:
        """Ids (B, L) int64, or features (B, L, D) float16 of a batch's longest, and mask (B, L or more) -> (B, out)."""
        states = report if report.is_floating_point() else self._read(report, mask)
        mask = mask[:, : states.shape[1]]
        if self.config.pooling != "transformer":
            return pooled(states.float(), mask, self.config.pooling)
        words = self.words(self.norm(states.to(self.norm.weight.dtype)))
        return self.trunk(words + self.positions[: states.shape[1]], mask)

    def _read(self, ids: Tensor, mask: Tensor) -> Tensor:
        """The language model's states (B, L, D) of what is not masked; frozen ones rounded as they are when kept."""
        used = mask.any(0)
        used[0] = True
        longest = int(used.nonzero()[-1]) + 1
        language, ids, mask = self.opened(), ids[:, :longest], mask[:, :longest]
        if len(self.trained):
            return language.states(ids, mask)
        with torch.no_grad(), torch.autocast(ids.device.type, enabled=False):
            return half(language.states(ids, mask))

    # ---- saving
    def to_config(self) -> dict[str, Any]:
        """Everything but the tensors, as plain JSON values."""
        return {"config": dataclasses.asdict(self.config), **self.entries()}

    @classmethod
    def from_config(cls, value: dict[str, Any]) -> "PretrainedTextEncoder":
        """An encoder of the shape `to_config` described, with fresh weights: load its `state_dict` next."""
        return cls(TextConfig(**value["config"]), Base(**value["language"]), value["trained"])


def pooled(states: Tensor, mask: Tensor, how: str) -> Tensor:
    """States (B, L, D) of what is not masked -> their mean, or the last one (B, D); zero where there is none."""
    if how == "mean":
        return (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True).clamp(min=1)
    last = (mask * torch.arange(1, mask.shape[1] + 1, device=mask.device)).argmax(1)
    return states[torch.arange(len(states), device=mask.device), last] * mask.any(1, keepdim=True)


# ---- either kind of report encoder
ReportEncoder = TextEncoder | PretrainedTextEncoder


def report_encoder(value: dict[str, Any]) -> ReportEncoder:
    """The report encoder that `to_config` of either kind described, with fresh weights."""
    kind = PretrainedTextEncoder if value["config"].get("pretrained") else TextEncoder
    return kind.from_config(value)


def least_numbers(value: dict[str, Any]) -> int:
    """Fewest numbers of the weights of a report encoder that `to_config` described."""
    config = TextConfig(**value["config"])
    if config.pretrained and config.pooling != "transformer":
        return sum(math.prod(shape) for shape in value["trained"].values())
    return 12 * config.width**2 * config.layers + config.length * config.width


def check_report_encoder(value: Any, name: str) -> None:
    """Raise ValueError (one line) unless `value` is what `to_config` of either kind gives; `name`: its model folder."""
    if not isinstance(value, dict) or "language" not in value:
        return check_text_encoder(value, name)
    check_keys(value, ("config", "language", "trained"), name, "report.")
    check_keys(value.get("config"), tuple(f.name for f in dataclasses.fields(TextConfig)), name, "report.config.")
    check_part(value["config"], TextConfig, LIMITS, name, "report.config.")
    check_entry(value["config"].get("pretrained") is True, name, "report.config.pretrained", False, "true")
    check_adapted(value, name, "report.")
    config = TextConfig(**value["config"])
    fits = config.pooling == "transformer" or config.output == value["language"]["width"]
    check_entry(fits, name, "report.config.output", config.output, "the width of the language model")
    return None
