"""Running CLEF's programs as processes of their own, and tiny networks, shared by the tests.

A program runs exactly as `python -m NAME …` would, in a real process with its own exit code and stderr that can be
killed; it is forked from a server that has imported torch already, which saves three seconds each time.
"""

import importlib
import multiprocessing
import os
import runpy
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from tests import environment
from tests.environment import threads
from tokenizer.edf.writer import eeg, write_edf
from tokenizer.store import Tokens

ROOT = environment.ROOT
SERVER = multiprocessing.get_context("forkserver")
PRELOADED = [
    "clef.model",
    "clef.stages.align",
    "clef.stages.tokenizer",
    "clef.training.run",
    "clef.cohort",
    "clef.embeddings",
]
PRELOADED += ["torch._dynamo", "jinja2", "scipy.linalg", "huggingface_hub.repocard"]  # slow, and used by every training

TINY = {
    **{"model": "tiny", "threads": threads(), "workers": 0, "device": "cpu", "batch": 4},
    **{"log_every": 1, "validate_every": 4},
    **{
        "vqgan.width": 16,
        "vqgan.encoder_blocks": 1,
        "vqgan.decoder_blocks": 1,
        "vqgan.codes": 64,
        "vqgan.code_dimension": 8,
    },
    **{"encoder.width": 32, "encoder.heads": 2, "encoder.encoder_layers": 2, "encoder.decoder_layers": 1},
    "recon.bottleneck": False,  # it takes longer than the run that it is beside
    **{"report_encoder.width": 32, "report_encoder.layers": 1, "report_encoder.heads": 2, "report_encoder.output": 16},
    **{"record_encoder.width": 32, "record_encoder.layers": 1, "record_encoder.heads": 2, "record_encoder.output": 16},
    **{"report_encoder.vocabulary": 300, "record_encoder.min_count": 1},
    **{"narrator.width": 16, "narrator.layers": 1, "narrator.heads": 2, "narrator.words": 300, "narrator.length": 24},
    **{"tokenizer_stage.crop_frames": 40, "tokenizer_stage.scale_sessions": 4},
    **{"tokenizer_stage.validation_sessions": 2},
}
"""Settings of clef.pretrain that make every stage take a second."""
PATIENCE = 600
"""Seconds to wait for what must happen: a busy machine, or one that reads torch over a network, may need them."""
TIMES = {"seconds", "wait_share"}
"""What no two runs have in common in metrics.jsonl."""


@dataclass
class Done:
    """How a program ended."""

    code: int
    out: str
    err: str

    @property
    def one_line(self) -> bool:
        """Whether stderr is exactly one line, and not a traceback."""
        return self.err.count("\n") == 1 and "Traceback" not in self.err


@dataclass
class Running:
    """A program at work."""

    process: multiprocessing.Process
    folder: Path

    def kill(self, number: int = signal.SIGKILL) -> None:
        os.kill(self.process.pid, number)

    def wait(self, seconds: float = PATIENCE) -> Done:
        self.process.join(seconds)
        if self.process.exitcode is None:
            self.kill()
            raise TimeoutError(f"still running after {seconds} s: {(self.folder / 'err').read_text()}")
        return Done(self.process.exitcode, *((self.folder / name).read_text() for name in ("out", "err")))


def start(folder: Path, program: str, *arguments: str, environ: dict[str, str] | None = None, **settings) -> Running:
    """Start `python -m program arguments… name=value…`; its output goes to new files in `folder`."""
    SERVER.set_forkserver_preload(PRELOADED)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "out").write_text("")
    (folder / "err").write_text("")
    argv = [program, *arguments, *(f"{k}={v}" for k, v in settings.items())]
    process = SERVER.Process(target=_child, args=(argv, str(folder), environ or {}))
    process.start()
    return Running(process, folder)


def run(folder: Path, program: str, *arguments: str, **settings: object) -> Done:
    """Run a program to its end."""
    return start(folder, program, *arguments, **settings).wait()


def pretrain(folder: Path, stage: str, **settings: object) -> Done:
    """Run a tiny `clef.pretrain` to its end."""
    return run(folder, "clef.pretrain", **({"stage": stage} | TINY | settings))


def pretrain_on_two(folder: Path, stage: str, **settings: object) -> list[Done]:
    """Run a tiny `clef.pretrain` as two processes, told so as torchrun tells them."""
    common = {"WORLD_SIZE": "2"} | meeting_point()
    given = {"stage": stage} | TINY | settings
    ranks = [common | {"RANK": rank, "LOCAL_RANK": rank} for rank in "01"]
    both = [start(folder / e["RANK"], "clef.pretrain", environ=e, **given) for e in ranks]
    return [running.wait() for running in both]


def on_two(target, *given: object) -> None:
    """Call `target(*given)` in two processes that form a group, told so as torchrun tells them; both must end well."""
    SERVER.set_forkserver_preload(PRELOADED)
    common = {"WORLD_SIZE": "2"} | meeting_point()
    environs = [common | {"RANK": rank, "LOCAL_RANK": rank} for rank in "01"]
    both = [SERVER.Process(target=_member, args=(environ, target, given)) for environ in environs]
    for process in both:
        process.start()
    for process in both:
        process.join(PATIENCE)
        process.kill()
    assert [process.exitcode for process in both] == [0, 0]


