"""Recordings and spectrograms made of noise, shared by the tests of what tokens keep."""

import numpy as np

from tokenizer.recording import Session

RATE, SECONDS = 200, 900
OK = np.ones(19, bool)


def session(signal, valid=None):
    real = np.ones(signal.shape[1] // RATE, np.float32) if valid is None else valid
    return Session(signal.astype(np.float32), real, OK.copy(), None, [], 200, float(real.sum()), 19, 0, 0.0)


def noisy(seed, frames=120, level=5.0):
    return (level * np.random.default_rng(seed).standard_normal((19, 128, frames))).astype(np.float32)
