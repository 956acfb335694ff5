"""Published weights as a folder or a file: all of the network or nothing, and what else there is is said."""

import json

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from benchmark.encoders.windows.pretrained.loading import Source, is_hub_name, load


class Network(nn.Module):
    def __init__(self, sfreq=None, width=3):
        super().__init__()
        self.encoder = nn.Linear(width, 4)


def published(folder, form="safetensors", **config):
    folder.mkdir()
    tensors = Network().state_dict() | {"final_layer.weight": torch.ones(2, 4), "final_layer.bias": torch.ones(2)}
    if form == "safetensors":
        save_file(tensors, folder / "model.safetensors")
    else:
        torch.save(tensors, folder / "pytorch_model.bin")
    (folder / "config.json").write_text(json.dumps({"sfreq": 200.0, "width": 3} | config))
    return tensors


def read(source):
    of = Source.of(str(source), Network, 200.0)
    return load(of, "mine", lambda: Network(**of.settings), {"final_layer.": "the layer that names a class"})


@pytest.mark.parametrize("form", ["safetensors", "bin"])
@pytest.mark.parametrize("given", ["folder", "file"])
def test_a_folder_and_a_file_give_the_same_weights_and_say_what_was_left_out(form, given, tmp_path, caplog):
    caplog.set_level("INFO")
    tensors = published(folder := tmp_path / "published", form)
    file = folder / ("model.safetensors" if form == "safetensors" else "pytorch_model.bin")
    weighted = read(folder if given == "folder" else file)
    assert torch.equal(weighted.network.encoder.weight, tensors["encoder.weight"]) and not weighted.network.training
    assert "2 of 2 tensors matched" in caplog.text
    assert "left out the layer that names a class: final_layer.bias, final_layer.weight" in caplog.text.replace(
        "final_layer.weight, final_layer.bias", "final_layer.bias, final_layer.weight"
    )
    assert weighted.weights.startswith(given) and weighted.fingerprint.startswith(weighted.weights.split()[-1])


@pytest.mark.parametrize("wrong", ["another width", "config alone", "no config", "no settings", "absent", "absent.pt"])
def test_what_does_not_fit_is_refused_in_one_line(wrong, tmp_path):
    folder = tmp_path / "published"
    if not wrong.startswith("absent"):
        published(folder, width=5 if wrong == "another width" else 3)
    if wrong == "config alone":
        (folder / "model.safetensors").unlink()
    elif wrong == "no config":
        (folder / "config.json").unlink()
    elif wrong == "no settings":
        (folder / "config.json").write_text("[1, 2]")
    with pytest.raises(ValueError, match=r"published|absent") as caught:
        read(tmp_path / wrong if wrong == "absent.pt" else folder)
    assert "\n" not in str(caught.value)


def test_names_of_the_hub_are_told_by_their_form():
    assert is_hub_name("braindecode/labram-pretrained")
    assert not any(map(is_hub_name, ("/abs/olute", "runs/elm.pt", "labram", "a/b/c", "x/model.safetensors")))
