"""Command lines: `name=value` arguments checked against a dataclass before anything is written.

A program states its settings as a dataclass (nested ones for its components) with a docstring under each
field. An argument whose name is a folder of presets of that program (`configs/PROGRAM/NAME/`) lays that YAML
file over the defaults; any other sets one field, after all presets, wherever it stands on the line. Groups are laid
over in the order of their fields. A preset may choose a preset of a later group, which the line may overrule
(`model: tiny`), and may say what holds with a preset of an earlier one alone (`stage: {recon: {steps: 400}}`). Values
are taken literally (`tokenizer.base.values`). Mistakes stop the program with one line and exit code 2.

Not Hydra or OmegaConf: Hydra's grammar refuses paths with brackets and equals signs, and both look up what is typed as
`${…}`, so that a setting could print the environment.
"""

import ast
import contextlib
import dataclasses
import difflib
import errno
import functools
import inspect
import itertools
import logging
import re
import signal
import sys
import textwrap
import threading
import typing
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from tokenizer import __version__
from tokenizer.base import ranks, terminal
from tokenizer.base.progress import set_up_logging
from tokenizer.base.values import MISSING, convert, read_yaml

ConfigT = TypeVar("ConfigT")
"""The dataclass of one program's settings."""
TERMINATED = 143
"""Exit code after SIGTERM, as shells have it."""
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
NO_RIGHT = (errno.EACCES, errno.EROFS, errno.EPERM)
NO_PLACE = (errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTEMPTY)
BROKEN = (errno.EIO, errno.ESTALE, errno.ENODEV, errno.ENXIO, errno.ETIMEDOUT, errno.EHOSTDOWN, errno.EREMOTEIO)
"""Errors of the system that people can put right, by what they can do."""
REMEDIES = {
    **dict.fromkeys(NO_ROOM, "make room or change `out`, then run the same command again"),
    **dict.fromkeys(NO_RIGHT, "change `out`, or ask for the right to write there, then run the same command again"),
    **dict.fromkeys(NO_PLACE, "a file stands where a folder is needed, or a folder where a file is; change the path"),
    **dict.fromkeys(BROKEN, "the disk or the network does not answer; run the same command again when it does"),
}


class Terminated(KeyboardInterrupt):
    """SIGTERM, as schedulers and service managers send it: ends a program as Ctrl-C does, with another exit code."""


class ConfigError(ValueError):
    """An argument that does not fit the program's settings."""


def program(
    schema: type[ConfigT],
    main: Callable[[ConfigT], int | None],
    name: str,
    argv: list[str] | None = None,
    bare: str | None = None,
):
    """Run `main(config)` as a command-line program and exit with its code.

    0: done · 1: the job could not be done (one line says why) · 2: wrong arguments, nothing was written ·
    130: stopped with Ctrl-C, at any time · 143: stopped with SIGTERM; the same command goes on from there.
    Whoever reads the output may leave, as `head` does: the program works on. An `argv` that is given leaves terminal
    and signals as they are.

    Words without an equals sign are a value of the setting `bare`, where one is named: `"focal slowing"` is
    `query=focal slowing`. `name` is the module's, which also names its presets. Messages call the program as it was
    started: `clef embed` where the command `clef` did, which leaves that in `__command__` of the main module.
    """
    alone = argv is None  # and not called by another program, whose terminal it is
    argv = sys.argv[1:] if alone else argv
    if alone:
        terminal.forgive_closed_pipes()
    command = getattr(sys.modules["__main__"], "__command__", None)
    shown = command or name
    if {"--help", "-h", "help"} & set(argv):
        print(help_text(schema, name, inspect.getdoc(sys.modules[main.__module__]) or "", command))
        sys.exit(0)
    if {"--version", "-V"} & set(argv):
        print(f"{shown} {__version__}")
        sys.exit(0)
    try:
        config = parse(schema, name, _with_bare(argv, bare) if bare else argv)
    except ConfigError as error:
        print(f"{shown}: {' '.join(str(error).splitlines())}", file=sys.stderr)
        sys.exit(2)
    set_up_logging(ranks.RANK)
    for handler in logging.getLogger().handlers:
        handler.addFilter(functools.partial(_named_as_typed, schema))
    try:
        if alone:
            terminal.raise_on_ctrl_c()
        with _sigterm_raised():
            code = main(config) or 0
        if alone:
            terminal.leave_on_ctrl_c()
    except (Exception, KeyboardInterrupt) as error:
        if alone:
            terminal.leave_on_ctrl_c()
        code, line = _ending(error)
        if not line:
            raise
        ended = code in (terminal.STOPPED, TERMINATED)
        newline = "\n" if ended else ""  # the terminal's ^C, or a progress bar, stands on this one
        print(f"{newline}{shown}: {as_typed(schema, line)}", file=sys.stderr)
    logging.shutdown()
    sys.exit(code)


