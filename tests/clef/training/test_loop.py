"""The training loop: schedule, averages, micro-batches, processes, and what a run folder accepts."""

import json
import math
import shutil
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from clef.stages.stage import Objective
from clef.training.loop import LoopConfig, learning_rate, make_optimizer
from tests.clef.network.language_models import write_t5
from tests.helpers import PATIENCE, ROOT, TIMES, TINY, must, pretrain, pretrain_on_two, start

PARTS = {"recon": ["encoder"], "align": ["encoder", "align"], "joint": ["encoder", "align"], "tokenizer": ["tokenizer"]}


def metrics(folder, train_only=False):
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if k not in TIMES} for line in lines if not train_only or "loss" in line]


def weights(folder, stage):
    return {f"{p}.{k}": v for p in PARTS[stage] for k, v in load_file(folder / f"model/{p}/model.safetensors").items()}


def without_noise(tensors, width=32):
    """Leaves out what rounding alone decides.

    A softmax does not change with the bias of its keys, so their gradient is rounding, which AdamW scales up. Codes
    that lie on top of each other, as those of a network this young do, are interchangeable.
    """
    kept = {}
    for name, value in tensors.items():
        if name.endswith(("qkv.bias", "in_proj_bias")):
            value = value.clone()
            value[width : 2 * width] = 0
        if not name.endswith(("codebook.vectors", "codebook.mean_count", "codebook.mean_sum")):
            kept[name] = value.double()
    return kept


def same_tensors(one, two, atol, reach):
    """Equal within `atol`, but for at most one value in 10,000.

    AdamW divides a gradient by its own size: where little but rounding is left of it, the weight goes either way, by as
    much as the learning rate a step. `reach` is how far two runs can come apart so.
    """
    assert one.keys() == two.keys()
    one, two = without_noise(one), without_noise(two)
    apart = {name: (value - two[name]).abs() for name, value in one.items()}
    largest = max(apart, key=lambda name: apart[name].max().item())
    assert apart[largest].max().item() <= reach, f"{largest}: {apart[largest].max().item():.2g} apart"
    beyond = sum(int((value > atol).sum()) for value in apart.values())
    assert beyond <= 1e-4 * sum(value.numel() for value in apart.values()), f"{beyond} values beyond {atol}"


def reach(run_folder):
    """How far AdamW can take a weight apart in two runs with the same learning rates."""
    return 2 * sum(m["lr"] for m in metrics(run_folder, True))


def same_training(a, b, stage, atol):
    """The same loss curve and the same weights."""
    one, two = metrics(a, True), metrics(b, True)
    assert [m["step"] for m in one] == [m["step"] for m in two]
    for name in ("loss", "grad_norm"):
        first, second = (torch.tensor([m[name] for m in ms]) for ms in (one, two))
        torch.testing.assert_close(first, second, atol=atol, rtol=atol, msg=lambda m, n=name: f"{n}: {m}")
    same_tensors(weights(a, stage), weights(b, stage), atol, reach(a))


def moved(run_folder, other, stage):
    """The largest change of a weight between two runs: what `same_training` must be small against."""
    there = weights(other, stage)
    return max(
        (v - there[k]).abs().max().item() for k, v in weights(run_folder, stage).items() if v.is_floating_point()
    )


# ---- schedule, optimiser, averages
def test_the_rate_rises_in_a_line_and_falls_as_a_cosine_to_zero():
    config = LoopConfig(steps=100, lr=2.0, warmup=0.1)
    rates = [learning_rate(config, step) for step in range(100)]
    assert rates[:10] == pytest.approx([0.2 * (i + 1) for i in range(10)])
    assert rates[10] == 2.0 and rates[55] == pytest.approx(1.0)
    assert rates[10:] == pytest.approx([1 + math.cos(math.pi * i / 90) for i in range(90)])
    assert 0 < rates[-1] < 0.01


class Toy(Objective):
    def __init__(self):
        super().__init__()
        self.layer, self.slow = nn.Linear(3, 2), nn.Linear(2, 2)

    def groups(self):
        return [{"params": list(self.layer.parameters())}, {"params": list(self.slow.parameters()), "scale": 0.5}]


def test_decay_is_on_matrices_only_and_scales_stay_with_their_group():
    toy = Toy()
    groups = make_optimizer(toy, LoopConfig(weight_decay=0.3, beta2=0.9)).param_groups
    found = {id(p): (g["weight_decay"], g["scale"], g["betas"]) for g in groups for p in g["params"]}
    assert found[id(toy.layer.weight)] == (0.3, 1.0, (0.9, 0.9)) and found[id(toy.layer.bias)][:2] == (0.0, 1.0)
    assert found[id(toy.slow.weight)][:2] == (0.3, 0.5) and found[id(toy.slow.bias)][:2] == (0.0, 0.5)
    assert len(found) == 4


