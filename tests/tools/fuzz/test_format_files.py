"""Files of other formats, written without any reader's own writer: readers give back what was written."""

import numpy as np
import pytest

from tokenizer.edf.writer import eeg
from tools.fuzz.format_files import STEP, write_brainvision, write_eeglab, write_eeglab_hdf5, write_gdf, write_persyst


@pytest.mark.parametrize(
    ("write", "name", "step"),
    [
        (write_brainvision, "a.vhdr", STEP),
        (write_eeglab, "a.set", 1e-4),
        (write_eeglab_hdf5, "b.set", 1e-4),
        (write_gdf, "a.gdf", STEP),
        (write_persyst, "a.lay", STEP),
    ],
)
def test_mne_reads_what_was_written(tmp_path, write, name, step):
    import mne

    if write is write_eeglab_hdf5:
        pytest.importorskip("pymatreader")
    data = eeg(12)
    raw = mne.io.read_raw(write(tmp_path / name, data), preload=True, verbose="error")
    assert raw.info["sfreq"] == 200 and raw.n_times == 2400
    np.testing.assert_allclose(raw.get_data()[:19] * 1e6, data, atol=step)
