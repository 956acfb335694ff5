"""The run folder: resolved config, metrics, checkpoints and the finished model of one training run.

    RUN/config.yaml  run.json  metrics.jsonl
    RUN/checkpoints/step-00000100/{objective,optimizer,ema}.safetensors
    RUN/model/PART/{config.json,model.safetensors,README.md}

The same `out` with the same config resumes; with another it refuses and names the keys (only `steps` may grow).
Tensors are safetensors and the rest JSON: nothing is unpickled. All randomness of training is a pure function of
(seed, step, sample), so a checkpoint needs no generator state and the step is the data position.
"""

import json
import logging
import shutil
import subprocess
import uuid
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from safetensors.torch import load_file, save_file
from torch import Tensor

import clef
from clef.training.guards import lock_folder
from clef.training.mirror import Mirror
from tokenizer.base import ranks
from tokenizer.base.files import write_aside, write_json, write_text

log = logging.getLogger(__name__)
KEEP_CHECKPOINTS = 2
# settings that change neither numbers nor meaning, and so may differ when a run goes on
FREE = {"out", "device", "workers", "threads", "wandb", "log_every", "checkpoint_minutes", "dry_run"}
FREE |= {"recon.probe", "recon.probe_tasks"}  # what is monitored beside the loss
FREE |= {"machine", "epochs", "fewest_steps", "most_steps"}  # they act through what they set: steps above all

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
        self.config = OmegaConf.to_container(OmegaConf.structured(config))
        self._defaults = _flat(OmegaConf.to_container(OmegaConf.structured(type(config))))
        self.steps = self.config["steps"]
        self.inputs = inputs
        if self.checkpoints() or (self.folder / "model").is_dir():
            self._check_same()
        elif self.folder.exists() and {p.name for p in self.folder.iterdir() if p.name[0] != "."} - STARTED:
            raise ValueError(f"out={out}: this folder holds something that is not a run; give another out=")
        self._mirror = None
        if not self.finished:
            self._lock = lock_folder(self.folder)  # held while this object lives
            if ranks.RANK == 0:
                self._mirror = Mirror(self.folder, self._write_head(), wandb, _flat(self.config))

    def _check_same(self) -> None:
        before = json.loads((self.folder / "run.json").read_text(encoding="utf-8"))
        stored = _flat(OmegaConf.to_container(OmegaConf.load(self.folder / "config.yaml")))
        stored = self._defaults | stored  # a setting that is younger than the run was at its default
        given = _flat(self.config)
        differ = sorted(
            k for k in stored.keys() | given.keys() if stored.get(k) != given.get(k) and k not in FREE and k != "steps"
        )
        differ += sorted(f"contents of {k}" for k in self.inputs if before["inputs"].get(k) != self.inputs[k])
        if stored["steps"] > given["steps"]:
            differ.append("steps (may only grow)")
        if differ:
            raise ValueError(
                f"out={self.folder}: this run was started with another {', '.join(differ)}; "
                f"use the same settings to go on, or another out= to start anew"
            )

    def _write_head(self) -> str:
        """Write config.yaml and run.json; returns the run's name at W&B, the same whenever it goes on."""
        head = self.folder / "run.json"
        name = json.loads(head.read_text(encoding="utf-8")).get("wandb_id") if head.is_file() else None
        name = name or uuid.uuid4().hex[:16]
        write_text(self.folder / "config.yaml", OmegaConf.to_yaml(OmegaConf.create(self.config)))
        about = {"inputs": self.inputs, "git_commit": _git_commit(), "clef_version": clef.__version__}
        write_json(head, about | {"wandb_id": name})
        return name

    # ---- metrics
    def log_metrics(self, metrics: dict[str, float]) -> None:
        """Append one line to metrics.jsonl (and to W&B). Rank 0 only; others do nothing."""
        if ranks.RANK == 0:
            with (self.folder / "metrics.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(metrics) + "\n")
            self._mirror.log(metrics)

    def _forget_metrics_after(self, step: int) -> None:
        """Drop lines written after the checkpoint that training goes on from."""
        path = self.folder / "metrics.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.is_file() else []
        kept = [line for line in lines if line.endswith("\n") and json.loads(line)["step"] <= step]
        if len(kept) != len(lines):
            write_text(path, "".join(kept))

    # ---- checkpoints
    def save_checkpoint(self, step: int, tensors: dict[str, dict[str, Tensor]]) -> None:
        """Write a checkpoint after `step` steps, whole or not at all, and drop all but the newest two."""
        if ranks.RANK == 0:
            with write_aside(self.folder / "checkpoints" / f"step-{step:08d}") as aside:
                aside.mkdir(parents=True)
                for name, part in tensors.items():
                    save_file(
                        {k: v.detach().cpu().contiguous() for k, v in part.items()}, aside / f"{name}.safetensors"
                    )
            for old in self.checkpoints()[:-KEEP_CHECKPOINTS]:
                shutil.rmtree(old)
        ranks.wait_for_all()

    def checkpoints(self) -> list[Path]:
        """Checkpoint folders, oldest first."""
        return sorted((self.folder / "checkpoints").glob("step-*"))

    def load_checkpoint(self) -> tuple[int, dict[str, dict[str, Tensor]]] | None:
        """The newest checkpoint as (step, tensors by part); None if there is none yet."""
        ranks.wait_for_all()
        folders = self.checkpoints()
        # without a checkpoint nothing of an earlier start counts, not even its line of step 0
        step = int(folders[-1].name.split("-")[1]) if folders else -1
        if ranks.RANK == 0:
            self._forget_metrics_after(step)
        if not folders:
            return None
        tensors = {file.stem: load_file(file) for file in folders[-1].glob("*.safetensors")}
        return step, tensors

    # ---- the end
    @property
    def finished(self) -> bool:
        """Whether the model of all `steps` is written."""
        done = self.folder / "model" / "done.json"
        return done.is_file() and json.loads(done.read_text(encoding="utf-8"))["steps"] >= self.steps

    def mark_finished(self) -> None:
        """Say that `model/` holds the model of all steps."""
        if ranks.RANK == 0:
            write_json(self.folder / "model" / "done.json", {"steps": self.steps})
            self._mirror.finish()
        ranks.wait_for_all()


def finished_model(folder: str | Path) -> Path:
    """The `model/` folder of a finished run. Raises ValueError if the run is not finished or not there."""
    model = Path(folder) if (Path(folder).name == "model") else Path(folder) / "model"
    if not (model / "done.json").is_file():
        raise ValueError(f"{folder}: there is no finished run here; run its training command (again) to the end")
    return model


def _git_commit() -> str:
    """Commit of the checkout this code runs from; empty for an installed wheel."""
    home = Path(__file__).resolve().parents[2]
    try:
        done = subprocess.run(["git", "-C", home, "rev-parse", "HEAD"], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 and (home / ".git").exists() else ""


def _flat(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat = {}
    for key, value in tree.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat
