"""Concepts held out of alignment: whole groups, drawn from training subjects, gone from records and summaries."""

import polars as pl

from clef.codes import overlap
from clef.model import load
from clef.network.record_encoder import RecordConfig
from clef.stages.heldout import concept_names, draw_heldout, without_codes, without_words
from clef.stages.partners import make_record
from tests.helpers import must, pretrain

ICD = [f"G{i}" for i in range(10, 30)]
ATC = [f"N0{i}A" for i in range(1, 8)]


def people(n: int = 12) -> pl.DataFrame:
    return pl.DataFrame({"subject_id": range(n), "split": ["train"] * (n - 4) + ["test"] * 4})


def events() -> pl.DataFrame:
    """Every training subject has every group, one subject of test has another one."""
    rows = [(s, f"ICD10CM//{code}.1{s}") for s in range(8) for code in ICD]
    rows += [(s, f"ATC//{code}X0{s}") for s in range(8) for code in ATC] + [(0, "ATC//N"), (1, "FINDING//G40")]
    rows += [(9, "ICD10CM//Z99"), (0, "ICD10CM//F32")]
    return pl.DataFrame(rows, schema={"subject_id": pl.Int64, "code": pl.String}, orient="row")


def test_groups_are_drawn_by_seed_from_what_enough_training_subjects_have():
    drawn = draw_heldout(people(), events(), 0.2, 0, 2)
    assert sum(d.startswith("ICD10CM//G") for d in drawn) == 4 and sum(d.startswith("ATC//N0") for d in drawn) == 2
    assert drawn == draw_heldout(people(), events().sample(fraction=1.0, shuffle=True, seed=1), 0.2, 0, 2)
    assert drawn != draw_heldout(people(), events(), 0.2, 1, 2)
    assert set(drawn) < set(draw_heldout(people(), events(), 0.5, 0, 2))
    everything = draw_heldout(people(), events(), 0.99, 0, 2)
    assert set(everything) == {f"ICD10CM//{c}" for c in ICD} | {f"ATC//{c}" for c in ATC}


def test_nothing_of_a_held_out_group_is_left_in_the_records():
    told = events().with_columns(time=pl.lit(None, pl.Datetime("us")))
    kept = without_codes(told, ["ICD10CM//G12", "ATC//N03A"])
    codes = set(kept["code"])
    assert not any(c.startswith(("ICD10CM//G12", "ATC//N03A")) for c in codes)
    assert "ATC//N" not in codes and "FINDING//G40" in codes  # the anatomical group tells of what is below it
    assert len(codes) == told["code"].n_unique() - 17
    sessions = people().with_columns(start_time=pl.lit(None, pl.Datetime("us")))
    record = make_record(RecordConfig(16, 1, 2, output=8, min_count=1, hierarchy=True), sessions, kept, 1.0)
    assert not any(c.startswith(("ICD10CM//G12", "ATC//N03A")) for c in record.vocabulary.codes)


def test_sentences_that_name_a_held_out_concept_are_left_out():
    names = dict(concept_names())
    assert names["levetiracetam"] == ("ATC//N03AX14",) and names["aphasia"] == ("ICD10CM//R47",)
    summaries = {
        "a": "Normal background. On Levetiracetam since May. Left temporal spikes.",
        "b": "Known aphasia.",
        "c": "Diffuse theta slowing.",
    }
    assert without_words(summaries, ["ATC//N03A", "ICD10CM//R47"]) == {
        "a": "Normal background. Left temporal spikes.",
        "c": "Diffuse theta slowing.",
    }
    assert without_words(summaries, ["ICD10CM//M54"]) == summaries


def test_a_run_states_what_it_held_out_and_its_embeddings_repeat_it(tiny_cohort, tiny_store, tiny_recon, tmp_path):
    inputs = {"cohort": tiny_cohort, "tokens": tiny_store, "init": tiny_recon, "out": tmp_path / "run", "steps": 2}
    must(pretrain(tmp_path, "align", **inputs, **{"align.heldout_concepts": 0.5}))
    model = load(tmp_path / "run")
    heldout = model.encoder.about["heldout_concepts"]
    assert {code.split("//")[0] for code in heldout} == {"ICD10CM", "ATC"}
    assert model.about()["heldout_concepts"] == heldout
    known = model.heads.record.vocabulary.codes
    assert known and not any(overlap(code, heldout) for code in known)
