"""The encoder of trials: no gain and no offset matters, electrodes do, and dropout follows from its seeds."""

import dataclasses

import pytest
import torch

from clef.network.trials.encoder import LARGEST, TrialConfig, TrialEncoder, scaled

SMALL = TrialConfig(width=16, filters=4, kernel=8, stretches=5, layers=2, heads=2, dropout=0.3)


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    return TrialEncoder(SMALL, 5, 60).eval()


@pytest.fixture
def trials():
    return torch.randn(3, 5, 60, generator=torch.Generator().manual_seed(1))


@torch.no_grad()
def test_neither_gain_nor_offset_of_trial_or_electrode_matters(encoder, trials):
    plain = encoder(trials)
    assert plain.shape == (3, 16)
    for other in (3 * trials, 1e-6 * trials, trials * torch.rand(3, 5, 1).add(0.5), trials + 7 * torch.randn(3, 5, 1)):
        torch.testing.assert_close(encoder(other), plain, atol=2e-4, rtol=1e-3)


def test_each_electrode_of_each_trial_has_its_own_units(trials):
    made = scaled(trials * torch.tensor([1.0, 10, 100, 0.1, 5])[:, None])
    torch.testing.assert_close(made, scaled(trials), atol=1e-5, rtol=1e-4)
    assert (made.median(-1).values.abs() < 0.1).all()
    spread = made.quantile(0.75, dim=-1) - made.quantile(0.25, dim=-1)
    assert (spread - 1).abs().max() < 0.1


@torch.no_grad()
def test_a_flat_electrode_is_zero_and_an_artefact_is_cut(encoder, trials):
    trials[0, 1], trials[1, 2, 30] = 4.0, 1e6
    made = scaled(trials)
    assert (made[0, 1] == 0).all() and made[1, 2, 30] == LARGEST
    assert torch.isfinite(encoder(trials)).all()


@torch.no_grad()
def test_a_trial_is_read_alike_beside_any_others_and_electrodes_are_told_apart(encoder, trials):
    torch.testing.assert_close(encoder(trials)[1:2], encoder(trials[1:2]), atol=1e-5, rtol=1e-4)
    assert (encoder(trials[:, [1, 0, 2, 3, 4]]) - encoder(trials)).abs().max() > 1e-3


@torch.no_grad()
def test_dropout_follows_from_the_seeds(encoder, trials):
    encoder.train()
    seeds = torch.tensor([4, 5, 6])
    assert torch.equal(encoder(trials, seeds), encoder(trials, seeds))
    torch.testing.assert_close(encoder(trials, seeds)[1:], encoder(trials[1:], seeds[1:]), atol=1e-5, rtol=1e-4)
    assert not torch.allclose(encoder(trials, seeds), encoder(trials, seeds + 1), atol=1e-3)


@pytest.mark.parametrize(
    ("change", "samples", "line"),
    [({"heads": 3}, 60, "trials.heads=3: does not divide"), ({}, 35, "trials of 35 samples are too short")],
)
def test_sizes_that_cannot_be_are_one_line(change, samples, line):
    with pytest.raises(ValueError, match=line) as caught:
        TrialEncoder(dataclasses.replace(SMALL, **change), 5, samples)
    assert "\n" not in str(caught.value)


def test_the_shortest_trial_that_is_taken_can_be_read():
    encoder = TrialEncoder(SMALL, 2, 36)
    assert encoder(torch.randn(1, 2, 36)).shape == (1, 16)
