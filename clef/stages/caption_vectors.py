"""Captions as stage=trials meets them: the network that reads them, and what a frozen language model makes of them.

The space is that of the report encoder (`text=scratch`, `text=hf`). Of a language model's own space (pooling mean or
last) the vector of each caption is known before training, by which the EEG can be taught (distillation); where nothing
of the language model is trained, these are the vectors of the captions for good.

Shapes: m different captions · L ids · P width of the space.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from clef.network.bpe import learn
from clef.network.pretrained_text import PretrainedTextEncoder, ReportEncoder
from clef.network.report_encoder import TextConfig, TextEncoder, check_from_scratch
from clef.network.trials.model import AT_ONCE, TrialModel


def make_text(config: TextConfig, captions: Sequence[str], device: str) -> ReportEncoder:
    """The network that reads captions: a language model, or words learned from these captions of training.

    Raises ValueError (one line) if the language model is not to be had, or settings of one are given without it.
    """
    if config.pretrained:
        return PretrainedTextEncoder.make(config, None, device)
    check_from_scratch(config)
    return TextEncoder(config, learn([[caption] for caption in captions], config.vocabulary, config.min_count))


def in_own_space(text: ReportEncoder) -> bool:
    """Whether vectors are in a language model's own space, so that what it says untrained is worth something."""
    return text.config.pretrained and text.config.pooling != "transformer"


class CaptionVectors(nn.Module):
    """Unit vectors of the captions of a data set; holds no weights, and nothing that a checkpoint has to keep.

    ids, mask: (m, L) · target: (m, P), of the untrained language model, or (0, P) where there is none
    """

    def __init__(self, model: TrialModel, captions: list[str], of_training: Tensor, device: str):
        """`model.centre` becomes the mean of the captions of training, of which `of_training` (m,) bool says which."""
        super().__init__()
        self.is_fixed = in_own_space(model.text) and not len(list(model.text.parameters()))
        ids, mask = model.text.tokenize(captions)
        target = torch.zeros(0, len(model.centre))
        if in_own_space(model.text):
            bare = _read(model.text, ids, mask, device)
            model.centre.copy_(bare[of_training].mean(0))
            target = F.normalize(bare - model.centre, dim=-1)
        for name, value in (("ids", ids), ("mask", mask), ("target", target)):
            self.register_buffer(name, value, persistent=False)

    def forward(self, model: TrialModel, caption: Tensor) -> Tensor:
        """Vectors (B, P) of the captions (B,) int64; each is read once, however often it stands in the batch."""
        if self.is_fixed:
            return self.target[caption]
        different, place = caption.unique(return_inverse=True)
        return model.read(self.ids[different], self.mask[different])[place]


@torch.no_grad()
def _read(text: ReportEncoder, ids: Tensor, mask: Tensor, device: str) -> Tensor:
    """Vectors (m, P), on the CPU, as they come out of the language model."""
    pairs = zip(ids.split(AT_ONCE), mask.split(AT_ONCE), strict=True)
    return torch.cat([text(some.to(device), present.to(device)).float().cpu() for some, present in pairs])
