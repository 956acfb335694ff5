"""The bottleneck: what a session's statistics tell, it finds; the same samples give the same number."""

import dataclasses

import numpy as np
import pytest
import torch

from clef.stages.bottleneck import STEPS, bottleneck_nats, steps_for
from clef.stages.recon import MaskedSessions, ReconConfig
from tests.helpers import random_tokens


def kinds(sessions=96, rows=4, columns=16, codes=12, seed=0):
    """Sessions of three kinds; the kind says which four codes a row has, each of them as likely."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(3, size=sessions)
    tokens = (4 * kind[:, None, None] + rng.integers(4, size=(sessions, rows, columns))).astype(np.uint16)
    source = random_tokens()
    names = np.array([f"s{i}" for i in range(sessions)], object)
    split = np.where(np.arange(sessions) % 4 == 0, "val", "train")
    values = {"tokens": tokens, "valid": np.ones((sessions, columns), bool), "session_id": names, "split": split}
    values |= {"subject_id": np.arange(sessions), "level": np.zeros(sessions, np.float32)}
    values |= {"channel_ok": np.ones((sessions, 19), bool)}
    return dataclasses.replace(source, **values)


def nats(samples, codes, steps=60, seconds=60.0):
    counts = np.full((4, 12), 10)
    return bottleneck_nats(torch.from_numpy(codes), counts, samples.batch, samples.validation(), steps, seconds)


def test_it_finds_what_kind_of_session_it_is_and_no_more():
    codes = np.linalg.qr(np.random.default_rng(0).normal(size=(12, 12)))[0].astype(np.float32)
    samples = MaskedSessions(kinds(), ReconConfig(), 0)
    reached = nats(samples, codes)
    assert reached == pytest.approx(np.log(4), abs=0.12), "12 codes without the session would be log 12 = 2.48"
    assert reached == nats(samples, codes)


def test_too_slow_a_machine_is_said(caplog):
    codes = np.eye(12, dtype=np.float32)
    assert nats(MaskedSessions(kinds(), ReconConfig(), 0), codes, seconds=0.0) == pytest.approx(np.log(12), abs=0.5)
    assert "the bottleneck had" in caplog.text and "it could be lower" in caplog.text


def test_few_sessions_get_few_steps():
    assert steps_for(16) == 40 and steps_for(10**6) == STEPS
