"""Every real recording -> spectrogram, against the plain chain on samples that other libraries read."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests import reference
from tokenizer.channels import match
from tokenizer.multitaper import session_spectrogram
from tokenizer.reading.read import read

FOLDERS = {
    "mdd_husm": ("*.edf", {}),
    "eegmat": ("*.edf", {}),
    "adhd_nasrabadi": ("[AC]*.csv", {"rate": 128, "unit": "0.1uV"}),
}


def samples(path: Path) -> tuple[list[str], np.ndarray, int]:
    """Channel names, (C, n) µV and Hz, as MNE or polars read them."""
    if path.suffix == ".csv":
        table = pl.read_csv(path)
        return table.columns, table.to_numpy().T * 0.1, 128
    import mne

    raw = mne.io.read_raw_edf(path, verbose="error")
    return raw.ch_names, raw.get_data() * 1e6, int(raw.info["sfreq"])


@pytest.mark.slow
@pytest.mark.parametrize("folder", FOLDERS)
def test_spectrograms_agree_with_the_plain_chain(test_data, folder):
    pattern, options = FOLDERS[folder]
    paths = sorted((test_data / folder).glob(pattern))
    assert len(paths) >= 14
    for path in paths:
        session = read(path, **options)
        spec, valid = session_spectrogram(session)
        names, data, rate = samples(path)
        apart = []
        for electrode, channel in match(names).picks.items():
            assert session.channel_ok[electrode]
            plain = reference.filter_and_resample(data[channel], rate, session.mains_hz)
            plain = reference.spectrogram(plain[: 200 * int(session.seconds)])
            there = valid[: plain.shape[1]]
            apart.append(np.abs(spec[electrode, :, : plain.shape[1]][:, there].numpy() - plain[:, there.numpy()]))
        assert np.median(apart) < 0.001, path.name
        assert np.quantile(apart, 0.999) < 0.1, path.name
