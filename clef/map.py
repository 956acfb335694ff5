"""One page of an archive: a point per session, coloured by site, age, sex or label, each with a page of its own.

    python -m clef.map embeddings=embeddings.parquet cohort=COHORT out=DIR
    python -m clef.map embeddings=embeddings.parquet cohort=COHORT out=DIR pages=all model=RUN workers=8

DIR/map.html is the page; it loads nothing. pages= and sessions= make the pages of sessions (clef.view) in DIR/pages/,
which a click on a point opens: recordings are read for them. A stopped run goes on where it was. docs/looking.md says
how to read both.
"""

import dataclasses
import functools
import json
import logging
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from clef.bundle import model_folder
from clef.cohort import Cohort
from clef.embeddings import Embeddings, read_embeddings
from clef.pages.colourings import colourings
from clef.pages.map import Map, map_page, page_name
from clef.pages.nearest import Nearest
from clef.pages.projection import ARRANGED, Method, project
from clef.pages.view import About, page, parts, person_facts, seen_words
from tokenizer.base.cli import ConfigError, program
from tokenizer.base.files import fingerprint, write_json, write_text
from tokenizer.base.progress import track
from tokenizer.base.tables import read_table, table_metadata, write_table
from tokenizer.reading.many import read_many
from tokenizer.reading.read import ReadingConfig, row_jobs
from tokenizer.recording import RecordingError
from tokenizer.tokens import load_tokenizer

log = logging.getLogger(__name__)
PAGE_MB, PAGE_SECONDS = 0.5, 5.0
"""What a session's page takes at most of disk and of a busy core (docs/looking.md); said before thousands are made."""
MANY = 50
"""Pages whose cost is said beforehand."""


@dataclasses.dataclass
class MapConfig:
    """Settings of `python -m clef.map`."""

    embeddings: str = "???"
    """Embedding file of the sessions."""
    cohort: str = "???"
    """Cohort folder that knows them."""
    out: str = "???"
    """Folder of map.html and pages/; made if absent."""
    method: Method = "tsne"
    """How many dimensions become two: t-SNE, or principal components, which are quick and keep large distances."""
    points: int = 20_000
    """Most sessions that are shown; of more, a seeded draw."""
    seed: int = 0
    """Of the draw and of the picture."""
    pages: str = "0"
    """How many sessions get a page of their own, a seeded draw of those shown; or all."""
    sessions: list[str] = dataclasses.field(default_factory=list)
    """Sessions that get a page of their own, by name."""
    model: str | None = None
    """Run folder, or clef-open: session pages show tokens and what they keep."""
    table: str | None = None
    """A Parquet or CSV table with one row per session_id, for colours= beyond what the cohort knows."""
    colours: list[str] = dataclasses.field(default_factory=list)
    """Columns of table= to colour by, as [rate,channels]; they stand in the page."""
    title: str = "Map of an EEG archive"
    """Heading of the page."""
    workers: int = 2
    """Processes that read recordings for pages of sessions."""
    reading: ReadingConfig = dataclasses.field(default_factory=ReadingConfig)
    """How recordings become sessions, for pages of sessions."""


def main(config: MapConfig) -> int:
    """Arrange, colour, write; then the pages of sessions, and the map again with links to them."""
    check(config)
    cohort, embeddings = Cohort(config.cohort), read_embeddings(config.embeddings)
    rows, remarks = shown(config, cohort, embeddings)
    wanted = wanted_pages(config, rows)
    drawn = arrange(config, cohort, embeddings, rows, remarks)
    pages = Path(config.out) / "pages"
    write = lambda: _write(config, drawn, pages)
    write()
    if not wanted:
        log.info("next: open it in a browser; pages=20 model=RUN adds pages of sessions that a click opens")
        return 0
    try:
        refused = make_pages(config, cohort, embeddings, rows.filter(pl.col("session_id").is_in(wanted)), pages)
    finally:  # also at Ctrl-C
        write()
    return int(refused > 0)


