"""What training the session Transformer costs: parameters, floating-point operations and memory, from its sizes alone.

Operations are those of the matrix products, a multiplication and an addition counting two, and the backward pass twice
the forward one (Kaplan et al. 2020, arXiv 2001.08361, section 2.1; they leave attention between tokens out, here it
counts). They are what the model needs: what a kernel computes a second time to save memory is not in them. Memory is
what autograd keeps for the backward pass; what kernels take for a moment comes on top.

Shapes: N tokens of a session · S of them enter the encoder · V are hidden and predicted · D width · K codes.
"""

import dataclasses
import math

from clef.network.encoder import EncoderConfig

TRAINING = 3  # forward and backward, in forward passes


@dataclasses.dataclass
class Size:
    """All that an encoder's cost depends on beside its input."""

    config: EncoderConfig
    codes: int = 8192
    """K of the tokenizer."""
    dimensions: int = 32
    """Of a code vector."""
    rows: int = 16
    """Of the token grid."""


@dataclasses.dataclass
class Need:
    """One session in training: how many tokens each part of the model works on."""

    tokens: int
    """N: valid tokens; all enter the decoder."""
    seen: int
    """S: tokens that enter the encoder."""
    hidden: float
    """V: tokens that are predicted; a mean, so it need not be whole."""

    @classmethod
    def of(cls, tokens: int, mean: float, sd: float, least: float) -> "Need":
        """A session whose mask ratio is drawn from a normal (mean, sd) cut to [least, 1]; `least` is dropped."""
        return cls(tokens, tokens - int(least * tokens), tokens * cut_normal_mean(mean, sd, least, 1.0))


def cut_normal_mean(mean: float, sd: float, low: float, high: float) -> float:
    """Mean of a normal distribution cut to [low, high]."""
    a, b = (low - mean) / sd, (high - mean) / sd
    density = lambda x: math.exp(-x * x / 2) / math.sqrt(2 * math.pi)
    below = lambda x: (1 + math.erf(x / math.sqrt(2))) / 2
    return mean + sd * (density(a) - density(b)) / (below(b) - below(a))


def parameters(size: Size) -> int:
    """Trained numbers of the encoder and its decoder; the code vectors are kept fixed and do not count."""
    width, layers = size.config.width, size.config.encoder_layers + size.config.decoder_layers
    per_layer = 12 * width**2 + 13 * width  # four matrices of attention, eight of the perceptron; biases and two norms
    embedding = width * (size.dimensions + 1 + size.codes + size.rows + 2)  # from_code, free, row, two special tokens
    embedding += width * 2 * size.dimensions  # out_of_code
    joints = 2 * (width**2 + width) + 3 * 2 * width  # to_decoder, to_token, and the norms that end each part
    return layers * per_layer + embedding + joints + size.codes


# ---- operations
def session_flops(size: Size, need: Need) -> float:
    """Operations of one forward pass of masked reconstruction over one session."""
    width = size.config.width
    encoder = size.config.encoder_layers * layer_flops(width, need.seen)
    decoder = size.config.decoder_layers * layer_flops(width, need.tokens)
    return encoder + decoder + 2 * width**2 * (need.seen + need.hidden) + 2 * width * size.codes * need.hidden


def layer_flops(width: int, tokens: int) -> float:
    """Operations of one layer's forward pass over one session: its matrices, and attention between all its tokens."""
    return 24 * tokens * width**2 + 4 * tokens**2 * width


def training_flops(size: Size, need: Need, sessions: int) -> float:
    """Operations of the forward and backward pass of a micro-batch; both tables of codes are made once for it."""
    tables = 2 * size.codes * 3 * size.dimensions * size.config.width
    return TRAINING * (sessions * session_flops(size, need) + tables)


# ---- memory
def state_bytes(count: int, averaged: bool = True, half: bool = False) -> int:
    """Memory of `count` parameters in training, float32: weights, gradients, AdamW's two moments, the average.

    `half`: autocast keeps a copy of the weights in bfloat16.
    """
    return count * (16 + 4 * averaged + 2 * half)


def session_bytes(size: Size, need: Need, half: bool = False) -> float:
    """Memory that one session of a micro-batch holds until its backward pass; `half`: bfloat16 autocast.

    Autocast keeps what enters a norm in float32, the rest in bfloat16: x twice; normed twice, q, k, v, attended and the
    perceptron's 4·D before and after GELU. Beside them two numbers per norm, and one per head for the softmax.
    """
    width, heads = size.config.width, size.config.heads
    layers = size.config.encoder_layers * need.seen + size.config.decoder_layers * need.tokens
    per_token = width * ((8 + 28) if half else 64) + 4 * (4 + heads)
    ends = 4 * width * (2 * need.seen + need.tokens + 4 * need.hidden)
    return layers * per_token + ends + 4 * need.hidden * size.codes  # the last: log-probabilities


def passing_bytes(size: Size, need: Need, half: bool = False) -> float:
    """Memory of one session on top, for a moment: its logits, in float32 too where they were not, and a gradient."""
    return need.hidden * size.codes * (12 if half else 8)
