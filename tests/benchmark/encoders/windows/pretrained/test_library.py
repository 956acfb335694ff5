"""Without braindecode its models are one line that says what to install, and exit code 2."""

import sys

import pytest

from benchmark.encode import EncodeConfig, main
from benchmark.encoders.registry import ENCODERS
from tokenizer.base.cli import ConfigError


@pytest.mark.parametrize("name", ["labram", "biot", "cbramod", "eegpt", "bendr", "reve"])
def test_without_the_library_each_is_one_line(name, recorded, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "braindecode", None)
    monkeypatch.delitem(sys.modules, "braindecode.models", raising=False)
    config = EncodeConfig(name, str(recorded), str(tmp_path / "e.parquet"), weights="random")
    with pytest.raises(ConfigError, match=rf"^encoder={name}: braindecode is not installed; pip install") as caught:
        main(config)
    assert "\n" not in str(caught.value) and not list(tmp_path.iterdir())


def test_they_say_that_their_weights_may_be_named():
    assert {name for name, encoder in ENCODERS.items() if encoder.hub} == {
        *("labram", "biot", "cbramod", "eegpt", "bendr", "reve"),
    }