def check(config: MapConfig) -> None:
    """Raise ConfigError for settings that cannot be."""
    if config.pages != "all" and not config.pages.isdigit():
        raise ConfigError(f"pages={config.pages}: expected a number of sessions, or all")
    if bool(config.table) != bool(config.colours):
        raise ConfigError("table= and colours= go together: the table, and which of its columns to colour by")
    if config.points < 1 or config.workers < 0:
        raise ConfigError("points must be 1 or more, workers 0 or more")
    if Path(config.out).exists() and not Path(config.out).is_dir():
        raise ConfigError(f"out={config.out}: this is a file; give a folder")


def shown(config: MapConfig, cohort: Cohort, embeddings: Embeddings) -> tuple[pl.DataFrame, list[str]]:
    """The cohort's rows of the sessions that are shown, with `at`, their place in the file; and what to say of them."""
    places = pl.DataFrame({"session_id": embeddings.session_id}).with_row_index("at")
    rows = places.join(cohort.sessions, on="session_id", how="inner", maintain_order="left")
    if not len(rows):
        raise ValueError(
            f"embeddings={config.embeddings}: none of its {len(places):,} sessions is in cohort={config.cohort} "
            f"(first: {embeddings.session_id[0]!r}); give the cohort that was embedded"
        )
    remarks = [f"{len(rows):,} sessions of {rows['subject_id'].n_unique():,} people, embedded by {embeddings.name}."]
    if len(rows) > config.points:
        keep = np.sort(np.random.default_rng(config.seed).permutation(len(rows))[: config.points])
        rows = rows[keep]
        remarks.append(f"Shown are {len(rows):,} of them, drawn at random.")
    if missing := len(places) - places.join(cohort.sessions, on="session_id", how="semi").height:
        remarks.append(f"{missing:,} of the file are not in the cohort and are left out.")
    if config.method == "tsne" and len(rows) > ARRANGED:
        remarks.append(f"t-SNE arranged {ARRANGED:,} of them; each other one is placed beside its nearest among those.")
    else:
        remarks.append(f"Arranged by {'t-SNE' if config.method == 'tsne' else 'principal components'}.")
    return rows, remarks


def arrange(config: MapConfig, cohort: Cohort, embeddings: Embeddings, rows: pl.DataFrame, remarks: list[str]) -> Map:
    """The map of `rows`; its points are those of an earlier run with the same embeddings and settings, if any."""
    vectors = embeddings.vectors[rows["at"].to_numpy()]
    parts_of_name = (np.ascontiguousarray(vectors).tobytes(), "\0".join(rows["session_id"]), config.method)
    name, path = fingerprint(*parts_of_name, str(config.seed)), Path(config.out) / "map.parquet"
    known = path.is_file() and table_metadata(path).get("clef.map") == name
    if known:
        points = read_table(path).select("x", "y").to_numpy()
    else:
        log.info("arranging %d sessions (%s) …", len(rows), config.method)
        points = project(vectors, config.method, config.seed)
        table = pl.DataFrame({"session_id": rows["session_id"], "x": points[:, 0], "y": points[:, 1]})
        write_table(path, table, {"clef.map": name})
    colours = colourings(cohort, rows, config.table, tuple(config.colours))
    subjects = rows["subject_id"].to_numpy()
    return Map(
        *(rows["session_id"].to_list(), subjects, vectors, points, colours),
        *(config.title, remarks, cohort.is_synthetic, config.seed),
    )


def _write(config: MapConfig, drawn: Map, pages: Path) -> None:
    made = {path.name for path in pages.glob("*.html")} if pages.is_dir() else set()
    drawn.pages = {i for i in drawn.session_id if page_name(i) in made}
    text = map_page(drawn)
    write_text(Path(config.out) / "map.html", text)
    log.info("wrote %s: %.1f MB, %d sessions, %d of them with a page", Path(config.out) / "map.html",
             len(text.encode()) / 1e6, len(drawn.session_id), len(drawn.pages))  # fmt: skip


