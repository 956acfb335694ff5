"""Values of settings: text is literal in every field, every file and every program; YAML comes back as written."""

import dataclasses
import string
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as trials
from hypothesis import strategies as st

from benchmark.build import BuildConfig
from benchmark.run import RunConfig
from clef.embed import EmbedConfig
from clef.quality import QualityConfig
from clef.training.settings import PretrainConfig
from tests.helpers import must, pretrain, run
from tests.tokenizer.base.test_cli import Settings
from tokenizer.base.cli import ConfigError, all_fields, parse
from tokenizer.base.values import convert, read_yaml, to_yaml
from tokenizer.encode import EncodeConfig

SECRET = "s3cret-of-the-environment"  # looked for in what is said and written
PIECES = ["${", "}", "\\", "\\\\", "$", "oc.env:CLEF_SECRET", "oc.decode:", "???", "'", '"', ",", "[", "]", "=", ":"]
PIECES += ["${oc.env:CLEF_SECRET}", "\\${oc.env:CLEF_SECRET}", "${root}", "null", "1", "{{", "!!python/name:os.system"]
TYPED = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=6).map("".join)
SCHEMAS = [BuildConfig, RunConfig, EmbedConfig, PretrainConfig, EncodeConfig, QualityConfig]
LITERAL = trials(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(autouse=True)
def secret(monkeypatch):
    monkeypatch.setenv("CLEF_SECRET", SECRET)


def without_space(text: str) -> str:
    return "".join(text.split())


@LITERAL
@given(TYPED)
@example("0 ${")
@example("${oc.env:CLEF_SECRET}")
@example("\\${oc.env:CLEF_SECRET}")
@example("???")
def test_text_and_paths_are_what_was_typed(typed):
    config = parse(Settings, "nowhere", [f"root={typed}", f"pattern={typed}", f"targets={typed}"])
    assert config.root == config.pattern == typed
    assert all(part in typed and "," not in part for part in config.targets)
    assert without_space("".join(config.targets)) == without_space(typed.strip("[]").replace(",", ""))
    assert SECRET not in repr(config)


@LITERAL
@given(TYPED, st.sampled_from([name for name, _ in all_fields(Settings)]))
def test_no_field_of_any_type_looks_anything_up(typed, name):
    try:
        said = repr(parse(Settings, "nowhere", ["root=r", f"{name}={typed}"]))
    except ConfigError as error:
        said = str(error)
        assert said.startswith((f"{name}=", "root"))
    assert SECRET not in said


@LITERAL
@given(TYPED, st.sampled_from([(schema, name) for schema in SCHEMAS for name, _ in all_fields(schema)]))
def test_settings_of_real_programs_are_literal(typed, place):
    schema, name = place
    try:
        said = repr(parse(schema, "nowhere", [f"{name}={typed}"]))
    except ConfigError as error:
        said = str(error)
    assert SECRET not in said


@pytest.mark.parametrize("value", ["${oc.env:CLEF_SECRET}", "\\${oc.env:CLEF_SECRET}"])
def test_programs_neither_print_nor_write_the_environment(value, tiny_store, tmp_path):
    out = tmp_path / value
    for program, given_too in (
        ("clef.pretrain", {"stage": "recon", "steps": value}),
        ("benchmark.build", {"cohort": "c", "match_on": value}),
    ):
        done = run(tmp_path / "said", program, out=out, **given_too)
        assert done.code == 2 and done.one_line and SECRET not in done.err
    done = must(pretrain(tmp_path / "said", "recon", tokens=tiny_store, out=out, steps=1))
    assert SECRET not in done.out + done.err and read_yaml(out / "config.yaml")["out"] == str(out)
    assert all(SECRET.encode() not in p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())


LEAF = TYPED | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.booleans() | st.none()
LEAF |= st.sampled_from(["1e-3", "1.5e5", "yes", "0x10", "1:30", "2020-01-01", "~", "<<", "\x85", "\u2028"])
KEYS = st.text(string.ascii_lowercase, min_size=1, max_size=6)


@LITERAL
@given(st.dictionaries(KEYS, LEAF | st.lists(LEAF) | st.dictionaries(KEYS, LEAF)))
def test_yaml_comes_back_as_written(tmp_path_factory, tree):
    file = tmp_path_factory.getbasetemp() / "tree.yaml"
    file.write_text(to_yaml(tree), encoding="utf-8", newline="")
    assert read_yaml(file) == tree


@pytest.mark.parametrize(
    "text", ["a: [", "a: 1\na: 2", "!!python/object/apply:os.getcwd []", "\0", "a: !x 1", "[" * 3000]
)
def test_what_is_no_plain_yaml_is_one_line(text, tmp_path):
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(ValueError, match="not readable YAML") as caught:
        read_yaml(tmp_path / "x.yaml")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "wanted", "expected"),
    [
        ("1e5", int, "a whole number"),
        ("9" * 5000, int, "a whole number"),
        ("nan", float, "a number"),
        ("", bool, "true"),
    ],
)
def test_what_does_not_fit_says_what_would(value, wanted, expected):
    with pytest.raises(ValueError, match=f"expected {expected}"):
        convert(value, wanted)


def test_values_of_files_and_lists_fit_too():
    assert convert(3, float) == 3.0 and convert("a", Path) == Path("a") and convert("[1, 2]", list[int]) == [1, 2]
    assert convert("none", int | None) is None and dataclasses.is_dataclass(Settings)


@pytest.mark.parametrize("text", ["94e25b4777e4bce0", "1e5x", "3.e2f"])
def test_a_fingerprint_that_begins_like_a_number_is_text(text, tmp_path):
    (tmp_path / "a.yaml").write_text(f"model: {text}\n")
    assert read_yaml(tmp_path / "a.yaml") == {"model": text}
    (tmp_path / "b.yaml").write_text(to_yaml({"model": text, "other": "1e5", "lr": 1e-5}))
    assert read_yaml(tmp_path / "b.yaml") == {"model": text, "other": "1e5", "lr": 1e-5}
