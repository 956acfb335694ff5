"""Random damage to every kind of store, and what programs make of it.

    python -m tools.damage_stores                              # 2,000 damages to each kind, some minutes
    python -m tools.damage_stores kinds=[model,run] number=500
    python -m tools.damage_stores kinds=[tokens] index=17      # one damage again, in words

A store is written, damaged in one or two files, and used as a program uses it, in a process of its own. Outcomes:

    same       what was read is what was written (bytes that nobody reads, or a file that was not asked for)
    refused    one line, a ValueError
    traceback  any other error, several lines, or the process ended
    wrong      something else was read, without a word
    hung       nothing after `seconds`

Exit code 1 if any damage ended in one of the last three.
"""

import dataclasses
import logging
import multiprocessing
import shutil
import tempfile
import traceback
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from tokenizer.base.cli import ConfigError, program
from tokenizer.base.progress import track
from tools.stores.damages import DAMAGES, files_of
from tools.stores.kinds import KINDS

log = logging.getLogger(__name__)
OUTCOMES = ("same", "refused", "traceback", "wrong", "hung")
BAD = OUTCOMES[2:]
SPAWN = multiprocessing.get_context("spawn")  # polars has threads, which do not survive a fork


@dataclasses.dataclass
class DamageStores:
    """Settings of tools.damage_stores."""

    kinds: list[str] = dataclasses.field(default_factory=lambda: list(KINDS))
    """Kinds of stores; model (a model folder) and run (the checkpoints of a run) can be asked for, too."""
    number: int = 2000
    """Damages to each kind."""
    seed: int = 0
    """Seed of all damages."""
    seconds: float = 20.0
    """Longest time for one use of a store."""
    index: int = -1
    """One damage alone: its number."""
    show: int = 10
    """Most damages of a bad outcome to show of each kind."""


def main(config: DamageStores) -> int:
    """Damage, judge, print the table."""
    if unknown := set(config.kinds) - set(KINDS):
        raise ConfigError(f"kinds: {min(unknown)!r} is none of {', '.join(KINDS)}")
    counts: Counter[tuple[str, str, str]] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for kind in config.kinds:
            shown = 0
            with Bench(kind, Path(folder) / kind, config) as bench:
                numbers = range(config.number) if config.index < 0 else [config.index]
                for number in track(numbers, kind, len(numbers)):
                    name, what, outcome, why = bench.damage(number)
                    counts[kind, name, outcome] += 1
                    if config.index >= 0 or (outcome in BAD and shown < config.show):
                        shown += 1
                        log.warning("%s %d, %s: %s: %s: %s", kind, number, name, what, outcome, why)
    print(table(counts))
    return int(any(outcome in BAD for _, _, outcome in counts))


def table(counts: Counter[tuple[str, str, str]]) -> str:
    """Outcomes of each kind of store and of damage."""
    lines = ["".join([f"{'store':12}{'damage':14}", *(f"{outcome:>11}" for outcome in OUTCOMES)])]
    for kind in dict.fromkeys(kind for kind, _, _ in counts):
        for name in [*DAMAGES, "all"]:
            row = [sum(n for (k, d, o), n in counts.items() if k == kind and o == outcome and name in (d, "all"))
                   for outcome in OUTCOMES]  # fmt: skip
            if any(row):
                lines.append("".join([f"{kind:12}{name:14}", *(f"{n or '·':>11}" for n in row)]))
    return "\n".join(lines)


class Bench:
    """A store of one kind, another of its kind, and a process that uses the damaged copy."""

    def __init__(self, kind: str, folder: Path, config: DamageStores):
        self.kind, self.config = kind, config
        self.whole, self.other, self.copy = (folder / name for name in ("whole", "other", "copy"))
        for seed, place in enumerate((self.whole, self.other)):
            place.mkdir(parents=True)
            KINDS[kind].make(place, seed)
        shutil.copytree(self.whole, self.copy)
        self.expected = KINDS[kind].allowed(self.whole) | {KINDS[kind].use(self.copy)}
        self.child: tuple[multiprocessing.Process, Connection] | None = None

    def __enter__(self) -> "Bench":
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def damage(self, number: int) -> tuple[str, str, str, str]:
        """Damage `number`: its name, what it did, the outcome and the line it ended in. Depends on seed and number."""
        random = np.random.default_rng((self.config.seed, number))
        self._restore()
        what = None
        while what is None:
            name = list(DAMAGES)[int(random.integers(len(DAMAGES)))]
            what = DAMAGES[name](random, self.copy, self.other if KINDS[self.kind].folder else None)
        kind, message = self._ask()
        if kind == "read":
            kind = "same" if message in self.expected else "wrong"
        return name, what, kind, message

    def _restore(self) -> None:
        """Files that differ from the original are copied again, others removed."""
        names = {path.relative_to(self.whole) for path in files_of(self.whole)}
        for path in files_of(self.copy):
            if path.relative_to(self.copy) not in names:
                path.unlink()
        for name in names:
            if _stamp(self.copy / name) != _stamp(self.whole / name):
                shutil.copy2(self.whole / name, self.copy / name)

    def _ask(self) -> tuple[str, str]:
        """What a process of its own makes of the copy."""
        if self.child is None:
            ours, theirs = SPAWN.Pipe()
            process = SPAWN.Process(target=answer, args=(theirs, self.kind, str(self.copy)), daemon=True)
            process.start()
            theirs.close()
            self.child = process, ours
            ours.recv()  # it has loaded what it needs: the time begins now
        ours = self.child[1]
        try:
            ours.send("use")
            if ours.poll(self.config.seconds):
                return ours.recv()
            self._end()
            return "hung", f"{self.config.seconds:g} s"
        except (EOFError, OSError):
            self._end()
            return "traceback", "the process ended"

    def _end(self) -> None:
        if self.child:
            self.child[0].kill()
            self.child[0].join()
            self.child[1].close()
            self.child = None


def _stamp(path: Path) -> tuple[int, int] | None:
    """Size and time of the last change; a copy has those of its original until it is damaged."""
    return (path.stat().st_size, path.stat().st_mtime_ns) if path.is_file() else None


def answer(pipe: Connection, kind: str, folder: str) -> None:
    """In the child: use the store whenever asked, and say how it ended."""
    logging.disable()
    pipe.send("ready")
    while pipe.recv():
        pipe.send(judge(kind, Path(folder)))


def judge(kind: str, folder: Path) -> tuple[str, str]:
    """("read", digest of what was read), ("refused", its line) or ("traceback", its last lines)."""
    try:
        return "read", KINDS[kind].use(folder)
    except ValueError as error:
        line = str(error)
        if type(error) is ValueError and "\n" not in line and 20 <= len(line) <= 600:
            return "refused", line
        return "traceback", f"{type(error).__name__}, not a line for people: {line[:300]!r}"
    except BaseException as error:
        return "traceback", "".join(traceback.format_exception(error)[-3:])


if __name__ == "__main__":
    program(DamageStores, main, "tools.damage_stores")
