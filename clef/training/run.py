"""The run folder: resolved config, metrics, checkpoints and the finished model of one training run.

    RUN/config.yaml  run.json                           (clef.training.head)
    RUN/metrics.jsonl                                   (clef.training.metrics)
    RUN/checkpoints/step-00000100/…                     (clef.training.checkpoints)
    RUN/model/PART/{config.json,model.safetensors,README.md}

The same `out` with the same config resumes; with another it refuses and names the keys (only `steps` may grow).
Tensors are safetensors and the rest JSON: nothing is unpickled. All randomness of training is a pure function of
(seed, step, sample), so a checkpoint needs no generator state and the step is the data position.
"""

import io
import json
import logging
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from clef.training.checkpoints import NONE, Checkpoints, read_object
from clef.training.guards import lock_folder
from clef.training.head import Head, flat
from clef.training.metrics import MetricsFile
from clef.training.mirror import Mirror
from tokenizer.base import ranks
from tokenizer.base.files import check_out, remove_leftovers, write_json
from tokenizer.base.hub import is_whole_folder

log = logging.getLogger(__name__)
STARTED = {
    "run.json",
    "config.yaml",
    "metrics.jsonl",
    "checkpoints",
    "wandb",
}  # all a run has before its first checkpoint


class Run:
    """One run folder, open for training."""

    def __init__(self, out: str, config: Any, inputs: dict[str, str], wandb: str = "disabled"):
        """`config`: the program's dataclass · `inputs`: fingerprints of what the run is fed with."""
        self.folder = Path(out)
        check_out(out, "folder")
        self._checkpoints = Checkpoints(self.folder / "checkpoints")
        self._metrics = MetricsFile(self.folder / "metrics.jsonl")
        head = Head(self.folder, config, inputs, self._checkpoints.about())
        self.config, self.steps = head.config, head.config["steps"]
        if self._checkpoints.all() or (self.folder / "model").is_dir():
            head.check_same()
        elif self.folder.exists() and {p.name for p in self.folder.iterdir() if p.name[0] != "."} - STARTED:
            raise ValueError(f"out={out}: this folder holds something that is not a run; give another out=")
        if not self.finished:
            self._lock = lock_folder(self.folder)  # held while this object lives
            if ranks.RANK == 0:
                remove_leftovers(self.folder)
                self._about = head.write()
                self._mirror = Mirror(self.folder, self._about["wandb_id"], wandb, flat(self.config))

    def log_metrics(self, metrics: dict[str, float]) -> None:
        """Append one line to metrics.jsonl (and to W&B). Rank 0 only; others do nothing."""
        if ranks.RANK == 0:
            self._metrics.append(metrics)
            self._mirror.log(metrics)

    def first_metrics(self) -> dict[str, float]:
        """What was known before the first step, from the first line of metrics.jsonl; empty if that is of a step."""
        file = self.folder / "metrics.jsonl"
        with file.open() if file.is_file() else io.StringIO() as lines:
            first = json.loads(lines.readline() or "{}")
        return first if first.get("step") == 0 else {}

    # ---- checkpoints
    def save_checkpoint(self, step: int, tensors: dict[str, dict[str, Tensor]]) -> None:
        """Write a checkpoint after `step` steps, whole or not at all, and drop all but the newest two."""
        if ranks.RANK == 0:
            self._metrics.flush()
            self._checkpoints.save(step, tensors, self._about)
        ranks.wait_for_all()

    def load_checkpoint(self) -> tuple[int, dict[str, dict[str, Tensor]]] | None:
        """The newest whole checkpoint as (step, tensors by part); None if there is none yet."""
        ranks.wait_for_all()
        step = self._newest_whole()
        # without a checkpoint nothing of an earlier start counts, not even its line of step 0
        if ranks.RANK == 0:
            self._metrics.forget_after(step)
        return None if step == NONE else (step, self._checkpoints.load(step))

    def _newest_whole(self) -> int:
        """The step to go on from, as rank 0 sees it: it alone reads the files twice. All raise if it does."""
        step, refusal = NONE, None
        if ranks.RANK == 0:
            try:
                step = self._checkpoints.newest_whole()
            except ValueError as error:
                refusal = error
        if ranks.agreed(refusal is not None):
            raise refusal or ValueError(f"{self.folder}: all checkpoints are damaged")
        return int(ranks.total(torch.tensor(step if ranks.RANK == 0 else 0)))

    # ---- the end
    @property
    def finished(self) -> bool:
        """Whether the model of all `steps` is written, and whole: a damaged one is made again, from a checkpoint."""
        model = self.folder / "model"
        steps = (read_object(model / "done.json") or {}).get("steps")
        if not isinstance(steps, int) or steps < self.steps:
            return False
        damaged = [part.name for part in sorted(model.iterdir()) if part.is_dir() and not is_whole_folder(part)]
        if damaged and ranks.RANK == 0:
            log.warning("%s: %s is damaged and made again", model, " and ".join(damaged))
        return not damaged

    def mark_finished(self) -> None:
        """Say that `model/` holds the model of all steps."""
        if ranks.RANK == 0:
            write_json(self.folder / "model" / "done.json", {"steps": self.steps})
            self._mirror.finish()
        ranks.wait_for_all()


def finished_model(folder: str | Path) -> Path:
    """The `model/` folder of a finished run. Raises ValueError if the run is not finished or not there."""
    model = Path(folder) if (Path(folder).name == "model") else Path(folder) / "model"
    if read_object(model / "done.json") is None:
        raise ValueError(f"{folder}: there is no finished run here; run its training command (again) to the end")
    return model
