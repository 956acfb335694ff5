"""Checkpoints: what a power cut or a bad disk did to one is noticed, named, and answered with the one before."""

import json
import logging
import shutil

import pytest
import torch
from safetensors.torch import load_file

from clef.training.checkpoints import MANIFEST, NONE, Checkpoints
from tests.clef.training.test_resume import assert_same
from tests.helpers import must, pretrain

ABOUT = {"inputs": {"tokens": "x"}, "wandb_id": "w"}


def tensors(step):
    return {name: {"a": torch.full((40,), float(step))} for name in ("objective", "optimizer", "ema")}


@pytest.fixture
def two(tmp_path):
    """The checkpoints of steps 3 and 5."""
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    for step in (3, 5):
        checkpoints.save(step, tensors(step), ABOUT)
    return checkpoints


def cut(file):
    file.write_bytes(file.read_bytes()[:-7])


def flip(file):
    data = bytearray(file.read_bytes())
    data[-5] ^= 4
    file.write_bytes(data)


DAMAGES = {
    "cut": lambda f: cut(f / "optimizer.safetensors"),
    "empty": lambda f: (f / "ema.safetensors").write_bytes(b""),
    "missing": lambda f: (f / "ema.safetensors").unlink(),
    "zeros": lambda f: (f / "objective.safetensors").write_bytes(bytes((f / "objective.safetensors").stat().st_size)),
    "flipped bit": lambda f: flip(f / "objective.safetensors"),
    "swapped": lambda f: shutil.copy(f.parent / "step-00000003" / "ema.safetensors", f),
    "manifest cut": lambda f: cut(f / MANIFEST),
    "manifest empty": lambda f: (f / MANIFEST).write_bytes(b""),
    "manifest missing": lambda f: (f / MANIFEST).unlink(),
    "manifest of another kind": lambda f: (f / MANIFEST).write_text('{"files": []}'),
    "nothing": lambda f: [file.unlink() for file in f.iterdir()],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_named_and_the_one_before_is_taken(two, damage, caplog):
    assert two.newest_whole() == 5
    DAMAGES[damage](two.path(5))
    with caplog.at_level(logging.WARNING):
        assert two.newest_whole() == 3
    assert len(caplog.messages) == 1 and "step-00000005/" in caplog.text and "going back to step 3" in caplog.text
    assert torch.equal(two.load(3)["ema"]["a"], torch.full((40,), 3.0)) and two.about() == ABOUT


def test_the_whole_one_stays_until_a_newer_one_is_written(two):
    DAMAGES["flipped bit"](two.path(5))
    assert two.newest_whole() == 3
    two.save(4, tensors(4), ABOUT)
    assert [path.name for path in two.all()] == ["step-00000003", "step-00000004"]
    two.save(5, tensors(5), ABOUT)
    assert two.newest_whole() == 5 and len(two.all()) == 2


def test_the_first_one_damaged_is_a_start_and_several_are_refused(two, caplog):
    for folder in two.all():
        DAMAGES["cut"](folder)
    with pytest.raises(ValueError, match="all 2 checkpoints are damaged; bring one back") as caught:
        two.newest_whole()
    assert "\n" not in str(caught.value)
    shutil.rmtree(two.path(3))
    assert two.newest_whole() == NONE and "going back to the start" in caplog.text


def test_checkpoints_of_older_versions_are_taken_if_they_open(two):
    for folder in two.all():
        (folder / MANIFEST).unlink()
    assert two.newest_whole() == 5 and two.about() == {}
    cut(two.path(5) / "ema.safetensors")
    assert two.newest_whole() == 3


def test_a_run_goes_on_to_the_same_numbers_after_a_power_cut(tiny_recon, tiny_store, tmp_path):
    """The newest checkpoint, the metrics, run.json and config.yaml damaged at once; each is named in a line."""
    run = shutil.copytree(tiny_recon, tmp_path / "run")
    shutil.rmtree(run / "model")
    flip(run / "checkpoints" / "step-00000008" / "optimizer.safetensors")
    cut(run / "run.json")
    (run / "config.yaml").write_bytes(b"")
    lines = (run / "metrics.jsonl").read_bytes().splitlines(keepends=True)
    lines.insert(3, b'{"step": 3, "lo\xff\n')
    (run / "metrics.jsonl").write_bytes(bytes(9) + b"".join(lines) + bytes(300))
    given = {"tokens": tiny_store, "steps": 8, "checkpoint_minutes": 0, "out": run}
    done = must(pretrain(tmp_path / "said", "recon", **given))
    for said in (
        "run.json: missing or damaged; taken from a checkpoint",
        "config.yaml: missing or damaged; written again from the settings given",
        "checkpoint step-00000008/optimizer.safetensors is not what was written",
        "metrics.jsonl: 1 damaged lines left out, the first is line 4",
        "step 7 of 8",
    ):
        assert said in done.err
    assert_same(tiny_recon, run)
    for name in ("config.yaml", "run.json"):
        assert (run / name).read_text().replace(str(run), str(tiny_recon)) == (tiny_recon / name).read_text()
    (run / "config.yaml").write_bytes(b"\0\0\0")
    other = pretrain(tmp_path / "said", "recon", **given | {"lr": 0.5, "steps": 9})
    assert other.code == 1 and "another setting (which one is not known, config.yaml is damaged);" in other.err


def test_a_checkpoint_holds_no_path_and_what_it_promises(tiny_recon):
    newest = sorted((tiny_recon / "checkpoints").iterdir())[-1]
    manifest = json.loads((newest / MANIFEST).read_text())
    assert str(tiny_recon.parent) not in json.dumps(manifest) and manifest["step"] == 8
    assert {name: line["bytes"] for name, line in manifest["files"].items()} == {
        file.name: file.stat().st_size for file in newest.glob("*.safetensors")
    }
    assert all(load_file(newest / name) for name in manifest["files"])
