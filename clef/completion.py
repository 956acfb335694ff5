"""Tab completion for bash and zsh: a script with the names of every program, setting, preset and choice in it.

The words stand in the script, because asking Python at every tab would take seconds: making it imports every program.
"""

import ast
import importlib
import shlex
import typing
from pathlib import Path

from tokenizer.base.cli import all_fields, field_type, preset_groups

SHELLS = ("bash", "zsh")
SCRIPT = r"""# tab completion of `clef`, made by `clef --completion SHELL`; make it again after an update
_clef_programs="{programs}"
_clef_settings() {{ case "$1" in
{settings}
esac; }}
_clef_values() {{ case "$1 $2" in
{values}
esac; }}
_clef() {{
    [[ -z "$ZSH_VERSION" ]] || emulate -L ksh
    local line="${{COMP_LINE:0:$COMP_POINT}}" IFS=$' \t\n' word name program values prefix=
    word="${{line##* }}" program="${{line#* }}"
    program="${{program%% *}}" COMPREPLY=()
    program="${{program#clef.}}"
    if [[ "$line" != *" "*" "* ]]; then
        COMPREPLY=($(compgen -W "$_clef_programs --help --version --completion" -- "$word"))
    elif [[ "$word" == *=* ]]; then
        name="${{word%%=*}}" word="${{word#*=}}"
        [[ "$COMP_WORDBREAKS" == *=* ]] || prefix="$name="
        values="$(_clef_values "$program" "$name")"
        if [[ -n "$values" ]]; then
            COMPREPLY=($(compgen -P "$prefix" -W "$values" -- "$word"))
        else
            for name in "$word"*; do
                [[ ! -e "$name" ]] || COMPREPLY+=("$prefix$name")
            done
            compopt -o filenames 2>/dev/null
        fi
    elif [[ "$program" == --completion ]]; then
        COMPREPLY=($(compgen -W "{shells}" -- "$word"))
    else
        COMPREPLY=($(compgen -W "$(_clef_settings "$program") --help --version" -- "$word"))
        [[ "${{COMPREPLY[0]}}" == *= ]] && compopt -o nospace 2>/dev/null
    fi
}}
complete {options}-F _clef clef
"""
ZSH = "autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n"


def completion(shell: str, programs: list[str]) -> str:
    """The script for `shell`, to be read by it at its start. Raises ValueError for a shell that it does not know."""
    if shell not in SHELLS:
        raise ValueError(f"{shell}: no completion for this shell; there is one for {' and '.join(SHELLS)}")
    schemas = {name.removeprefix("clef."): (name, schema_of(name)) for name in programs}
    settings, values = [], []
    for short, (name, schema) in schemas.items():
        words = [f"{field}=" for field, _ in all_fields(schema)]
        settings.append(f"{shlex.quote(short)}) echo {shlex.quote(' '.join(words))};;")
        for field, choices in choices_of(schema, name).items():
            values.append(f"{shlex.quote(f'{short} {field}')}) echo {shlex.quote(' '.join(choices))};;")
    lists = {"settings": "\n".join(settings), "values": "\n".join(values), "shells": " ".join(SHELLS)}
    lists["options"] = "-o nospace " if shell == "zsh" else ""  # which bash is told where it holds, and zsh cannot be
    return (ZSH if shell == "zsh" else "") + SCRIPT.format(programs=" ".join(schemas), **lists)


def choices_of(schema: type, name: str) -> dict[str, list[str]]:
    """The values of every setting that has few: presets, choices, true and false."""
    choices = {}
    for field, _ in all_fields(schema):
        kind = field_type(schema, field)
        if typing.get_origin(kind) is typing.Literal:
            choices[field] = [str(value) for value in typing.get_args(kind)]
        elif kind is bool:
            choices[field] = ["true", "false"]
    return choices | preset_groups(name)


def schema_of(name: str) -> type:
    """The dataclass of settings of a program, which is imported for it."""
    room, *rest = name.split(".")
    path = Path(__file__).resolve().parent.parent.joinpath(room, *rest)
    path, module = (path / "__main__.py", f"{name}.__main__") if path.is_dir() else (path.with_suffix(".py"), name)
    calls = (node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call))
    call = next(node for node in calls if isinstance(node.func, ast.Name) and node.func.id == "program")
    return getattr(importlib.import_module(module), call.args[0].id)
