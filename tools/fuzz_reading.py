"""A fuzzer of the reader: recordings damaged in every way we can think of, and whether the reader notices.

    python -m tools.fuzz_reading files=5000 seed=0                    # synthetic recordings of every format
    python -m tools.fuzz_reading recordings=DIR rate=128 unit=0.1uV   # and copies of real ones; rate, unit of tables
    python -m tools.fuzz_reading index=1234 seed=0                    # one file alone, and everything about it

File `index` of seed `seed` is always the same, whatever the number of files (but for other `recordings`). Each is read
in a process of its own; `tools.fuzz.fuzz_oracle` says what counts as right. Exit code 1 if any reading was WRONG, a
CRASH, a HANG or HUNGRY.
"""

import importlib
import logging
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tokenizer.base.cli import program
from tokenizer.base.progress import track
from tokenizer.reading.read import read
from tools.fuzz.damage import Mutated
from tools.fuzz.fuzz_child import BAD, Reader, Verdict
from tools.fuzz.fuzz_oracle import Good, examine, read_good
from tools.fuzz.fuzz_seeds import Seed, seeds
from tools.fuzz.mutations import MUTATIONS, mutate

log = logging.getLogger(__name__)

HEAVY = ("polars", "scipy.fft", "scipy.io", "scipy.signal", "mne", "mne.io.fiff", "mne.io.eeglab.eeglab",
         "mne.io.brainvision.brainvision", "mne.io.edf.edf", "mne.io._read_raw")  # fmt: skip
"""What readers import when they need it: loaded beforehand, so that it does not count as memory of a file."""


@dataclass
class FuzzReading:
    files: int = 5000
    """How many damaged files are read."""
    seed: int = 0
    """Seed of all damage."""
    index: int | None = None
    """Only this file, with everything that is known about it."""
    recordings: Path | None = None
    """A folder of real EDF, BDF and CSV recordings to damage copies of, beside the synthetic ones."""
    rate: float | None = None
    """Sampling rate in Hz of its tables."""
    unit: str | None = None
    """Unit of its tables."""
    out: Path | None = None
    """Folder to keep files in that were read wrongly."""


@dataclass(frozen=True)
class Case:
    """One damaged file and what became of it."""

    index: int
    format: str
    mutation: str
    what: str
    verdict: Verdict


def main(config: FuzzReading) -> int:
    """Fuzz, and print the table of verdicts."""
    with tempfile.TemporaryDirectory() as folder:
        fuzzer = Fuzzer(read, config, Path(folder))
        if config.index is not None:
            return _say_one(fuzzer, config)
        cases = [fuzzer.run(index) for index in track(range(config.files), "fuzz")]
    bad = [case for case in cases if case.verdict.bad]
    for title, key in (("damage", lambda c: c.mutation), ("format", lambda c: c.format)):
        log.info("%s", table(title, [(key(c), c.verdict.kind) for c in cases]))
    for case in bad:
        log.info("%s: index=%d %s, %s (%s): %s", case.verdict.kind, case.index, case.format, case.mutation, case.what,
                 case.verdict.why.strip())  # fmt: skip
    log.info("most memory beyond the level before: %.0f MB; longest: %.1f s of processor time",
             max(c.verdict.memory for c in cases) / 2**20, max(c.verdict.seconds for c in cases))  # fmt: skip
    example = bad[0].index if bad else 0
    log.info("%d files, %d of them read wrongly; one alone: python -m tools.fuzz_reading seed=%d index=%d",
             len(cases), len(bad), config.seed, example)  # fmt: skip
    return 1 if bad else 0


