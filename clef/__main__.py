"""The command `clef`: a list of the programs of all three rooms, and a way to start each by a short name.

    clef                         what there is, in the order in which people use it
    clef embed model=RUN …       the same as `python -m clef.embed model=RUN …`, in the same process
    clef help embed              its settings
    clef benchmark.run …         programs of the other rooms, and of clef/importers/, with their folder

Programs are discovered, not registered: a file of a room's top folder or of `clef/importers/` that calls `program(…)`,
or the `__main__` of a folder there that does. They are parsed, never imported, so that the list needs no torch.
"""

import ast
import difflib
import fnmatch
import runpy
import sys
from pathlib import Path

import clef
from tokenizer.base import terminal

ROOMS = ("clef", "tokenizer", "benchmark")
"""Where a name without a room is looked up, in this order."""
FOLDERS = ("clef", "clef/importers", "tokenizer", "benchmark")
"""Where programs are."""
STEPS = {
    "import": ("clef.importers.folder", "clef.importers.*", "clef.summarise"),
    "train": ("clef.pretrain", "clef.crossfit", "tokenizer.*"),
    "embed": ("clef.embed",),
    "benchmark": ("benchmark.build", "benchmark.run", "benchmark.*"),
    "look": ("clef.*",),
    "share": ("tokenizer.deidentify",),
}
"""What people do, in order, and the programs for it; a program that no pattern names goes where its room's do."""
USAGE = """usage: clef PROGRAM name=value …     runs it, as python -m does
       clef PROGRAM --help           lists its settings
       clef --version
       clef --completion bash        prints a script for tab completion (or zsh)"""


def main() -> None:
    """Answer `clef …`. Exit codes are the program's own; 2 for a name that is none."""
    terminal.leave_on_ctrl_c()
    terminal.forgive_closed_pipes()
    typed, *arguments = sys.argv[1:] or ["--help"]
    if typed == "help" and arguments:
        typed, arguments = arguments[0], ["--help"]
    if typed in ("--help", "-h", "help"):
        print(overview())
    elif typed == "--version":
        print(f"clef {clef.__version__}")
    elif typed == "--completion":
        complete(arguments)
    else:
        start(typed, arguments)


def start(typed: str, arguments: list[str]) -> None:
    """Run the program that `typed` names as the main module of this process, as `python -m` would."""
    try:
        name = resolve(typed, list(programs()))
    except ValueError as error:
        print(f"clef {typed}: {error}", file=sys.stderr)
        sys.exit(2)
    sys.argv[1:] = arguments
    # alter_sys: processes that the program starts ask sys.modules["__main__"] what to import; it must not be this file
    runpy.run_module(name, init_globals={"__command__": f"clef {typed}"}, run_name="__main__", alter_sys=True)


def complete(shells: list[str]) -> None:
    """Print the script for tab completion in the shell that is named."""
    from clef.completion import completion  # imports every program

    try:
        print(completion(shells[0] if shells else "none named", list(programs())))
    except ValueError as error:
        print(f"clef --completion: {error}", file=sys.stderr)
        sys.exit(2)


def programs() -> dict[str, str]:
    """Every program's module name, as in `clef.embed`, and the first line of its docstring."""
    home = Path(clef.__file__).resolve().parent.parent
    lines = {}
    for folder in FOLDERS:
        for path in sorted([*(home / folder).glob("*.py"), *(home / folder).glob("*/__main__.py")]):
            about = first_line(path)
            if about is not None:
                module = path.parent if path.name == "__main__.py" else path.with_suffix("")
                lines[".".join(module.relative_to(home).parts)] = about
    return lines


def first_line(path: Path) -> str | None:
    """The first line of a program's docstring; None if the file is no program."""
    text = path.read_text(encoding="utf-8")
    if "program(" not in text:  # parsing every file would take ten times as long
        return None
    tree = ast.parse(text)
    calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    if not any(isinstance(called, ast.Name) and called.id == "program" for called in calls):
        return None
    return (ast.get_docstring(tree) or "").partition("\n")[0]


def resolve(typed: str, names: list[str]) -> str:
    """The module that `typed` means: a full name, or one without its room. ValueError, with near names, if none."""
    for name in (typed, *(f"{room}.{typed}" for room in ROOMS)):
        if name in names:
            return name
    holding = [short(name) for name in names if f".{typed}." in f".{name}."]
    if holding:
        raise ValueError(f"this is a part of a name; did you mean {_or(holding)}?")
    spellings = {spelling: short(name) for name in names for spelling in (name, short(name), name.split(".")[-1])}
    near = [spellings[spelling] for spelling in difflib.get_close_matches(typed, spellings, n=3, cutoff=0.6)]
    hint = f"did you mean {_or(list(dict.fromkeys(near)))}?" if near else "clef --help lists the programs"
    raise ValueError(f"there is no such program; {hint}")


def short(name: str) -> str:
    """A program's name as people type it: without `clef.`."""
    return name.removeprefix("clef.")


def _or(names: list[str]) -> str:
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def overview() -> str:
    """The text of `clef --help`: every program with one line, under what people do with it."""
    listed = programs()
    width = max(len(short(name)) for name in listed) + 2
    lines = [clef.__doc__ or "", "", USAGE]
    for step in STEPS:
        places = {place(name): name for name in listed if place(name)[0] == step}
        lines += ["", step, *(f"  {short(name):{width}}{listed[name]}" for _, name in sorted(places.items()))]
    return "\n".join(lines)


def place(name: str) -> tuple[str, int, str]:
    """Where a program stands in the list: its step, the number of the pattern there that fits it, its name."""
    fitting = {
        pattern: (step, i, name)
        for step, patterns in STEPS.items()
        for i, pattern in enumerate(patterns)
        if fnmatch.fnmatchcase(name, pattern)
    }
    return fitting[max(fitting, key=len)]  # the longest says most: clef.importers.* before clef.*


if __name__ == "__main__":
    main()