def _ending(error: BaseException) -> tuple[int, str]:
    """Exit code, and one line for people; no line if the error is a mistake of ours, which keeps its traceback."""
    if isinstance(error, Terminated):
        return TERMINATED, str(error) or "stopped by SIGTERM; the same command goes on from here"
    if isinstance(error, KeyboardInterrupt) or terminal.was_asked():
        return terminal.STOPPED, terminal.LINE
    if isinstance(error, ConfigError):
        return 2, " ".join(str(error).splitlines())
    if isinstance(error, ValueError | FileNotFoundError):
        return 1, " ".join(str(error).split())
    if isinstance(error, OSError) and error.errno in REMEDIES:
        where = f" ({error.filename})" if error.filename else ""
        return 1, f"{error.strerror}{where}: what was written so far is whole; {REMEDIES[error.errno]}"
    return 1, ""


@contextlib.contextmanager
def _sigterm_raised() -> Iterator[None]:
    """SIGTERM raises Terminated, once, so that workers end and half-written files go; without a handler they stay."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: Any) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one would interrupt the tidying up
        raise Terminated

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def parse(schema: type[ConfigT], name: str, argv: list[str]) -> ConfigT:
    """Turn `name=value` arguments into an instance of `schema`.

    Raises ConfigError (one line) for an unknown name, a wrong type, an unknown preset or a missing value.
    """
    groups, values = preset_groups(name), {}
    settings = [_split(argument) for argument in argv]
    defaults = {f.name: f.default for f in dataclasses.fields(schema) if f.name in groups and f.default != MISSING}
    given = {key: value for key, value in settings if key in groups}
    chosen = defaults | given
    for group in [f.name for f in dataclasses.fields(schema) if f.name in groups]:  # whatever the arguments' order
        if value := chosen.get(group):
            preset = _read_preset(name, group, value)
            choices = {key: choice for key, choice in preset.items() if key in groups and isinstance(choice, str)}
            chosen |= choices | given
            for key, setting in _preset_settings(preset, chosen, groups):
                values[key] = _converted(schema, key, setting, f"preset {group}={value}")
            values[group] = value
    for key, value in settings:
        if key not in groups:
            values[key] = _converted(schema, key, value, key)
    missing = sorted(key for key, field in all_fields(schema) if field.default == MISSING and key not in values)
    if missing:
        raise ConfigError(f"{', '.join(missing)} must be given, as {missing[0]}=…; --help lists the settings")
    return _build(schema, values)


def _build(schema: type[ConfigT], values: dict[str, Any], prefix: str = "") -> ConfigT:
    """An instance of `schema` with `values` by dotted name, everything else at its default."""
    given = {}
    hints = typing.get_type_hints(schema)
    for name in (field.name for field in dataclasses.fields(schema)):
        if dataclasses.is_dataclass(hints[name]):
            given[name] = _build(hints[name], values, f"{prefix}{name}.")
        elif prefix + name in values:
            given[name] = values[prefix + name]
    return schema(**given)


def preset_groups(name: str) -> dict[str, list[str]]:
    """Preset folders of a program and the presets in each, e.g. {"stage": ["align", "recon", "tokenizer"]}."""
    root = preset_root() / name.split(".")[-1]
    if not root.is_dir():
        return {}
    return {d.name: sorted(p.stem for p in d.glob("*.yaml")) for d in sorted(root.iterdir()) if d.is_dir()}


def preset_root() -> Path:
    """The `configs/` folder: inside this package in a wheel, beside it in a checkout or an editable install."""
    room = Path(__file__).resolve().parent.parent
    return next((p for p in (room / "configs", room.parent / "configs") if p.is_dir()), room / "configs")


def _read_preset(name: str, group: str, value: str) -> dict[str, Any]:
    known = preset_groups(name)[group]
    if value not in known:
        raise ConfigError(f"{group}={value}: there is no such preset; there are: {', '.join(known)}")
    return read_yaml(preset_root() / name.split(".")[-1] / group / f"{value}.yaml") or {}


def _preset_settings(
    preset: dict[str, Any], chosen: dict[str, str], groups: Iterable[str]
) -> Iterator[tuple[str, Any]]:
    """The fields that a preset sets, and after them those it sets with what is `chosen` of another group."""
    yield from _flat({key: value for key, value in preset.items() if key not in groups})
    for group in groups:
        if isinstance(cases := preset.get(group), dict):
            yield from _flat(cases.get(chosen.get(group), {}))


def _split(argument: str) -> tuple[str, str]:
    key, equals, value = argument.partition("=")
    if not equals:
        raise ConfigError(f"{argument!r} is not an argument; write name=value (--help lists the names)")
    return key, value


def _with_bare(argv: list[str], bare: str) -> list[str]:
    """The arguments with all words that have no equals sign as one `bare=…`: quotes around them may be forgotten."""
    words = [argument for argument in argv if "=" not in argument]
    named = [argument for argument in argv if "=" in argument]
    if words and any(argument.startswith(f"{bare}=") for argument in named):
        raise ConfigError(f"{' '.join(words)!r} and {bare}=: give one of them")
    return named + ([f"{bare}={' '.join(words)}"] if words else [])


def _flat(tree: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _converted(schema: type, key: str, value: Any, source: str) -> Any:
    """`value` as the type of the field with the dotted name `key`."""
    wanted = field_type(schema, key)
    try:
        return convert(value, wanted)
    except ValueError as error:
        raise ConfigError(f"{f'{key}={value}' if source == key else f'{source}: {key}'}: {error}") from None


def field_type(schema: type, key: str) -> Any:
    """The type of the field with the dotted name `key`. Raises ConfigError naming near misses if there is none."""
    wanted: Any = schema
    for i, part in enumerate(key.split(".")):
        hints = typing.get_type_hints(wanted) if dataclasses.is_dataclass(wanted) else {}
        if part not in hints:
            near = difflib.get_close_matches(key, [name for name, _ in all_fields(schema)], n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else "--help lists the settings"
            raise ConfigError(f"{key}: there is no such setting; {hint}")
        wanted = hints[part]
        if dataclasses.is_dataclass(wanted) and i == key.count("."):
            raise ConfigError(f"{key}: this is a group of settings; set one of its fields, as {key}.NAME=…")
    return wanted


def all_fields(schema: type, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted names and dataclass fields of a schema, nested ones after their parent."""
    hints = typing.get_type_hints(schema)
    for field in dataclasses.fields(schema):
        if dataclasses.is_dataclass(hints[field.name]):
            yield from all_fields(hints[field.name], f"{prefix}{field.name}.")
        else:
            yield f"{prefix}{field.name}", field


