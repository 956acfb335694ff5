"""The layout of a data set of trials, as OpenNeuro's ds005589 has it: which files belong to one run.

    ROOT/captions.txt                                                        clef.trials.captions
    ROOT/sub-XX/ses-YY/sub-XX_ses-YY_task-lowSpeed_run-ZZ_1000Hz.npy         (trials, electrodes, samples)
                       sub-XX_ses-YY_task-lowSpeed_run-ZZ_1000Hz.json        rate and electrodes, if it tells them
                       sub-XX_ses-YY_task-lowSpeed_run-ZZ_image.csv          a row per trial, column FilePath

The published runs have 100 trials of 122 electrodes and 500 samples; numbers are taken from the files.
"""

import dataclasses
import glob
import re
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Run:
    """One run: labels as in its name (`sub-01`, `ses-02`, `01`), and the root that its files lie under."""

    root: Path
    subject: str
    session: str
    run: str
    task: str
    rate: int

    @property
    def stem(self) -> str:
        """What the names of its files begin with, from the root on; this is what messages call it."""
        return f"{self.subject}/{self.session}/{self.subject}_{self.session}_task-{self.task}_run-{self.run}"

    @property
    def array(self) -> Path:
        """The trials."""
        return self.root / f"{self.stem}_{self.rate}Hz.npy"

    @property
    def sidecar(self) -> Path:
        """What is said of rate and electrodes; may be missing."""
        return self.root / f"{self.stem}_{self.rate}Hz.json"

    @property
    def images(self) -> Path:
        """Which picture each trial saw."""
        return self.root / f"{self.stem}_image.csv"

    def name(self, path: Path) -> str:
        """A file of it, from the root on."""
        return path.relative_to(self.root).as_posix()


def list_runs(root: Path, task: str, rate: int) -> tuple[list[Run], list[str]]:
    """All runs of a task under `root`, in natural order of subject, session and run; and a line for each misplaced one.

    Raises ValueError (one line) if there is none.
    """
    if not root.is_dir():
        raise ValueError(f"{root}: there is no such folder; give the one that holds captions.txt and sub-XX/ses-YY")
    paths = sorted(root.glob(f"sub-*/ses-*/*_task-{glob.escape(task)}_run-*_{rate}Hz.npy"))
    if not paths:
        raise ValueError(
            f"{root}: no sub-XX/ses-YY/sub-XX_ses-YY_task-{task}_run-ZZ_{rate}Hz.npy in it; give the folder above the "
            f"subjects', and the task and the rate that its files are called by"
        )
    runs, misplaced = [], []
    for path in paths:
        if (run := _run(root, path, task, rate)) is not None:
            runs.append(run)
        else:
            name = path.relative_to(root).as_posix()
            misplaced.append(f"{name}: its name and its folder tell different subjects or sessions; move or rename it")
    return sorted(runs, key=lambda run: natural(run.stem)), misplaced


def _run(root: Path, path: Path, task: str, rate: int) -> Run | None:
    pattern = rf"(sub-[^_]+)_(ses-[^_]+)_task-{re.escape(task)}_run-([^_]+)_{rate}Hz\.npy"
    match, place = re.fullmatch(pattern, path.name), (path.parent.parent.name, path.parent.name)
    return Run(root, *match.groups(), task, rate) if match and match.groups()[:2] == place else None


def natural(label: str) -> list[tuple[int, str]]:
    """A key to sort labels by in which ses-10 comes after ses-9."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", label)]
