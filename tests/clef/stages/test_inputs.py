"""Stores that do not fit each other are refused by name; a model says whom it and its tokenizer have seen."""

import polars as pl
import pytest

from clef.embeddings import seen_subjects
from clef.network.encoder import Encoder
from clef.stages.inputs import Inputs, about_training, check_splits, check_tokenizer, load_tokens, trained_on
from tests.helpers import random_tokens
from tokenizer.sessions import read_sessions


def test_subjects_are_listed_by_split_once_hashed_and_never_those_of_test():
    seen = trained_on([3, 3, 4, 5], ["train", "train", "val", "test"])
    assert seen_subjects(seen, range(9)) == {"train": {3}, "val": {4}} and len(seen["train"]) == 1


def test_a_model_has_seen_whom_its_tokenizer_has_seen(tiny_store):
    store, tokens = load_tokens(str(tiny_store))
    few = tokens.where(tokens.split == "val")
    about = about_training("recon", store, few)
    earlier = store.attributes["tokenizer"]["about"]["trained_on"]
    assert about["trained_on"]["train"] == sorted(earlier["train"]) != []
    assert set(trained_on(few.subject_id, few.split, earlier)["val"]) <= set(about["trained_on"]["val"])
    assert (about["stage"], about["tokenizer"]) == ("recon", store.fingerprint)


def test_an_encoder_of_another_tokenizer_is_refused(tiny_store, tiny_recon):
    store, _ = load_tokens(str(tiny_store))
    encoder = Encoder.from_pretrained(str(tiny_recon / "model" / "encoder"))
    check_tokenizer(encoder, store, "mine.zarr")
    encoder.about["tokenizer"] = "other"
    with pytest.raises(ValueError, match=r"tokens=mine\.zarr: made with .* trained on tokens of other; encode"):
        check_tokenizer(encoder, store, "mine.zarr")


def test_a_cohort_with_other_splits_or_without_a_session_is_refused():
    tokens, inputs = random_tokens(), Inputs("C", "T")
    table = pl.DataFrame({"session_id": tokens.session_id.tolist(), "split": tokens.split.tolist()})
    check_splits(tokens, table, inputs)
    turned = table.with_columns(split=pl.when(pl.col("session_id") == "s4").then(pl.lit("val")).otherwise("split"))
    for wrong, first in ((turned, "s4"), (table.filter(pl.col("session_id") != "s7"), "s7")):
        with pytest.raises(ValueError, match=f"tokens=T: 1 sessions are not in cohort=C .*first: {first}"):
            check_splits(tokens, wrong, inputs)


def test_sessions_without_a_valid_column_are_left_out(tiny_store, tiny_cohort):
    _, tokens = load_tokens(str(tiny_store))
    assert tokens.valid.any(1).all() and set(tokens.session_id) <= set(read_sessions(tiny_cohort)["session_id"])
