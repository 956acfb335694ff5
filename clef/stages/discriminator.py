"""A small PatchGAN over spectrograms and its hinge losses (Isola et al. 2017, arXiv 1611.07004; Lim & Ye 2017).

Only training needs it, so it is not part of the tokenizer. Shapes: B batch · C channels · F bins · T frames.
"""

from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F


class Discriminator(nn.Module):
    """Scaled spectrogram (B, C, F, T) -> realness of each patch (B, 1, F/16, T/16)."""

    def __init__(self, channels: int = 19, width: int = 32):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, width, 4, 4),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 2 * width, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 1, 3, 1, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)

    def frozen(self, x: Tensor) -> Tensor:
        """The same, but gradients reach only x: the generator must not teach its judge."""
        return functional_call(self, {n: p.detach() for n, p in self.named_parameters()}, (x,))

    def hinge(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """Losses of judge and generator (B,), means over patches; the judge sees a detached reconstruction."""
        judge = F.relu(1 - self(real)) + F.relu(1 + self(fake.detach()))  # (B, 1, F/16, T/16)
        return judge.mean((1, 2, 3)) / 2, -self.frozen(fake).mean((1, 2, 3))
