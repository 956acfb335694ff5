"""braindecode's own networks: which channel reaches them in which unit, and that vectors are what they compute.

Networks are small ones of the published classes. Needs braindecode; skipped without it.
"""

import dataclasses
import importlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmark.encoders.encoder import Inputs
from benchmark.encoders.windows.pretrained.model import build
from clef.waveform.cutting import Cutting
from clef.waveform.standard import Standardised
from tokenizer.channels import CHANNELS
from tokenizer.recording import Session

models = pytest.importorskip("braindecode.models", exc_type=ImportError)
SMALL = {
    "labram": {"num_layers": 1},
    "biot": {"num_layers": 1},
    "cbramod": {"n_layer": 1},
    "eegpt": {"depth": 1, "embed_dim": 16, "num_heads": 2},
    "bendr": {"encoder_h": 16, "transformer_layers": 1, "contextualizer_hidden": 8},
    "reve": {"depth": 1, "embed_dim": 32, "heads": 2, "head_dim": 8},
}
WINDOW = {"bendr": 4.0, "cbramod": 5.0}
"""Seconds, where the published window is long."""
TCP = ["Fp1-F7", "F7-T3", "T3-T5", "T5-O1", "Fp2-F8", "F8-T4", "T4-T6", "T6-O2"]
PARASAGITTAL = ["Fp1-F3", "F3-C3", "C3-P3", "P3-O1", "Fp2-F4", "F4-C4", "C4-P4", "P4-O2"]
TUEG = [
    *("Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2"),
    *("F7", "F8", "T3", "T4", "T5", "T6", "Fz", "Cz", "Pz"),
]
ROWS = [
    *("Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8", "T3", "C3", "Cz"),
    *("C4", "T4", "T5", "P3", "Pz", "P4", "T6", "O1", "O2"),
]
ORDER = {
    **{"labram": list(CHANNELS), "biot": TCP + PARASAGITTAL, "cbramod": TUEG},
    **{"eegpt": ROWS, "bendr": ROWS, "reve": ROWS},
}
SIZE = 20.0  # µV


@pytest.fixture(autouse=True)
def places(tmp_path_factory, monkeypatch):
    """A table of places for REVE, which is fetched from the hub else."""
    folder = tmp_path_factory.mktemp("places")
    names = [name.replace("T3", "T7").replace("T4", "T8").replace("T5", "P7").replace("T6", "P8") for name in CHANNELS]
    (folder / "reve_positions.json").write_text(json.dumps({n: [i / 19, 0.5, -i / 19] for i, n in enumerate(names)}))
    monkeypatch.setenv("REVE_POSITIONS_PATH", str(folder))


def small(name, **changes):
    of = importlib.import_module(f"benchmark.encoders.windows.pretrained.{name}").NETWORK
    return dataclasses.replace(of, settings={**of.settings, **SMALL[name]}, **changes)


def made(name, weights="random", window=None, **changes):
    window = window or WINDOW.get(name)
    return build(small(name, **changes), Inputs(None, Path(), weights=str(weights), window=window, device="cpu"))


def sines():
    """Electrode i of the house's order: 20 µV at 5 + i Hz, for a minute."""
    t = np.arange(1280 * 200) / 200
    signal = np.stack([SIZE * np.sin(2 * np.pi * (5 + i) * t) for i in range(19)]).astype(np.float32)
    valid = (np.arange(1280) < 60).astype(np.float32)
    return Session(signal, valid, np.ones(19, bool), None, [], 256.0, 60.0, 21, 50, 0.0)


def received(name):
    """What the network itself is called with, (C, S) of the second window, and by which names."""
    calls, finish = [], small(name).finish

    def listen(network, prepared):
        finish(network, prepared)
        network.register_forward_pre_hook(lambda _, given, named: calls.append((given[0], named)), with_kwargs=True)

    model = made(name, finish=listen)
    cut = Standardised(Cutting.of(model), model.standard, model.shift, model.scale)
    model.embed(cut(sines())[1:2])
    windows, named = calls[-1]
    return windows[0].numpy(), named, model.rate