def test_the_saved_model_has_the_averaged_weights_and_training_the_last_ones(tiny_recon):
    checkpoint = tiny_recon / "checkpoints" / "step-00000008"
    last, mean = (load_file(checkpoint / f"{name}.safetensors") for name in ("objective", "ema"))
    saved = load_file(tiny_recon / "model" / "encoder" / "model.safetensors")
    for name, value in saved.items():
        assert torch.equal(value, mean.get(f"encoder.{name}", last[f"encoder.{name}"])), name
    assert any(not torch.equal(value, last[f"encoder.{name}"]) for name, value in saved.items())
    assert not torch.equal(saved["encoder.norm.weight"], torch.ones_like(saved["encoder.norm.weight"]))  # it moved


# ---- micro-batches and processes
@pytest.fixture(scope="module")
def recon_runs(tiny_store, tmp_path_factory):
    """One process, one batch: what the others are compared with."""
    folder = tmp_path_factory.mktemp("recon")
    settings = {"tokens": tiny_store, "steps": 20, "ema": 0.5}
    must(pretrain(folder / "said", "recon", out=folder / "one", **settings))
    return folder, settings


def test_two_micro_batches_equal_one(recon_runs):
    folder, settings = recon_runs
    must(pretrain(folder / "said", "recon", out=folder / "two", accumulate=2, **settings))
    same_training(folder / "one", folder / "two", "recon", 1e-4)
    must(pretrain(folder / "said", "recon", out=folder / "other", seed=1, **settings))
    assert moved(folder / "one", folder / "other", "recon") > 1e-2  # other samples do matter


def test_two_processes_equal_one_in_recon(recon_runs):
    """Started by torchrun itself."""
    folder, settings = recon_runs
    given = {"stage": "recon"} | TINY | {"out": folder / "parallel"} | settings
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command = [*torchrun, "-m", "clef.pretrain", *(f"{k}={v}" for k, v in given.items())]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    same_training(folder / "one", folder / "parallel", "recon", 1e-4)
    assert len(metrics(folder / "parallel")) == len(metrics(folder / "one"))  # one process writes