class Fuzzer:
    """Makes, reads and judges damaged file number `index`."""

    def __init__(self, reader: Reader, config: FuzzReading, folder: Path) -> None:
        self.reader, self.config, self.folder = reader, config, folder
        os.environ.setdefault("POLARS_MAX_THREADS", "1")  # the stacks of threads count as memory
        for module in HEAVY:
            importlib.import_module(module)
        self.good: dict[int, Good] = {}
        weighted = list(seeds(config.recordings, config.rate, config.unit))
        self.seeds = [seed for seed, _ in weighted]
        weights = [w if not seed.real or self._is_good(number) else 0.0 for number, (seed, w) in enumerate(weighted)]
        self.shares = np.array(weights) / sum(weights)

    def _is_good(self, number: int) -> bool:
        try:
            return self.good_of(number) is not None
        except ValueError as error:
            log.info("left out %s", error)
            return False

    def good_of(self, number: int) -> Good:
        """What the undamaged file of a seed holds. Raises ValueError if it is not read."""
        if number not in self.good:
            seed, folder = self.seeds[number], self.folder / f"good{number}"
            folder.mkdir()
            good, verdict = read_good(self.reader, seed.write(folder), seed.options, _size(seed), folder / "good.npz")
            if good is None:
                raise ValueError(f"{seed.format} ({seed.name}), undamaged: {verdict.kind}, {verdict.why}")
            self.good[number] = good
        return self.good[number]

    def make(self, index: int) -> tuple[int, str, Mutated]:
        """Seed number, name of the mutation, and damaged file of an index."""
        random = np.random.default_rng([self.config.seed, index])
        names, weights = list(MUTATIONS), np.array([weight for _, weight in MUTATIONS.values()])
        while True:
            number = int(random.choice(len(self.seeds), p=self.shares))
            name = names[random.choice(len(names), p=weights / weights.sum())]
            if mutated := mutate(random, self.seeds[number], name):
                return number, name, mutated

    def run(self, index: int) -> Case:
        """The verdict on one damaged file."""
        number, name, mutated = self.make(index)
        folder = self.folder / "damaged"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        path = mutated.seed.write(folder)
        options = mutated.seed.options
        verdict = examine(self.reader, path, options, _size(mutated.seed), self.good_of(number), mutated.damage)
        if verdict.bad and self.config.out:
            shutil.copytree(folder, self.config.out / f"{self.config.seed}-{index}", dirs_exist_ok=True)
        seed = self.seeds[number]
        return Case(index, seed.format, name, f"{seed.name}; {mutated.damage.what}", verdict)


def table(title: str, cells: Sequence[tuple[str, str]]) -> str:
    """Counts of (row, column), rows by name, columns of what is bad last."""
    counts = Counter(cells)
    rows = [*sorted({row for row, _ in cells}), "all"]
    columns = sorted({column for _, column in cells} | set(BAD), key=lambda c: (c in BAD, c))
    number = lambda row, column: sum(n for (r, c), n in counts.items() if c == column and row in (r, "all"))
    lines = ["".join([f"{title:20}", *(f"{column:>{len(column) + 2}}" for column in columns)])]
    for row in rows:
        lines.append("".join([f"{row:20}", *(f"{number(row, c) or '·':>{len(c) + 2}}" for c in columns)]))
    return "\n".join(["", *lines])


def _size(seed: Seed) -> int:
    return sum(map(len, seed.files.values()))


def _say_one(fuzzer: Fuzzer, config: FuzzReading) -> int:
    case = fuzzer.run(config.index)
    _, _, mutated = fuzzer.make(config.index)
    log.info("file %d of seed %d: %s, %s: %s", config.index, config.seed, case.format, case.mutation, case.what)
    log.info("damaged seconds: %s; cannot be seen: %s", [tuple(round(t, 2) for t in span) for span in
             mutated.damage.spans], ", ".join(sorted(mutated.damage.unseen)) or "nothing")  # fmt: skip
    log.info("%s: %s", case.verdict.kind, case.verdict.why.strip())
    log.info(
        "%.1f MB beyond the level before, %.2f s of processor time", case.verdict.memory / 2**20, case.verdict.seconds
    )
    return int(case.verdict.bad)


if __name__ == "__main__":
    program(FuzzReading, main, "tools.fuzz_reading")
