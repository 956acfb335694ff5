"""Ablations of the tokenizer: the same short training with one thing changed at a time.

    python -m tools.ablate_tokenizer cohort=COHORT out=DIR [steps=400] [only=[gan off,grid 8 x 256]]

Each variant is trained by `clef.pretrain stage=tokenizer` in DIR/<variant> and judged by `benchmark.fidelity` on
held-out people; DIR/ablations.md is the table. Stopped and started again it goes on: finished variants are kept.
"""

import json
import logging
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tokenizer.base.cli import ConfigError, program
from tokenizer.base.files import write_json, write_text
from tokenizer.base.progress import track

log = logging.getLogger(__name__)

VARIANTS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "no inter-channel loss": {"tokenizer_stage.deviation_weight": 0},
    "inter-channel loss x 3": {"tokenizer_stage.deviation_weight": 3},
    "no terms on cells": {"tokenizer_stage.cell_weight": 0, "tokenizer_stage.static_weight": 0},
    "no static term": {"tokenizer_stage.static_weight": 0},
    "gan off": {"tokenizer_stage.gan_weight": 0},
    "grid 8 x 256": {"vqgan.bins_per_token": 16, "vqgan.frames_per_token": 5},
    "grid 32 x 64": {"vqgan.bins_per_token": 4, "vqgan.frames_per_token": 20},
    "2,048 codes": {"vqgan.codes": 2048},
    "512 codes": {"vqgan.codes": 512},
    "codes of 8 dimensions": {"vqgan.code_dimension": 8},
    "no random spectra": {"tokenizer_stage.colour": 0},
    "no hidden channels": {"tokenizer_stage.hide_channels": 0},
    "gains": {"tokenizer_stage.gain_db": 12, "tokenizer_stage.electrode_gain_db": 4},
    "slopes and filters": {"tokenizer_stage.slope_db": 1, "tokenizer_stage.filters": 0.3},
    "down to 10 channels": {"tokenizer_stage.hide_channels": 0.3, "tokenizer_stage.fewest_channels": 10},
    "level kept": {"vqgan.level": "none"},
    "level kept and gains": {"vqgan.level": "none", "tokenizer_stage.gain_db": 12},
    "twins": {"tokenizer_stage.twins": 0.5},
    "peaks": {"tokenizer_stage.peak_weight": 0.5},
    "product of codes": {"vqgan.quantiser": "product"},
    "rounded numbers": {"vqgan.quantiser": "scalar"},
}
COLUMNS = (
    ("cell_mae", "cell error, dB", 2),
    ("cell_mae_static", "own median", 2),
    ("dynamics_r2", "dynamics R²", 2),
    ("dynamics_r2_credited", "credited", 2),
    ("asymmetry_r2", "asymmetry R²", 2),
    ("gradient_r2", "gradient R²", 2),
    ("band_power_r2_alpha", "alpha power R²", 2),
    ("codes_used", "codes used", 2),
    ("perplexity", "perplexity", 0),
)


@dataclass
class Ablate:
    """Settings of `python -m tools.ablate_tokenizer`."""

    cohort: str = "???"
    """Cohort folder to train on and, held-out people, to judge on."""
    judge: str | None = None
    """Cohort folder to judge on instead, e.g. the real recordings alone."""
    out: str = "???"
    """Folder of the runs and of ablations.md."""
    model: str = "small"
    """Preset of the network."""
    settings: list[str] = field(default_factory=list)
    """More settings of clef.pretrain for every variant, e.g. [vqgan.width=96,vqgan.encoder_blocks=2]."""
    steps: int = 400
    """Training steps of each variant."""
    batch: int = 8
    """Crops in a step."""
    crop_frames: int = 320
    """Seconds in a crop."""
    lr: float = 1e-3
    """Highest learning rate."""
    only: list[str] = field(default_factory=list)
    """Variants to run, as they are named; all if empty."""
    split: Literal["train", "val", "test", "all"] = "test"
    """Whose recordings judge."""
    group: str = "all"
    """Site whose numbers fill the table, or all."""
    threads: int = 1
    """Threads of a training."""
    seed: int = 0
    """Seed of every training."""