def electrodes_in(channel, rate):
    """Electrode -> amplitude with its sign, of those that make up a channel (S,)."""
    t = np.arange(len(channel)) / rate
    of = {name: -2 * (channel * np.exp(-2j * np.pi * (5 + i) * t)).mean().imag for i, name in enumerate(CHANNELS)}
    largest = max(map(abs, of.values()))
    return {name: size for name, size in of.items() if abs(size) > 0.5 * largest}


@pytest.mark.parametrize("name", ORDER)
def test_each_channel_is_the_one_that_the_network_was_trained_with(name):
    windows, _, rate = received(name)
    assert len(windows) == len(ORDER[name]) + (name == "bendr")
    for channel, wanted in zip(windows, ORDER[name], strict=False):
        plus, _, minus = wanted.partition("-")
        assert {n: np.sign(size) for n, size in electrodes_in(channel, rate).items()} == {plus: 1} | (
            {minus: -1} if minus else {}
        )


@pytest.mark.parametrize(
    ("name", "unit", "within"), [("labram", 100, 0.01), ("cbramod", 100, 0.02), ("eegpt", 1000 / (1 - 1 / 19), 0.02)]
)
def test_units_are_those_of_the_authors(name, unit, within):
    windows, _, rate = received(name)
    sizes = [size for channel in windows for size in electrodes_in(channel, rate).values()]
    np.testing.assert_allclose(sizes, SIZE / unit, rtol=within)


def test_labram_is_told_every_electrode_by_name():
    assert received("labram")[1]["ch_names"] == [name.upper() for name in CHANNELS]


def test_biot_gets_every_channel_by_its_95th_percentile():
    np.testing.assert_allclose(np.quantile(np.abs(received("biot")[0]), 0.95, axis=1), 1, atol=1e-3)


def test_bendr_gets_a_window_from_minus_one_to_one_and_its_amplitude():
    windows = received("bendr")[0]
    assert (windows[:19].min(), windows[:19].max()) == pytest.approx((-1, 1), abs=1e-5)
    assert windows[19] == pytest.approx(2 * (2 * SIZE / 4860.6258 - 0.5), abs=1e-4) and np.ptp(windows[19]) == 0


def test_reve_gets_the_session_at_its_own_spread_and_clipped():
    windows = received("reve")[0]
    assert windows.std() == pytest.approx(1, abs=0.01)
    loud = np.full((1, 19, 2000), 99.0, np.float32)
    model = made("reve")
    np.testing.assert_array_equal(model.embed(loud), model.embed(np.clip(loud, -15, 15)))


def drawn(model, n=2):
    shape = (n, len(model.channels), model.samples)
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def direct(name, **settings):
    """A network of the class, and its weights, as someone would make it who knows nothing of this house."""
    torch.manual_seed(0)
    return getattr(models, small(name).kind)(**SMALL[name] | settings).eval()


@torch.inference_mode()
def test_labram_of_10_s_is_labram_of_15_s_with_the_first_places_in_time():
    model = made("labram", window=10)
    x = drawn(model)
    long = direct("labram", n_chans=19, n_times=3000, n_outputs=1).state_dict()
    short = direct("labram", n_chans=19, n_times=2000, n_outputs=1)
    short.load_state_dict(long | {"temporal_embedding": long["temporal_embedding"][:, :11]})
    tokens = short(torch.from_numpy(x), ch_names=list(CHANNELS), return_features=True)["features"]
    np.testing.assert_allclose(model.embed(x), tokens.mean(1), atol=1e-5)
    assert not np.allclose(model.embed(x), model.embed(x[:, ::-1].copy())), "places tell electrodes apart"


@torch.inference_mode()
def test_biot_is_the_network_on_normalised_pairs():
    model = made("biot")
    x = torch.from_numpy(drawn(model))
    own = direct("biot", n_chans=16, n_times=2000, n_outputs=1, sfreq=200)
    wanted = own.encoder(x / (torch.quantile(x.abs(), 0.95, dim=2, keepdim=True) + 1e-8))
    np.testing.assert_allclose(model.embed(x.numpy()), wanted, atol=1e-5)


