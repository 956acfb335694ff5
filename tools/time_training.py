"""How fast masked reconstruction trains: tokens per second, share of the device's peak, and what dropping tokens saves.

    python -m tools.time_training model=small device=cpu threads=1
    python -m tools.time_training model=base sessions=32 lengths=[128,512,1024,3072]

Random tokens, masks as in training, forward and backward without the optimiser's step. The first table takes turns, in
one run: the model as it trains; the same with all tokens in the encoder; and torch.nn.TransformerEncoder with as many
layers of the same width at full length, with an embedding table and an output layer for the same hidden tokens. The
second is the model as it trains on longer sessions. Times are medians; operations are counted by
`clef.network.costs`; the peak is one large matrix product. "Realised" is the share of the saved time that the saved
operations promise.
"""

import dataclasses
import logging
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from clef.network import costs
from clef.network.attention import Kernel, choose
from clef.network.encoder import plan
from clef.stages.recon import ReconConfig, ReconObjective
from clef.stages.stage import Batch
from clef.stages.workload import make_objective, mean_need, need_of, random_batch, size_of
from clef.training.dry_run import is_half, matmul_rate, place_name, scaled
from clef.training.loop import make_autocast, to_device
from clef.training.settings import PretrainConfig
from clef.training.trial import micro_step, seconds_of
from tokenizer.base import ranks
from tokenizer.base.cli import parse, program
from tokenizer.base.files import write_text
from tokenizer.base.progress import track

log = logging.getLogger(__name__)


@dataclass
class TimeTraining:
    model: str = "small"
    """A size of clef.pretrain."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N."""
    attention: Kernel = "auto"
    """Attention kernel of the model."""
    sessions: int | None = None
    """Sessions of 128 columns in a micro-batch; by default 16 on a GPU, 1 elsewhere. Longer sessions are fewer."""
    columns: int = 128
    """Length of a session in the first table, in columns of 10 s."""
    lengths: list[int] = field(default_factory=lambda: [128, 512, 1024, 3072])
    """Lengths of the second table, in columns of 10 s; 3,072 are 8.5 hours."""
    repeats: int = 5
    """Turns of each row of the first table; figures are medians."""
    patience: float = 120.0
    """A length whose step would take longer than so many seconds is not run; the table says what it would take."""
    threads: int = 0
    """CPU threads of this process; 0 leaves the choice to PyTorch."""
    seed: int = 0
    """Seed of tokens, masks and weights."""
    out: Path | None = None
    """Where to write the tables as Markdown as well."""


@dataclass
class Machine:
    """The network's size, and the device that it is timed on."""

    size: costs.Size
    recon: ReconConfig
    device: torch.device
    precision: str
    peak: float
    """Operations per second of one large matrix product."""


@dataclass
class Row:
    """One row of a table: a network's step on a batch, what it costs, and the times it took, in s."""

    name: str
    step: Callable[[], None]
    flops: float
    tokens: int
    laps: list[float] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return statistics.median(self.laps)


class Plain(nn.Module):
    """torch.nn.TransformerEncoder over all tokens of a session, as wide and as deep as encoder and decoder together."""

    def __init__(self, size: costs.Size, tokens: int):
        super().__init__()
        config, width = size.config, size.config.width
        self.table, self.place = nn.Embedding(size.codes + 1, width), nn.Parameter(torch.zeros(tokens, width))
        layer = nn.TransformerEncoderLayer(
            width, config.heads, 4 * width, 0.0, "gelu", batch_first=True, norm_first=True
        )
        depth = config.encoder_layers + config.decoder_layers
        self.layers = nn.TransformerEncoder(layer, depth, nn.LayerNorm(width), enable_nested_tensor=False)
        self.output = nn.Linear(width, size.codes)

    def forward(self, batch: Batch, totals: dict[str, float], progress: float) -> dict[str, Tensor]:
        tokens = batch["tokens"].flatten(1)
        seen = tokens.masked_fill(batch["hidden"], self.table.num_embeddings - 1)
        states = self.layers(self.table(seen) + self.place).flatten(0, 1)[batch["asked"]]
        truth = tokens.flatten()[batch["asked"]]
        loss = F.cross_entropy(self.output(states).float(), truth, reduction="sum", label_smoothing=0.1)
        return {"loss": loss / totals["hidden"]}


def main(config: TimeTraining) -> int:
    """Time, and print the tables."""
    if config.threads:
        torch.set_num_threads(config.threads)
    device = ranks.set_up(config.device)
    kernel = choose(config.attention, device.type)
    torch.manual_seed(config.seed)
    machine = make_machine(parse(PretrainConfig, "clef.pretrain", ["stage=recon", f"model={config.model}"]), device)
    objective = make_objective(machine.size, machine.recon).to(device)
    objective.encoder.attention = kernel
    sessions = config.sessions or (16 if device.type == "cuda" else 1)
    where = place_name(device, is_half(machine.precision, device))
    lines = [
        f"model={config.model}: {costs.parameters(machine.size) / 1e6:.1f} M parameters; {where}, "
        f"PyTorch {torch.__version__}; attention: {kernel}; one large matrix product: {scaled(machine.peak)}FLOP/s",
        "",
        *compared(machine, objective, sessions, config),
        "",
        *by_length(machine, objective, sessions, config),
    ]
    print("\n".join(lines))
    if config.out:
        write_text(config.out, "\n".join(lines) + "\n")
        log.info("wrote %s", config.out)
    return 0


