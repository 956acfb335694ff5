"""The checkpoints of a run: each whole or passed over, the newest two kept.

    checkpoints/step-00000100/{objective,optimizer,ema}.safetensors  manifest.json

The manifest holds the size and the SHA-256 of every file, and what run.json says of the run, so that a run whose other
files a power cut has taken can still tell what it was. Folders without one are of older versions: what opens is taken.
"""

import json
import logging
import shutil
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from tokenizer.base.files import file_digest, remove_leftovers, write_aside

log = logging.getLogger(__name__)
KEEP = 2
PARTS = ("objective", "optimizer", "ema")
MANIFEST = "manifest.json"
NONE = -1
"""Steps done where there is no checkpoint."""


class Checkpoints:
    """The folder `RUN/checkpoints`, of one process that holds the run's lock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def all(self) -> list[Path]:
        """Checkpoint folders, oldest first, whole or not."""
        return sorted(path for path in self.folder.glob("step-*") if path.is_dir())

    def save(self, step: int, tensors: dict[str, dict[str, Tensor]], about: dict[str, Any]) -> None:
        """Write a checkpoint, whole or not at all, and drop the damaged ones and all but the newest two whole ones."""
        remove_leftovers(self.folder)
        with write_aside(self.path(step)) as aside:
            aside.mkdir(parents=True)
            for name, part in tensors.items():
                save_file({k: v.detach().cpu().contiguous() for k, v in part.items()}, aside / f"{name}.safetensors")
            files = {file.name: {"bytes": file.stat().st_size, "sha256": file_digest(file)} for file in aside.iterdir()}
            (aside / MANIFEST).write_text(json.dumps({"step": step, "files": files, "run": about}), encoding="utf-8")
        for old in self._superseded(step):
            shutil.rmtree(old)

    def _superseded(self, step: int) -> list[Path]:
        """All but the newest two up to `step`: what is of a later step is what a run fell back from."""
        past = [path for path in self.all() if _step(path) <= step]
        return [path for path in self.all() if path not in past[-KEEP:]]

    def newest_whole(self) -> int:
        """The step of the newest checkpoint that is whole, NONE if there is none; names what is damaged in one line.

        Raises ValueError if there are several, all of them damaged: to start anew would throw a run away.
        """
        folders = self.all()
        for folder in reversed(folders):
            if not (damage := self._damage(folder)):
                return _step(folder)
            back = [path for path in folders if path < folder]
            where = f"step {_step(back[-1])}" if back else "the start"
            log.warning("checkpoint %s/%s; going back to %s", folder.name, damage, where)
        if len(folders) > 1:
            raise ValueError(
                f"{self.folder}: all {len(folders)} checkpoints are damaged; bring one back from a copy, or remove "
                f"this folder to start anew"
            )
        return NONE

    def load(self, step: int) -> dict[str, dict[str, Tensor]]:
        """The tensors by part of the checkpoint after `step` steps."""
        return {name: load_file(self.path(step) / f"{name}.safetensors") for name in PARTS}

    def about(self) -> dict[str, Any]:
        """What the newest readable manifest says of the run; empty if there is none."""
        manifests = (read_object(folder / MANIFEST) for folder in reversed(self.all()))
        return next((m["run"] for m in manifests if m and isinstance(m.get("run"), dict)), {})

    def path(self, step: int) -> Path:
        """The folder of the checkpoint after `step` steps."""
        return self.folder / f"step-{step:08d}"

    def _damage(self, folder: Path) -> str:
        """Which file of a checkpoint is not as it was written, and how; empty if all are."""
        if not (folder / MANIFEST).exists():
            older = any((path / MANIFEST).exists() for path in self.all() if path < folder)
            return f"{MANIFEST} is missing" if older else _damage_without_manifest(folder)
        files = (read_object(folder / MANIFEST) or {}).get("files")
        if not isinstance(files, dict) or not {f"{name}.safetensors" for name in PARTS} <= files.keys():
            return f"{MANIFEST} is damaged"
        return next((damage for name, expected in files.items() if (damage := _compare(folder / name, expected))), "")


def _step(folder: Path) -> int:
    return int(folder.name.removeprefix("step-"))


def _compare(file: Path, expected: dict[str, Any]) -> str:
    """How a file differs from its line in the manifest: missing, cut, or other bytes."""
    if not file.is_file():
        return f"{file.name} is missing"
    if file.stat().st_size != expected.get("bytes"):
        return f"{file.name} has {file.stat().st_size} bytes of {expected.get('bytes')}"
    return "" if file_digest(file) == expected.get("sha256") else f"{file.name} is not what was written (its digest)"


def _damage_without_manifest(folder: Path) -> str:
    for name in PARTS:
        file = folder / f"{name}.safetensors"
        if not file.is_file():
            return f"{file.name} is missing"
        try:
            with safe_open(file, "pt"):  # compares the header with the file's length
                pass
        except (SafetensorError, OSError) as error:
            return f"{file.name} cannot be opened ({error})"
    return ""


def read_object(file: Path) -> dict[str, Any] | None:
    """The JSON object in a file; None if it is missing, cut or something else."""
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError, RecursionError):  # of JSON, or of UTF-8
        return None
    return value if isinstance(value, dict) else None