def as_typed(schema: type, text: str) -> str:
    """A message with every `name=` as people type it: `reading.rate=` for `rate=` where that is the only such setting.

    What checks a component does not know under which name a program offers it.
    """
    names = [name for name, _ in all_fields(schema)]

    def typed(match: re.Match[str]) -> str:
        nested = [name for name in names if name.endswith(f".{match[1]}")]
        return f"{nested[0]}=" if match[1] not in names and len(nested) == 1 else match[0]

    return re.sub(r"(?<![\w./\\-])([a-z]\w*)=", typed, text)


def _named_as_typed(schema: type, record: logging.LogRecord) -> bool:
    record.msg, record.args = as_typed(schema, record.getMessage()), ()
    return True


def help_text(schema: type, name: str, about: str, command: str | None = None) -> str:
    """The text of `--help`: what the program is, its presets, and each setting with its default and docstring."""
    lines = [about, "", f"usage: {command or f'python -m {name}'} name=value …", ""]
    for group, presets in preset_groups(name).items():
        lines.append(f"presets   {group}= {' | '.join(presets)}")
    lines += ["", "settings"]
    lines += list(_setting_lines(schema, ""))
    return "\n".join(lines)


def _setting_lines(schema: type, prefix: str) -> Iterator[str]:
    hints, docs = typing.get_type_hints(schema), field_docs(schema)
    for field in dataclasses.fields(schema):
        if dataclasses.is_dataclass(hints[field.name]):
            yield f"\n{prefix}{field.name}: {docs.get(field.name, '')}"
            yield from _setting_lines(hints[field.name], f"{prefix}{field.name}.")
            continue
        default = field.default if field.default is not dataclasses.MISSING else field.default_factory()
        value = "(required)" if default == MISSING else "" if default is None else default
        choices = typing.get_args(hints[field.name]) if typing.get_origin(hints[field.name]) is typing.Literal else ()
        text = f"{docs.get(field.name, '')}{' One of ' + ', '.join(map(str, choices)) + '.' if choices else ''}"
        yield textwrap.fill(
            text, 120, initial_indent=f"  {prefix}{field.name}={value}".ljust(36) + " ", subsequent_indent=" " * 37
        )


def field_docs(schema: type) -> dict[str, str]:
    """What is said of each field of a dataclass, by field name: its `doc` metadata, or the docstring written under it.

    Metadata are for fields that stand in no source text, as those of `dataclasses.make_dataclass`.
    """
    docs: dict[str, str] = {}
    for base in reversed([c for c in schema.__mro__ if dataclasses.is_dataclass(c)]):
        docs |= _docs_in_source(base)
    return docs | {f.name: f.metadata["doc"] for f in dataclasses.fields(schema) if "doc" in f.metadata}


def _docs_in_source(schema: type) -> dict[str, str]:
    try:
        source = inspect.getsource(schema)
    except OSError:  # made while the program runs
        return {}
    body = ast.parse(textwrap.dedent(source)).body[0].body
    return {
        field.target.id: " ".join(str(text.value.value).split())
        for field, text in itertools.pairwise(body)
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
    }
