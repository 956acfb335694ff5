"""clef.map: a map of a cohort opened in a browser, its points and menu, a click that opens a page, runs that go on."""

import datetime
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from clef.cohort import EVENTS, write_cohort
from clef.embeddings import Embeddings, write_embeddings
from clef.map import MapConfig, main, say_cost, wanted_pages
from clef.pages.map import page_name
from tests.browser import Browser, chromium
from tokenizer.base.cli import ConfigError
from tokenizer.edf.writer import eeg, write_edf

N, ODD = 60, "<script>alert(1)</script>/1"
START = datetime.datetime(2020, 1, 1)


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    """Sixty people at two sites, which the embeddings keep apart; two have recordings, one of them a broken one."""
    folder = tmp_path_factory.mktemp("archive")
    write_edf(folder / "good.edf", eeg(12, 100), 100)
    (folder / "broken.edf").write_text("no recording " * 50)
    ids = [ODD, "broken", *(f"s{i}" for i in range(2, N))]
    sessions = pl.DataFrame(
        {
            "session_id": ids,
            "subject_id": range(N),
            "path": [str(folder / ("broken.edf" if i == 1 else "good.edf")) for i in range(N)],
            "start_time": [START] * N,
            "age": [20.0 + i for i in range(N)],
            "site": ["AB"[i % 2] for i in range(N)],
            "split": ["train"] * N,
        }
    )
    labels = ["</script><b>x" if i % 3 else "plain" for i in range(N)]
    events = [(i, START, f"LABEL//lab//group//{label}", None, ids[i]) for i, label in enumerate(labels)]
    write_cohort(folder / "cohort", "x", sessions, pl.DataFrame(events, schema=EVENTS, orient="row"))
    random = np.random.default_rng(0)
    vectors = 4 * np.eye(2, 8)[np.arange(N) % 2] + random.standard_normal((N, 8))
    write_embeddings(folder / "e.parquet", Embeddings([*ids, "stranger"], np.vstack([vectors, vectors[:1]]), "e"))
    return folder


def settings(archive: Path, out: Path, **changes) -> MapConfig:
    given = {"embeddings": str(archive / "e.parquet"), "cohort": str(archive / "cohort"), "out": str(out)}
    return MapConfig(**(given | {"method": "pca", "workers": 0} | changes))


@pytest.fixture(scope="module")
def made(archive, tmp_path_factory) -> Path:
    """The map with the page of one session."""
    out = tmp_path_factory.mktemp("map") / "out"
    assert main(settings(archive, out, sessions=[ODD])) == 0
    return out


AT = "((i) => { const b = document.getElementById('canvas').getBoundingClientRect(), p = clefMap.placeOf(i);"
AT += " return [b.left + p[0], b.top + p[1]]; })"
DRAWN = """(() => { const c = document.getElementById('canvas'), seen = new Set();
  const data = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
  for (let i = 0; i < data.length; i += 4) if (data[i + 3] === 255) seen.add(data.slice(i, i + 3).join());
  return [...seen]; })()"""


def test_it_draws_every_point_and_a_click_opens_a_page(made, tmp_path):
    chromium()
    with Browser() as browser:
        browser.open(made / "map.html")
        assert browser.run("[clefMap.count, clefMap.drawn()]") == [N, N]
        assert {"0,114,178", "230,159,0"} <= set(browser.run(DRAWN))  # both sites, in their colours
        words = browser.run("document.body.innerText")
        assert (
            "strongly" in words
            and "metadata and acquisition" in words
            and "A (30)" in words
            and "1 of the file are not" in words
        )
        browser.move(*browser.run(f"{AT}(0)"))
        assert ODD in browser.run("document.getElementById('about').innerText")
        browser.run("const m = document.getElementById('menu'); m.value = 2; m.dispatchEvent(new Event('change'))")
        assert "</script><b>x (40)" in browser.run("document.getElementById('legend').innerText")
        browser.click(*browser.run(f"{AT}(5)"))  # has no page
        assert len([url for url in browser.opened() if url.endswith(".html")]) == 1
        browser.click(*browser.run(f"{AT}(0)"))
        opened = [url for url in browser.opened() if "/pages/" in url]
        assert [url.rsplit("/", 1)[1] for url in opened] == [page_name(ODD)]
        assert browser.complaints == [] and browser.requests == []
        browser.open(made / "pages" / page_name(ODD))
        assert browser.run("document.querySelector('h1').textContent") == ODD and browser.complaints == []