def make_machine(run: PretrainConfig, device: torch.device) -> Machine:
    """The sizes of a training run, and the peak of the device in its precision."""
    peak = matmul_rate(device, is_half(run.precision, device))
    return Machine(size_of(run.encoder, run.vqgan), run.recon, device, run.precision, peak)


def make_row(name: str, network: nn.Module, batch: Batch, flops: float, machine: Machine) -> Row:
    """A row whose step is forward and backward of `network` on `batch`."""
    batch, autocast = to_device(batch, machine.device), make_autocast(machine.precision, machine.device)
    return Row(name, lambda: micro_step(network, batch, autocast), flops, batch["tokens"].numel())


# ---- one length, three networks
def compared(machine: Machine, objective: ReconObjective, sessions: int, config: TimeTraining) -> Iterator[str]:
    """The first table, and what dropping saves."""
    rows = three_rows(machine, objective, sessions, config)
    for turn in track(range(config.repeats + 1), "turns"):
        for row in rows:
            lap = seconds_of(row.step, machine.device)
            row.laps += [lap] if turn else []  # the first warms up
    yield from heading(f"{sessions} x {config.columns} columns")
    yield from (line(row, machine) for row in rows)
    yield ""
    yield from (saving(rows[0], other) for other in rows[1:])


def three_rows(machine: Machine, objective: ReconObjective, sessions: int, config: TimeTraining) -> list[Row]:
    """As it trains; with all tokens in the encoder; PyTorch's own Transformer."""
    size = machine.size
    batch = random_batch(sessions, config.columns, size, machine.recon, config.seed)
    whole = keep_all(batch)
    plain = Plain(size, batch["tokens"][0].numel()).to(machine.device)
    need, full = need_of(batch), need_of(whole)
    return [
        make_row("as it trains", objective, batch, costs.training_flops(size, need, sessions), machine),
        make_row("all tokens in the encoder", objective, whole, costs.training_flops(size, full, sessions), machine),
        make_row("nn.TransformerEncoder", plain, batch, sessions * plain_flops(size, full), machine),
    ]


def plain_flops(size: costs.Size, need: costs.Need) -> float:
    """Operations of the forward and backward pass of `Plain` over one session."""
    layers = size.config.encoder_layers + size.config.decoder_layers
    output = 2 * size.config.width * size.codes * need.hidden
    return costs.TRAINING * (layers * costs.layer_flops(size.config.width, need.tokens) + output)


def keep_all(batch: Batch) -> Batch:
    """The same batch of whole sessions with no token dropped; hidden ones enter the encoder as mask tokens."""
    sessions, tokens = batch["hidden"].shape
    batch = batch | {"kept": torch.arange(tokens).expand(sessions, -1), "kept_ok": torch.ones(sessions, tokens).bool()}
    return batch | plan(batch)


def saving(ours: Row, other: Row) -> str:
    """How much faster `ours` is than its operations alone say, and how much of the promised saving came true."""
    promised, saved = 1 - ours.flops / other.flops, 1 - ours.seconds / other.seconds
    ratio = statistics.median(b / a for a, b in zip(ours.laps, other.laps, strict=True))
    return (
        f"- {ratio:.2f} x faster than {other.name} (operations: {other.flops / ours.flops:.2f} x): saves "
        f"{100 * saved:.0f} % of its time and {100 * promised:.0f} % of its operations "
        f"({100 * saved / promised:.0f} % realised)"
    )


# ---- longer sessions
def by_length(machine: Machine, objective: ReconObjective, sessions: int, config: TimeTraining) -> Iterator[str]:
    """The second table: the same number of tokens per step where that is possible, in longer sessions."""
    rate = 0.5 * machine.peak  # until something is measured
    yield from heading("length of a session")
    for columns in track(config.lengths, "lengths"):
        count = max(1, sessions * 128 // columns)
        flops = costs.training_flops(machine.size, mean_need(machine.size.rows * columns, machine.recon), count)
        if flops / rate > config.patience:
            yield f"| {length_name(machine, columns)} | {flops / 1e9:,.0f} | not run, about {flops / rate:,.0f} | | | |"
            continue
        row = length_row(machine, objective, count, columns, config)
        rate = row.flops / row.seconds
        yield line(row, machine)


def length_row(machine: Machine, objective: ReconObjective, count: int, columns: int, config: TimeTraining) -> Row:
    """Sessions of `columns` columns, timed; a step of more than 10 s only once."""
    recon = dataclasses.replace(machine.recon, columns=columns)
    batch = random_batch(count, columns, machine.size, recon, config.seed)
    flops = costs.training_flops(machine.size, need_of(batch), count)
    row = make_row(length_name(machine, columns), objective, batch, flops, machine)
    while len(row.laps) < config.repeats and (not row.laps or row.laps[-1] < 10):
        row.laps.append(seconds_of(row.step, machine.device))
    return row


def length_name(machine: Machine, columns: int) -> str:
    """A session's length in time and in tokens."""
    return f"{columns / 6:,.0f} min, {machine.size.rows * columns:,} tokens"


# ---- a table
def heading(first: str) -> list[str]:
    """The head of a table whose first column is `first`."""
    return [f"| {first} | GFLOP | s per step | tokens/s | FLOP/s | of the peak |", "|---|---|---|---|---|---|"]


def line(row: Row, machine: Machine) -> str:
    """A row of a table."""
    rate = row.flops / row.seconds
    cells = f"{row.flops / 1e9:,.0f} | {row.seconds:.3g} | {row.tokens / row.seconds:,.0f} | {scaled(rate)}"
    return f"| {row.name} | {cells} | {100 * rate / machine.peak:.0f} % |"


if __name__ == "__main__":
    program(TimeTraining, main, "tools.time_training")