def test_two_processes_equal_one_in_align(tiny_store, tiny_cohort, tiny_recon, tmp_path):
    """Negatives come from both processes, and gradients flow back to both."""
    settings = {"tokens": tiny_store, "cohort": tiny_cohort, "init": tiny_recon, "steps": 6, "batch": 8, "ema": 0.5}
    must(pretrain(tmp_path / "said", "align", out=tmp_path / "one", **settings))
    for done in pretrain_on_two(tmp_path / "said", "align", out=tmp_path / "two", **settings):
        must(done)
    same_training(tmp_path / "one", tmp_path / "two", "align", 1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("stage, more", [("align", {}), ("joint", {"encoder.dropout": 0.1})])
def test_two_processes_equal_one_with_everything_that_can_be_learned(
    stage, more, tiny_store, tiny_cohort, tiny_recon, tmp_path
):
    settings = {"tokens": tiny_store, "cohort": tiny_cohort, "steps": 6, "batch": 8, "ema": 0.5, "clip": 1e9}
    settings |= {"align.loss": "sigmoid", "align.learned_temperature": True, "align.same_subject": "positive"}
    settings |= {"align.record_negatives": "different", "record_encoder.hierarchy": True, "align.sentences": 3}
    settings |= {"align.multiple_instance": True} | more | ({"init": tiny_recon} if stage == "align" else {})
    must(pretrain(tmp_path / "said", stage, out=tmp_path / "one", **settings))
    for done in pretrain_on_two(tmp_path / "said", stage, out=tmp_path / "two", **settings):
        must(done)
    same_training(tmp_path / "one", tmp_path / "two", stage, 1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("trained", [{}, {"report_encoder.train_layers": 1}])
def test_two_processes_equal_one_with_a_language_model(trained, tiny_store, tiny_cohort, tiny_recon, tmp_path):
    """Frozen, each process computes features of a share of the reports, and reads those of the other."""
    name = write_t5(tmp_path / "t5")  # which has no biases: see `without_noise`
    settings = {"tokens": tiny_store, "init": tiny_recon, "steps": 6, "batch": 8, "ema": 0.5, "text": "hf"} | trained
    settings |= {"report_encoder.name": name, "report_encoder.length": 32}
    for runs in ("one", "two"):
        shutil.copytree(tiny_cohort, tmp_path / f"cohort_{runs}")
        given = settings | {"cohort": tmp_path / f"cohort_{runs}", "out": tmp_path / runs}
        ended = pretrain_on_two if runs == "two" else lambda *a, **more: [pretrain(*a, **more)]
        for done in ended(tmp_path / "said", "align", **given):
            must(done)
    same_training(tmp_path / "one", tmp_path / "two", "align", 1e-4)


def test_two_processes_equal_one_in_tokenizer(tiny_cohort, tmp_path):
    """With a discriminator that starts late and crops of unequal length: both once broke the equality."""
    settings = {"cohort": tiny_cohort, "steps": 6, "tokenizer_stage.gan_start": 0.5, "tokenizer_stage.gan_weight": 1}
    must(pretrain(tmp_path / "said", "tokenizer", out=tmp_path / "one", **settings))
    for done in pretrain_on_two(tmp_path / "said", "tokenizer", out=tmp_path / "two", **settings):
        must(done)
    same_training(tmp_path / "one", tmp_path / "two", "tokenizer", 1e-4)
    last = "checkpoints/step-00000006/objective.safetensors"  # with the discriminator
    same_tensors(*(load_file(tmp_path / name / last) for name in ("one", "two")), 1e-4, reach(tmp_path / "one"))


def test_two_micro_batches_equal_one_in_tokenizer(tiny_cohort, tmp_path):
    """Also at the step from whose vectors the codes start."""
    settings = {"cohort": tiny_cohort, "steps": 6, "tokenizer_stage.gan_start": 0.5, "tokenizer_stage.gan_weight": 1}
    for name, accumulate in (("one", 1), ("two", 2)):
        must(pretrain(tmp_path / "said", "tokenizer", out=tmp_path / name, accumulate=accumulate, **settings))
    same_training(tmp_path / "one", tmp_path / "two", "tokenizer", 1e-4)
    for done in pretrain_on_two(tmp_path / "said", "tokenizer", out=tmp_path / "both", accumulate=2, **settings):
        must(done)
    one, both = ([m["loss"] for m in metrics(tmp_path / name, True)] for name in ("one", "both"))
    assert both[:2] == pytest.approx(one[:2], rel=1e-5)
    assert both == pytest.approx(one, rel=3e-3)  # single crops round otherwise, and like codes of k-means change places


def test_a_batch_that_cannot_be_shared_is_one_line(tiny_store, tmp_path):
    done = pretrain(tmp_path / "said", "recon", tokens=tiny_store, out=tmp_path / "r", batch=4, accumulate=3, steps=2)
    assert done.code == 1 and "batch must be a multiple of processes x accumulate = 3" in done.err
    assert "Traceback" not in done.err


def test_align_refuses_micro_batches(tiny_store, tiny_cohort, tiny_recon, tmp_path):
    settings = {"tokens": tiny_store, "cohort": tiny_cohort, "init": tiny_recon, "accumulate": 2}
    done = pretrain(tmp_path / "said", "align", out=tmp_path / "r", **settings)
    assert done.code == 1 and "Traceback" not in done.err and "stage=align needs accumulate=1" in done.err


# ---- compiling
@pytest.mark.slow
def test_compiled_training_is_the_same_but_for_rounding_and_keeps_its_names(tiny_store, tmp_path):
    """Minutes on a busy machine: PyTorch writes and compiles C++."""
    settings = {"tokens": tiny_store, "steps": 3, "validate_every": 3}
    must(pretrain(tmp_path / "said", "recon", out=tmp_path / "plain", **settings))
    given = {"stage": "recon"} | TINY | settings | {"compile": "true", "out": tmp_path / "compiled"}
    done = must(start(tmp_path / "said", "clef.pretrain", **given).wait(900))
    assert "Traceback" not in done.err
    same_training(tmp_path / "plain", tmp_path / "compiled", "recon", 1e-4)
    last = "checkpoints/step-00000003/objective.safetensors"
    plain, compiled = (load_file(tmp_path / name / last).keys() for name in ("plain", "compiled"))
    assert plain == compiled


@pytest.mark.slow
def test_where_nothing_can_be_compiled_it_is_one_line(tiny_store, tmp_path):
    (tmp_path / "empty").mkdir()
    environ = {"CXX": "no-such-compiler", "PATH": str(tmp_path / "empty"), "TORCHINDUCTOR_CACHE_DIR": str(tmp_path)}
    given = {"stage": "recon"} | TINY | {"tokens": tiny_store, "compile": "true", "out": tmp_path / "run"}
    done = start(tmp_path / "said", "clef.pretrain", environ=environ, **given).wait()
    assert done.code == 1 and "Traceback" not in done.err
    assert "compile=true: cannot compile for cpu here" in done.err.splitlines()[-1]


@pytest.mark.parametrize(("every", "said"), [(1, "the last finite line of metrics.jsonl is of step 1; "), (4, "")])
def test_a_loss_that_is_no_number_stops_with_one_line_and_saves_nothing(every, said, tiny_store, tmp_path):
    """Also where it is looked for two steps later only."""
    settings = {"tokens": tiny_store, "steps": 6, "lr": 1e30, "clip": 1e30, "warmup": 0, "log_every": every}
    settings |= {"validate_every": 6, "checkpoint_minutes": 0 if every == 1 else 10}
    done = pretrain(tmp_path / "said", "recon", out=tmp_path / "run", **settings)
    assert done.code == 1 and "Traceback" not in done.err
    assert f"loss or gradient is not a number since step 2; {said}checkpoints are from" in done.err.splitlines()[-1]
    assert not (tmp_path / "run" / "model").exists()
    saved = [p.name for p in (tmp_path / "run").glob("checkpoints/step-*")]
    assert saved == (["step-00000001"] if every == 1 else [])
