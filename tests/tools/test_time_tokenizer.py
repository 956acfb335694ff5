"""tools.time_tokenizer: its counts against sums done by hand, and what it prints."""

import re

import pytest
import torch

from tests.helpers import must, run
from tokenizer.vqgan import VQGANConfig
from tools.time_tokenizer import gigaflop, make_network, parameters

PATCH, ROWS, COLUMNS = 20 * 8 * 10, 16, 128


def block(width):
    """Multiplications of a block at one token: over 5 columns, over 16 rows, a matrix, a perceptron."""
    return 5 * width + ROWS * width + width**2 + 2 * 2 * width**2


def by_hand(c):
    """GFLOP of a whole session to encode and to decode."""
    encode = (PATCH + 19) * c.width + c.encoder_blocks * block(c.width)
    encode += c.width * c.code_dimension + c.code_dimension * c.codes
    decode = c.code_dimension * c.width + c.decoder_blocks * block(c.width) + c.width * PATCH
    return [2 * ROWS * COLUMNS * count / 1e9 for count in (encode, decode)]


@pytest.mark.parametrize("name", ["tiny", "small"])
def test_operations_are_those_counted_by_hand(name):
    vqgan = make_network(name, seed=0)
    expected = by_hand(vqgan.config)
    spec = torch.zeros(1, 19, 128, 1280)
    steps = (lambda: vqgan.encode(spec, channel_ok=torch.ones(1, 19).bool())), (lambda: vqgan.decode(tokens))
    tokens = torch.zeros(1, ROWS, COLUMNS, dtype=torch.int64)
    assert [gigaflop(step) for step in steps] == pytest.approx(expected, rel=0.01)


def test_parameters_are_those_counted_by_hand():
    c, vqgan = VQGANConfig(), make_network("small", seed=0)
    assert vqgan.config == c  # the default is small
    per_block = 2 * 2 * c.width + 6 * c.width + ROWS**2 + c.width * (c.width + 1)  # two norms, time, rows, mix
    per_block += 2 * c.width * (c.width + 1) + c.width * (2 * c.width + 1)
    ends = (PATCH + 19 + 1) * c.width + (c.width + 1) * PATCH + 2 * 2 * c.width + 2 * ROWS * c.width
    codes = (c.width + 1) * c.code_dimension + (c.code_dimension + 1) * c.width + c.codes * c.code_dimension
    assert parameters(vqgan) == (c.encoder_blocks + c.decoder_blocks) * per_block + ends + codes


def test_it_prints_a_row_for_each_size(tmp_path):
    settings = {"models": "[tiny,small]", "seconds": 30, "repeats": 1, "device": "cpu", "threads": 1}
    done = must(run(tmp_path / "said", "tools.time_tokenizer", out=tmp_path / "t.md", **settings))
    assert (tmp_path / "t.md").read_text() == done.out
    rows = [line.strip("| ").split(" | ") for line in done.out.splitlines() if re.match(r"\| (tiny|small) ", line)]
    assert [row[0] for row in rows] == ["tiny", "small"] and all(len(row) == 7 for row in rows)
    for row in rows:
        assert all(float(cell.removesuffix(" M")) > 0 for cell in row[1:3])
        assert float(row[5]) >= float(row[4])  # with reading


def test_an_unknown_size_is_one_line(tmp_path):
    done = run(tmp_path, "tools.time_tokenizer", models="[tiny,huge]")
    assert done.code == 2 and done.one_line and "models=huge: there is no such size; there are: base" in done.err
