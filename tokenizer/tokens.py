"""Tokens of a recording: the one way from a recording, a session or its spectrogram to codes.

    tokenise("recording.edf", vqgan)          # Tokenised: tokens (16, 128), valid (128,)

Every program and the public interface go through here, so that a session has the same tokens wherever it comes from.

Shapes: T frames of 1 s · R x W token grid of a whole session, 16 x 128.
"""

import dataclasses
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F

from tokenizer.level import HIGH, LOW, session_level
from tokenizer.reading.read import ReadingConfig, read
from tokenizer.readings import Reading, reading_of
from tokenizer.recording import Session
from tokenizer.vqgan import VQGAN

if TYPE_CHECKING:
    import mne


def load_tokenizer(path: str) -> VQGAN:
    """The tokenizer of a run folder, of its model/, of a folder of its own, or of a hub repository."""
    for folder in (Path(path) / "model" / "tokenizer", Path(path) / "tokenizer"):
        if folder.is_dir():
            return VQGAN.from_pretrained(str(folder))
    if (Path(path) / "config.yaml").is_file():
        raise ValueError(f"tokenizer={path}: this run has no finished model yet; run its training command again")
    return VQGAN.from_pretrained(path)


@dataclasses.dataclass
class Tokenised:
    """A session in codes, on the grid of 1,280 s.

    tokens (R, W) uint16, 0 where invalid · share (W,) float16, of valid frames in each column · channel_ok (19,) bool
    level: of the session in dB (tokenizer.level), NaN if nothing is valid
    reason "" or why the recording could not be read
    """

    tokens: np.ndarray
    share: np.ndarray
    channel_ok: np.ndarray
    level: float
    reason: str = ""

    @property
    def valid(self) -> np.ndarray:
        """Columns (W,) bool whose tokens count: at least half of their frames are valid."""
        return self.share >= 0.5


def tokenise(
    source: "str | Path | mne.io.BaseRaw | Session | Reading",
    vqgan: VQGAN,
    config: ReadingConfig | None = None,
    blank_below: float = 0.0,
) -> Tokenised:
    """Tokens of one recording, as a token store holds them.

    `config` says how a recording is read; it does not count for a Session or a Reading. Bins below `blank_below` Hz are
    set to the training mean. Raises RecordingError if the recording cannot be used.
    """
    if not isinstance(source, Reading):
        session = source if isinstance(source, Session) else read(source, config)
        source = reading_of(session, reference=vqgan.config.reference)
    return next(tokenise_each([source], vqgan, blank_below))


@torch.inference_mode()
def rebuild(reading: Reading, vqgan: VQGAN) -> tuple[Tokenised, np.ndarray]:
    """Tokens of a reading, and the spectrogram (19, 128, T) dB that they give back, in the frames that it has."""
    one, frames, width = tokenise(reading, vqgan), reading.spec.shape[-1], vqgan.config.frames_per_token
    columns, device = -(-frames // width), vqgan.mean_db.device
    tokens = torch.from_numpy(one.tokens[:, :columns].astype(np.int64))[None].to(device)
    valid = F.pad(reading.valid, (0, columns * width - frames))[None].to(device)
    return one, vqgan.decode(tokens, valid, torch.tensor([one.level], device=device))[0, ..., :frames].cpu().numpy()


def tokenise_each(
    readings: Iterable[Reading], vqgan: VQGAN, blank_below: float = 0.0, batch: int = 1
) -> Iterator[Tokenised]:
    """Tokens of each reading, in order; `batch` of them are handed to the device at once, which changes no token."""
    rest = iter(readings)
    while some := list(itertools.islice(rest, batch)):
        codes = [_encode(vqgan, reading, blank_below) for reading in some]  # a graphics card is still at work here
        for reading, (tokens, level) in zip(some, codes, strict=True):
            yield _on_the_grid(vqgan, reading, tokens, level)


def _encode(vqgan: VQGAN, reading: Reading, blank_below: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens (R, columns of the reading) int64 and level () dB, on the device, which may still be at work on them."""
    if reading.reason:
        return torch.zeros(vqgan.grid[0], 0, dtype=torch.int64), torch.tensor(torch.nan)
    if reading.reference != vqgan.config.reference:
        raise ValueError(
            f"a reading against reference={reading.reference}, and a tokenizer of {vqgan.config.reference}: "
            f"make it with reading_of(session, reference={vqgan.config.reference!r})"
        )
    device = vqgan.mean_db.device
    spec, frame_ok = reading.spec.float().to(device, non_blocking=True), reading.valid
    short = -spec.shape[-1] % vqgan.config.frames_per_token  # other grids than 10 s columns
    spec, frame_ok = F.pad(spec, (0, short))[None], F.pad(frame_ok, (0, short))[None]
    ok = reading.channel_ok[None].to(device)
    if low := round(4 * blank_below):  # bins of 0.25 Hz
        level = _level_above(vqgan, spec, frame_ok, ok, low)
        spec = spec.clone()  # the reading stays as it is
        spec[:, :, :low] = vqgan.put_back(vqgan.mean_db[None, None, :low, None], level)
    else:
        level = vqgan.level(spec, frame_ok, ok)
    return vqgan.encode(spec, frame_ok, ok, level)[0], level[0]


def _level_above(vqgan: VQGAN, spec: torch.Tensor, valid: torch.Tensor, ok: torch.Tensor, low: int) -> torch.Tensor:
    """Level (1,) dB of spec (1, C, F, T) whose first `low` bins are to hold the training mean at that level.

    What stands in them must not be told by the level either. With k of the n bins of a level blanked, m the level of
    the others, and x that of all: n x = (n − k) m + sum of (mean_db + x) over k bins. 0 if nothing is left.
    """
    if low >= HIGH:
        return torch.zeros(1, device=spec.device)
    blanked = vqgan.mean_db[LOW : max(low, LOW)]
    return session_level(spec, valid.to(spec.device), ok, max(low, LOW)) + blanked.sum() / (HIGH - LOW - len(blanked))


def _on_the_grid(vqgan: VQGAN, reading: Reading, tokens: torch.Tensor, level: torch.Tensor) -> Tokenised:
    """One reading's tokens on the grid of a whole session."""
    rows, columns = vqgan.grid
    whole, share = np.zeros((rows, columns), np.uint16), np.zeros(columns, np.float16)
    whole[:, : tokens.shape[1]] = tokens.cpu().numpy()
    frames = F.pad(reading.valid, (0, -len(reading.valid) % vqgan.config.frames_per_token))
    share[: tokens.shape[1]] = frames.float().view(-1, vqgan.config.frames_per_token).mean(1).numpy()
    return Tokenised(whole, share, reading.channel_ok.numpy(), float(level), reading.reason)
