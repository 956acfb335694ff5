"""The page of one session: what the recording holds, how good it is, what its tokens keep, which sessions are like it.

`parts` makes the pictures and tables where the recording was read, in a worker process if need be; `page` puts them,
with what the archive knows of the session, into one self-contained HTML text.
"""

import dataclasses
import functools
from typing import TYPE_CHECKING, Any

import numpy as np

import clef
from clef.descriptions.description import describe
from clef.embeddings import seen_subjects
from clef.pages.findings import Finding, findings, mean_spectrogram, places
from clef.pages.regions import FRONT_TO_BACK, REGIONS, band_levels, cell_errors, electrodes_of, region_means
from tokenizer.cells import BANDS, CELL_FLOOR_DB
from tokenizer.channels import CHANNELS
from tokenizer.quality.measures import BAD_FLAGS, measure_or_refuse
from tokenizer.readings import reading_of
from tokenizer.recording import Raw, Session
from tokenizer.tokens import Tokenised, rebuild

if TYPE_CHECKING:
    from tokenizer.vqgan import VQGAN

OLDEST = 89
"""Years above which an age singles a person out (HIPAA's safe harbour)."""


@dataclasses.dataclass
class Parts:
    """What the page says of a recording, in the order in which it is drawn; small enough to travel between processes.

    facts: what was recorded, name and value · quality: 19 rows of tokenizer.quality, front to back
    regions, bands, grid: pictures as data URIs; grid "" without a tokenizer
    findings: sentences with their evidence · mean, seconds: the spectrogram they are marked on, and how long it is
    errors: region -> band -> dB, as `cell_errors` · codes: numbers of the tokens · one: the tokens themselves
    """

    facts: list[tuple[str, str]]
    notes: list[str]
    quality: list[dict[str, Any]]
    regions: str
    bands: str
    findings: list[Finding] = dataclasses.field(default_factory=list)
    mean: str = ""
    seconds: int = 0
    grid: str = ""
    errors: dict[str, dict[str, float | None]] = dataclasses.field(default_factory=dict)
    codes: dict[str, Any] = dataclasses.field(default_factory=dict)
    one: Tokenised | None = None


@dataclasses.dataclass
class About:
    """What the page says beside the recording.

    title: of the page · person: name and value of what the cohort knows · seen: whether the model knows this person
    neighbours: rows of the table of nearest sessions, with `report` if their texts were asked for
    usual: quantiles of cosines between random pairs, in words
    """

    title: str
    person: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    seen: str = ""
    model: str = ""
    neighbours: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    usual: str = ""
    synthetic: bool = False


