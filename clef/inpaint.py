"""A picture of what a model has learned: a part of a session is hidden, filled by the model, and drawn beside it.

    python -m clef.inpaint model=RUN tokens=tokens.zarr session=ID seconds=[400,600] out=DIR     (a stretch)
    python -m clef.inpaint model=RUN recording=FILE hertz=[8,14] out=DIR                         (a band; or both)

The tokens of the part are hidden and filled step by step (clef.inpainting.fill), the run's tokenizer decodes them.
DIR/inpaint.png shows original, hidden, filled and their difference; DIR/inpaint.json holds how many tokens were guessed
right and the error in dB, beside simple guesses (clef.inpainting.measures). docs/encoder.md explains both.
"""

import dataclasses
import logging
import math
from pathlib import Path
from typing import Any

import numpy as np

from clef.inpainting.fill import fill, predict
from clef.inpainting.measures import all_cells, cell_error, cell_mask, cell_numbers, token_numbers
from clef.inpainting.session import Part, decode, from_recording, from_store, hide, mean_spectrum
from clef.model import Model, load
from clef.pages.inpaint import Page, draw_page
from tokenizer.base import ranks
from tokenizer.base.cli import ConfigError, program
from tokenizer.base.files import write_json
from tokenizer.channels import CHANNELS
from tokenizer.reading.read import ReadingConfig

log = logging.getLogger(__name__)
REGIONS = ("Fp1", "Fp2", "F3", "F4", "Fz"), ("Cz", "C3", "C4", "Pz"), ("O1", "O2", "P3", "P4", "T5", "T6")
"""Front, middle and back: of each the first electrode that carried a signal is drawn."""
DULL_DB = 0.7
"""A cell's own scatter: what the median spectrum is nearer to than this holds nothing worth guessing."""
SEEN = {
    "train": "the model was TRAINED on this person",
    "val": "the model was SELECTED on this person",
    "no": "a person the model has not seen",
    None: "whether the model has seen this person is not known",
}


@dataclasses.dataclass
class InpaintConfig:
    """Settings of `python -m clef.inpaint`."""

    model: str | None = None
    """Run folder of stage=recon or stage=align, or its model/; by default clef-open, if it was made."""
    out: str = "???"
    """Folder of inpaint.png and inpaint.json; made if absent."""
    tokens: str | None = None
    """Token store made with the model's own tokenizer."""
    session: str | None = None
    """Session of the store."""
    recording: str | None = None
    """A recording; instead of tokens= and session=."""
    seconds: list[float] = dataclasses.field(default_factory=list)
    """Hide from here to there, as [400,600]; widened to whole tokens."""
    hertz: list[float] = dataclasses.field(default_factory=list)
    """Hide these frequencies, as [8,14]; widened to whole tokens. With seconds, only during them."""
    channels: list[str] = dataclasses.field(default_factory=list)
    """One to three electrodes to draw; by default one each of front, middle and back."""
    steps: int = 12
    """Steps in which the tokens are filled."""
    temperature: float = 1.0
    """How freely codes are drawn; 0 takes the likeliest."""
    reading: ReadingConfig = dataclasses.field(default_factory=ReadingConfig)
    """How the recording becomes a session (recording=)."""
    seed: int = 0
    """Draws the codes."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N."""


def main(config: InpaintConfig) -> None:
    """Hide, fill, measure, draw."""
    check(config)
    device = ranks.set_up(config.device)
    model = load(config.model).to(device)
    if config.tokens:
        part = from_store(model, config.tokens, config.session)
    else:
        part = from_recording(model, config.recording, config.reading)
    part.hidden = hide(part, model, config.seconds, config.hertz)
    shown = choose_channels(part, config.channels)
    page = inpaint(model, part.to(device), config)
    page.channels = shown
    out = Path(config.out)
    write_json(out / "inpaint.json", page.report)
    draw_page(page, out / "inpaint.png")
    print("\n".join(page.report["words"]))
    log.info("wrote %s and inpaint.json; next: look at the page, docs/encoder.md explains it", out / "inpaint.png")


def check(config: InpaintConfig) -> None:
    """Raise ConfigError for settings that do not go together."""
    if (config.tokens is None) == (config.recording is None):
        raise ConfigError("give either tokens=STORE with session=ID, or recording=FILE")
    if config.recording and config.session:
        raise ConfigError("session= goes with tokens=; recording= is one session")
    if not config.seconds and not config.hertz:
        raise ConfigError("nothing to hide: give seconds=[from,to], hertz=[from,to] or both")
    for name, most in (("seconds", math.inf), ("hertz", 32)):
        given = getattr(config, name)
        if given and not (len(given) == 2 and 0 <= given[0] < given[1] <= most):
            raise ConfigError(f"{name}={given}: expected [from,to] with 0 <= from < to{' <= 32' if most == 32 else ''}")
    if unknown := [c for c in config.channels if c not in CHANNELS]:
        raise ConfigError(f"channels: {unknown[0]!r} is none of {', '.join(CHANNELS)}")
    if config.steps < 1 or config.temperature < 0 or len(config.channels) > 3:
        raise ConfigError("steps must be 1 or more, temperature 0 or more, and channels at most three")


