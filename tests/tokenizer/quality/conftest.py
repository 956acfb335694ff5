"""Recordings with planted defects, measured."""

import pytest

from tokenizer.channels import CHANNELS
from tokenizer.edf.writer import write_edf
from tokenizer.quality.measures import measure


@pytest.fixture
def measured(tmp_path):
    """Write a signal (C, n) in µV as EDF and measure it: channel -> row."""

    def measured(signal, rate=200, **how):
        rows = measure(write_edf(tmp_path / "a.edf", signal, rate, **how))
        assert [row["channel"] for row in rows] == list(CHANNELS)
        return {row["channel"]: row for row in rows}

    return measured
