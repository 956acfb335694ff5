"""Messages name settings as people type them: every `name=` in one is a setting of some program."""

import ast
import functools
import re
from pathlib import Path

import pytest

from clef.__main__ import programs
from tests.helpers import ROOT, run
from tests.programs import schemas, settings_of
from tokenizer.base.cli import as_typed

WORD = re.compile(r"(?<![\w./?&{\"'-])([a-z][a-z0-9_]*(?:\.[a-z_][a-z0-9_]*)*)=(?!=)")
IN_BRACKETS = re.compile(r"\[[^\]]*\]")
"""A value such as columns=[age=], whose parts are no settings."""
KEYWORDS = {"session_id"}
"""Of Python objects (`clef.TokenDataset`), which no program has."""
SPEAKING = ("print", "ConfigError", "RecordingError", "ValueError")


def messages(text: str) -> list[str]:
    """Texts in a source that are raised, logged or printed."""
    spoken = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Raise) or is_spoken(node)]
    parts = (part for node in spoken for part in ast.walk(node) if isinstance(part, ast.Constant))
    return sorted({part.value for part in parts if isinstance(part.value, str)})


def is_spoken(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    function = node.func
    if isinstance(function, ast.Attribute):
        return isinstance(function.value, ast.Name) and function.value.id == "log"
    return isinstance(function, ast.Name) and function.id in SPEAKING


@functools.cache
def known_settings() -> set[str]:
    """The settings of all programs."""
    return set().union(*map(settings_of, programs()))


def misnamed(text: str) -> list[str]:
    """Words `name=` of a source's messages that no program has and that `as_typed` cannot complete."""
    words = {word for message in messages(text) for word in WORD.findall(IN_BRACKETS.sub("", message))}
    words -= known_settings() | KEYWORDS
    return sorted(word for word in words if all(as_typed(s, f"{word}=") == f"{word}=" for s in schemas().values()))


def test_every_setting_in_a_message_can_be_typed():
    files = [path for room in ("tokenizer", "clef", "benchmark") for path in sorted((ROOT / room).rglob("*.py"))]
    wrong = {str(path.relative_to(ROOT)): words for path in files if (words := misnamed(path.read_text()))}
    assert wrong == {}


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("raise ValueError(f'mask={x}: too much')", ["mask"]),
        ("log.info('give fodls= or folds=%d', n)", ["fodls"]),
        ("print('crop=start, reading.crop=start and encoder.widht=3')", ["encoder.widht"]),
        ("call(mask=3, text='mask=3')", []),
    ],
)
def test_the_search_finds_names_that_nobody_can_type(source, words):
    assert misnamed(source) == words


@pytest.mark.parametrize(
    ("program", "text", "typed"),
    [
        ("clef.embed", "give rate=, unit=uV or workers=1", "give reading.rate=, reading.unit=uV or workers=1"),
        ("clef.importers.folder", "give rate=", "give rate="),
        ("clef.pretrain", "vocabulary=3, heads=2", "report_encoder.vocabulary=3, heads=2"),  # three have heads
        ("clef.embed", "/data/rate=3/x.edf: reading.rate=200", "/data/rate=3/x.edf: reading.rate=200"),
    ],
)
def test_a_message_names_the_setting_of_the_program_at_hand(program, text, typed):
    assert as_typed(schemas()[program], text) == typed


def test_a_program_says_it_so_in_its_log(tmp_path: Path, tiny_recon):
    (tmp_path / "a.csv").write_text("O1,O2\n1,2\n")
    settings = {"model": tiny_recon, "recordings": tmp_path / "a.csv", "out": tmp_path / "e.parquet"}
    done = run(tmp_path / "said", "clef.embed", **settings)
    assert done.code == 1 and " reading.rate=" in done.err and " rate=" not in done.err, done.err
