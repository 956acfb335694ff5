"""Synthetic recordings as another reader sees them."""

import mne
import numpy as np

from clef.importers.synthetic.edf import AMPLIFIERS
from tokenizer.sessions import read_sessions


def test_recordings_read_in_mne_in_microvolts(cohort):
    for row in read_sessions(cohort).iter_rows(named=True):
        raw = mne.io.read_raw_edf(cohort / row["path"], verbose="error")
        amplifier = AMPLIFIERS[row["site"]]
        assert raw.ch_names == amplifier.labels()
        assert raw.info["sfreq"] == amplifier.rate
        assert raw.info["meas_date"].replace(tzinfo=None) == row["start_time"].replace(microsecond=0)
        microvolts = 1e6 * raw.get_data()[:19]
        assert 3 < np.median(microvolts.std(1)) < 80
        assert np.abs(microvolts).max() < 32767 * amplifier.step
