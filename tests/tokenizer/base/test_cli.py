"""The argument reader, with a schema of its own and through a real program."""

import sys
from dataclasses import dataclass, field, make_dataclass
from pathlib import Path
from typing import Literal

import pytest

from tests.helpers import run
from tokenizer.base.cli import ConfigError, all_fields, field_docs, help_text, parse, preset_groups, program


@dataclass
class Part:
    """A component."""

    width: int = 8
    """Width of the part."""
    rate: float = 0.5
    """A rate."""


@dataclass
class Settings:
    """Settings of a program that exists only here."""

    root: str = "???"
    """Where the recordings are."""
    pattern: str = "*.edf"
    """Which files."""
    name: str | None = None
    """A name, or none."""
    count: int = 3
    """How many."""
    share: float = 0.5
    """A share."""
    fast: bool = False
    """Whether to hurry."""
    kind: Literal["rows", "mean"] = "rows"
    """How to pool."""
    targets: list[str] = field(default_factory=list)
    """Columns."""
    part: Part = field(default_factory=Part)
    """The part."""


def read(*argv, schema=Settings, name="nowhere"):
    return parse(schema, name, list(argv))


def test_a_preset_may_choose_another_and_depend_on_a_third():
    from clef.training.settings import PretrainConfig

    def settings(*given):
        config = parse(PretrainConfig, "clef.pretrain", list(given))
        return config.model, config.encoder.width, config.batch, config.tokenizer_stage.crop_frames

    assert settings("stage=recon", "machine=laptop") == ("tiny", 128, 8, 640)
    assert settings("machine=laptop", "stage=tokenizer") == ("tiny", 128, 16, 160)
    assert settings("stage=recon", "model=small", "machine=laptop", "batch=4") == ("small", 320, 4, 640)
    assert settings("stage=recon") == ("small", 320, 256, 640)


def test_presets_named_on_both_sides_of_fields_come_first():
    from clef.training.settings import PretrainConfig

    given = ["stage=recon", "model=tiny", "encoder.width=48", "batch=7", "out=o"]
    for order in (given, given[::-1], [given[2], given[0], given[4], given[3], given[1]]):
        config = parse(PretrainConfig, "clef.pretrain", order)
        assert (config.encoder.width, config.batch) == (48, 7), order  # the fields, not the presets
        assert config.encoder.decoder_layers == 2 and config.steps == 20312  # what only the presets say


@pytest.mark.parametrize(
    "value",
    [
        "/data/EEG (2024)/Müller=A",
        "${x}",
        "${oc.env:HOME}",
        "a,b c",
        "[not a list]",
        "{not: a dict}",
        "~user/\\d+",
        "'quoted'",
        "1e3",
        "true",
        "a=b=c",
        "$",
        " two  blanks ",
    ],
)
def test_text_is_taken_literally(value):
    config = read(f"root={value}", f"name={value}")
    assert (config.root, config.name) == (value, value)


def test_values_get_the_type_of_their_field():
    config = read("root=r", "count=12", "share=1e-3", "fast=true", "targets=[a,b c]", "part.width=9", "part.rate=2")
    assert (config.count, config.share, config.fast, config.targets) == (12, 1e-3, True, ["a", "b c"])
    assert (config.part.width, config.part.rate) == (9, 2.0) and isinstance(config.part, Part)
    assert read("root=r", "targets=one").targets == ["one"]
    assert read("root=r", "name=null").name is None and read("root=r", "name=none").name is None


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("cuont=3", "cuont: there is no such setting; did you mean count?"),
        ("part.widht=3", "did you mean part.width?"),
        ("zzzzzzzzzz=3", "--help lists the settings"),
        ("part=3", "group of settings"),
        ("count.x=3", "no such setting"),
        ("count=many", "count=many"),
        ("count=2.5", "count=2.5"),
        ("count=", "count="),
        ("share=much", "share=much"),
        ("fast=perhaps", "fast=perhaps"),
        ("kind=median", "kind=median"),
        ("+count=3", "no such setting"),
        ("count", "is not an argument; write name=value"),
        ("--count=3", "no such setting"),
    ],
)
def test_a_mistake_is_one_line_that_names_it(argument, said):
    with pytest.raises(ConfigError) as caught:
        read("root=r", argument)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_a_literal_names_its_choices():
    with pytest.raises(ConfigError, match=r"rows.*mean"):
        read("root=r", "kind=median")
    assert read("root=r", "kind=mean").kind == "mean"


def test_a_missing_value_is_named():
    with pytest.raises(ConfigError, match="root must be given, as root=…"):
        read("count=4")


def test_an_unknown_preset_lists_those_there_are():
    from clef.training.settings import PretrainConfig

    with pytest.raises(ConfigError) as caught:
        parse(PretrainConfig, "clef.pretrain", ["stage=reckon", "out=o"])
    assert "there are: align, joint, narrate, recon, tokenizer" in str(caught.value)


@pytest.mark.parametrize("group", ("stage", "model", "text"))
def test_every_preset_fits_its_schema(group):
    from clef.training.settings import PretrainConfig

    for preset in preset_groups("clef.pretrain")[group]:
        given = {"stage": "recon", "out": "o"} | {group: preset}
        parse(PretrainConfig, "clef.pretrain", [f"{k}={v}" for k, v in given.items()])


