"""How masked reconstruction gains from more people and from larger models: DIR/scaling.md and DIR/scaling.png.

    python -m tools.scale_recon tokens=tokens.zarr out=DIR [models=[tiny,small]] [shares=[0.125,0.25,0.5,1]] steps=400

Each model is trained by `clef.pretrain stage=recon` on each share of the training subjects, all with the same steps and
batch, in DIR/<model>-<share>, and judged on the same held-out tokens. The table shows the lowest validated loss of each
run (the selection a user would make; its bias is the same for all) and the last one, beside what can be guessed without
a network (`clef.stages.token_baselines`, fitted on the same share). Stopped and started again it goes on; runs that
stand in DIR already, of other models, shares or steps, stay in the table.
"""

import json
import logging
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from clef.stages.recon import some_subjects
from tokenizer.base.cli import ConfigError, preset_groups, program
from tokenizer.base.files import write_aside, write_text
from tokenizer.base.progress import track
from tokenizer.base.values import read_yaml
from tokenizer.store import Tokens, TokenStore

log = logging.getLogger(__name__)
BASELINES = ("unigram", "session", "copy")


@dataclass
class ScaleConfig:
    """Settings of `python -m tools.scale_recon`."""

    tokens: str = "???"
    """Token store to train on (split train) and to judge on (split val)."""
    out: str = "???"
    """Folder of the runs, scaling.md and scaling.png."""
    models: list[str] = field(default_factory=lambda: ["tiny", "small"])
    """Presets of the network."""
    shares: list[float] = field(default_factory=lambda: [0.125, 0.25, 0.5, 1.0])
    """Shares of the training subjects; each is a part of the next."""
    steps: int = 400
    """Training steps of each run."""
    batch: int = 16
    """Sessions in a step."""
    columns: int = 128
    """Longest stretch of a session in one sample, in columns of 10 s."""
    lr: float = 1e-3
    """Highest learning rate."""
    validations: int = 10
    """How often each run is judged."""
    probe: str | None = None
    """Task file whose questions are probed too (recon.probe)."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N."""
    threads: int = 0
    """CPU threads of a training; 0 leaves the choice to PyTorch."""
    seed: int = 0
    """Seed of every training, and of which subjects are a share."""


@dataclass
class Trained:
    """A finished run and what it was trained on. Losses are nats per hidden token of the held-out sessions."""

    model: str
    share: float
    subjects: int
    sessions: int
    settings: dict[str, Any]
    lowest: float
    at_step: int
    last: float
    baselines: dict[str, float]
    probe: float | None


def main(config: ScaleConfig) -> None:
    """Train what is not trained yet, and write the table and the picture."""
    check(config)
    tokens = TokenStore(config.tokens).load()
    runs = [(model, share) for model in config.models for share in sorted(config.shares)]
    for model, share in track(runs, "runs"):
        train(config, model, share)
    out = Path(config.out)
    trained = sorted(
        (read_run(folder, tokens) for folder in out.iterdir() if (folder / "model" / "done.json").is_file()),
        key=lambda run: (run.subjects, run.model),
    )
    write_text(out / "scaling.md", table(trained, tokens))
    draw(trained, out / "scaling.png")
    print(table(trained, tokens))
    log.info("wrote %s and scaling.png with %d runs; next: look at the picture", out / "scaling.md", len(trained))


def check(config: ScaleConfig) -> None:
    """Raise ConfigError for models that do not exist, and for shares that are none."""
    known = preset_groups("clef.pretrain")["model"]
    if unknown := [model for model in config.models if model not in known]:
        raise ConfigError(f"models: there is no preset {unknown[0]!r}; there are: {', '.join(known)}")
    if wrong := [share for share in config.shares if not 0 < share <= 1]:
        raise ConfigError(f"shares: {wrong[0]:g} is not above 0 and at most 1")
    if not config.models or not config.shares or config.steps < 1 or config.validations < 1:
        raise ConfigError("give at least one of models, one of shares, steps and validations of 1 or more")