def parts(session: Session, raw: Raw, min_channels: int, vqgan: "VQGAN | None" = None) -> Parts:
    """Measure and draw a session that was read; with a tokenizer also its tokens and what they keep.

    Raises RecordingError if no stretch of it can be drawn.
    """
    from clef.pages.spectrograms import draw_bands, draw_regions, draw_tokens

    quality = measure_or_refuse(session, raw, min_channels)
    reading = reading_of(session, reference="recorded" if vqgan is None else vqgan.config.reference)
    spec, valid, ok = reading.spec.numpy(), reading.valid.numpy(), reading.channel_ok.numpy()
    bad = np.array([bool(set(row["flags"]) & set(BAD_FLAGS)) for row in quality])
    captions = {region: caption(electrodes_of(region, ok), bad) for region in REGIONS}
    own, levels = region_means(spec, valid, ok), band_levels(spec, valid, ok)
    ranked = sorted(quality, key=lambda row: FRONT_TO_BACK.index(row["channel"]))
    made = Parts(facts(session, quality), list(session.notes), ranked, "", "", findings(describe(session, quality)))
    made.mean, made.seconds = mean_spectrogram(spec, valid, ok), len(valid)
    if vqgan is None:
        made.regions, made.bands = draw_regions(own, None, captions), draw_bands(levels, None, bad)
        return made
    made.one, again = rebuild(reading, vqgan)
    made.regions = draw_regions(own, region_means(again, valid, ok), captions)
    made.bands = draw_bands(levels, band_levels(again, valid, ok), bad)
    columns = -(-len(valid) // vqgan.config.frames_per_token)
    tokens, counted = made.one.tokens[:, :columns], made.one.valid[:columns]
    made.grid = draw_tokens(tokens, counted, vqgan.config.frames_per_token)
    made.errors, made.codes = cell_errors(spec, again, valid, ok), code_numbers(tokens[:, counted], vqgan.config.codes)
    return made


def caption(electrodes: list[int], bad: np.ndarray) -> str:
    """How many electrodes of a region carried a signal, and which of them are bad; bad (C,) bool."""
    if not electrodes:
        return "not recorded"
    flagged = ", ".join(CHANNELS[i] for i in electrodes if bad[i])
    return f"{len(electrodes)} electrode{'s' * (len(electrodes) > 1)}" + (f"\nbad: {flagged}" if flagged else "")


def facts(session: Session, quality: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """What was recorded, in words: no date, no name."""
    whole, absent = quality[0], [row["channel"] for row in quality if not row["recorded"]]
    recorded = f"{len(CHANNELS) - len(absent)} of {len(CHANNELS)}"
    mains = (
        f"{session.mains_hz} Hz, {session.mains_level:.0f} dB before the notch" if session.mains_hz else "none found"
    )
    return [
        ("length", f"{session.seconds / 60:.1f} min"),
        ("usable", f"{whole['session_usable_seconds'] / 60:.1f} min"),
        ("electrodes", recorded + (f", without {', '.join(absent)}" if absent else "")),
        ("recorded at", f"{session.rate:g} Hz"),
        ("mains", mains),
    ]


def code_numbers(tokens: np.ndarray, size: int) -> dict[str, Any]:
    """How many tokens (any shape), how many different codes of `size`, and how they share the session."""
    _, times = np.unique(tokens, return_counts=True)
    share = times / max(1, times.sum())
    return {
        "tokens": int(times.sum()),
        "different": len(times),
        "size": size,
        "commonest": float(share.max(initial=0)),
        "half": int((np.cumsum(np.sort(share)[::-1]) < 0.5).sum() + 1) if len(times) else 0,
        "once": int((times == 1).sum()),
    }


def person_facts(row: dict[str, Any]) -> list[tuple[str, str]]:
    """What a row of the session table says of the person that can stand on a page: age, sex, site, setting, split."""
    known = {"age": age_words(row["age"]), "sex": row["sex"], "site": row["site"], "setting": row["setting"]}
    return [(name, value) for name, value in (known | {"split": row["split"]}).items() if value]


def age_words(age: float | None) -> str:
    """Whole years, the oldest together; "" if unknown."""
    return "" if age is None else f"above {OLDEST}" if age > OLDEST else f"{age:.0f}"


def seen_words(vqgan: "VQGAN", subject_id: int | None) -> str:
    """Whether the tokenizer was trained on this person, as far as that is known."""
    trained_on = vqgan.about.get("trained_on")
    if subject_id is None or not trained_on:
        return "Whether the tokenizer was trained on this person is not known."
    seen = seen_subjects(trained_on, [subject_id])
    words = {"train": "The tokenizer was trained on this person.", "val": "The tokenizer was selected on this person."}
    unseen = "The tokenizer has not seen this person."
    return next((text for split, text in words.items() if seen.get(split)), unseen)


def page(made: Parts, about: About) -> str:
    """The whole page as HTML that loads nothing."""
    return template("view.html.jinja").render(
        parts=made, about=about, bands=list(BANDS), floor=CELL_FLOOR_DB, version=clef.__version__, places=places(),
        seen=[one for one in made.findings if one.state == "seen"],
        flagged=[row for row in made.quality if set(row["flags"]) - {"absent"}],
    )  # fmt: skip


@functools.cache
def template(name: str, package: str = "clef.pages"):
    """One of the templates of this folder, or of another package's on top of these; what is put into it is escaped."""
    from jinja2 import ChoiceLoader, Environment, PackageLoader

    loader = ChoiceLoader([PackageLoader(each, ".") for each in dict.fromkeys((package, "clef.pages"))])
    return Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True).get_template(name)
