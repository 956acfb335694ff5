"""Gradients: against finite differences on the smooth path, complete when integrated, right where planted."""

import numpy as np
import pytest
import torch

from clef.explanations import gradients
from clef.explanations.path import average_spectrum
from clef.explanations.targets import probe_target
from tests.clef.explanations.small import random_probe, row_probe, small_model, small_session


@pytest.fixture(scope="module")
def made():
    model = small_model()
    return model, probe_target(model, random_probe(model)), small_session(model)


def smooth(made, spec) -> float:
    with torch.no_grad():
        return float(gradients.of_spectrogram(*made, spec, quantise=False))


def test_gradients_equal_finite_differences_on_the_smooth_path(made):
    model, target, one = made
    spec = one.spec.clone().requires_grad_()
    value = gradients.of_spectrogram(model, target, one, spec, quantise=False)
    (gradient,) = torch.autograd.grad(value.sum(), spec)
    rng = torch.Generator().manual_seed(0)
    for k in range(4):
        along = torch.randn(spec.shape, generator=rng) + gradient / gradient.std() * (k > 0)
        step = 0.002
        change = (smooth(made, one.spec + step * along) - smooth(made, one.spec - step * along)) / (2 * step)
        scale = float(gradient.norm() * along.norm())
        assert abs(change - float((gradient * along).sum())) < 1e-3 * scale
        assert k == 0 or abs(change) > 0.05 * scale  # the comparison is of something


def test_an_attribution_is_the_gradient_times_the_difference_from_the_mean_spectrum(made):
    model, target, one = made
    attribution = gradients.on_spectrogram(model, target, one, quantise=False)
    along, step = (one.spec - average_spectrum(one, model.vqgan)) * one.valid[:, None, None], 0.001
    change = (smooth(made, one.spec + step * along) - smooth(made, one.spec - step * along)) / (2 * step)
    assert attribution.sum() == pytest.approx(change, rel=1e-2, abs=1e-2)
    assert (attribution[..., ~one.valid[0].numpy()] == 0).all()


def test_integrated_gradients_add_up_to_the_difference_from_the_baseline(made):
    model, target, one = made
    base = average_spectrum(one, model.vqgan).expand_as(one.spec)
    apart = smooth(made, one.spec) - smooth(made, base)
    total = gradients.on_spectrogram(model, target, one, 64, quantise=False).sum()
    assert total == pytest.approx(apart, rel=0.02, abs=0.02)


@pytest.mark.parametrize("row", (1, 8, 14))
def test_a_probe_of_one_row_of_tokens_lights_its_frequencies(row):
    """The stem's patch is the row's own 2 Hz; blocks mix rows weakly while their weights are fresh."""
    model = small_model()
    target, one = probe_target(model, row_probe(model, row)), small_session(model)
    curve = np.abs(gradients.on_spectrogram(model, target, one, 8)).sum((0, 2))
    inside = curve[8 * row : 8 * row + 8].sum() / curve.sum()
    assert inside > 0.7
    tokens = gradients.on_tokens(model, target, one)
    assert np.abs(tokens[row]).sum() > 0 and np.abs(np.delete(tokens, row, 0)).max() == 0  # codes have no context


def test_sums_over_tokens_are_the_sums_over_cells(made):
    model, target, one = made
    cells = gradients.on_spectrogram(model, target, one)
    grid = gradients.to_tokens(cells, one.grid)
    assert grid.shape == one.grid and grid.sum() == pytest.approx(cells.sum())
    assert grid[3, 2] == pytest.approx(cells[:, 24:32, 20:30].sum())
    assert (gradients.on_tokens(model, target, one)[:, ~one.columns[0].numpy()] == 0).all()
