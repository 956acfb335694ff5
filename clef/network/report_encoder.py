"""The report encoder: a summary in words -> one vector.

    texts -> ids, mask (B, L) -> embeddings + positions (B, L, W) -> Transformer -> masked mean (B, W) -> (B, out)

`text=scratch` learns its own byte-pair encoding and embeddings from the training reports, so it needs no download. The
paper (arXiv 2605.10817) puts the same Transformer on the features of a language model: `clef.network.pretrained_text`.
"""

import dataclasses
from typing import Any, Literal

import torch
from torch import nn

from clef.network.bpe import Bpe
from tokenizer.base.hub import check_entry, check_keys, check_part
from tokenizer.base.limits import SHARE, check_settings


@dataclasses.dataclass
class TextConfig:
    """The report encoder's size."""

    width: int = 512
    """Width of the Transformer."""
    layers: int = 4
    """Number of Transformer layers."""
    heads: int = 8
    """Attention heads per layer; divides the width."""
    vocabulary: int = 4096
    """Most ids of the byte-pair encoding learned on the training reports; more than 256."""
    length: int = 256
    """Most ids of one summary; the rest is cut."""
    dropout: float = 0.0
    """Dropout in the Transformer layers."""
    output: int = 512
    """Width of the vector that is aligned with the EEG's."""
    min_count: int = 5
    """A word is learned from if at least so many training subjects have it in reports: a rarer one may be a name."""
    pretrained: bool = False
    """Read with the language model `name` (text=t5, text=hf); false: with words learned from the training reports."""
    name: str = ""
    """Language model: a folder, or a hub id, in the local cache or downloaded; only safetensors are read."""
    train_layers: int = 0
    """How many of the language model's last layers are trained too; 0 leaves it as it is."""
    lora: int = 0
    """Rank of trained matrices beside every linear layer of the language model (needs clef-eeg[lora]); 0: none."""
    pooling: Literal["transformer", "mean", "last"] = "transformer"
    """How a language model's states become one vector: by a trained Transformer, or, with nothing trained on top and in
    the model's own space, as their mean or as the last one, which is what CLIP takes."""
    cache: bool = True
    """Keep what an untrained language model gives in COHORT/text_features, float16; false: at every step again."""


LIMITS = {
    **{"width": (1, 4096), "layers": (1, 64), "heads": (1, 256), "output": (1, 4096), "dropout": SHARE},
    **{"vocabulary": (257, 65536), "length": (1, 4096), "min_count": (1, 1 << 31)},
    **{"train_layers": (0, 256), "lora": (0, 4096)},
}


def check_from_scratch(config: TextConfig, presets: str = "text=hf") -> None:
    """Raise ValueError (one line) if settings of a language model are given without one; presets: what adds one."""
    if config.name or config.train_layers or config.lora:
        raise ValueError(f"report_encoder.name=, train_layers= and lora= are of a language model; add {presets}")


class PooledTransformer(nn.Module):
    """Pre-norm Transformer layers, a mean over the unmasked positions and a linear projection: (B, L, W) -> (B, out).

    Knows no positions: without positions in its input it is a function of a set. Padding changes nothing, and a row
    with no position at all gives the projection of zero instead of NaN. Vaswani et al. (2017); Xiong et al. (2020) for
    normalisation before each sublayer.
    """

    def __init__(self, width: int, layers: int, heads: int, output: int, dropout: float) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(
                f"a text or record encoder of width {width} cannot be divided into {heads} heads; set "
                f"report_encoder.heads= and record_encoder.heads= to numbers that divide the widths"
            )
        # layers made one by one: nn.TransformerEncoder copies a single one, and all would start equal
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(width, heads, 4 * width, dropout, "gelu", batch_first=True, norm_first=True)
            for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width)
        self.project = nn.Linear(width, output)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """x (B, L, W), mask (B, L) bool, True where there is something -> (B, out)."""
        if x.device.type == "cpu":  # columns nobody uses cost time; on a GPU finding them would wait for the device
            used = mask.any(0)
            used[0] = True
            x, mask = x[:, used], mask[:, used]
        padding = ~mask
        padding[:, 0] &= mask.any(1)  # an empty row attends to its first position, and counts it nowhere
        for layer in self.layers:
            x = layer(x, src_key_padding_mask=padding)
        weight = mask.unsqueeze(-1).to(x.dtype)
        mean = (self.norm(x) * weight).sum(1) / weight.sum(1).clamp(min=1)  # (B, L, W) -> (B, W)
        return self.project(mean)


class TextEncoder(nn.Module):
    """Summaries -> (B, output). Owns its byte-pair encoding; `to_config` and `state_dict` are enough to reload it.

    config: sizes · bpe: the encoding learned on training reports (`clef.network.bpe.learn`)
    """

    def __init__(self, config: TextConfig, bpe: Bpe) -> None:
        super().__init__()
        check_settings(config, LIMITS, "report_encoder")
        self.config, self.bpe = config, bpe
        self.words = nn.Embedding(len(bpe), config.width)
        self.positions = nn.Parameter(torch.empty(config.length, config.width))
        nn.init.normal_(self.words.weight, std=0.02)
        nn.init.normal_(self.positions, std=0.02)
        self.trunk = PooledTransformer(config.width, config.layers, config.heads, config.output, config.dropout)

    def tokenize(self, texts: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
        """Texts -> ids (n, length) int64 and mask (n, length) bool on the CPU."""
        return self.bpe.encode(texts, self.config.length)

    def prepare(self, texts: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
        """What training keeps of n texts: rows of it go into `forward`."""
        return self.tokenize(texts)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """ids (B, L) int64, mask (B, L) bool, L at most `length` -> (B, output)."""
        assert ids.shape == mask.shape and ids.shape[1] <= self.config.length, (ids.shape, mask.shape)
        return self.trunk(self.words(ids) + self.positions[: ids.shape[1]], mask)

    def to_config(self) -> dict[str, Any]:
        """Everything but the tensors, as plain JSON values."""
        return {"config": dataclasses.asdict(self.config), "bpe": self.bpe.to_json()}

    @classmethod
    def from_config(cls, value: dict[str, Any]) -> "TextEncoder":
        """An encoder of the shape `to_config` described, with fresh weights: load its `state_dict` next."""
        return cls(TextConfig(**value["config"]), Bpe.from_json(value["bpe"]))


def check_text_encoder(value: Any, name: str) -> None:
    """Raise ValueError (one line) unless `value` is what `TextEncoder.to_config` gives; `name`: its model folder."""
    check_keys(value, ("config", "bpe"), name, "report.")
    check_keys(value.get("config"), tuple(f.name for f in dataclasses.fields(TextConfig)), name, "report.config.")
    check_part(value["config"], TextConfig, LIMITS, name, "report.config.")
    try:
        Bpe.from_json(value.get("bpe"))
    except ValueError as error:
        check_entry(False, name, "report.bpe", str(error), "a byte-pair encoding")
