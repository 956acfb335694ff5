"""The residual CNN: places, lengths, and a written-out block."""

import pytest
import torch
from torch.nn import functional as F

from clef.network.waveform.residual import Block, ResidualCNN, ResidualCNNConfig, SideBySide, pools_for


def test_even_kernels_see_one_sample_more_of_the_past():
    layer = SideBySide(1, 1, [4, 16])
    for convolution in layer.convolutions:
        torch.nn.init.ones_(convolution.weight)
        torch.nn.init.zeros_(convolution.bias)
    impulse = torch.zeros(1, 1, 101)
    impulse[..., 50] = 1
    short, long = layer(impulse)[0]
    assert short.nonzero()[:, 0].tolist() == [49, 50, 51, 52] and len(short) == 101
    assert long.nonzero()[:, 0].tolist() == list(range(43, 59))


def test_a_block_is_two_convolutions_beside_one_and_the_largest_of_four():
    torch.manual_seed(0)
    block = Block(ResidualCNNConfig(kernels=[3], width=5), 4).train()
    x = torch.randn(2, 5, 40)

    def convolved(layer, x):
        return F.conv1d(F.pad(x, (1, 1), "reflect"), layer.convolutions[0].weight, layer.convolutions[0].bias)

    def normed(x):
        return (x - x.mean((0, 2), keepdim=True)) / (x.var((0, 2), unbiased=False, keepdim=True) + 1e-5).sqrt()

    inner = F.elu(normed(convolved(block.first, x)))
    skip = F.conv1d(x, block.skip.convolutions[0].weight, block.skip.convolutions[0].bias)
    wanted = (normed(convolved(block.second, inner)) + normed(skip)).unflatten(-1, (10, 4)).amax(-1)
    torch.testing.assert_close(block(x), wanted, atol=1e-5, rtol=1e-5)


def test_published_sizes():
    model = ResidualCNN(ResidualCNNConfig()).eval()
    assert model.width == 96 and model.least_samples == 576
    windows = torch.randn(2, 20, 576)
    assert model(windows).shape == (2, 96) and model.projection(model(windows)).shape == (2, 256)
    torch.testing.assert_close(model(windows)[:1], model(windows[:1]), atol=1e-6, rtol=1e-5)
    with pytest.raises(RuntimeError):
        model(torch.randn(1, 20, 575))


def test_windows_of_5_s_take_the_poolings_that_were_published_for_them():
    assert pools_for(60) == [4, 4, 4, 4] and pools_for(5) == [3, 2, 2, 2]
    with pytest.raises(RuntimeError):
        ResidualCNN(ResidualCNNConfig())(torch.randn(2, 20, 500))
    short = ResidualCNN(ResidualCNNConfig(pools=pools_for(5)))
    assert short(torch.randn(2, 20, 500)).shape == (2, 96) and short.least_samples <= 500
    short(torch.randn(2, 20, short.least_samples))
    with pytest.raises(RuntimeError):
        short(torch.randn(2, 20, short.least_samples - 1))


def test_features_over_a_sample_are_those_of_every_block_above_it():
    torch.manual_seed(0)
    model = ResidualCNN(ResidualCNNConfig(channels=2, pools=[3, 2, 2, 2], projection=[])).eval()
    windows = torch.randn(2, 2, 200)
    columns, blocks = model.over(windows, 101), []
    x = F.elu(model.first_norm(model.first(windows)))
    for block, place in zip(model.blocks, (101, 33, 16, 8), strict=True):
        blocks.append(block.before_pool(x)[:, :, place])
        x = block(x)
    assert columns.shape == (2, model.over_width) and model.over_width == 4 * 96
    torch.testing.assert_close(columns, torch.cat(blocks, 1))
    torch.testing.assert_close(model(windows), model.dense(windows).mean(-1))


def test_the_first_block_tells_neighbouring_samples_apart_wherever_a_window_begins():
    torch.manual_seed(0)
    model = ResidualCNN(ResidualCNNConfig(channels=2, pools=[3, 2, 2, 2], projection=[])).eval()
    windows = torch.randn(1, 2, 300)
    first = model.over(windows, 150)[:, :96]
    torch.testing.assert_close(model.over(windows[..., 47:], 103)[:, :96], first)
    assert (model.over(windows, 151)[:, :96] - first).abs().max() > 0.1
