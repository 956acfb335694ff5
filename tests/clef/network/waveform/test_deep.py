"""Deep4 read densely is the strided network on every shifted window."""

import pytest
import torch
from torch.nn import functional as F

from clef.network.waveform.deep import KERNEL, POOL, WIDTHS, Deep4, Deep4Config


def strided(model, windows):
    """One prediction (B, D) of a window as long as the receptive field, with strides as published."""
    x = model.space(model.time(windows[:, None]))[:, :, 0, ::POOL]
    for i, norm in enumerate(model.norms):
        if i:
            x = F.conv1d(x, model.convolutions[i - 1].weight)[..., ::POOL]
        x = F.max_pool1d(F.elu(norm(x)), POOL, stride=1)
    return F.conv1d(x, model.last.weight, model.last.bias).log_softmax(1)


def test_dense_features_are_those_of_every_shifted_window():
    torch.manual_seed(0)
    model = Deep4(Deep4Config(channels=3, features=8)).eval()
    assert model.least_samples == 682, "of 1,200 samples EEG-CLIP has 519 predictions"
    windows = torch.randn(2, 3, 690)
    dense = model.dense(windows)
    assert dense.shape == (2, 8, 9) and KERNEL == 10 and len(WIDTHS) == 4
    for place in (0, 1, 5, 8):
        one = strided(model, windows[..., place : place + 682])
        torch.testing.assert_close(dense[..., place], one[..., 0])
    torch.testing.assert_close(model(windows), dense.mean(-1))


def test_the_rest_of_a_batch_changes_nothing():
    model = Deep4(Deep4Config(channels=2, features=8)).eval()
    windows = torch.randn(3, 2, 700)
    torch.testing.assert_close(model(windows)[1:2], model(windows[1:2]))


def test_features_over_a_sample_come_from_around_it():
    torch.manual_seed(0)
    model = Deep4(Deep4Config(channels=2, features=8)).eval()
    windows = torch.randn(1, 2, 690, requires_grad=True)
    columns = model.over(windows, 345)
    assert columns.shape == (1, model.over_width) and model.over_width == 25 + 50 + 100 + 200 + 8
    last = model.dense(windows)[..., 4]  # the field of 682 from sample 4 on
    torch.testing.assert_close(columns[:, -8:], last - last.mean(1, keepdim=True))
    first, middle = columns[0, :25].sum(), columns[0, 25:75].sum()
    for part in (first, middle):
        (gradient,) = torch.autograd.grad(part, windows, retain_graph=True)
        touched = gradient.abs().sum((0, 1)).nonzero()[:, 0]
        assert abs((touched[0] + touched[-1] + 1) / 2 - 345) <= 1, "the sample is in the middle of its field"
    crop = model.over(windows[..., 4:686], 341)
    torch.testing.assert_close(crop, columns)
    with pytest.raises(ValueError, match="sample 340 of 690: it has less than half a receptive field"):
        model.over(windows, 340)