def choose_channels(part: Part, asked: list[str]) -> list[str]:
    """The electrodes to draw. Raises ValueError if one that was asked for carried no signal."""
    present = [name for name, ok in zip(CHANNELS, part.channel_ok, strict=True) if ok]
    if absent := [name for name in asked if name not in present]:
        raise ValueError(f"channels: {absent[0]} carried no signal in this session; there are: {', '.join(present)}")
    return asked or [next(c for c in region if c in present) for region in REGIONS if set(region) & set(present)]


# ---- fill and measure
def inpaint(model: Model, part: Part, config: InpaintConfig) -> Page:
    """Fill the hidden part, decode it, and put the numbers and what to draw together."""
    filled = fill(model.encoder, part.tokens, part.valid, part.hidden, config.steps, config.temperature, config.seed)
    log_p = predict(model.encoder, part.tokens, part.valid, part.hidden, np.random.default_rng(config.seed))
    likeliest = part.tokens.masked_scatter(part.hidden, log_p.argmax(-1))
    original, *guesses = (decode(model, tokens, part.valid, part.level) for tokens in (part.tokens, filled, likeliest))
    tokens, drawn, valid, hidden = (x.cpu().numpy() for x in (part.tokens, filled, part.valid, part.hidden))
    named = dict(zip(("filled", "likeliest"), guesses, strict=True))
    mean_db = mean_spectrum(model, part.level)
    report = {
        "protocol": protocol(config, part, model),
        "tokens": token_numbers(tokens, drawn, log_p.cpu().numpy(), valid, hidden),
        "cells_db": cell_numbers(original, named, mean_db, valid, hidden, part.channel_ok),
    }
    if part.spec is not None:
        where = cell_mask(hidden, *model.vqgan.cell) & np.isfinite(all_cells(part.spec)).all(0)
        report["codes_db"] = cell_error(all_cells(part.spec), all_cells(original), where, part.channel_ok)
    report["words"] = in_words(report)
    return Page(part.name, report, tokens, drawn, valid, hidden, original, guesses[0], guesses[1], part.spec)


def protocol(config: InpaintConfig, part: Part, model: Model) -> dict[str, Any]:
    """What was hidden of what, and how it was filled."""
    hidden, (bins, frames) = part.hidden.cpu(), model.vqgan.cell
    rows, columns = hidden.any(1).nonzero()[:, 0], hidden.any(0).nonzero()[:, 0]
    return {
        "session": part.name,
        "seen": part.seen,
        "model": model.fingerprint,
        "seconds": [int(columns[0]) * frames, (int(columns[-1]) + 1) * frames],
        "hertz": [int(rows[0]) * bins / 4, (int(rows[-1]) + 1) * bins / 4],
        "hidden_tokens": int(hidden.sum()),
        "valid_tokens": int(part.valid.sum()) * len(hidden),
        "codes": len(model.encoder.codes),
        **{name: getattr(config, name) for name in ("steps", "temperature", "seed")},
    }


def in_words(report: dict[str, Any]) -> list[str]:
    """The report in words, a line each: what was hidden, what that means, tokens, cells."""
    about, right, cells = report["protocol"], report["tokens"]["right"], report["cells_db"]
    (begin, end), (low, high), codes = about["seconds"], about["hertz"], report.get("codes_db")
    return [
        f"{about['session']}: hidden {begin}–{end} s, {low:g}–{high:g} Hz, {about['hidden_tokens']:,} of "
        f"{about['valid_tokens']:,} tokens; {SEEN[about['seen']]}",
        verdict(cells),
        f"tokens guessed right: {_percent(right['likeliest'])} in one pass, {_percent(right['filled'])} as filled; by "
        f"the nearest visible token {_percent(right['nearest'])}, by its row's commonest "
        f"{_percent(right['commonest'])}; cross-entropy {report['tokens']['cross_entropy_nats']:.2f} nats (a guess "
        f"among all {about['codes']:,} codes: {report['tokens']['uniform_nats']:.2f})",
        f"mean error of cells of 2 Hz x 10 s: likeliest codes {_db(cells['likeliest'])}, as filled "
        f"{_db(cells['filled'])}; median of what is visible {_db(cells['median'])}, nearest visible cell "
        f"{_db(cells['nearest'])}, mean of the training recordings {_db(cells['training mean'])}"
        + (f"; the codes themselves are {_db(codes)} from the recording" if codes is not None else ""),
    ]


def verdict(cells: dict[str, float | None]) -> str:
    """Whether the model knew more than the simple guesses, in a sentence."""
    simple = {name: cells[name] for name in ("median", "nearest", "training mean") if cells[name] is not None}
    if cells["likeliest"] is None or not simple:
        return "no whole cell was hidden, so there is no error in dB"
    best = min(simple, key=simple.get)
    if simple[best] < DULL_DB:
        return (
            f"what was hidden is nearly the {best} ({simple[best]:.2f} dB): there is little to guess; try another part"
        )
    gain = simple[best] - cells["likeliest"]
    if gain > 0:
        return f"the likeliest codes are {gain:.2f} dB nearer to what was hidden than the best simple guess ({best})"
    return (
        f"the best simple guess ({best}) is {-gain:.2f} dB nearer to what was hidden than the model's likeliest codes"
    )


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"


def _db(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f} dB"


if __name__ == "__main__":
    program(InpaintConfig, main, "clef.inpaint")