# ---- pages of sessions
def wanted_pages(config: MapConfig, rows: pl.DataFrame) -> list[str]:
    """Ids of the sessions that get a page. Raises ConfigError if one that is named is not shown."""
    ids = rows["session_id"].to_list()
    if strange := [i for i in config.sessions if i not in set(ids)]:
        raise ConfigError(f"sessions: {strange[0]!r} is none of the {len(ids):,} that are shown, as {ids[0]}")
    count = len(ids) if config.pages == "all" else int(config.pages)
    drawn = np.random.default_rng(config.seed).permutation(len(ids))[:count]  # more of them later: the same and others
    return [*config.sessions, *(ids[i] for i in drawn if ids[i] not in config.sessions)]


def make_pages(config: MapConfig, cohort: Cohort, embeddings: Embeddings, rows: pl.DataFrame, pages: Path) -> int:
    """Write the pages that are not there yet; returns how many recordings could not be read."""
    vqgan = load_tokenizer(str(model_folder(config.model))) if config.model else None
    name = fingerprint(*vqgan.to_bytes()) if vqgan else ""
    same_settings(pages, {"tokenizer": name, "embeddings": embeddings.model, "reading": config.reading.to_json()})
    todo = rows.filter([not (pages / page_name(i)).is_file() for i in rows["session_id"]])
    say_cost(config, len(todo), pages)
    nearest = Nearest(embeddings, dict(cohort.sessions.select("session_id", "subject_id").iter_rows()))
    then = functools.partial(parts, min_channels=config.reading.min_channels, vqgan=vqgan)
    results = read_many(row_jobs(config.cohort, todo, config.reading), then, config.workers)
    began, refused = time.perf_counter(), 0
    for row, made in zip(todo.iter_rows(named=True), track(results, "pages", len(todo)), strict=True):
        if isinstance(made, RecordingError):
            refused += 1
            log.warning("no page: %s: %s", row["session_id"], made.reason)
            continue
        about = About(row["session_id"], person_facts(row), synthetic=cohort.is_synthetic, usual=nearest.usual)
        about.neighbours = nearest.table(embeddings.vectors[row["at"]], row["session_id"])
        if vqgan is not None:
            about.seen, about.model = seen_words(vqgan, row["subject_id"]), f"tokenizer {name}"
        write_text(pages / page_name(row["session_id"]), page(made, about))
    if len(todo):
        log.info("%d pages in %.0f s, %d recordings could not be read", len(todo) - refused,
                 time.perf_counter() - began, refused)  # fmt: skip
    return refused


def same_settings(pages: Path, settings: dict[str, Any]) -> None:
    """Raise ConfigError if pages there were made with other settings; else note them."""
    path = pages / "settings.json"
    if path.is_file():
        before = json.loads(path.read_text(encoding="utf-8"))
        if differing := [key for key, value in settings.items() if before.get(key) != value]:
            raise ConfigError(
                f"out={pages.parent}: its pages were made with another {' and '.join(differing)}; give another out, or "
                f"remove its folder pages/"
            )
    write_json(path, settings)


def say_cost(config: MapConfig, count: int, pages: Path) -> None:
    """Say what many pages cost. Raises ValueError if the disk has no room for them."""
    megabytes, free = count * PAGE_MB, shutil.disk_usage(pages).free / 1e6
    if megabytes > free:
        raise ValueError(
            f"out={config.out}: {count:,} pages take about {megabytes / 1e3:.0f} GB, and {free / 1e3:.0f} GB are free; "
            f"make room, or give fewer pages="
        )
    if count > MANY:
        hours = count * PAGE_SECONDS / max(1, config.workers) / 3600
        log.info(
            "%d pages: about %.1f GB and %.1f hours with workers=%d; Ctrl-C stops, the same command goes on",
            *(count, megabytes / 1e3, hours, config.workers),
        )


if __name__ == "__main__":
    program(MapConfig, main, "clef.map")
