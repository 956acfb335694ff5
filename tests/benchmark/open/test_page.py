"""The page says who saw whom, what the best control is, what a gain changes, and what could not be asked."""

import numpy as np
import pytest

from benchmark.open.answers import Answer
from benchmark.open.page import Result, as_json, as_markdown
from benchmark.open.questions import QUESTIONS
from tokenizer.base.files import write_json

LEVELS = {
    "metadata": 0.5,
    "acquisition": 0.6,
    "bandpower": 0.8,
    "bandpower average": 0.78,
    "mine untrained": 0.7,
    "mine codes": 0.75,
    "mine": 0.85,
}
GAINS = {"mine x4": 0.80, "mine codes x4": 0.76, "mine untrained x4": 0.7, "mine bandpower rebuilt": 0.77}


def result(seen: int | None = 0) -> Result:
    random = np.random.default_rng(0)
    made = Result(["mine"], [4.0], True, 5, 5, seen={("mine", "ds004504"): seen}, runs={("mine", "ds004504"): "abc"})
    for question in QUESTIONS[:2]:
        one = Answer(question, 19, 24, 430)
        one.auroc = LEVELS | GAINS
        shared = 0.03 * random.standard_normal(200)
        one.replicates = {row: v + shared + 0.001 * random.standard_normal(200) for row, v in one.auroc.items()}
        one.dimensions = dict.fromkeys(one.auroc, 8)
        made.answers.append(one)
    eyes = next(question for question in QUESTIONS if question.paired)
    made.seen["mine", eyes.dataset], made.runs["mine", eyes.dataset] = 0, "abc"
    made.answers.append(Answer(eyes, 3, 3, 290, "3 against 3: at least 5 are needed for 5 folds"))
    return made


def test_the_best_control_is_the_one_with_the_highest_mean():
    text, values = as_markdown(result()), as_json(result())
    assert "minus bandpower (best control)" in text
    assert values["differences"]["mine"]["best control"] == "bandpower"
    by, low, high = values["differences"]["mine"]["bandpower"]
    assert by == pytest.approx(0.05) and 0 < low < 0.05 < high < 0.1


def test_what_could_not_be_asked_is_said_with_its_number():
    text = as_markdown(result())
    assert "eyes open against closed, people with both: not scored (3 against 3" in text and "**mean of 2**" in text
    assert "cut to its first 430 s" in text and "saw 0 of its people" in text


@pytest.mark.parametrize("seen,said", ((7, "saw 7 of its people"), (None, "does not say whom it saw")))
def test_a_model_that_saw_the_people_is_marked_wherever_its_numbers_stand(seen, said):
    lines = as_markdown(result(seen)).splitlines()
    row = next(line for line in lines if "Alzheimer's disease against healthy" in line)
    assert row.count("‡") == 3, "codes, untrained and model"
    assert any(said in line for line in lines)
    assert "‡" not in as_markdown(result(0))


def test_a_change_by_gain_beyond_the_bar_is_bold():
    text = as_markdown(result())
    assert "**0.80 (-0.050)**" in text and "0.76 (+0.010)" in text and "**0.76" not in text
    assert as_json(result())["largest change by gain"]["mine"] == pytest.approx(0.05)


def test_what_is_kept_of_band_power_is_a_share_of_what_is_above_chance():
    assert "| 0.800 | 0.770 | 0.90 [" in as_markdown(result())


def test_the_values_are_plain(tmp_path):
    write_json(tmp_path / "open.json", as_json(result()))
    assert "NaN" not in (tmp_path / "open.json").read_text()


def test_without_models_the_page_is_of_the_rows_that_need_none():
    bare = result()
    bare.models, bare.gains, bare.retention, bare.seen, bare.runs = [], [], False, {}, {}
    text = as_markdown(bare)
    assert "| metadata | acquisition | bandpower | bandpower average |" in text and "against its controls" not in text


def test_what_is_kept_is_a_share_of_band_power_against_the_same_reference():
    made = result()
    made.references["mine", "ds004504"] = "average"
    assert "| 0.780 | 0.770 | 0.96 [" in as_markdown(made)
    assert as_json(made)["retention"]["mine"]["alzheimer"][0] == pytest.approx(0.27 / 0.28)


def test_other_peoples_encoders_stand_beside_and_are_marked():
    made = result()
    made.others, made.seen["elm", "ds004504"] = ["elm"], None
    for one in made.answers[:2]:
        one.auroc["elm"], one.replicates["elm"] = 0.83, one.replicates["mine"] - 0.02
    text = as_markdown(made)
    assert "| elm |" in text and "0.83‡" in text and "minus elm" in text
    assert "elm: on ds004504, does not say whom it saw" in text
    assert "minus bandpower (best control)" in text, "an encoder of others is no control"
