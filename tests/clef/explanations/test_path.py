"""The path to a target: the same number as the embedding gives, and what is left out is taken for usual."""

import numpy as np
import pytest
import torch

from clef.explanations.path import encoded, pooled_with_usual, usual_session
from clef.explanations.targets import everything, probe_target, value, values
from tests.clef.explanations.small import random_probe, reading, readout_of, small_model, small_session
from tokenizer.readings import Reading
from tokenizer.store import Tokens

KINDS = (("trained", "rows"), ("trained", "rows+sd"), ("trained", "mean"), ("codes", "rows"), ("codes", "rows+sd"))


def tokens_of(one) -> Tokens:
    plain = one.tokens.numpy().astype(np.uint16), one.columns.numpy()
    rest = np.zeros(1, np.int64), np.array([""]), np.zeros(1, np.float32), np.ones((1, 19), bool)
    return Tokens(*plain, np.array(["s"]), *rest)


@pytest.mark.parametrize(("kind", "pool"), KINDS)
def test_the_target_of_a_whole_session_is_that_of_its_embedding(kind, pool):
    model = small_model()
    probe, one = random_probe(model, kind, pool), small_session(model)
    vector = model.read(tokens_of(one), readout_of(pool), kind)
    assert not one.columns.all()  # a gap is in it
    assert value(model, probe_target(model, probe), one) == pytest.approx(probe.log_odds(vector)[0], abs=1e-4)


@pytest.mark.parametrize(("kind", "pool"), KINDS)
def test_a_session_of_which_nothing_is_left_is_the_usual_one(kind, pool):
    model = small_model()
    target, one = probe_target(model, random_probe(model, kind, pool)), small_session(model)
    nothing = torch.zeros_like(everything(one))
    assert float(values(model, target, one, nothing)) == pytest.approx(target.at_usual(), abs=1e-4)


def test_the_usual_session_of_a_probe_is_the_mean_of_those_it_was_fitted_on():
    model = small_model()
    for kind, pool in (("trained", "rows+sd"), ("codes", "rows")):
        probe = random_probe(model, kind, pool)
        assert probe_target(model, probe).at_usual() == pytest.approx(probe.bias, abs=1e-4)


def test_the_mean_of_a_row_keeps_its_weights_when_tokens_are_left_out():
    rng = np.random.default_rng(0)
    states = torch.tensor(rng.normal(size=(1, 2, 4, 3)), dtype=torch.float32)
    usual = torch.tensor(rng.normal(size=(2, 2, 3)), dtype=torch.float32).abs()
    kept = torch.ones(1, 2, 4, dtype=torch.bool)
    kept[0, 0, 1] = False
    columns = torch.ones(1, 4, dtype=torch.bool)
    pooled = pooled_with_usual(states * kept[..., None], kept, columns, usual, True)[0].numpy()
    left = states[0, 0, [0, 2, 3]].numpy()
    assert np.allclose(pooled[:3], (left.sum(0) + usual[0, 0].numpy()) / 4, atol=1e-6)
    variance = (3 * left.var(0) + usual[1, 0].numpy() ** 2) / 4
    assert np.allclose(pooled[6:9], np.sqrt(variance), atol=1e-6)
    assert np.allclose(pooled[9:], states[0, 1].numpy().std(0), atol=1e-6)


def test_the_usual_session_does_not_depend_on_how_long_it_is_where_there_is_no_context():
    model = small_model()
    short, long = (usual_session(model, "codes", seconds) for seconds in (640, 1280))
    middle = short[0] - long[0]  # the ends of a session differ by what the tokenizer sees beyond them
    assert float(middle.abs().max()) < 0.1


def test_a_refused_reading_and_one_without_a_valid_column_are_one_line():
    model = small_model()
    refused = Reading(torch.zeros(19, 128, 0), torch.zeros(0).bool(), torch.zeros(19).bool(), "too short")
    empty = reading(0)
    empty.valid[:] = False
    for bad, words in ((refused, "too short"), (empty, "no 10 s of it are valid")):
        with pytest.raises(ValueError, match=words) as caught:
            encoded(bad, model.vqgan)
        assert "\n" not in str(caught.value)
