"""The table of trials: every usable run of a data set, with picture, category, caption and split of each trial.

A run that cannot be used is left out and said, and so is one whose electrodes, samples or names of electrodes differ
from those of most runs; if none can be used that is an error. Arrays are mapped into memory and read trial by trial.
"""

import dataclasses
import logging
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from clef.trials.captions import Caption, read_captions
from clef.trials.layout import Run, list_runs
from clef.trials.runs import CheckedRun, check_run, open_array
from clef.trials.splits import SPLITS, check_splits, split_sessions
from tokenizer.base.files import fingerprint
from tokenizer.base.progress import track

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, eq=False)
class Trials:
    """n trials, one run after another.

    table: subject, session, run, index (from 0, in its run), image, category, caption, split, file, digest: (n,) each
    channels, samples: C and S · electrodes: C names, or None where no run tells them · left_out: a line per run
    """

    root: Path
    table: pl.DataFrame
    channels: int
    samples: int
    electrodes: tuple[str, ...] | None
    left_out: list[str]

    @property
    def splits(self) -> dict[str, int]:
        """How many trials each split has."""
        return {split: int((self.table["split"] == split).sum()) for split in SPLITS}

    @property
    def fingerprint(self) -> str:
        """A name for all that is in it."""
        return fingerprint(self.table.drop("file").write_csv())

    @property
    def categories(self) -> list[str]:
        """Of all pictures that were shown, sorted."""
        return self.table["category"].unique().sort().to_list()

    def of(self, *splits: str) -> "Trials":
        """The trials of some splits alone."""
        return dataclasses.replace(self, table=self.table.filter(pl.col("split").is_in(splits)))

    def rows(self, split: str) -> np.ndarray:
        """Which trials are of a split."""
        return np.flatnonzero(self.table["split"] == split)

    def signal(self, rows: Sequence[int]) -> np.ndarray:
        """Trials (len(rows), C, S) float32, in the unit of the files."""
        places = zip(self._file[rows], self._index[rows], strict=True)
        return np.stack([self._arrays[file][index].astype(np.float32) for file, index in places])

    @cached_property
    def _arrays(self) -> dict[str, np.ndarray]:
        return {name: open_array(self.root / name, name) for name in self.table["file"].unique()}

    @cached_property
    def _file(self) -> np.ndarray:
        return self.table["file"].to_numpy()

    @cached_property
    def _index(self) -> np.ndarray:
        return self.table["index"].to_numpy()


def read_trials(root: str | Path, task: str = "lowSpeed", rate: int = 1000) -> Trials:
    """All usable trials under `root`, checked. Each file is read once, in pieces.

    Raises ValueError (one line) if captions.txt cannot be used, or no run can.
    """
    root = Path(root)
    runs, left_out = list_runs(root, task, rate)
    total, captions = len(runs) + len(left_out), read_captions(root)
    split = _splits(runs, left_out)
    usable = [run for run in runs if run.subject in split]
    checked = [one for run in track(usable, "trials") if (one := _checked(run, captions, left_out)) is not None]
    alike, electrodes = _alike(checked, left_out)
    kept = _with_training(alike, split, left_out)
    if not kept:
        raise ValueError(f"{root}: none of {total} runs can be used; the first: {left_out[0]}")
    table = pl.concat([_rows(one, captions, split[one.run.subject]) for one in kept])
    check_splits(table)
    for line in left_out:
        log.warning("left out: %s", line)
    log.info("%d trials of %d runs; %d of %d runs left out", len(table), len(kept), total - len(kept), total)
    return Trials(root, table, *kept[0].shape[1:], electrodes, left_out)


def _splits(runs: list[Run], left_out: list[str]) -> dict[str, dict[str, str]]:
    """Subject -> session -> split; subjects with too few sessions are left out."""
    splits: dict[str, dict[str, str]] = {}
    for subject in dict.fromkeys(run.subject for run in runs):
        try:
            splits[subject] = split_sessions(run.session for run in runs if run.subject == subject)
        except ValueError as error:
            left_out.append(f"{subject}: {error}; add sessions, or take the folder away")
    return splits


def _checked(run: Run, captions: dict[str, Caption], left_out: list[str]) -> CheckedRun | None:
    try:
        return check_run(run, captions)
    except ValueError as error:
        left_out.append(str(error))
    return None


def _alike(checked: list[CheckedRun], left_out: list[str]) -> tuple[list[CheckedRun], tuple[str, ...] | None]:
    """The runs that have the shape and the electrodes of most, and the names of these."""
    if not checked:
        return [], None
    shape = _commonest([one.shape[1:] for one in checked])
    named = [one.electrodes for one in checked if one.electrodes and one.shape[1:] == shape]
    electrodes, kept = _commonest(named) if named else None, []
    for one in checked:
        name = one.run.name(one.run.array)
        if one.shape[1:] != shape:
            has, wanted = (" x ".join(map(str, each)) for each in (one.shape[1:], shape))
            left_out.append(f"{name}: {has} electrodes x samples, most runs have {wanted}; cut it like the others")
        elif one.electrodes not in (None, electrodes):
            pairs = zip(one.electrodes, electrodes, strict=True)
            mine, theirs = next(pair for pair in pairs if pair[0] != pair[1])
            left_out.append(
                f"{one.run.name(one.run.sidecar)}: electrode {mine} where most runs have {theirs}; bring the "
                f"electrodes into one order, or leave the run out"
            )
        else:
            kept.append(one)
    return kept, electrodes


def _with_training(
    checked: list[CheckedRun], split: dict[str, dict[str, str]], left_out: list[str]
) -> list[CheckedRun]:
    """The runs of subjects that have one to learn from: without it there can be no head for the others."""
    learned = {one.run.subject for one in checked if split[one.run.subject][one.run.session] == "train"}
    for subject in dict.fromkeys(one.run.subject for one in checked if one.run.subject not in learned):
        left_out.append(f"{subject}: no run of its training sessions can be used, so none of it is; repair one of them")
    return [one for one in checked if one.run.subject in learned]


def _rows(one: CheckedRun, captions: dict[str, Caption], split: dict[str, str]) -> pl.DataFrame:
    """The rows of one run."""
    known = [captions[image] for image in one.images]
    whole: dict[str, Any] = {"subject": one.run.subject, "session": one.run.session, "run": one.run.run}
    table = pl.DataFrame({"index": np.arange(len(one.images)), "image": one.images}).with_columns(
        category=pl.Series([caption.category for caption in known]),
        caption=pl.Series([caption.text for caption in known]),
    )
    whole |= {"split": split[one.run.session], "file": one.run.name(one.run.array), "digest": one.digest}
    return table.with_columns(**{key: pl.lit(value) for key, value in whole.items()}).select(COLUMNS)


def _commonest(values: list[Any]) -> Any:
    """The value that stands most often; of equals the first."""
    return Counter(values).most_common(1)[0][0]


COLUMNS = ("subject", "session", "run", "index", "image", "category", "caption", "split", "file", "digest")