@pytest.mark.parametrize("bad", ("cuont=3", "kind=median", "count"))
def test_mistakes_exit_with_2_before_the_program_begins(bad, capsys, tmp_path):
    with pytest.raises(SystemExit) as left:
        program(Settings, write_something, "nowhere", [f"root={tmp_path}", bad])
    said = capsys.readouterr()
    assert left.value.code == 2 and not list(tmp_path.iterdir())
    assert said.err.count("\n") == 1 and said.err.startswith("nowhere: ") and not said.out


@pytest.mark.parametrize("typed", [["focal slowing"], ["focal", "slowing"]])
def test_words_without_a_name_are_a_value_of_the_setting_that_takes_them(typed, tmp_path):
    with pytest.raises(SystemExit) as ended:
        program(Settings, write_name, "nowhere", [f"root={tmp_path}", *typed, "count=7"], bare="name")
    assert ended.value.code == 0 and (tmp_path / "name").read_text() == "focal slowing 7"


def test_words_beside_the_setting_that_takes_them_are_one_line(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        program(Settings, write_name, "nowhere", [f"root={tmp_path}", "slowing", "name=x"], bare="name")
    assert ended.value.code == 2 and "'slowing' and name=: give one of them" in capsys.readouterr().err


def write_name(config):
    (Path(config.root) / "name").write_text(f"{config.name} {config.count}")


def write_something(config):
    (Path(config.root) / "written").write_text("x")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ValueError("a\n  b"), 1),
        (FileNotFoundError(2, "No such file or directory", "x"), 1),
        (ConfigError("c"), 2),
        (KeyboardInterrupt(), 130),
        (OSError(28, "No space left on device", "/full"), 1),
        (PermissionError(13, "Permission denied", "/closed"), 1),
    ],
)
def test_what_went_wrong_is_one_line_and_an_exit_code(error, code, capsys, tmp_path):
    def fail(config):
        raise error

    with pytest.raises(SystemExit) as left:
        program(Settings, fail, "nowhere", [f"root={tmp_path}"])
    assert left.value.code == code and capsys.readouterr().err.strip().count("\n") == 0


def test_a_mistake_of_ours_keeps_its_traceback(tmp_path):
    def fail(config):
        raise KeyError("ours")

    with pytest.raises(KeyError):
        program(Settings, fail, "nowhere", [f"root={tmp_path}"])


def test_success_exits_with_0(tmp_path):
    with pytest.raises(SystemExit) as left:
        program(Settings, write_something, "nowhere", [f"root={tmp_path}"])
    assert left.value.code == 0 and (tmp_path / "written").is_file()


def test_help_shows_docstrings_defaults_choices_and_presets():
    text = help_text(Settings, "nowhere", "What it is for.")
    for words in ("What it is for.", "root=(required)", "Where the recordings are.", "count=3", "part.width=8"):
        assert words in text
    assert "How to pool. One of rows, mean." in text and "Width of the part." in text


def test_a_field_that_stands_in_no_source_text_is_explained_by_its_metadata():
    extra = [("extra", int, field(default=7, metadata={"doc": "Made while the program runs."}))]
    made = make_dataclass("Made", extra, bases=(Settings,), namespace={"__module__": __name__})
    assert field_docs(made) == field_docs(Settings) | {"extra": "Made while the program runs."}
    text = help_text(made, "nowhere", "")
    assert "extra=7" in text and "Made while the program runs." in text and "Where the recordings are." in text


def test_every_setting_of_every_program_is_explained():
    import benchmark.run as bench
    import clef.embed as embed
    import clef.pretrain as pretrain
    import tokenizer.encode as encode

    for schema in (bench.RunConfig, embed.EmbedConfig, pretrain.PretrainConfig, encode.EncodeConfig):
        text = help_text(schema, sys.modules[schema.__module__].__name__, "")
        for name, _ in all_fields(schema):
            line = next(line for line in text.splitlines() if line.startswith(f"  {name}="))
            assert len(line.removeprefix(f"  {name}=").split(maxsplit=1)[-1]) > 3, f"{schema.__name__}.{name}"


def test_help_of_a_real_program_lists_its_presets(tmp_path):
    done = run(tmp_path, "clef.pretrain", "--help")
    assert done.code == 0 and not done.err
    assert (
        "stage= align | joint | narrate | recon | tokenizer" in done.out
        and "usage: python -m clef.pretrain" in done.out
    )
    assert "Train one stage of CLEF" in done.out and "encoder.heads=4" in done.out


@pytest.mark.parametrize(
    "arguments",
    [
        ["stage=recon", "tokens=t", "encoder.widht=3"],
        ["stage=recon", "tokens=t", "steps=many"],
        ["stage=nothing", "tokens=t"],
        ["stage=recon"],
        ["stage=align", "tokens=t", "cohort=c"],
        ["tokens=t"],
    ],
)
def test_a_real_program_with_wrong_arguments_writes_nothing(tmp_path, arguments):
    done = run(tmp_path / "said", "clef.pretrain", *arguments, out=tmp_path / "run")
    assert done.code == 2 and done.one_line and not (tmp_path / "run").exists()
