"""Prompts: what the file that comes with the program holds, and what is said of one that is wrong."""

import pytest

from clef.importers.synthetic.latents import ABNORMAL
from clef.search.prompts import read_prompts


def test_names_go_through_templates_and_whole_sentences_stay():
    prompts = read_prompts()
    assert "there are generalised periodic discharges." in prompts["gpd"].present
    assert "no generalised periodic discharges." in prompts["gpd"].absent
    assert prompts["normal"].present == prompts["abnormal"].absent
    assert set(ABNORMAL) <= set(prompts) and all(side for entry in prompts.values() for side in entry)


def test_a_file_of_ones_own(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("findings: {wicket: [wicket spikes]}\ntemplates: {present: ['{}'], absent: ['no {}', '{} absent']}")
    assert read_prompts(path) == {"wicket": (["wicket spikes"], ["no wicket spikes", "wicket spikes absent"])}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[a, b]", "expected `findings:` with an entry for each"),
        ("findings: {}", "expected `findings:` with an entry for each"),
        ("findings: {a: [b]}\nmore: 3", r"p\.yaml: more: expected `templates:` and `findings:` alone"),
        ("findings: {a: b}", r"p\.yaml: a: 'b'; expected a list of texts"),
        ("findings: {a: []}", r"a: \[\]; expected a list of texts"),
        ("findings: {a: {present: [b]}}", "a: expected `present:` and `absent:`"),
        ("findings: {a: [b]}\ntemplates: {present: [there], absent: ['no {}']}", r"templates: 'there' has no \{\}"),
    ],
)
def test_a_file_of_another_form_is_refused_in_one_line(tmp_path, text, message):
    path = tmp_path / "p.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        read_prompts(path)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match="there is no such file of prompts"):
        read_prompts(tmp_path / "none.yaml")