@torch.inference_mode()
def test_cbramod_is_the_encoder_before_the_layer_that_rebuilds():
    model = made("cbramod")
    x = drawn(model)
    own = direct("cbramod", n_chans=19, n_times=1000, n_outputs=1, return_encoder_output=True)
    tokens = own.encoder(own.patch_embedding(torch.from_numpy(x).unflatten(2, (5, 200))))
    assert tokens.shape == (2, 19, 5, 200)
    np.testing.assert_allclose(model.embed(x), tokens.mean((1, 2)), atol=1e-5)


@torch.inference_mode()
def test_eegpt_is_the_mean_of_its_summaries():
    model = made("eegpt")
    x = drawn(model)
    names = [{"ch_name": n} for n in models.eegpt.EEGPT_19_CHANNELS]
    own = direct("eegpt", chs_info=names, n_times=1024, chan_proj_type="none", return_encoder_output=True)
    np.testing.assert_allclose(model.embed(x), own(torch.from_numpy(x)).flatten(2).mean(1), atol=1e-5)


PUBLISHED = ["labram", "biot", "cbramod", "eegpt", "bendr", "reve"]


def save(name, folder, **settings):
    """The folder that braindecode's own `save_pretrained` writes, with a last layer for two classes."""
    shape = {"n_chans": 20 if name == "bendr" else len(ORDER[name]), "n_outputs": 2}
    shape |= {"n_times": {"labram": 3000, "bendr": 1024, "eegpt": 1024}.get(name, 2000)}
    shape |= {"chs_info": [{"ch_name": n} for n in ROWS]} if name in ("reve",) else {}
    torch.manual_seed(1)
    network = getattr(models, small(name).kind)(**SMALL[name] | shape | settings)
    network.save_pretrained(folder)
    return network


@pytest.mark.parametrize("name", PUBLISHED)
def test_what_braindecode_saves_is_loaded_counted_and_its_last_layer_left_out(name, tmp_path, caplog):
    caplog.set_level("INFO")
    network = save(name, tmp_path / "published")
    of = importlib.import_module(f"benchmark.encoders.windows.pretrained.{name}").NETWORK
    model = build(of, Inputs(None, Path(), weights=str(tmp_path / "published"), window=WINDOW.get(name), device="cpu"))
    beside = ("final_layer.", *of.left_out)
    count = sum(not key.startswith(beside) for key in network.state_dict())
    assert f"{name}: published: {count} of {count} tensors matched" in caplog.text
    assert "left out the layer that names a class: final_layer." in caplog.text
    assert model.weights.startswith("folder ") and not np.allclose(model.embed(drawn(model)), 0)


@pytest.mark.parametrize("name", ["labram", "biot", "cbramod"])
def test_another_models_checkpoint_is_refused_in_one_line(name, tmp_path):
    other = {"labram": "biot", "biot": "cbramod", "cbramod": "labram"}[name]
    save(other, tmp_path / "published")
    for weights in (tmp_path / "published", tmp_path / "published" / "model.safetensors"):
        with pytest.raises(ValueError, match=r"0 of .* tensors match|could not make") as caught:
            made(name, weights)
        assert "\n" not in str(caught.value)


@torch.inference_mode()
def test_of_eighteen_channels_biot_uses_the_sixteen_that_the_scalp_has(tmp_path):
    own = save("biot", tmp_path / "published", n_chans=18).eval()
    model = made("biot", tmp_path / "published")
    x = torch.from_numpy(drawn(model))
    x = x / (torch.quantile(x.abs(), 0.95, dim=2, keepdim=True) + 1e-8)
    np.testing.assert_allclose(model.embed(x.numpy()), own.encoder(x), atol=1e-4)


def test_windows_that_do_not_go_through_are_one_line_before_anything_is_read():
    with pytest.raises(ValueError, match=r"window=16: labram takes no windows of that length; 10 s are as published"):
        made("labram", window=16)
    with pytest.raises(ValueError, match=r"window=2\.5: cbramod takes no windows of that length"):
        made("cbramod", window=2.5)
