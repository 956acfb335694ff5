"""What the tokenizer costs: parameters, operations, and how long a session takes, from a recording to tokens and back.

    python -m tools.time_tokenizer                          # all sizes, on the device there is
    python -m tools.time_tokenizer models=[tiny,small] threads=1

Networks are untrained: the cost does not depend on the weights. Operations are those of matrix products and
convolutions as PyTorch's `FlopCounterMode` counts them, a multiplication and an addition as two; parameters are those
that training learns, the codes among them. "With reading" begins at a synthetic EDF of 19 channels at 256 Hz and reads,
filters, estimates and encodes one after the other, as `tokenizer.encode workers=0` does. Figures are
medians; with threads=1 on a CPU they are processor time, else time of the clock.
"""

import logging
import statistics
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from clef.training.settings import PretrainConfig
from clef.training.trial import seconds_of
from tokenizer import read
from tokenizer.base import ranks
from tokenizer.base.cli import ConfigError, parse, preset_groups, program
from tokenizer.base.files import write_text
from tokenizer.base.progress import track
from tokenizer.readings import reading_of
from tokenizer.tokens import tokenise
from tokenizer.vqgan import VQGAN
from tools.time_reading import TimeReading, make_recording

log = logging.getLogger(__name__)


@dataclass
class TimeTokenizer:
    models: list[str] = field(default_factory=lambda: ["tiny", "small", "medium", "base"])
    """Sizes of clef.pretrain."""
    seconds: int = 1280
    """Length of the synthetic recording; by default a whole session."""
    repeats: int = 5
    """How often each step runs; figures are medians."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N."""
    threads: int = 0
    """CPU threads of this process; 0 leaves the choice to PyTorch."""
    seed: int = 0
    """Seed of the recording and the weights."""
    out: Path | None = None
    """Where to write the table as Markdown as well."""


def main(config: TimeTokenizer) -> int:
    """Time, and print the table."""
    known = preset_groups("clef.pretrain")["model"]
    if unknown := sorted(set(config.models) - set(known)):
        raise ConfigError(f"models={unknown[0]}: there is no such size; there are: {', '.join(known)}")
    if config.threads:
        torch.set_num_threads(config.threads)
    device = ranks.set_up(config.device)
    with tempfile.TemporaryDirectory() as folder:
        recording = make_recording(
            Path(folder) / "synthetic.edf", TimeReading(minutes=config.seconds / 60, seed=config.seed)
        )
        rows = [row(name, recording, device, config) for name in track(config.models, "sizes")]
    lines = [*heading(config, device), *rows]
    print("\n".join(lines))
    if config.out:
        write_text(config.out, "\n".join(lines) + "\n")
        log.info("wrote %s", config.out)
    return 0


def heading(config: TimeTokenizer, device: torch.device) -> Iterator[str]:
    """What was timed on what, and the head of the table."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    yield f"{name}, {torch.get_num_threads()} threads, PyTorch {torch.__version__}; a session of {config.seconds:,} s"
    yield ""
    yield "| size | parameters | GFLOP to encode | to decode | ms to encode | with reading | to decode |"
    yield "|---|---|---|---|---|---|---|"


def row(name: str, recording: Path, device: torch.device, config: TimeTokenizer) -> str:
    """A row of the table."""
    vqgan = make_network(name, config.seed).to(device)
    reading = reading_of(read(recording))
    tokens = vqgan.encode(reading.spec[None].to(device))
    encode, decode = lambda: tokenise(reading, vqgan), lambda: vqgan.decode(tokens)
    whole = lambda: tokenise(recording, vqgan)
    operations = [gigaflop(step) for step in (encode, decode)]
    times = [milliseconds(step, device, config.repeats) for step in (encode, whole, decode)]
    cells = [f"{count / 1e6:.2f} M" for count in [parameters(vqgan)]]
    cells += [f"{number:.3g}" for number in operations] + [f"{time:.0f}" for time in times]
    return f"| {name} | {' | '.join(cells)} |"


def make_network(name: str, seed: int) -> VQGAN:
    """An untrained tokenizer of a size of clef.pretrain."""
    torch.manual_seed(seed)
    return VQGAN(parse(PretrainConfig, "clef.pretrain", ["stage=tokenizer", f"model={name}", "out=none"]).vqgan).eval()


def parameters(vqgan: VQGAN) -> int:
    """Learned numbers: those of the optimiser and the codes, which follow running means."""
    return sum(p.numel() for p in vqgan.parameters()) + vqgan.codebook.vectors.numel()


def gigaflop(step: Callable[[], object]) -> float:
    """Operations of a step, in thousands of millions."""
    with FlopCounterMode(display=False) as counter:
        step()
    return counter.get_total_flops() / 1e9


def milliseconds(step: Callable[[], object], device: torch.device, repeats: int) -> float:
    """How long a step takes, the device's work included; the first run warms up and does not count."""
    return 1e3 * statistics.median([seconds_of(step, device) for _ in range(repeats + 1)][1:])


if __name__ == "__main__":
    program(TimeTokenizer, main, "tools.time_tokenizer")