def train(config: ScaleConfig, model: str, share: float) -> None:
    """Train one run, or go on with it. Raises ValueError with the end of what it said if it fails."""
    settings = {
        **{"stage": "recon", "model": model, "tokens": config.tokens, "steps": config.steps, "batch": config.batch},
        **{"out": Path(config.out) / f"{model}-{share:g}", "lr": config.lr, "seed": config.seed},
        **{"recon.columns": config.columns, "recon.subjects_share": share, "threads": config.threads},
        **{"validate_every": max(1, config.steps // config.validations), "device": config.device},
    }
    if config.probe:
        settings["recon.probe"] = config.probe
    command = [sys.executable, "-m", "clef.pretrain", *(f"{key}={value}" for key, value in settings.items())]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["it said nothing"]
        raise ValueError(f"{model} on {share:g} of the subjects ended with exit code {done.returncode}: {lines[-1]}")


def read_run(folder: Path, tokens: Tokens) -> Trained:
    """A finished run of stage=recon: its losses, its baselines, and how many people it was trained on."""
    config = read_yaml(folder / "config.yaml")
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    start, judged = lines[0], [line for line in lines if "val_loss" in line]
    if not judged or f"baseline_{BASELINES[0]}" not in start:
        raise ValueError(f"{folder.name}: no held-out loss or no baselines in metrics.jsonl; the store needs split val")
    best, share = min(judged, key=lambda line: line["val_loss"]), config["recon"]["subjects_share"]
    kept = some_subjects(tokens.where(tokens.split == "train"), share, config["seed"])
    return Trained(
        model=config["model"],
        share=share,
        subjects=len(np.unique(kept.subject_id)),
        sessions=len(kept),
        settings={name: config[name] for name in ("steps", "batch", "lr", "seed")}
        | {"columns": config["recon"]["columns"]},
        lowest=best["val_loss"],
        at_step=best["step"],
        last=judged[-1]["val_loss"],
        baselines={name: start[f"baseline_{name}"] for name in BASELINES},
        probe=judged[-1].get("probe_auroc"),
    )


# ---- table and picture
def table(runs: list[Trained], tokens: Tokens) -> str:
    """The runs as Markdown, with what they were trained and judged on."""
    held_out = tokens.where(tokens.split == "val")
    probed = any(run.probe is not None for run in runs)
    header = ["model", "share", "subjects", "sessions", "steps", "lowest", "at step", "last", *BASELINES, "gain"]
    header += ["probe AUROC"] if probed else []
    rows = [_cells(run) + ([f"{run.probe:.3f}" if run.probe is not None else "–"] if probed else []) for run in runs]
    head = (
        f"Held-out cross-entropy, nats per hidden token, on {len(held_out)} sessions of "
        f"{len(np.unique(held_out.subject_id))} people of split val. `gain` is the lowest loss below the best guess "
        f"without a network; minus: above it. One run each: differences of a few hundredths mean nothing."
    )
    settings = sorted({f"{r.model}: {', '.join(f'{k} {v}' for k, v in r.settings.items())}" for r in runs})
    lines = [f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *rows)]
    return "\n".join([head, "", *lines, "", *settings, ""])


def _cells(run: Trained) -> list[str]:
    gain = min(run.baselines.values()) - run.lowest
    losses = [f"{run.lowest:.3f}", f"{run.at_step}", f"{run.last:.3f}", *(f"{v:.3f}" for v in run.baselines.values())]
    counts = [f"{run.share:g}", f"{run.subjects:,}", f"{run.sessions:,}", f"{run.settings['steps']:,}"]
    return [run.model, *counts, *losses, f"{gain:+.3f}"]


def draw(runs: list[Trained], path: Path) -> None:
    """Lowest held-out loss against training sessions, a line per model; dotted: guesses without a network."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4.4), layout="constrained")
    for model, colour in zip(sorted({run.model for run in runs}), plt.cm.tab10.colors, strict=False):
        own = [run for run in runs if run.model == model]
        axes.plot([r.sessions for r in own], [r.lowest for r in own], "o-", color=colour, label=model)
    for name, grey in zip(BASELINES, ("#bbbbbb", "#888888", "#444444"), strict=True):
        points = sorted({(run.sessions, run.baselines[name]) for run in runs})
        axes.plot(*zip(*points, strict=True), ":", color=grey, label=f"no network: {name}")
    counts = sorted({run.sessions for run in runs})
    axes.set_xscale("log", base=2)
    axes.set_xticks(counts, [f"{n:,}" for n in counts])
    axes.minorticks_off()
    axes.set(xlabel="training sessions", ylabel="held-out loss, nats per hidden token")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(frameon=False, loc="outside upper center", ncols=3)
    with write_aside(path) as aside:
        figure.savefig(aside, dpi=110, format="png")
    plt.close(figure)


if __name__ == "__main__":
    program(ScaleConfig, main, "tools.scale_recon")
