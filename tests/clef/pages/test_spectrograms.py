"""Pictures of a session over time: what is drawn of nothing, and colours of a level scalp."""

import base64

import numpy as np

from clef.pages.regions import REGIONS
from clef.pages.spectrograms import LEAST_DB, _span, draw_bands, draw_regions, draw_tokens
from tokenizer.cells import BANDS


def is_webp(uri: str) -> bool:
    data = base64.b64decode(uri.removeprefix("data:image/webp;base64,"))
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def test_a_session_without_a_valid_second_is_drawn_too():
    nothing = np.full((6, 128, 70), np.nan)
    assert is_webp(draw_regions(nothing, None, dict.fromkeys(REGIONS, "not recorded")))
    assert is_webp(draw_bands({band: np.full(19, np.nan) for band in BANDS}, None, np.zeros(19, bool)))
    assert is_webp(draw_tokens(np.zeros((16, 7), int), np.zeros(7, bool), 10))


def test_a_level_scalp_has_no_steep_colours():
    assert np.ptp(_span(np.array([3.0, 3.1]))) == LEAST_DB and _span(np.array([0.0, 10.0])) == (0, 10)
