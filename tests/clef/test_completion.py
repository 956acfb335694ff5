"""Tab completion, asked in a real bash."""

import subprocess
from pathlib import Path

import pytest

from clef.__main__ import programs
from clef.completion import completion
from tests.programs import settings_of


@pytest.fixture(scope="module")
def script(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("completion") / "clef.bash"
    path.write_text(completion("bash", list(programs())))
    return path


def offered(script: Path, line: str, cwd: Path = Path(), breaks: str = "=") -> list[str]:
    """What a tab at the end of `line` offers, as bash asks for it."""
    ask = f"""source {script}; COMP_WORDBREAKS=$' \\t{breaks}'; COMP_LINE="$1" COMP_POINT=${{#1}}
    COMP_WORDS=($1) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _clef; printf '%s\\n' "${{COMPREPLY[@]}}" """
    done = subprocess.run(["bash", "--norc", "-c", ask, "bash", line], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return sorted(done.stdout.split("\n"))[1:]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("clef emb", ["embed"]),
        ("clef tokenizer.", ["tokenizer.deidentify", "tokenizer.encode"]),
        ("clef --ver", ["--version"]),
        ("clef embed ki", ["kind="]),
        ("clef clef.embed ki", ["kind="]),
        ("clef embed model=m kind=", ["codes", "trained", "untrained"]),
        ("clef embed kind=u", ["untrained"]),
        ("clef pretrain stage=re", ["recon"]),
        ("clef benchmark.run allow_overlap=", ["false", "true"]),
        ("clef embed reading.cr", ["reading.crop="]),
        ("clef embed nonsense", []),
        ("clef nonsense x", []),
        ("clef --completion z", ["zsh"]),
    ],
)
def test_a_tab_offers(line, words, script):
    assert [word for word in offered(script, line) if word] == words


def test_every_program_and_every_setting_is_offered(script):
    short = {name.removeprefix("clef.") for name in programs()}
    assert short <= set(offered(script, "clef "))
    for name in ("clef.pretrain", "benchmark.fidelity", "clef.importers.bids"):
        words = {f"{setting}=" for setting in settings_of(name)}
        assert words <= set(offered(script, f"clef {name.removeprefix('clef.')} "))


def test_paths_are_files_and_whole_words_where_the_shell_does_not_part_them(script, tmp_path):
    for name in ("a b.edf", "a$c.edf", "other"):
        (tmp_path / name).write_text("")
    assert offered(script, "clef embed recordings=a", tmp_path) == ["a b.edf", "a$c.edf"]
    assert offered(script, "clef embed recordings=o", tmp_path, breaks="") == ["recordings=other"]
    assert offered(script, "clef embed kind=c", tmp_path, breaks="") == ["kind=codes"]


def test_an_unknown_shell_is_said():
    with pytest.raises(ValueError, match="there is one for bash and zsh"):
        completion("fish", [])