def main(config: Ablate) -> int:
    """Train and judge the variants one after the other, and write the table."""
    if wrong := [s for s in config.settings if "=" not in s]:
        raise ConfigError(f"settings: {wrong[0]!r} is not name=value")
    if unknown := sorted(set(config.only) - set(VARIANTS)):
        raise ConfigError(f"only: there is no variant {unknown[0]!r}; there are: {', '.join(VARIANTS)}")
    chosen = config.only or list(VARIANTS)
    for name in track(chosen, "variants"):
        judge(config, name)
    done = [name for name in VARIANTS if (_folder(config, name) / "variant.json").is_file()]
    write_text(Path(config.out) / "ablations.md", table(config, done))
    print(table(config, done))
    log.info("wrote %s with %d of %d variants", Path(config.out) / "ablations.md", len(done), len(VARIANTS))
    return 0


def judge(config: Ablate, name: str) -> None:
    """Train and evaluate one variant, unless that is done."""
    folder = _folder(config, name)
    if (folder / "variant.json").is_file():
        return
    begin = time.monotonic()
    settings = {
        **{"stage": "tokenizer", "model": config.model, "cohort": config.cohort, "out": folder / "run"},
        **{"steps": config.steps, "batch": config.batch, "lr": config.lr, "seed": config.seed},
        **{"tokenizer_stage.crop_frames": config.crop_frames, "threads": config.threads, "workers": 1},
    }
    _run("clef.pretrain", settings | dict(s.split("=", 1) for s in config.settings) | VARIANTS[name])
    trained = time.monotonic() - begin
    cohort = config.judge or config.cohort
    judged = {"tokenizer": folder / "run", "cohort": cohort, "out": folder / "judged", "split": config.split}
    _run("benchmark.fidelity", judged)
    write_json(folder / "variant.json", {"name": name, "minutes": trained / 60, "settings": VARIANTS[name]})


def table(config: Ablate, names: list[str]) -> str:
    """The variants that are done, as Markdown, with what they were trained and judged on."""
    rows, count = [], {}
    for name in names:
        report = json.loads((_folder(config, name) / "judged" / "tokenizer.json").read_text())
        group = report["groups"][config.group]
        count = group["count"]
        values = [group["numbers"][key][0] for key, _, _ in COLUMNS]
        shown = ["–" if v is None else f"{v:,.{d}f}" for v, (_, _, d) in zip(values, COLUMNS, strict=True)]
        rows.append([name, *shown])
    head = (
        f"{', '.join([config.model, *config.settings])}; {config.steps} steps of {config.batch} crops of "
        f"{config.crop_frames} s, lr {config.lr:g}, seed {config.seed}; {config.split}, {config.group}: "
        f"{count.get('people', 0)} people, {count.get('recordings', 0)} recordings, {count.get('tokens', 0):,} tokens"
    )
    header = ["variant", *(words for _, words, _ in COLUMNS)]
    lines = [f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *rows)]
    return "\n".join([head, "", *lines, ""])


def _run(name: str, settings: dict[str, Any]) -> None:
    """Run one of our programs. Raises ValueError with the last of its messages if it fails."""
    command = [sys.executable, "-m", name, *(f"{key}={value}" for key, value in settings.items())]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        messages = done.stderr.strip().splitlines() or ["it said nothing"]
        raise ValueError(f"{name} ended with exit code {done.returncode}: {messages[-1]}")


def _folder(config: Ablate, name: str) -> Path:
    return Path(config.out) / name.replace(" ", "-").replace(",", "")


if __name__ == "__main__":
    program(Ablate, main, "tools.ablate_tokenizer")
