"""What is known without looking at the recording, and codes that are another's."""

import numpy as np
import polars as pl
import pytest

from benchmark.encoders.encoder import Inputs
from benchmark.encoders.metadata import embed, own_codes
from benchmark.scores.scoring import score_tasks
from benchmark.scores.statistics.auroc import auroc
from clef.cohort import Cohort, write_cohort
from clef.tasks import SCHEMA
from tokenizer.sessions import read_sessions


def test_missing_numbers_take_the_train_mean_and_are_marked(recorded, tmp_path):
    embeddings = embed(Inputs(Cohort(recorded), tmp_path, workers=0))
    assert embeddings.session_id == [f"s{i}" for i in range(6)], (
        "a recording that cannot be read has an age all the same"
    )
    assert embeddings.vectors[:, 0].tolist() == [40, 45, 50, 60, 70, 80]
    assert embeddings.vectors[:, 1].tolist() == [0, 1, 0, 0, 0, 0]
    assert (embeddings.vectors[5] != 0).any()


def test_codes_are_counted_per_subject_and_categories_are_told_apart(recorded, tmp_path):
    sessions = read_sessions(recorded).with_columns(
        path=pl.format("{}/{}", pl.lit(str(recorded)), "path"), sex=pl.Series(["F", "M", None, "F", "M", "F"])
    )
    events = pl.DataFrame(
        {"subject_id": [0, 0, 0, 3], "code": ["ICD10CM//I10", "DIAGNOSIS//ICD//10//I10", "ATC//N03", "GENDER//F"]}
    )
    write_cohort(tmp_path / "c", "c", sessions, events)
    plain, sexed = (
        embed(Inputs(Cohort(c), tmp_path / "k", workers=0, definitions={"t": {"codes": ["FINDING//x"]}}))
        for c in (recorded, tmp_path / "c")
    )
    assert sexed.vectors.shape[1] == plain.vectors.shape[1] + 2, "F, M and unknown instead of unknown alone"
    codes = sexed.of_task("t")[:, -1]
    assert codes[0] == pytest.approx(1.0986, abs=1e-3) and codes[3] == 0, (
        "log(1 + 2) different codes, one of them in two spellings; sex is no code"
    )
    assert (sexed.of_task("unheard of")[:, -1] == 0).all() and sexed.of_task("t").shape[1] == 1 + len(sexed.vectors[0])


def test_a_tasks_own_codes_are_those_it_names_and_those_it_excludes():
    assert own_codes({"codes": ["ICD10CM//G40.3"], "window_days": None}) == ("ICD10CM//G40.3", "ICD10CM//G40")
    assert own_codes({"codes": ["ICD10CM//G40.3"], "exclude": []}) == ("ICD10CM//G40.3",)
    assert own_codes({"codes": ["ATC//N03AX14"], "exclude": ["ATC//N03"]}) == ("ATC//N03AX14", "ATC//N03")


@pytest.fixture(scope="module")
def independent(tmp_path_factory):
    """4,000 people with about ten codes each, drawn independently, and the tasks that ask for twenty of them."""
    has = np.random.default_rng(0).random((4000, 300)) < 1 / 30
    codes = np.array([f"ICD10CM//{letter}{number:02d}" for letter in "ABC" for number in range(100)])
    who, which = np.nonzero(has)
    sessions = pl.DataFrame({"session_id": [f"s{i}" for i in range(4000)], "subject_id": range(4000)})
    out = tmp_path_factory.mktemp("independent")
    events = pl.DataFrame({"subject_id": who, "code": codes[which]})
    write_cohort(out, "c", sessions.with_columns(path=pl.lit("none.edf"), split=pl.lit("train")), events)
    inputs = Inputs(Cohort(out), out, definitions={code: {"codes": [code], "window_days": None} for code in codes[:20]})
    # nobody's recording is read: what would be measured of it is the same for all
    inputs.signal = sessions.select("session_id", seconds=pl.lit(1280.0), channels=pl.lit(19))
    return embed(inputs), has[:, :20], codes[:20]


def test_the_number_of_other_codes_does_not_tell_cases_from_controls(independent):
    """Counted with the task's own code it does: 0.584 for these people."""
    store, has, codes = independent
    values = [auroc(has[:, i], store.of_task(code)[:, -1].astype(float))[0] for i, code in enumerate(codes)]
    assert np.mean(values) == pytest.approx(0.5, abs=0.02)


def test_a_score_takes_the_vectors_of_its_task(independent):
    """Sets of one case and one control whose numbers of other codes are far apart: only that column tells them."""
    store, _, codes = independent
    other = store.of_task(codes[0])[:, -1]
    many, few = np.argsort(other)[-160:], np.argsort(other)[:160]
    rows = []
    for i, (a, b) in enumerate(zip(many, few, strict=True)):
        split = "test" if i < 60 else "train"
        rows += [(codes[0], "phenotype", f"s{p}", int(p), p == a, split, f"s{a}") for p in (a, b)]
    tasks = pl.DataFrame(rows, SCHEMA, orient="row")
    scored = score_tasks(tasks, {"metadata": store}, resamples=10)
    assert scored.scores["auroc"][0] > 0.99, "what is the same for everybody is scored all the same"
