"""Which sessions a page shows, and where in them it looks."""

import numpy as np
import polars as pl

from benchmark.fidelity.cases import Case, find_cases, pair_of, place_of
from benchmark.fidelity.summary import Recording
from tokenizer.cells import BANDS, channel_indices


def lopsided(name, **levels):
    """A recording whose bands differ between electrodes: band=(left of P3–P4, right), in dB."""
    band = np.zeros((2, 4, 19))
    for which, sides in levels.items():
        band[:, list(BANDS).index(which), channel_indices(("P3", "P4"))] = sides
    sums = {"band": band, "alpha": np.full((2, 2), 9.0), "artefact": np.array(1.0)}
    return Recording(name, 0, "A", 1.0, sums, np.zeros(1, int))


def test_a_page_shows_a_difference_of_one_band_and_not_an_electrodes_gain(tmp_path):
    gain = lopsided("gain", delta=(0, 9), theta=(0, 9), alpha=(0, 9), beta=(0, 9))
    slow, alpha, fast = lopsided("slow", delta=(5, 0)), lopsided("alpha", alpha=(0, 4)), lopsided("fast", beta=(0, 20))
    sessions = pl.DataFrame({"session_id": ["slow"], "subject_id": [0], "start_time": [None]})
    by_kind = {case.kind: case for case in find_cases(str(tmp_path), sessions, [gain, slow, alpha, fast])}
    assert by_kind["focal slowing"].session_id == "slow" and "none known" in by_kind["focal slowing"].how
    assert by_kind["asymmetric alpha"].session_id == "alpha" and by_kind["asymmetric alpha"].pair == ("P3", "P4")
    assert by_kind["seizure"].session_id is None and by_kind["artefact"].session_id in ("gain", "fast")


def test_a_seizure_and_an_artefact_are_found_where_they_are():
    quiet = np.random.default_rng(0).standard_normal((19, 16, 30))
    fit, pop = quiet.copy(), quiet.copy()
    fit[channel_indices(("T3", "C3", "F7", "T5", "F3")), 1:4, 12:15] += 8
    fit[channel_indices(("T3",)), 1:4, 12:15] += 3
    pop[channel_indices(("O2",)), :, 21] += 9
    channel, column = place_of(Case("seizure", "", "x"), fit)
    assert channel == "T3" and column in (12, 13, 14) and pair_of(channel) == ("T3", "T4")
    assert place_of(Case("artefact", "", "x"), pop) == ("O2", 21) and pair_of("Cz") == ("C3", "C4")