def test_twenty_thousand_points_are_drawn_in_a_moment(made, tmp_path):
    """The map's own page with every point 334 times: a redraw takes less than a second on a busy machine."""
    chromium()
    text = (made / "map.html").read_text()
    blown_up = (
        "const t = document.getElementById('data'), d = JSON.parse(t.textContent), many = (a) => Array(334).fill(a)"
    )
    blown_up += ".flat(); for (const k of ['id', 'x', 'y', 'page']) d[k] = many(d[k]); for (const c of d.colourings) "
    blown_up += (
        "c.codes ? c.codes = c.codes.repeat(334) : c.values = many(c.values); t.textContent = JSON.stringify(d);"
    )
    opened = text.replace('<script>"use strict"', f'<script>{blown_up}</script><script>"use strict"', 1)
    (tmp_path / "big.html").write_text(opened.replace("script-src 'sha256-", "script-src 'unsafe-inline' 'none-"))
    with Browser() as browser:
        browser.open(tmp_path / "big.html")
        assert browser.run("clefMap.drawn()") == 334 * N
        again = "document.getElementById('menu').dispatchEvent(new Event('change'))"
        assert (
            browser.run(f"(() => {{ const t = performance.now(); {again}; return performance.now() - t; }})()") < 1000
        )


def test_a_second_run_makes_only_what_is_missing(archive, made, tmp_path, caplog):
    caplog.set_level("INFO")
    out = tmp_path / "out"
    shutil.copytree(made, out)
    page, points = out / "pages" / page_name(ODD), out / "map.parquet"
    before = page.stat().st_mtime_ns, points.stat().st_mtime_ns
    assert main(settings(archive, out, sessions=[ODD, "s2", "broken"])) == 1
    assert (page.stat().st_mtime_ns, points.stat().st_mtime_ns) == before
    assert sorted(p.name for p in (out / "pages").glob("*.html")) == sorted([page_name(ODD), "s2.html"])
    assert "no page: broken: begins with" in caplog.text and "60 sessions, 2 of them with a page" in caplog.text
    assert str(archive) not in caplog.text.replace(str(out), "")
    with pytest.raises(ConfigError, match="made with another reading; give another out"):
        changed = settings(archive, out, sessions=["s3"])
        changed.reading.crop = "middle"
        main(changed)


def test_a_draw_of_many_and_pages_of_a_few(archive, tmp_path):
    main(settings(archive, tmp_path, points=20))
    assert "Shown are 20 of them" in (tmp_path / "map.html").read_text()
    rows = pl.read_parquet(tmp_path / "map.parquet")
    assert len(rows) == 20
    some, more, everyone = (wanted_pages(settings(archive, tmp_path, pages=p), rows) for p in ("3", "7", "all"))
    assert len(some) == 3 and more[:3] == some and set(everyone) == set(rows["session_id"])


def test_the_cost_of_many_pages_is_said_first(archive, tmp_path, caplog):
    caplog.set_level("INFO")
    say_cost(settings(archive, tmp_path), 10_000, tmp_path)
    assert "10000 pages: about" in caplog.text and "hours" in caplog.text
    with pytest.raises(ValueError, match="GB are free; make room"):
        say_cost(settings(archive, tmp_path), 10**12, tmp_path)


@pytest.mark.parametrize(
    "changes, words",
    (
        ({"pages": "some"}, "expected a number of sessions, or all"),
        ({"colours": ["rate"]}, "table= and colours= go together"),
        ({"sessions": ["nobody"]}, "'nobody' is none of the 60"),
        ({"points": 0}, "points must be 1 or more"),
        ({"embeddings": "nowhere.parquet"}, "there is no such embedding file"),
        ({"embeddings": "strangers"}, "none of its 2 sessions is in cohort="),
    ),
)
def test_mistakes_are_one_line(archive, tmp_path, changes, words):
    if changes.get("embeddings") == "strangers":
        write_embeddings(tmp_path / "e.parquet", Embeddings(["x", "y"], np.eye(2), "e"))
        changes = {"embeddings": str(tmp_path / "e.parquet")}
    with pytest.raises(ValueError, match=words) as caught:
        main(settings(archive, tmp_path / "out", **changes))
    assert "\n" not in str(caught.value) and not (tmp_path / "out").exists()
