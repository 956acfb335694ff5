"""Arguments of a network from the config.json that braindecode writes; nothing that it names is imported."""

import sys

import pytest
from torch import nn

from benchmark.encoders.windows.pretrained.settings import settings_in


class Network(nn.Module):
    def __init__(self, n_chans=None, sfreq=None, depth=12, widths=(3, 2), activation=nn.GELU, norm=None):
        super().__init__()


CONFIG = {"n_chans": 128, "sfreq": None, "depth": 2, "widths": [3, [2.5]], "norm": None, "braindecode_version": "1.8.1"}


def read(**changes):
    return settings_in(CONFIG | changes, Network, 200.0, "labram-pretrained")


def test_numbers_lists_and_layers_are_taken_and_the_signal_is_not():
    taken = read(activation="torch.nn.modules.activation.ELU", sfreq=200)
    assert taken == {"depth": 2, "widths": [3, [2.5]], "norm": None, "activation": nn.ELU}


def test_what_the_network_does_not_take_is_said(caplog):
    caplog.set_level("INFO")
    assert "architectures" not in read(architectures=["Reve"])
    assert "config.json also says architectures, which Network does not take" in caplog.text


@pytest.mark.parametrize(
    "value", ["this.GELU", "torch.nn.functional.gelu", "torch.nn.Nothing", {"a": 1}, 10**9, [10**9]]
)
def test_anything_else_is_refused_in_one_line(value):
    with pytest.raises(ValueError, match=r"^labram-pretrained: config.json says activation=") as caught:
        read(activation=value)
    assert "\n" not in str(caught.value) and "this" not in sys.modules


def test_what_is_the_same_for_any_config_is_not_asked_of_it():
    assert "depth" not in settings_in(CONFIG | {"depth": "conv1d_constraint"}, Network, 200.0, "eegpt", {"depth": 1})


def test_another_rate_is_refused():
    with pytest.raises(ValueError, match=r"250 Hz \(sfreq\); expected 200"):
        read(sfreq=250)
