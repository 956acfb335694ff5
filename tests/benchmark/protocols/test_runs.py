"""Runs read for comparison: names, vectors at the heads, and embeddings that are kept."""

import shutil

import numpy as np
import pytest
import torch

from benchmark.protocols.runs import read_run
from clef.cohort import Cohort
from clef.embeddings import read_embeddings, write_embeddings
from clef.network.record_encoder import RecordConfig
from clef.network.report_encoder import TextConfig
from clef.stages.align import AlignConfig, build
from clef.stages.inputs import Inputs
from tokenizer.store import TokenStore

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def aligned(tiny_align, tiny_store, tmp_path_factory):
    store, keep = TokenStore(tiny_store), tmp_path_factory.mktemp("kept") / "both.parquet"
    return read_run("both", tiny_align, store, store.session_id.tolist()[:8], keep, CPU), keep


def test_sessions_and_texts_meet_as_in_the_public_model(aligned, tiny_store):
    run, _ = aligned
    ours = run.sessions_in("report") @ run.model.text(["spikes"]).T
    theirs = run.model.similarity(TokenStore(tiny_store), ["spikes"])[:8]
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    assert run.partners == ("report", "record") and run.settings["summariser"] == "rules"
    np.testing.assert_allclose(np.linalg.norm(run.at_heads().vectors, axis=1), np.sqrt(2), rtol=1e-5)


def test_partners_are_unit_vectors_with_the_names_of_their_sessions(aligned, tiny_cohort):
    run, _ = aligned
    for partner in run.partners:
        names, vectors, kind = run.partner_vectors(partner, Cohort(tiny_cohort))
        assert len(names) == len(set(names)) == len(vectors) and set(names) <= set(run.pooled.session_id)
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
        alike = vectors @ vectors.T > 1 - 1e-5
        assert len(kind) == len(names)
        assert partner == "record" or np.array_equal(kind[:, None] == kind, alike)


def test_kept_embeddings_are_taken_up_and_those_of_another_model_are_not(aligned, tiny_recon, tiny_align, tiny_store):
    run, keep = aligned
    store, names = TokenStore(tiny_store), run.pooled.session_id
    marked = read_embeddings(keep)
    marked.vectors = marked.vectors + 1
    write_embeddings(keep, marked)
    again = read_run("other name", tiny_align, store, names, keep, CPU)
    assert np.array_equal(again.pooled.vectors, marked.vectors) and again.pooled.name == "other name"
    recon = read_run("recon", tiny_recon, store, names, keep, CPU)
    assert recon.partners == () and recon.pooled.model != run.pooled.model
    fewer = read_run("recon", tiny_recon, store, names[:3], keep, CPU)
    assert fewer.pooled.session_id == names[:3]
    assert np.array_equal(fewer.pooled.vectors, recon.pooled.vectors[:3])
    assert read_embeddings(keep).session_id == names, "what is there for more sessions stays"


def test_a_damaged_file_is_made_again(tiny_recon, tiny_store, tmp_path, caplog):
    store, keep = TokenStore(tiny_store), tmp_path / "recon.parquet"
    keep.write_bytes(b"half")
    run = read_run("recon", tiny_recon, store, store.session_id.tolist()[:2], keep, CPU)
    assert "made again" in caplog.text and read_embeddings(keep).session_id == run.pooled.session_id


@pytest.mark.parametrize("window, hierarchy", [("before", True), ("around", False), ("ever", True)])
def test_vectors_are_those_that_training_computed(
    window, hierarchy, tiny_align, tiny_recon, tiny_store, tiny_cohort, tmp_path
):
    """Windows and hierarchy of records come back with the model, and a learned temperature changes no vector."""
    inputs = Inputs(cohort=str(tiny_cohort), tokens=str(tiny_store), init=tiny_recon / "model")
    small = {"width": 16, "layers": 1, "heads": 2, "output": 16, "min_count": 1}
    record = RecordConfig(**small, window=window, hierarchy=hierarchy)
    text = TextConfig(**small, vocabulary=300)
    stage, pairs = build(inputs, AlignConfig(learned_temperature=True, partner_drop=0.0), text, record)
    folder = shutil.copytree(tiny_align, tmp_path / "run")
    shutil.rmtree(folder / "model" / "align")
    shutil.rmtree(folder / "model" / "encoder")
    stage.eval().save_model(folder / "model")
    rows = pairs.held_out.tolist()
    names = pairs.tokens.session_id[rows].tolist()
    given = pairs.validation()[0]
    with torch.no_grad():
        codes = torch.nn.functional.normalize(stage.heads.record(given["record"], given["record_mask"]), dim=-1)
        session = stage.encoder.embed_kept(given["tokens"], given["kept"], given["kept_ok"])
        session = torch.nn.functional.normalize(stage.heads.to_record(session), dim=-1)
    run = read_run("run", folder, TokenStore(tiny_store), names, tmp_path / "kept.parquet", CPU)
    assert run.pooled.session_id == names
    np.testing.assert_allclose(run.sessions_in("record"), session, atol=1e-5)
    kept, vectors, _ = run.partner_vectors("record", Cohort(tiny_cohort))
    expected = {name: codes[i] for i, name in enumerate(names) if given["has_record"][i]}
    assert set(kept) == set(expected) and len(kept) > 1
    np.testing.assert_allclose(vectors, [expected[name] for name in kept], atol=1e-5)
