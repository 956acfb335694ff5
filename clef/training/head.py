"""What a run was started with: config.yaml and run.json, compared when it goes on, written again when it does.

run.json names the contents of what the run is fed with and, by a fingerprint, its settings. Checkpoints repeat it, so
that a run goes on although a power cut has taken one of the two files.
"""

import dataclasses
import json
import logging
import subprocess
import uuid
from pathlib import Path
from typing import Any

import clef
from clef.training.checkpoints import read_object
from tokenizer.base import ranks
from tokenizer.base.files import fingerprint, write_json, write_text
from tokenizer.base.values import read_yaml, to_yaml

log = logging.getLogger(__name__)
# settings that change neither numbers nor meaning, and so may differ when a run goes on
FREE = {"out", "device", "workers", "threads", "wandb", "log_every", "checkpoint_minutes", "dry_run"}
FREE |= {"recon.probe", "recon.probe_tasks"}  # what is monitored beside the loss
FREE |= {"machine", "epochs", "fewest_steps", "most_steps"}  # they act through what they set: steps above all


class Head:
    """The settings of a run and the fingerprints of its inputs, beside what is written of them in its folder."""

    def __init__(self, folder: Path, config: Any, inputs: dict[str, str], repeated: dict[str, Any]) -> None:
        """`config`: the program's dataclass · `repeated`: what the newest checkpoint repeats of run.json."""
        self.folder, self.inputs, self.repeated = folder, inputs, repeated
        self.settings = flat(dataclasses.asdict(config))
        self.defaults = flat(dataclasses.asdict(type(config)()))
        self.config = dataclasses.asdict(config)

    def check_same(self) -> None:
        """Raise ValueError, with the names of what differs, unless the run was started with these settings."""
        file = self.folder / "run.json"
        before = read_object(file)
        if before is None:
            before = self.repeated
            rest = "taken from a checkpoint" if before else "what the run was fed with cannot be compared"
            _say(f"{file}: missing or damaged; {rest}")
        inputs = before.get("inputs", self.inputs)
        differ = self._differing_settings(self.repeated | before)
        differ += sorted(f"contents of {k}" for k in self.inputs if inputs.get(k) != self.inputs[k])
        if differ:
            raise ValueError(
                f"out={self.folder}: this run was started with another {', '.join(differ)}; "
                f"use the same settings to go on, or another out= to start anew"
            )

    def _differing_settings(self, before: dict[str, Any]) -> list[str]:
        """The settings in which config.yaml and this command differ."""
        file = self.folder / "config.yaml"
        try:
            stored = flat(read_yaml(file))
            steps = int(stored["steps"])
        except (ValueError, TypeError, AttributeError, KeyError, FileNotFoundError):
            return self._differs_as_a_whole(file, before)
        stored = self.defaults | stored  # a setting that is younger than the run was at its default
        names = stored.keys() | self.settings.keys()
        differ = sorted(k for k in names if stored.get(k) != self.settings.get(k) and _counts(k))
        return differ + ["steps (may only grow)"] * (steps > self.settings["steps"])

    def _differs_as_a_whole(self, file: Path, before: dict[str, Any]) -> list[str]:
        """The same where config.yaml is damaged: the fingerprint says whether, but not in which."""
        if not isinstance(before.get("settings"), str) or not isinstance(before.get("steps"), int):
            raise ValueError(
                f"{file}: missing or damaged, and nothing else says what the settings were; bring it back from a "
                f"copy, or give another out= to start anew"
            )
        _say(f"{file}: missing or damaged; written again from the settings given")
        same = before["settings"] == self._fingerprint() and before["steps"] <= self.settings["steps"]
        return [] if same else ["setting (which one is not known, config.yaml is damaged)"]

    def _fingerprint(self) -> str:
        """A name for the settings that a run must keep; it gives no path away."""
        return fingerprint(json.dumps({k: v for k, v in self.settings.items() if _counts(k)}, sort_keys=True))

    def write(self) -> dict[str, Any]:
        """Write both files; returns the contents of run.json, with the run's name at W&B, which it keeps."""
        before = self.repeated | (read_object(self.folder / "run.json") or {})
        name = str(before.get("wandb_id") or uuid.uuid4().hex[:16])
        about = {"inputs": self.inputs, "git_commit": _git_commit(), "clef_version": clef.__version__}
        about |= {"settings": self._fingerprint(), "steps": self.settings["steps"], "wandb_id": name}
        write_text(self.folder / "config.yaml", to_yaml(self.config))
        write_json(self.folder / "run.json", about)
        return about


def flat(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings by dotted name."""
    flattened = {}
    for key, value in tree.items():
        flattened |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flattened


def _counts(name: str) -> bool:
    """Whether a run must keep this setting."""
    return name not in FREE and name != "steps"


def _say(text: str) -> None:
    if ranks.RANK == 0:
        log.warning(text)


def _git_commit() -> str:
    """Commit of the checkout this code runs from; empty for an installed wheel."""
    home = Path(__file__).resolve().parents[2]
    try:
        done = subprocess.run(["git", "-C", home, "rev-parse", "HEAD"], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 and (home / ".git").exists() else ""
