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
import os
from typing import Any

import torch
from torch import Tensor, nn

from clef.network.language_model import LanguageModel, open_model
from clef.network.report_encoder import LIMITS, PooledTransformer, TextConfig, TextEncoder, check_text_encoder
from clef.network.text_features import Features, feature_bytes, features_of, half
from tokenizer.base.hub import check_entry, check_keys, check_part
from tokenizer.base.limits import check_settings, is_whole

log = logging.getLogger(__name__)
PLACE = "CLEF_TEXT_MODEL"
"""The environment variable that names the folder of the language model, where its name alone does not lead to it."""


@dataclasses.dataclass
class Base:
    """Which language model: its name (no path), the fingerprint of its weights and words, its width."""

    name: str
    fingerprint: str
    width: int


class PretrainedTextEncoder(nn.Module):
    """Summaries -> (B, output) on a language model; `to_config` and `state_dict` reload all but the language model."""

    def __init__(self, config: TextConfig, base: Base, shapes: dict[str, list[int]]) -> None:
        """`shapes`: of the language model's tensors that are trained, by name."""
        super().__init__()
        check_settings(config, LIMITS, "report_encoder")
        self.config, self.base = config, base
        self.language: LanguageModel | None = None  # no module of ours: its frozen weights are nowhere saved
        self.keep: tuple[str, str] | None = None
        if config.pooling == "transformer":
            self.norm = nn.LayerNorm(base.width)
            self.words = nn.Linear(base.width, config.width)
            self.positions = nn.Parameter(torch.empty(config.length, config.width))
            nn.init.normal_(self.positions, std=0.02)
            self.trunk = PooledTransformer(config.width, config.layers, config.heads, config.output, config.dropout)
        self.trained = nn.ParameterDict(
            {_key(name): nn.Parameter(torch.empty(shape)) for name, shape in shapes.items()}
        )

    @classmethod
    def make(cls, config: TextConfig, cohort: str | None = None, device: str = "cpu") -> "PretrainedTextEncoder":
        """An encoder on the language model `config.name`. Raises ValueError (one line) if that is not to be had.

        cohort: the folder beside which features are kept, on `device` computed; None keeps none
        """
        if config.train_layers and config.lora:
            raise ValueError("report_encoder: train_layers= and lora= were both given; set one of them to 0")
        if not config.name:
            raise ValueError(
                "text=hf needs report_encoder.name=: the folder of a language model, or its id on the hub; "
                "text=t5 is google/t5-v1_1-base"
            )
        language = open_model(config.name)
        language.check_length(config.length)
        trained = _adapt(language, config)
        output = config.output if config.pooling == "transformer" else language.width
        config = dataclasses.replace(config, name=language.name, output=output)  # a name as models may say it: no path
        encoder = cls(config, Base(language.name, language.fingerprint, language.width), {})
        encoder.language, encoder.trained = language, nn.ParameterDict({_key(k): p for k, p in trained.items()})
        encoder.keep = (cohort, device) if cohort and config.cache and not trained else None
        return encoder

    # ---- texts to ids and features
    def tokenize(self, texts: list[str]) -> tuple[Tensor, Tensor]:
        """Texts -> ids (n, L) int64 and mask (n, L) bool on the CPU; L, at most `length`, is the longest text's."""
        language = self._opened()
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
        features = features_of(texts, self._opened(), self.config.length, *self.keep)
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
        language, ids, mask = self._opened(), ids[:, :longest], mask[:, :longest]
        if len(self.trained):
            return language.states(ids, mask)
        with torch.no_grad(), torch.autocast(ids.device.type, enabled=False):
            return half(language.states(ids, mask))

    # ---- the language model
    def open(self, name: str) -> None:
        """Read texts with the language model `name`, a folder or a hub id.

        Raises ValueError (one line) unless it is there, and the one that this encoder was trained on.
        """
        language = open_model(name)
        if language.fingerprint != self.base.fingerprint:
            raise ValueError(
                f"{language.name}: this language model is {language.fingerprint}, the reports were read with "
                f"{self.base.name}, which is {self.base.fingerprint}; give that one"
            )
        language.network.to(next((p.device for p in self.parameters()), torch.device("cpu")))
        for key, parameter in _adapt(language, self.config).items():  # from now on one tensor, in both
            with torch.no_grad():
                parameter.copy_(self.trained[_key(key)])
            self.trained[_key(key)] = parameter
        self.language = language

    def _opened(self) -> LanguageModel:
        if self.language is None:
            try:
                self.open(os.environ.get(PLACE) or self.base.name)
            except ValueError as error:
                raise ValueError(f"this model reads text with {self.base.name}; {error}; {HOW}") from None
        assert self.language is not None
        return self.language

    # ---- saving
    def get_extra_state(self) -> Tensor:
        """The language model's fingerprint, (8,) uint8, for checkpoints: a run must go on with the same one."""
        return torch.tensor(list(bytes.fromhex(self.base.fingerprint)), dtype=torch.uint8)

    def set_extra_state(self, state: Tensor) -> None:
        """Raise ValueError if the weights to be loaded were trained on another language model."""
        if not torch.equal(state.cpu(), self.get_extra_state()):
            raise ValueError(
                f"report_encoder.name={self.base.name}: this is another language model than the one that the run "
                f"was started with ({bytes(state.tolist()).hex()}); give that one, or another out= to start anew"
            )

    def to_config(self) -> dict[str, Any]:
        """Everything but the tensors, as plain JSON values."""
        shapes = {_name(key): list(p.shape) for key, p in self.trained.items()}
        return {"config": dataclasses.asdict(self.config), "language": dataclasses.asdict(self.base), "trained": shapes}

    @classmethod
    def from_config(cls, value: dict[str, Any]) -> "PretrainedTextEncoder":
        """An encoder of the shape `to_config` described, with fresh weights: load its `state_dict` next."""
        return cls(TextConfig(**value["config"]), Base(**value["language"]), value["trained"])


HOW = f"{PLACE}=FOLDER, or in Python model.heads.report.open(FOLDER), says where it is"


def _adapt(language: LanguageModel, config: TextConfig) -> dict[str, nn.Parameter]:
    """Make trainable what `config` says of the language model; returns its trained parameters by name."""
    if config.lora:
        return language.add_lora(config.lora)
    return language.train_last(config.train_layers) if config.train_layers else {}


def pooled(states: Tensor, mask: Tensor, how: str) -> Tensor:
    """States (B, L, D) of what is not masked -> their mean, or the last one (B, D); zero where there is none."""
    if how == "mean":
        return (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True).clamp(min=1)
    last = (mask * torch.arange(1, mask.shape[1] + 1, device=mask.device)).argmax(1)
    return states[torch.arange(len(states), device=mask.device), last] * mask.any(1, keepdim=True)


def _key(name: str) -> str:
    """A parameter's name without dots, which mark modules in PyTorch."""
    return name.replace(".", "/")


def _name(key: str) -> str:
    return key.replace("/", ".")


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
    check_keys(value["language"], tuple(f.name for f in dataclasses.fields(Base)), name, "report.language.")
    check_part(value["language"], Base, {"width": (1, 65536)}, name, "report.language.")
    whole = {"name", "fingerprint", "width"} <= set(value["language"]) and _is_fingerprint(value["language"])
    check_entry(whole, name, "report.language", value["language"], "a name, a fingerprint and a width")
    config = TextConfig(**value["config"])
    fits = config.pooling == "transformer" or config.output == value["language"]["width"]
    check_entry(fits, name, "report.config.output", config.output, "the width of the language model")
    trained = value.get("trained")
    check_entry(_are_shapes(trained), name, "report.trained", trained, "shapes of tensors by name")
    return None


def _is_fingerprint(language: dict[str, Any]) -> bool:
    text = language["fingerprint"]
    return len(text) == 16 and set(text) <= set("0123456789abcdef")


def _are_shapes(value: Any) -> bool:
    """Whether these are shapes of tensors that a language model may have."""
    if not isinstance(value, dict) or len(value) > 100_000:
        return False
    shapes = list(value.values())
    lists = all(isinstance(s, list) and 0 < len(s) < 5 and all(is_whole(n, 1, 1 << 20) for n in s) for s in shapes)
    return lists and sum(math.prod(s) for s in shapes) < 1 << 34
