"""The path from a session's spectrogram to its pooled states: gradients pass it, and tokens can be left out.

    spectrogram (C, F, T) dB -> code vectors (R, W, E) -> embeddings (R, W, D) -> states (R, W, D) -> pooled (P,)

Two things differ from the path of `clef.embed`, and neither changes a number that it gives. The gradient of a code is
that of the vector before the codebook (straight-through: Bengio, Léonard and Courville 2013, arXiv 1308.3432), through
the part of a token's embedding that is linear in the code; the part that is learned code by code has none. And tokens
may be left out: they do not enter the encoder, as half of them do not while it is trained, and in the mean of their row
the state of a usual session stands in their place. So the others weigh as much as before, and a session of which
everything is left out is the usual one.

Shapes: B variants of one session · C = 19 · F = 128 bins of 0.25 Hz · T frames of 1 s · R rows · W columns · E code ·
D width · P pooled: R·D, or 2·R·D with the standard deviations.
"""

import dataclasses
import math

import torch
from torch import Tensor
from torch.nn import functional as F

from clef.model import Model
from clef.network.encoder import packed_places, unpacked
from clef.network.transformer import Pack
from clef.readout import Kind
from tokenizer.readings import Reading
from tokenizer.recording import RecordingError
from tokenizer.vqgan import VQGAN

SMALLEST = 1e-12
"""Variance below which the square root has no gradient."""


@dataclasses.dataclass
class Encoded:
    """One session on the path: spec (1, C, F, T) dB · valid (1, T) bool · channel_ok (1, C) bool · level (1,) dB ·
    tokens (1, R, W) int64 · columns (1, W) bool, those whose tokens count."""

    spec: Tensor
    valid: Tensor
    channel_ok: Tensor
    level: Tensor
    tokens: Tensor
    columns: Tensor

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of the session's tokens."""
        return self.tokens.shape[1], self.tokens.shape[2]


def encoded(reading: Reading, vqgan: VQGAN) -> Encoded:
    """A reading up to its last valid column, with its tokens.

    Raises RecordingError if the reading was refused, or if no column of it is valid.
    """
    if reading.reason:
        raise RecordingError("recording", reading.reason)
    device, width = vqgan.mean_db.device, vqgan.config.frames_per_token
    short = -reading.spec.shape[-1] % width
    spec = F.pad(reading.spec.float(), (0, short))[None].to(device)
    valid = F.pad(reading.valid, (0, short))[None].to(device)
    whole = (valid.float().unflatten(1, (-1, width)).mean(-1) >= 0.5)[0].nonzero()
    if not len(whole):
        raise RecordingError("recording", f"no {width} s of it are valid")
    end = (int(whole[-1]) + 1) * width
    spec, valid, ok = spec[..., :end], valid[:, :end], reading.channel_ok[None].to(device)
    level = vqgan.level(spec, valid, ok)
    tokens = vqgan.encode(spec, valid, ok, level)
    return Encoded(spec, valid, ok, level, tokens, valid.float().unflatten(1, (-1, width)).mean(-1) >= 0.5)


def average_spectrum(one: Encoded, vqgan: VQGAN) -> Tensor:
    """The mean of the tokenizer's training recordings at the level of the session, (1, 1, F, 1) dB."""
    return vqgan.put_back(vqgan.mean_db[None, None, :, None], one.level)


def code_vectors(one: Encoded, vqgan: VQGAN, spec: Tensor, quantise: bool = True) -> tuple[Tensor, Tensor]:
    """Code vectors (1, R, W, E) of a variant of the session's spectrogram, and their indices (1, R, W).

    The level is the session's, whatever the variant: a gain of the amplifier is nobody's evidence. Without `quantise`
    the directions before the codebook, indices of 0.
    """
    z, counted = vqgan.features(vqgan.levelled(spec, one.level), one.valid, one.channel_ok)
    code, index, _ = vqgan.codebook(z, counted, quantise)
    return code, index


def embeddings(model: Model, code: Tensor, index: Tensor | None, kind: Kind = "trained") -> Tensor:
    """What enters the encoder, of codes (…, E) with indices (…): (…, D); kind="codes": the codes themselves.

    index None: without the part that is learned code by code.
    """
    if kind == "codes":
        return code
    linear = model.encoder.from_code(code * math.sqrt(code.shape[-1]))
    return linear if index is None else linear + model.encoder.free(index)


def token_embeddings(model: Model, tokens: Tensor, kind: Kind = "trained") -> Tensor:
    """The same of tokens (B, R, W) int64: (B, R, W, D)."""
    return embeddings(model, model.encoder.codes[tokens], tokens, kind)


def states(model: Model, seen: Tensor, kept: Tensor, kind: Kind = "trained") -> Tensor:
    """States (B, R, W, D) of embeddings (B, R, W, D) of which only those `kept` (B, R, W) enter; 0 elsewhere."""
    if kind == "codes":
        return seen * kept[..., None]
    encoder = model.encoder
    at, lengths = packed_places(kept.flatten(1))
    packed = seen.flatten(0, 2)[at] + encoder.places(at, kept.shape[2])
    return unpacked(encoder.encoder(packed, Pack(lengths, encoder.attention)), at, kept)


def pooled_with_usual(states: Tensor, kept: Tensor, columns: Tensor, usual: Tensor, spread: bool) -> Tensor:
    """Pooled states (B, P) float32 in which a usual state stands for each token that is left out.

    states (B, R, W, D), 0 where not kept · kept (B, R, W) bool, all of them valid · columns (1, W) bool, valid ones
    usual (2, R, D): mean and standard deviation over time of a usual session's rows · spread: with standard deviations:
    of the variance among the kept tokens and the usual variance, each by its share.
    """
    number = columns.sum().clamp_min(1)
    count = kept.sum(2)[..., None]  # (B, R, 1)
    out = (number - count) / number
    mean = states.sum(2) / number + out * usual[0]
    if not spread:
        return mean.flatten(1).float()
    middle = states.sum(2) / count.clamp_min(1)
    square = ((states - middle[:, :, None]) * kept[..., None]).square().sum(2) / number + out * usual[1].square()
    return torch.cat([mean.flatten(1), square.clamp_min(SMALLEST).sqrt().flatten(1)], 1).float()


def usual_session(model: Model, kind: Kind = "trained", seconds: int = 640) -> Tensor:
    """Mean and standard deviation of each row's states (2, R, D) in a session that is the training mean throughout."""
    vqgan = model.vqgan
    frames = seconds // vqgan.config.frames_per_token * vqgan.config.frames_per_token
    device = vqgan.mean_db.device
    spec = vqgan.put_back(vqgan.mean_db[None, None, :, None].expand(1, 19, -1, frames), None)
    ok, valid = (
        torch.ones(1, 19, dtype=torch.bool, device=device),
        torch.ones(1, frames, dtype=torch.bool, device=device),
    )
    with torch.no_grad():
        tokens = vqgan.encode(spec, valid, ok)
        seen = token_embeddings(model, tokens, kind)
        full = states(model, seen, torch.ones_like(tokens, dtype=torch.bool), kind)[0]
    return torch.stack([full.mean(1), full.std(1, correction=0)])


def usual_tokens(one: Encoded, vqgan: VQGAN) -> Tensor:
    """Tokens (1, R, W) of the session that is the training mean at each of its valid seconds."""
    spec = average_spectrum(one, vqgan).expand_as(one.spec)
    return vqgan.encode(spec, one.valid, one.channel_ok, one.level)