def meeting_point() -> dict[str, str]:
    """Where processes that torchrun did not start find each other, as it would tell them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}


def must(done: Done) -> Done:
    """The program ended well, or the test fails with what it said."""
    assert done.code == 0, f"exit code {done.code}: {done.err}"
    return done


def slow_recording(path: Path) -> Path:
    """A recording in 900 pieces at 1 kHz: half a minute's work, at which a program is stopped however fast it was."""
    return write_edf(path, eeg(90, 1000), 1000, onsets=[0.2 * i for i in range(900)], kind="EDF+D", seconds=0.1)


def wait_until(condition, running: Running, seconds: float = PATIENCE) -> bool:
    """Wait until `condition()`; False if the program ended before."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        if running.process.exitcode is not None:
            return False
        time.sleep(0.002)
    raise TimeoutError((running.folder / "err").read_text())


def slow_loop(watch: Callable[[Iterator[int]], Iterable[int]]) -> tuple[float, float]:
    """Sleep four times in a source and in the loop over `watch(source)`: the least and the most s that were waited.

    The source's sleeps are waited for and the loop's are not, however long each takes on a busy machine.
    """
    source_seconds, loop_seconds = [], []

    def source() -> Iterator[int]:
        for i in range(4):
            source_seconds.append(_sleep(0.03))
            yield i

    began = time.perf_counter()
    for _ in watch(source()):
        loop_seconds.append(_sleep(0.01))
    return sum(source_seconds), time.perf_counter() - began - sum(loop_seconds)


def _sleep(seconds: float) -> float:
    """Sleep, and say how long it was."""
    began = time.perf_counter()
    time.sleep(seconds)
    return time.perf_counter() - began


def _child(argv: list[str], folder: str, environ: dict[str, str]) -> None:
    for number, name in ((1, "out"), (2, "err")):
        opened = os.open(Path(folder) / name, os.O_WRONLY | os.O_APPEND)
        os.dup2(opened, number)
    sys.stdout = os.fdopen(1, "w", buffering=1)
    sys.stderr = os.fdopen(2, "w", buffering=1)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # the fork server ignores Ctrl-C
    torch.set_num_threads(threads())
    os.environ.update(environ)
    importlib.reload(importlib.import_module("tokenizer.base.ranks"))  # it has asked the server's environment
    sys.argv = argv
    sys.modules.pop(argv[0], None)  # the program itself may have been imported by another module of ours
    runpy.run_module(argv[0], run_name="__main__", alter_sys=True)


def _member(environ: dict[str, str], target, given: tuple) -> None:
    torch.set_num_threads(threads())
    os.environ.update(environ)
    ranks = importlib.reload(importlib.import_module("tokenizer.base.ranks"))  # it has asked the server's environment
    ranks.set_up("cpu")
    target(*given)
    ranks.leave()


def calls_of(functions: Iterable[Callable], act: Callable[[], object]) -> dict[str, int]:
    """How often `act()` calls each of `functions`, by name, as Python's own profiler sees it."""
    names = {function.__code__: function.__name__ for function in functions}
    counts = dict.fromkeys(names.values(), 0)

    def watch(frame, event, _):
        if event == "call" and frame.f_code in names:
            counts[names[frame.f_code]] += 1

    sys.setprofile(watch)
    try:
        act()
    finally:
        sys.setprofile(None)
    return counts


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file of a folder: when it was changed and what is in it."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): (p.stat().st_mtime_ns, p.read_bytes()) for p in files}


def spectrogram(batch: int, frames: int, seed: int = 0) -> torch.Tensor:
    """Something like scaled dB (B, 19, 128, T): smooth over time and partly shared over channels."""
    rng = np.random.default_rng(seed)
    shared, own = rng.standard_normal((batch, 1, 128, frames)), rng.standard_normal((batch, 19, 128, frames))
    slope = -np.linspace(0, 20, 128)[:, None]
    return torch.from_numpy(slope + 4 * shared + 3 * own).float().clamp(-40, 40)


def random_tokens(n: int = 12, columns: int = 20, seed: int = 0, codes: int = 11) -> Tokens:
    """Sessions of 3 to `columns` columns on 4 rows, two of one subject; every third is of split val."""
    rng = np.random.default_rng(seed)
    valid = np.arange(columns) < rng.integers(3, columns + 1, (n, 1))
    names = np.array([f"s{i}" for i in range(n)], object)
    split, level = np.array(["train", "train", "val"])[np.arange(n) % 3], rng.normal(0, 5, n).astype(np.float32)
    tokens = rng.integers(0, codes, (n, 4, columns)).astype(np.uint16)
    return Tokens(tokens, valid, names, np.arange(n) // 2, split, level, np.ones((n, 19), bool))
