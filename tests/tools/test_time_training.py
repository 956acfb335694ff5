"""tools.time_training: what it compares is what it says, and its arithmetic is right."""

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from clef.network import costs
from clef.network.encoder import EncoderConfig
from clef.stages.recon import ReconConfig
from clef.stages.workload import make_objective, random_batch
from clef.training.settings import PretrainConfig
from tests.helpers import run
from tokenizer.base.cli import parse
from tools.time_training import Plain, Row, by_length, compared, keep_all, make_machine, saving, three_rows
from tools.time_training import TimeTraining as Config

SIZE = costs.Size(EncoderConfig(32, 2, 3, 2), codes=64, dimensions=8)


@pytest.fixture(scope="module")
def machine():
    arguments = ["stage=recon", "model=tiny", "encoder.width=32", "vqgan.codes=64"]
    return make_machine(parse(PretrainConfig, "clef.pretrain", arguments), torch.device("cpu"))


def test_each_row_costs_what_pytorch_counts(machine):
    objective = make_objective(machine.size, machine.recon)
    for row in three_rows(machine, objective, 2, Config(columns=24)):
        with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
            row.step()
        within = 1e-9 if row.name == "nn.TransformerEncoder" else 0.02
        assert abs(row.flops / counter.get_total_flops() - 1) < within, row.name


def test_the_row_without_dropping_keeps_every_token_and_hides_the_same():
    batch = random_batch(2, 8, SIZE, ReconConfig())
    whole = keep_all(batch)
    assert whole["seen_lengths"] == [128, 128] and batch["seen_lengths"] == [64, 64]
    assert torch.equal(whole["asked"], batch["asked"]) and torch.equal(whole["hidden"], batch["hidden"])
    assert whole["seen_hidden"].sum() == batch["hidden"].sum()


def test_the_plain_network_is_of_the_same_size_and_predicts_only_what_is_hidden():
    plain, batch = Plain(SIZE, 128), random_batch(2, 8, SIZE, ReconConfig())
    ours = make_objective(SIZE, ReconConfig()).encoder
    layers = lambda network: sum(p.numel() for p in network.parameters())
    assert layers(plain.layers) + 2 * 32 == layers(ours.encoder) + layers(ours.decoder)  # ours ends both in a norm
    loss = plain.eval()(batch, batch["counts"], 0.0)["loss"]
    flat = batch["tokens"].flatten(1)
    seen = torch.where(batch["hidden"], (flat + 1) % 64, flat).view_as(batch["tokens"])
    truth = plain(batch | {"tokens": seen}, batch["counts"], 0.0)["loss"]
    assert 3 < loss < 6 and loss != truth  # the targets changed, what it sees did not


def test_what_is_saved_and_what_was_promised():
    ours, other = Row("a", print, 50.0, 1, [0.5, 0.7, 0.6]), Row("b", print, 100.0, 1, [1.0, 1.0, 1.0])
    times = "1.67 x faster than b (operations: 2.00 x)"
    assert saving(ours, other) == f"- {times}: saves 40 % of its time and 50 % of its operations (80 % realised)"


def test_tables(machine):
    objective = make_objective(machine.size, machine.recon)
    lines = list(compared(machine, objective, 1, Config(columns=8, repeats=1)))
    assert [line.count("|") for line in lines if line.startswith("|")] == [7] * 5
    assert [line[0] for line in lines if line and line[0] != "|"] == ["-", "-"]
    head, _, short, long = by_length(machine, objective, 1, Config(lengths=[12, 3072], repeats=1, patience=1.0))
    assert head.count("|") == short.count("|") == long.count("|") == 7
    assert short.startswith("| 2 min, 192 tokens |") and "%" in short
    assert long.startswith("| 512 min, 49,152 tokens |") and "not run, about" in long


def test_the_program_writes_what_it_prints(tmp_path):
    settings = {"columns": 4, "repeats": 1, "lengths": "[4]", "threads": 1, "device": "cpu", "model": "tiny"}
    done = run(tmp_path / "said", "tools.time_training", **settings, out=tmp_path / "speed.md")
    assert done.code == 0, done.err
    assert done.out.strip() == (tmp_path / "speed.md").read_text().strip() != ""
    assert run(tmp_path / "said", "tools.time_training", model="huge").code == 2
