"""A session whose part is to be hidden: from a token store or a recording, cut to its valid length.

Shapes: R x W token grid · T = W · frames per token · 19 channels · 128 bins of 0.25 Hz.
"""

import dataclasses
import math

import numpy as np
import torch

from clef.embeddings import seen_subjects
from clef.model import Model
from tokenizer.base.cli import ConfigError
from tokenizer.cells import FRAMES_PER_CELL
from tokenizer.reading.read import ReadingConfig, read
from tokenizer.readings import reading_of
from tokenizer.store import TokenStore
from tokenizer.tokens import tokenise


@dataclasses.dataclass
class Part:
    """A session and what of it is hidden.

    tokens (R, W) int64 · valid (W,) bool · hidden (R, W) bool · channel_ok (19,) bool
    spec (19, 128, T) dB as recorded, NaN where invalid, None from a store · level: of the session in dB, or NaN
    seen: "train" or "val" if the model was trained or selected on this person, "no", or None if that is unknown
    """

    name: str
    tokens: torch.Tensor
    valid: torch.Tensor
    hidden: torch.Tensor
    channel_ok: np.ndarray
    spec: np.ndarray | None
    level: float
    seen: str | None

    def to(self, device: torch.device) -> "Part":
        """The same with its tensors on a device."""
        moved = {name: getattr(self, name).to(device) for name in ("tokens", "valid", "hidden")}
        return dataclasses.replace(self, **moved)


def from_store(model: Model, path: str, name: str | None) -> Part:
    """One session of a token store. Raises ValueError if the store lacks it, or the store is another tokenizer's."""
    store = TokenStore(path)
    sessions = model.tokenise(store)
    sessions = sessions.where(sessions.valid.any(1))
    rows = np.flatnonzero(sessions.session_id == name)
    if not len(rows):
        some = ", ".join(map(str, sessions.session_id[:3]))
        raise ConfigError(f"session={name}: name one of {len(sessions)} sessions of tokens=, as {some}")
    row = rows[0]
    trained = model.encoder.about.get("trained_on", {})
    listed = seen_subjects(trained, [sessions.subject_id[row]])
    seen = next((split for split in ("train", "val") if listed.get(split)), "no")
    level = float(sessions.level[row])
    channel_ok = store.channel_ok[int(np.flatnonzero(store.session_id == name)[0])]
    return cut(model, f"session {name}", sessions.tokens[row], sessions.valid[row], channel_ok, None, level, seen)


def from_recording(model: Model, path: str, config: ReadingConfig) -> Part:
    """A recording as the model sees it; its name stays out of what is written. Raises RecordingError."""
    reading = reading_of(read(path, config), reference=model.vqgan.config.reference)
    one = tokenise(reading, model.vqgan)
    known = np.where(reading.valid.numpy(), reading.spec.numpy(), np.nan)
    return cut(model, "this recording", one.tokens, one.valid, one.channel_ok, known, one.level, None)


def cut(model: Model, name: str, tokens, valid, channel_ok, spec, level, seen) -> Part:
    """A session without the padding at its end, in whole cells of 10 s."""
    if not valid.any():
        raise ValueError(f"{name}: no 10 s of this session are valid; there is nothing to hide")
    frames = model.vqgan.config.frames_per_token
    last, whole = (int(np.flatnonzero(valid)[-1]) + 1) * frames, math.lcm(frames, FRAMES_PER_CELL)
    columns = -(-last // whole) * whole // frames  # up: a token at the end may last longer than a cell, or less
    if spec is not None:
        short = max(0, columns * frames - spec.shape[2])
        spec = np.pad(spec, ((0, 0), (0, 0), (0, short)), constant_values=np.nan)[..., : columns * frames]
    tokens, valid = torch.from_numpy(tokens[:, :columns].astype(np.int64)), torch.from_numpy(valid[:columns].copy())
    hidden = torch.zeros_like(tokens, dtype=torch.bool)
    return Part(name, tokens, valid, hidden, np.asarray(channel_ok), spec, level, seen)


def hide(part: Part, model: Model, seconds: list[float], hertz: list[float]) -> torch.Tensor:
    """The tokens of a stretch, a band or both: (R, W) bool. Raises ValueError if that is nothing, or all there is."""
    bins, frames = model.vqgan.cell
    rows, columns = part.tokens.shape
    (low, high), (begin, end) = hertz or (0, 32), seconds or (0, columns * frames)
    row, column = torch.arange(rows)[:, None] * bins / 4, torch.arange(columns)[None] * frames  # Hz, s: where it starts
    inside = (row + bins / 4 > low) & (row < high) & (column + frames > begin) & (column < end)
    hidden = inside & part.valid[None]
    if not hidden.any():
        raise ValueError(f"seconds={seconds}: nothing valid there; the session has {columns * frames} s")
    if bool((hidden == part.valid[None].expand_as(hidden)).all()):
        raise ValueError(f"seconds={seconds}: that is the whole session; leave something to guess from")
    return hidden


def decode(model: Model, tokens: torch.Tensor, valid: torch.Tensor, level: float) -> np.ndarray:
    """Tokens (R, W), valid (W,), level of the session in dB -> (19, 128, T) dB, T whole cells."""
    frames, level = model.vqgan.config.frames_per_token, torch.tensor([level])
    return model.vqgan.decode(tokens[None], valid[None].repeat_interleave(frames, 1), level)[0].cpu().numpy()


def mean_spectrum(model: Model, level: float) -> np.ndarray:
    """Mean of the tokenizer's training recordings (128,) dB, at the level of a session where they have none."""
    mean_db = model.vqgan.mean_db[None, None, :, None]
    return model.vqgan.put_back(mean_db, torch.tensor([level]))[0, 0, :, 0].cpu().numpy()
