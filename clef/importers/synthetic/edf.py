"""The amplifiers of the synthetic sites, and the EDF files that they write.

Sites differ in sampling rate, channel names, extra channels, mains, hardware high-pass and resolution, as archives do.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.signal import lfilter

from clef.importers.synthetic.waves import Canvas, Streams, bump, topography
from tokenizer.channels import CHANNELS
from tokenizer.edf.writer import signal_fields, write_digital

NEW_NAMES = {"T3": "T7", "T4": "T8", "T5": "P7", "T6": "P8"}
FACE = topography(-0.3, 1.15, 0.3) + topography(0.3, 1.15, 0.3)


@dataclass(frozen=True)
class Amplifier:
    """How a site records: rate and mains in Hz, the corner of its first-order high-pass in Hz, µV per step."""

    rate: int
    mains: int
    high_pass: float
    step: float
    extras: tuple[str, ...]
    prefix: str = ""
    suffix: str = ""
    modern: bool = False
    """T7/T8/P7/P8 instead of T3/T4/T5/T6."""
    shout: bool = False
    """FP1 instead of Fp1."""

    def labels(self) -> list[str]:
        names = [NEW_NAMES.get(name, name) if self.modern else name for name in CHANNELS]
        names = [name.upper() if self.shout else name for name in names]
        return [f"{self.prefix}{name}{self.suffix}" for name in names] + list(self.extras)


AMPLIFIERS = {
    "A": Amplifier(200, 60, 0.1, 0.1, ("EEG A1-REF", "EEG A2-REF"), "EEG ", "-REF", shout=True),
    "B": Amplifier(256, 50, 0.5, 0.125, ("ECG",)),
    "C": Amplifier(200, 50, 1.0, 0.1, ("EEG EOG-Ref", "Photic-Ref"), "EEG ", "-Ref", modern=True),
}


def record(eeg: np.ndarray, amplifier: Amplifier, streams: Streams) -> np.ndarray:
    """(channels, n) int16 from (19, n) µV: extra channels added, high-passed by the hardware, digitised."""
    canvas = Canvas(streams, amplifier.rate, eeg.shape[1] // amplifier.rate)
    every = np.concatenate([eeg, *(_extra(name, eeg, canvas)[None] for name in amplifier.extras)])
    pole = np.float32(np.exp(-2 * np.pi * amplifier.high_pass / amplifier.rate))
    filtered = lfilter(np.array([1, -1], np.float32), np.array([1, -pole], np.float32), every, axis=1)
    return np.clip(np.rint(filtered / np.float32(amplifier.step)), -32767, 32767).astype(np.int16)


def _extra(name: str, eeg: np.ndarray, canvas: Canvas) -> np.ndarray:
    if "ECG" in name:
        t = canvas.clock(0.6)
        beat = 900 * bump(t, 0.15, 0.012) - 250 * bump(t, 0.19, 0.015) + 200 * bump(t, 0.42, 0.05)
        return canvas.train(canvas.periodic(canvas.events.uniform(0.95, 1.5), 0.04), beat, 0.05)
    if "Photic" in name:
        return np.zeros(canvas.n, np.float32)
    gains = FACE if "EOG" in name else 0.25 * topography(-1 if "A1" in name else 1, 0, 0.5)
    return gains @ eeg + canvas.streams.noise(canvas.n)


def write_recording(path: Path, digital: np.ndarray, amplifier: Amplifier, start: np.datetime64) -> None:
    """Write (channels, n) int16 as EDF with records of 1 s; n must be whole seconds. The header says synthetic."""
    when, limit = start.item(), 32767 * amplifier.step
    day = f"{when:%d}-{when:%b}-{when:%Y}".upper()
    general = {"patient": "X X X X", "recording": f"Startdate {day} X SYNTHETIC X", "reserved": ""}
    general |= {"date": f"{when:%d.%m.%y}", "time": f"{when:%H.%M.%S}"}
    limits, high_pass = (f"{-limit:.1f}", f"{limit:.1f}"), f"HP:{amplifier.high_pass}Hz"
    settings = {"limits": limits, "transducer": "AgAgCl electrode", "prefilter": high_pass}
    signals = [signal_fields(label, amplifier.rate, **settings) for label in amplifier.labels()]
    write_digital(path, digital, general, signals)
