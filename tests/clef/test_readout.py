"""The readout: what is left open is chosen by what the model has, and what it has not is refused."""

import dataclasses

import numpy as np
import pytest

import clef
from clef.embeddings import read_embeddings
from clef.readout import DEFAULT_POOL, Readout, readout_of
from tests.helpers import must, run
from tokenizer.store import TokenStore

BOTH = ("report", "record")


@pytest.mark.parametrize(
    ("chosen", "kind", "heads", "pool", "head"),
    [
        ({}, "trained", BOTH, "rows", "both"),
        ({}, "trained", ("record",), "rows", "record"),
        ({}, "trained", (), DEFAULT_POOL, "none"),
        ({}, "codes", BOTH, DEFAULT_POOL, "none"),
        ({"pool": "quantiles"}, "trained", BOTH, "quantiles", "none"),
        ({"layer": "encoder.1"}, "trained", BOTH, DEFAULT_POOL, "none"),
        ({"head": "none"}, "trained", BOTH, DEFAULT_POOL, "none"),
        ({"head": "report", "pool": "rows"}, "trained", BOTH, "rows", "report"),
    ],
)
def test_what_is_left_open_follows_from_the_model(chosen, kind, heads, pool, head):
    how = Readout(**chosen).resolved(kind, "rows", heads)
    assert (how.pool, how.head) == (pool, head) and how.resolved(kind, "rows", heads) == how


@pytest.mark.parametrize(
    ("chosen", "kind", "heads", "said"),
    [
        ({"head": "report"}, "trained", ("record",), "has no report head; it has: record"),
        ({"head": "both"}, "trained", (), "has no report head; it has: none"),
        ({"head": "both"}, "untrained", BOTH, "kind=untrained has no heads"),
        ({"head": "both", "pool": "mean"}, "trained", BOTH, "trained on pool=rows of layer=encoder; leave out"),
        ({"head": "both", "layer": "decoder"}, "trained", BOTH, "trained on pool=rows"),
    ],
)
def test_what_a_model_has_not_is_one_line(chosen, kind, heads, said):
    with pytest.raises(ValueError, match=said) as caught:
        Readout(**chosen).resolved(kind, "rows", heads)
    assert "\n" not in str(caught.value)


def test_other_words_are_refused_and_old_files_were_pooled_by_rows():
    with pytest.raises(ValueError, match="norm=l2: expected none or unit"):
        Readout(norm="l2")
    assert readout_of({"kind": "trained", "layer": "decoder"}) == Readout("rows", "none", layer="decoder")


def test_files_say_how_they_were_read_and_texts_are_compared_with_every_readout_that_holds_their_space(
    tiny_align, tiny_store, tmp_path
):
    model, store = clef.load(tiny_align), TokenStore(tiny_store)
    expected = model.report_vectors(store)
    np.testing.assert_allclose(np.linalg.norm(expected, axis=1), 1, atol=1e-5)
    for given in ({}, {"head": "report"}, {"head": "none"}, {"pool": "rows"}, {"head": "both", "norm": "unit"}):
        file = tmp_path / "e.parquet"
        done = must(run(tmp_path / "s", "clef.embed", model=tiny_align, tokens=tiny_store, out=file, **given))
        written, how = read_embeddings(file), model.readout("trained", Readout(**given))
        assert {key: written.config[key] for key in how.about()} == how.about()
        assert f"pool={how.pool}, head={how.head}, norm={how.norm}" in done.err
        assert written.vectors.shape[1] == model.width("trained", how)
        np.testing.assert_allclose(model.report_vectors(file), expected, atol=1e-5)
        if "norm" not in given:
            np.testing.assert_allclose(model.report_vectors(written.vectors), expected, atol=1e-5)
    both = model.embed(store)
    lengths = [np.linalg.norm(part, axis=1) for part in np.split(both, 2, axis=1)]
    np.testing.assert_allclose(lengths, 1, atol=1e-5)
    assert np.linalg.norm(model.embed(store, norm="unit", head="none"), axis=1) == pytest.approx(1, abs=1e-5)


def test_the_level_is_one_more_number_the_last(tiny_align, tiny_store):
    model = clef.load(tiny_align)
    sessions = model.tokenise(TokenStore(tiny_store))
    level = np.linspace(-3, 9, len(sessions), dtype=np.float32)
    sessions = dataclasses.replace(sessions, level=level)
    for kind, chosen in (("trained", {}), ("trained", {"norm": "unit", "head": "none"}), ("codes", {})):
        how = Readout(**chosen, level=True)
        vectors, plain = (model.read(sessions, h, kind) for h in (how, Readout(**chosen)))
        assert vectors.shape[1] == model.width(kind, how) == plain.shape[1] + 1
        np.testing.assert_array_equal(vectors[:, :-1], plain)
        np.testing.assert_array_equal(vectors[:, -1], level)
    level[4] = np.nan
    with pytest.raises(ValueError, match=rf"level=true: 1 of {len(level)} sessions have no level \(first: "):
        model.read(sessions, Readout(level=True))


def test_shuffled_minutes_change_what_a_model_sees_and_not_what_codes_hold(tiny_align, tiny_store):
    model = clef.load(tiny_align)
    sessions = model.tokenise(TokenStore(tiny_store))
    sessions = sessions.where(sessions.valid.sum(1) > 2)
    long = np.tile(sessions.tokens[..., :2], 12), np.ones((len(sessions), 24), bool)
    sessions = dataclasses.replace(sessions, tokens=long[0], valid=long[1])
    sessions.tokens[..., :12] = np.roll(sessions.tokens[..., :12], 1, axis=1)  # the first two minutes are others
    plain, shuffled = Readout(pool="rows+sd"), Readout(pool="rows+sd", shuffle="minutes")
    for kind, changed in (("codes", False), ("trained", True), ("untrained", True)):
        differ = np.abs(model.read(sessions, plain, kind) - model.read(sessions, shuffled, kind)).max()
        assert (differ > 1e-3) == changed, (kind, differ)
