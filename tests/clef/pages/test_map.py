"""The page of an archive: names of files, what stands in its JSON, how much of the space the picture keeps."""

import json
import re

import numpy as np

from clef.pages.colourings import Colouring
from clef.pages.map import Map, map_page, page_name

N = 60
GROUP = np.arange(N) % 2
POINTS = (GROUP[:, None] * 0.8 + np.random.default_rng(0).random((N, 2)) * 0.2).astype(np.float32)


def made(**changes) -> Map:
    colours = [
        Colouring("site", "session", "category", ["A", "</script><b>"], GROUP, nuisance=True),
        Colouring("age", "session", "number", numbers=np.where(GROUP, np.nan, 40.0 + np.arange(N)), unit="years"),
        Colouring("G40", "diagnoses", "concept", ["yes", "no"], np.where(np.arange(N) < 20, GROUP, -1)),
    ]
    ids = [f"<script>{i}" for i in range(N)]
    given = {"vectors": POINTS - 0.5, "points": POINTS, "colourings": colours, "title": "x", "remarks": ["a <b> c"]}
    return Map(**({"session_id": ids, "subjects": np.arange(N)} | given | changes))


def content(text: str) -> dict:
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)[1])


def test_names_of_pages_are_safe_and_never_shared():
    names = ["a", "A", "a/b", "a\\b", "../a", "a b", "", "ä", ".a", "a" * 300, "con/x.edf", "a-b"]
    pages = [page_name(name) for name in names]
    assert len({page.lower() for page in pages}) == len(names)
    assert all(re.fullmatch(r"[a-z0-9-][a-z0-9.-]*\.html", page) and len(page) < 120 for page in pages)
    assert page_name("synthetic-00000-1") == "synthetic-00000-1.html"


def test_ids_and_labels_are_text_in_the_json():
    text = map_page(made())
    assert len(re.findall("<script", text)) == 2 and "<b>" not in text  # the data and map.js
    data = content(text)
    assert data["id"][3] == "<script>3" and data["colourings"][0]["labels"][1] == "</script><b>"
    assert "http" not in text.replace("http-equiv", "")


def test_colours_stand_for_what_is_known():
    data = content(map_page(made(pages={"<script>1"})))
    site, age, epilepsy = data["colourings"]
    assert site["codes"][:4] == "0101" and epilepsy["codes"][18:22] == "01.." and age["values"][:2] == [40, None]
    assert [i for i, page in enumerate(data["page"]) if page] == [1] and data["page"][1] == page_name("<script>1")
    assert len(data["x"]) == N and min(data["x"]) >= 0 and max(data["y"]) <= 10_000


def test_the_rest_is_grey():
    three = Colouring("site", "s", "category", ["A", "B", "others"], np.arange(N) % 3)
    entry = content(map_page(made(colourings=[three])))["colourings"][0]
    assert entry["colours"] == ["#0072B2", "#E69F00", "#999999"]


def test_how_much_the_picture_keeps():
    plane = np.random.default_rng(1).random((N, 2)).astype(np.float32)
    assert made(vectors=POINTS - 0.5).kept > made(vectors=POINTS - 0.5, points=plane).kept
    angles = np.linspace(0, 3, N)
    circle = np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32)
    assert made(vectors=circle, points=circle).kept > 0.9
    assert made(session_id=["a"], subjects=np.zeros(1, int), vectors=POINTS[:1], points=POINTS[:1], colourings=[])
