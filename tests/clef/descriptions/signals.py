"""Signals whose description is known: pink noise with rhythms, slowing and suppression at chosen electrodes."""

import numpy as np

from clef.descriptions.description import describe
from tokenizer.channels import CHANNELS
from tokenizer.filters import RATE
from tokenizer.recording import SECONDS, Session

POSTERIOR = ("O1", "O2", "P3", "P4", "Pz")


def pink(seconds: int, exponent: float = 1.6, power: float = 26, seed: int = 0) -> np.ndarray:
    """(19, S) µV with the power density power / f^exponent µV²/Hz from 0.3 to 75 Hz, half of it shared by all."""
    rng, size = np.random.default_rng(seed), seconds * RATE
    hz = np.fft.rfftfreq(size, 1 / RATE)
    inside = (hz >= 0.3) & (hz <= 75)
    scale = np.zeros(len(hz))
    scale[inside] = np.sqrt(power / hz[inside] ** exponent * size * RATE / 2 / 2)
    draws = rng.standard_normal((len(CHANNELS) + 1, len(hz), 2)) @ (1, 1j)
    own = np.fft.irfft(scale * draws / np.sqrt(2) * np.sqrt(2), size)
    return ((own[1:] + own[:1]) / np.sqrt(2)).astype(np.float32)


def rhythm(seconds: int, hz: float, uv: float, width: float = 0.35, seed: int = 1) -> np.ndarray:
    """(S,) a rhythm around `hz` of `uv` µV RMS."""
    rng, size = np.random.default_rng(seed), seconds * RATE
    f = np.fft.rfftfreq(size, 1 / RATE)
    wave = np.fft.irfft(np.exp(-((f - hz) ** 2) / (4 * width**2)) * (rng.standard_normal((len(f), 2)) @ (1, 1j)), size)
    return (uv * wave / wave.std()).astype(np.float32)


def at(gains: dict[str, float]) -> np.ndarray:
    """(19, 1) gains of electrodes, 0 of those not named."""
    return np.array([[gains.get(name, 0.0)] for name in CHANNELS], np.float32)


def session(signal: np.ndarray, ok: np.ndarray | None = None, rate: float = 200.0) -> Session:
    """A session that holds `signal` (19, S)."""
    whole, seconds = np.zeros((len(CHANNELS), SECONDS * RATE), np.float32), signal.shape[1] // RATE
    ok = np.ones(len(CHANNELS), bool) if ok is None else ok
    whole[ok, : signal.shape[1]] = signal[ok]
    valid = (np.arange(SECONDS) < seconds).astype(np.float32)
    return Session(whole, valid, ok, None, [], rate, float(seconds), len(CHANNELS), 0, 0.0)


def awake(seconds: int = 60, seed: int = 0) -> np.ndarray:
    """(19, S) a healthy background: 10 Hz at the back, pink noise everywhere."""
    gains = at(
        dict.fromkeys(POSTERIOR, 0.7) | {"O1": 1, "O2": 1, "T5": 0.4, "T6": 0.4, "C3": 0.2, "C4": 0.2, "Cz": 0.2}
    )
    return pink(seconds, seed=seed) + gains * rhythm(seconds, 10.0, 12.0, seed=seed + 1)


def whole(signal: np.ndarray, quality: list | None = None, **more: object) -> dict:
    """kind -> the statement on the whole session."""
    made = describe(session(signal, **more), quality)
    return {s.kind: s for s in made.of("session") if s.band is None or s.kind != "power"}
