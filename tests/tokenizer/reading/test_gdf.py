"""GDF: units by their codes or words, and electrodes that MNE would interpolate."""

import numpy as np
import pytest

from tests.tokenizer.reading.recordings import SIGNAL, samples
from tokenizer.reading.formats import open_source
from tokenizer.reading.gdf import scales
from tokenizer.recording import RecordingError
from tools.fuzz.format_files import STEP, write_gdf


def test_gdf_electrodes_that_mne_would_interpolate_are_refused(tmp_path):
    rows = [*SIGNAL, np.zeros(12_000)]
    with pytest.raises(RecordingError, match="sampled faster than the electrodes"):
        open_source(write_gdf(tmp_path / "a.gdf", rows, [200] * 19 + [400]), None, None)
    slow = write_gdf(tmp_path / "b.gdf", [*SIGNAL, np.zeros(3000)], [200] * 19 + [100])
    np.testing.assert_allclose(samples(slow), SIGNAL, atol=STEP / 2)


@pytest.mark.parametrize(("unit", "microvolts"), [(4256, 1e6), (4274, 1e3), (4275, 1.0), (4276, 1e-3), (0, None)])
def test_units_by_their_codes(tmp_path, unit, microvolts):
    """MNE gives V for µV (4275) and mV (4274), and the file's own numbers for any other unit."""
    per_volt = {4275: 1e6, 4274: 1e3}.get(unit, 1.0)
    path = write_gdf(tmp_path / "a.gdf", SIGNAL, unit=unit)
    assert scales(path, None) == pytest.approx([microvolts and microvolts * per_volt] * 19)
    assert scales(path, "mV") == pytest.approx([1e3 * per_volt] * 19)


@pytest.mark.parametrize(("unit", "microvolts"), [("V", 1e6), ("mV", 1e3), ("uV", 1e6), ("nV", 1e-3), ("ARU", None)])
def test_units_by_their_words_in_the_first_version(tmp_path, unit, microvolts):
    """Of these MNE knows µV only."""
    assert scales(write_gdf(tmp_path / "a.gdf", SIGNAL, unit=unit), None) == [microvolts] * 19
