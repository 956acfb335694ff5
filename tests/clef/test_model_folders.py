"""Model folders that somebody sends: any change of them is refused in one line, or loads what was saved, quickly."""

import json
import logging
import random
import shutil
import struct
import time
import tracemalloc

import pytest
import torch

import clef
from clef.network.alignment import Alignment
from clef.network.encoder import Encoder
from tokenizer.base.cli import parse
from tokenizer.vqgan import VQGAN

PARTS = {"tokenizer": VQGAN, "encoder": Encoder, "align": Alignment}
ODD = [-1, 0, 1, 2, 7, 100_000, 2**31, 2**70, 1.5, -0.0, 1e308, float("nan"), float("inf"), True, None, "", "8", "wide"]
ODD += [[], [1], [1, 2, 3], [[]], {}, {"a": 1}, ["x"] * 3, "x" * 1000, "${oc.env:HOME}", "\0", [2**40, 2**40], [8.0, 8]]


def places(tree, path=()):
    """Every place in a tree of JSON values, each the keys that lead to it."""
    yield path
    items = tree.items() if isinstance(tree, dict) else enumerate(tree[:4]) if isinstance(tree, list) else ()
    for key, value in items:
        yield from places(value, (*path, key))


def mutate(tree, draw):
    """A copy of a JSON tree with a value replaced, a key removed, or one added."""
    tree = json.loads(json.dumps(tree))
    path = draw.choice([p for p in places(tree) if p])
    parent = tree
    for key in path[:-1]:
        parent = parent[key]
    kind = draw.random()
    if kind < 0.75:
        parent[path[-1]] = draw.choice(ODD)
    elif kind < 0.9:
        del parent[path[-1]]
    elif isinstance(parent, dict):
        parent[draw.choice(["surprise", "", "__class__", "encoder_layer"])] = draw.choice(ODD)
    return tree


def mutate_config(folder, draw):
    config = json.loads((folder / "config.json").read_text())
    config.pop("digests")  # as if somebody meant it
    config.get("about", {}).pop("trained_on", None)
    (folder / "config.json").write_text(json.dumps(mutate(config, draw)))


def mutate_header(folder, draw):
    file = folder / "model.safetensors"
    data = file.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    if draw.random() < 0.2:
        header = bytes(b ^ (draw.random() < 0.01) << draw.randrange(8) for b in data[8 : 8 + size])
    else:
        header = json.dumps(mutate(json.loads(data[8 : 8 + size]), draw)).encode()
    length = len(header) if draw.random() < 0.9 else draw.choice([0, 2**63, len(header) + 8, 1])
    file.write_bytes(struct.pack("<Q", length) + header + data[8 + size :])
    config = json.loads((folder / "config.json").read_text())
    config.pop("digests")
    (folder / "config.json").write_text(json.dumps(config))


def load_changed(part, source, folder, change, draw):
    """What loading a changed copy of a part says; None if it gave the network that was saved."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, folder)
    change(folder, draw)
    began = time.monotonic()
    try:
        loaded = PARTS[part].from_pretrained(str(folder))
    except ValueError as error:
        assert "\n" not in str(error) and len(str(error)) < 600, error
        return str(error)
    finally:
        assert time.monotonic() - began < 60  # it takes milliseconds; the machine may be busy
    saved = PARTS[part].from_pretrained(str(source)).state_dict()
    assert all(torch.equal(loaded.state_dict()[k], v) for k, v in saved.items())
    return None


@pytest.fixture(autouse=True)
def quiet(caplog):
    caplog.set_level(logging.ERROR)


def fuzz(tiny_align, tmp_path, times, seed):
    draw, refused = random.Random(seed), 0
    tracemalloc.start()
    for i in range(times):
        part = draw.choice(list(PARTS))
        change = draw.choice([mutate_config, mutate_header])
        refused += load_changed(part, tiny_align / "model" / part, tmp_path / f"m{i % 2}", change, draw) is not None
    assert tracemalloc.get_traced_memory()[1] < 200 << 20
    tracemalloc.stop()
    assert refused > times / 2


def test_mutated_model_folders_are_refused_in_one_line_or_load(tiny_align, tmp_path):
    fuzz(tiny_align, tmp_path, 24, 1)


@pytest.mark.slow
def test_five_hundred_mutated_model_folders(tiny_align, tmp_path):
    fuzz(tiny_align, tmp_path, 500, 2)


@pytest.mark.parametrize("part", PARTS)
def test_a_flipped_bit_anywhere_is_refused(part, tiny_align, tmp_path):
    draw = random.Random(3)

    def flip(folder, draw):
        file = folder / draw.choice(["config.json", "model.safetensors"])
        data = bytearray(file.read_bytes())
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        file.write_bytes(data)

    for _ in range(12):
        said = load_changed(part, tiny_align / "model" / part, tmp_path / "m", flip, draw)
        unread = json.loads((tiny_align / "model" / part / "config.json").read_text())
        assert said or json.loads((tmp_path / "m" / "config.json").read_text()) == unread  # a blank between two values


def test_parts_of_two_models_are_told_apart(tiny_align, tmp_path):
    folder = shutil.copytree(tiny_align / "model", tmp_path / "model")
    other = VQGAN.from_pretrained(str(folder / "tokenizer"))
    other.codebook.vectors.copy_(other.codebook.vectors.flip(0))
    other.save_pretrained(folder / "tokenizer")
    with pytest.raises(ValueError, match="encoder/ reads tokens of another tokenizer/"):
        clef.load(folder)
    shutil.copy(tiny_align / "model" / "tokenizer" / "model.safetensors", folder / "tokenizer")
    with pytest.raises(ValueError, match=r"model.safetensors is not what was written with its config.json"):
        clef.load(folder)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("encoder.encoder_layers=100000", "encoder.encoder_layers=100000: expected a whole number from 1 to 128"),
        ("encoder.width=-2", "encoder.width=-2: expected a whole number from 2 to 4096"),
        ("encoder.dropout=1", "encoder.dropout=1.0: expected a number from 0 to 0.99"),
    ],
)
def test_command_lines_have_the_same_limits(setting, said):
    from clef.training.settings import PretrainConfig

    config = parse(PretrainConfig, "clef.pretrain", ["stage=recon", "out=o", setting])
    with pytest.raises(ValueError) as caught:
        Encoder(config.encoder, torch.zeros(8, 4))
    assert str(caught.value) == said
