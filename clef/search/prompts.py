"""Prompts: sentences that say a finding is present, and sentences that say it is absent, for untrained questions.

    templates:
      present: ["{}.", "there are {}."]       {} becomes each name of the finding
      absent: ["no {}."]
    findings:
      spikes: [spikes, sharp waves]                                 names, which go through every template
      normal: {present: [normal eeg.], absent: [abnormal eeg.]}     or whole sentences

configs/search/prompts.yaml has one entry for each finding code and some questions about the person.
"""

from pathlib import Path
from typing import Any, NamedTuple

from tokenizer.base.cli import preset_root
from tokenizer.base.values import read_yaml

SIDES = ("present", "absent")


class Prompts(NamedTuple):
    """Sentences that say that something is present, and that it is absent."""

    present: list[str]
    absent: list[str]


def read_prompts(path: str | Path | None = None) -> dict[str, Prompts]:
    """Prompts by the name of their finding, from a YAML file; by default those that come with the program.

    Raises ValueError with one line that names the entry if the file is not of the form above.
    """
    path = Path(path) if path else preset_root() / "search" / "prompts.yaml"
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file of prompts; docs/search.md says how to write one")
    tree = read_yaml(path)
    if not isinstance(tree, dict) or not isinstance(tree.get("findings"), dict) or not tree["findings"]:
        raise ValueError(f"{path.name}: expected `findings:` with an entry for each, as `spikes: [spikes]`")
    if odd := sorted(set(map(str, tree)) - {"templates", "findings"}):
        raise ValueError(f"{path.name}: {odd[0]}: expected `templates:` and `findings:` alone")
    given = tree.get("templates") or {side: ["{}"] for side in SIDES}
    templates = _both(given, f"{path.name}: templates")
    if bare := [template for side in templates for template in side if "{}" not in template]:
        raise ValueError(f"{path.name}: templates: {bare[0]!r} has no {{}}, where the finding's name goes")
    return {str(name): _of_entry(entry, templates, f"{path.name}: {name}") for name, entry in tree["findings"].items()}


def _of_entry(entry: Any, templates: Prompts, place: str) -> Prompts:
    if isinstance(entry, dict):
        return _both(entry, place)
    names = _sentences(entry, place)
    return Prompts(*([template.replace("{}", name) for template in side for name in names] for side in templates))


def _both(entry: Any, place: str) -> Prompts:
    if not isinstance(entry, dict) or set(entry) != set(SIDES):
        raise ValueError(f"{place}: expected `present:` and `absent:`, each with a list of sentences")
    return Prompts(*(_sentences(entry[side], f"{place}.{side}") for side in SIDES))


def _sentences(value: Any, place: str) -> list[str]:
    if not isinstance(value, list) or not value or not all(isinstance(text, str) and text.strip() for text in value):
        raise ValueError(f"{place}: {value!r:.60}; expected a list of texts, none of them empty")
    return value
