"""Other people's encoders as they are named on the command line, and what they say of whom they saw."""

import json

import pytest

from benchmark.encoders.encoder import Inputs
from benchmark.models.others import parse_others
from tokenizer.base.cli import ConfigError


def test_a_name_of_the_hub_is_taken_of_those_that_are_published_there(tmp_path):
    others = parse_others(["labram=braindecode/labram-pretrained", "biot=random"], [])
    assert others["labram"].weights == "braindecode/labram-pretrained"
    assert (others["labram"].seen({1}, "mdd", False), others["biot"].seen({1}, "mdd", False)) == (None, 0)


@pytest.mark.parametrize("given", ["elm=braindecode/labram-pretrained", "labram=runs/labram.pt", "labram=nowhere"])
def test_what_is_neither_there_nor_such_a_name_is_refused(given):
    with pytest.raises(ConfigError, match="there is no such file or run"):
        parse_others([given], [])


def test_a_folder_as_people_publish_it_does_not_say_whom_it_saw(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    assert parse_others([f"labram={tmp_path}"], [])["labram"].seen({1}, "mdd", False) is None


def test_runs_of_one_network_have_names_of_their_own(tmp_path):
    for name, network in (("one", "elm"), ("two", "elm"), ("three", "eegclip")):
        folder = tmp_path / name / "model/waveform"
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps({"network": network}))
    others = parse_others([f"elm={tmp_path}/one", f"ours.loss={tmp_path}/two", f"third={tmp_path}/three"], [])
    assert [one.encoder.name for one in others.values()] == ["elm", "elm", "eegclip"]
    keep = [one._inputs(Inputs(None, tmp_path)).keep.name for one in others.values()]
    assert keep == ["elm", "ours.loss", "third"], "what is kept of one is not that of another"
    with pytest.raises(ConfigError, match="the network of this run is elm; give the row another name"):
        parse_others([f"eegclip={tmp_path}/one"], [])
    with pytest.raises(ConfigError, match=r"is no NAME=WEIGHTS of .*, no NAME=RUN of stage=windows"):
        parse_others([f"a/b={tmp_path}/one"], [])
