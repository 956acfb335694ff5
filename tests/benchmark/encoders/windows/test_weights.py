"""Weights of other people: all tensors fit or none is taken, and nothing in a file is executed."""

import pickle

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from benchmark.encoders.windows.elm import rename
from benchmark.encoders.windows.weights import load_weights, weighted
from clef.network.waveform.residual import ResidualCNN, ResidualCNNConfig


def network():
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))


@pytest.mark.parametrize("form", ["safetensors", "pt", "checkpoint", "of several processes"])
def test_every_form_gives_the_same_weights_and_counts_them(form, tmp_path, caplog):
    caplog.set_level("INFO")
    wanted, path = network().state_dict(), tmp_path / f"w.{'safetensors' if form == 'safetensors' else 'pt'}"
    held = {f"module.{k}": v for k, v in wanted.items()} if form == "of several processes" else wanted
    if form == "safetensors":
        save_file(held, path)
    else:
        torch.save({"state_dict": held, "epoch": 3} if form == "checkpoint" else held, path)
    loaded, digest = load_weights(path, network)
    assert all(torch.equal(loaded.state_dict()[k], v) for k, v in wanted.items()) and len(digest) == 64
    assert "7 of 7 tensors matched" in caplog.text


class Code:
    def __reduce__(self):
        return exec, ("raise SystemExit('executed')",)


@pytest.mark.parametrize("wrong", ["code", "lacks one", "another shape", "no weights", "absent", "a list"])
def test_what_does_not_fit_is_refused_in_one_line(wrong, tmp_path):
    path, held = tmp_path / "w.pt", network().state_dict()
    if wrong == "code":
        path.write_bytes(pickle.dumps(Code(), protocol=2))
    elif wrong == "no weights":
        path.write_text("these are no weights")
    elif wrong == "a list":
        torch.save([1, 2], path)
    elif wrong != "absent":
        held["0.weight"] = torch.zeros(4, 5)
        torch.save({k: v for k, v in held.items() if wrong != "lacks one" or k != "0.weight"}, path)
    with pytest.raises(ValueError, match=r"w\.pt") as caught:
        load_weights(path, network)
    assert "\n" not in str(caught.value)


def test_fresh_weights_are_the_same_each_time_and_say_what_they_are():
    one, two = weighted("random", network), weighted("random", network)
    assert torch.equal(one.network[0].weight, two.network[0].weight) and one.weights == "random"


def test_every_tensor_of_the_published_checkpoint_has_a_place():
    norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    names = [f"conv1_layers.{i}.1.{w}" for i in range(3) for w in norm[:2]] + [f"bn1.{w}" for w in norm]
    for block in range(4):
        home = f"res_blocks.{block}."
        names += [
            f"{home}{layer}.{i}.1.{w}" for layer in ("conv1_layers", "conv2_layers") for i in range(3) for w in norm[:2]
        ]
        names += [f"{home}stream_conv_layers.{i}.{w}" for i in range(3) for w in norm[:2]]
        names += [f"{home}{layer}.{w}" for layer in ("bn1", "bn2", "stream_bn") for w in norm]
    names += ["proj.0.weight", "proj.0.bias", *(f"proj.1.{w}" for w in norm), "proj.3.weight"]
    assert len(names) == 151
    assert {rename(name) for name in names} == set(ResidualCNN(ResidualCNNConfig()).state_dict())
