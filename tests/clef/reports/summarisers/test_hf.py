"""Summaries from a model on this machine: a tiny one, trained here for some steps on synthetic reports."""

from pathlib import Path

import pytest

from clef.reports.summarisers import open_model
from clef.reports.summarisers.answers import Answer, tidy
from clef.reports.summarisers.hf import HfConfig, LocalModel, model_fingerprint
from clef.reports.summarisers.prompt import read_prompt
from tests.clef.reports.summarisers.tiny_model import PROMPT, REPORTS, SUMMARY, save_tiny


@pytest.fixture(scope="module", params=("chat", "both"))
def folder(request, tmp_path_factory) -> Path:
    """A model that answers every report with SUMMARY."""
    pytest.importorskip("transformers", reason="hf: needs transformers")
    return save_tiny(tmp_path_factory.mktemp(request.param), REPORTS, PROMPT, request.param == "both")


def answers(folder: Path, reports: list[str], **settings) -> list[Answer]:
    return [answer for _, answer in sorted(LocalModel(str(folder), PROMPT, HfConfig(**settings)).answers(reports))]


def test_it_answers_in_batches_as_alone_and_to_the_end(folder):
    reports = [*REPORTS, REPORTS[0] * 3]
    said = answers(folder, reports, batch=2)
    assert said == answers(folder, reports, batch=1)
    assert [Answer(tidy(answer.text), answer.failure) for answer in said[:3]] == [Answer(SUMMARY)] * 3


def test_a_report_beyond_its_window_is_not_cut(folder):
    said = answers(folder, [REPORTS[0], REPORTS[0] * 100])
    assert said[0].failure == "" and said[1] == Answer("", "too long")


def test_the_fingerprint_is_of_the_models_bytes_and_the_prompt(folder, tmp_path):
    before = model_fingerprint(str(folder), PROMPT)
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in folder.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    assert LocalModel(str(copy), PROMPT).fingerprint == before != model_fingerprint(str(copy), PROMPT + " !")
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    assert model_fingerprint(str(copy), PROMPT) != before


def test_what_is_no_model_is_one_line(tmp_path):
    pytest.importorskip("transformers", reason="hf: needs transformers")
    for name, said in ((str(tmp_path), "config.json and"), (f"{tmp_path}/none", "no such folder"), ("a", "OWNER/NAME")):
        with pytest.raises(ValueError, match=said) as error:
            open_model(f"hf:{name}")
        assert "\n" not in str(error.value)
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(ValueError, match="no language model") as error:
        open_model(f"hf:{tmp_path}")
    assert "\n" not in str(error.value)


def test_a_prompt_has_one_place_for_the_report(tmp_path):
    assert read_prompt().count("{report}") == 1 and "# " not in read_prompt()
    (tmp_path / "p").write_text("no place")
    with pytest.raises(ValueError, match=r"stands in it 0 times"):
        read_prompt(tmp_path / "p")
