"""The page of a cohort's quality, for one session and for thousands."""

from itertools import pairwise

import polars as pl
import pytest

from clef.pages.quality import ROWS, _rows, draw
from tests.clef.pages.tables import random_table


@pytest.mark.parametrize("sessions", (1, 3, 2000))
def test_the_page_is_one_page_for_any_number_of_sessions(tmp_path, sessions):
    import matplotlib.image

    table, sites = random_table(sessions)
    draw(table, sites, "name", tmp_path / "page.png")
    page = matplotlib.image.imread(tmp_path / "page.png")
    assert page.shape[:2] == (1232, 1760) and page[..., :3].std() > 0.05


def test_a_map_of_many_sessions_keeps_their_order_and_their_sites_apart():
    each = pl.DataFrame({"site": sorted(f"site {i % 7 if i % 50 else 8}" for i in range(5000))})
    rows = _rows(each)
    sites = [set(each["site"].to_numpy()[rows == row]) for row in range(rows.max() + 1)]
    assert all(len(site) == 1 for site in sites) and ROWS * 0.9 < len(sites) < ROWS * 1.2
    assert all(b - a in (0, 1) for a, b in pairwise(rows.tolist()))
    assert _rows(each.head(80)).tolist() == list(range(80))
