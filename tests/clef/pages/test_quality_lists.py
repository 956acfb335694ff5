"""The words of the quality page: the limits as they are, and what makes a session suspicious."""

import matplotlib.pyplot as plt
import polars as pl

from clef.pages.quality import _one_row_each
from clef.pages.quality_lists import WORDS, lists, why
from tests.clef.pages.tables import random_table


def test_the_words_state_the_limits_of_the_flags():
    for limit in ("moves less than 0.5 µV", "more than 1000 µV", "more than 10% of the seconds", "plateaus of 0.1 s"):
        assert limit in WORDS, limit
    assert "more than 0.5% of the samples" in WORDS and "more than 2 a minute" in WORDS and "less than 50%" in WORDS


def test_a_suspicious_session_is_explained():
    channels = pl.DataFrame({"flags": [["flat", "mains"], ["loud"], ["pops"], []]})
    row = {"session_flags": ["bad channels", "mains"], "recorded": 4, "median_mains": 0.87, "mean_usable": 0.5}
    row |= {"session_common_share": 0.1, "session_common_seconds": 0.0}
    row |= {"session_usable_seconds": 100.0, "session_seconds": 300.0}
    assert why(row, channels) == "2 of 4 channels: flat, loud; mains 87% of the median channel"
    assert why(row | {"session_flags": ["little usable"]}, channels) == "usable 100 of 300 s"
    assert why(row | {"session_flags": []}, channels) == "50.0% usable"


def test_sessions_that_could_not_be_read_are_listed_with_their_reason():
    table, _ = random_table(5)
    refused = pl.col("session_id") == "s00003"
    table = table.with_columns(site=pl.lit("A"), reason=pl.when(refused).then(pl.lit("holds 7 bytes")))
    figure = plt.figure(figsize=(16, 11))
    lists(figure, table, _one_row_each(table), left=0.5, top=0.5, width=0.45)
    texts = [text.get_text() for text in figure.texts]
    plt.close(figure)
    assert "Could not be read (1)" in texts and "1, as s00003" in texts and "holds 7 bytes" in texts
