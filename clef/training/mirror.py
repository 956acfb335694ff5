"""W&B repeats metrics.jsonl: a mirror of the run, never its record, and no reason for training to stop.

It gets settings and metrics. It gets no paths, no names of machine, user or program, and no files.
"""

import logging
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)
PATHS = {"cohort", "tokens", "init", "out", "recon.probe", "report_encoder.name"}


class Mirror:
    """A W&B run, going on under its `name` when training does; after its first failure it is silent."""

    def __init__(self, folder: Path, name: str, mode: str, settings: dict[str, Any]):
        """`mode`: disabled, offline or online · `settings`: flat, of the whole run."""
        self._run = None
        if mode != "disabled":
            self._try(self._open, folder, name, mode, {k: v for k, v in settings.items() if k not in PATHS})

    def log(self, metrics: dict[str, float]) -> None:
        """Repeat one line of metrics.jsonl."""
        if self._run:
            values = {k: v for k, v in metrics.items() if k != "step"}
            self._try(self._run.log, values, step=int(metrics["step"]))

    def finish(self) -> None:
        """Say that the run is over."""
        if self._run:
            self._try(self._run.finish)

    def _open(self, folder: Path, name: str, mode: str, settings: dict[str, Any]) -> None:
        import wandb

        quiet = {"console": "off", "silent": True, "x_disable_meta": True, "x_save_requirements": False}
        private = {"host": "", "disable_git": True, "disable_code": True, "x_disable_stats": True}
        self._run = wandb.init(
            project="clef",
            mode=mode,
            dir=str(folder),
            config=settings,
            resume="allow",
            id=name,
            settings=wandb.Settings(**quiet, **private),
        )

    def _try(self, call: Any, *given: Any, **named: Any) -> None:
        """Another's program over a network: whatever it raises, training goes on without it."""
        try:
            call(*given, **named)
        except Exception as error:
            self._run = None
            reason = (str(error).splitlines() or [""])[0]
            log.warning("Weights & Biases stopped (%s: %s); metrics.jsonl goes on", type(error).__name__, reason)
