"""Pipes whose reader has gone and Ctrl-C at any time, in real processes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.helpers import PATIENCE, ROOT
from tokenizer.base import terminal

SCRIPT = """
import dataclasses, os, signal, threading, time
from pathlib import Path
from tokenizer.base.cli import program
from tokenizer.base.workers import work_ahead

@dataclasses.dataclass
class Settings:
    out: str = "out"

def press():
    os.killpg(0, signal.SIGINT)

class Last:
    def __del__(self):
        press()
        time.sleep(0.1)

def main(config):
    {body}

if __name__ == "__main__":
    program(Settings, main, "nowhere")
"""
BODIES = {
    "at work": "press(); time.sleep(60)",
    "an import that fails of it": "\n    try:\n        press(); time.sleep(60)\n"
    "    except KeyboardInterrupt:\n        raise ImportError('a part of it could not be loaded')",
    "where Python cannot raise it": "Last(); time.sleep(60)",
    "somebody swallows it, and it is pressed again": "\n    try:\n        press(); time.sleep(60)\n"
    "    except KeyboardInterrupt:\n        time.sleep(1.1); press(); time.sleep(60)",
    "while workers start": "threading.Timer(0.3, press).start(); list(work_ahead(time.sleep, [60] * 4, 2))",
}


def script(tmp_path: Path, body: str) -> list[str]:
    (tmp_path / "script.py").write_text(SCRIPT.replace("{body}", body))
    return [sys.executable, str(tmp_path / "script.py")]


def start(command: list[str], **more) -> subprocess.Popen:
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | more.pop("environment", {})
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True, **more)


# ---- Ctrl-C
@pytest.mark.parametrize("when", BODIES)
def test_ctrl_c_is_one_line_and_130(when, tmp_path):
    running = start(script(tmp_path, BODIES[when]), cwd=tmp_path)
    _, err = running.communicate(timeout=PATIENCE)
    assert running.returncode == 130 and err.strip().endswith(terminal.LINE), err
    assert err.strip().count("\n") == 0 and "Exception" not in err, err


@pytest.mark.parametrize("typed", (["tokenizer.deidentify"], ["clef", "tokenizer.deidentify"]))
def test_ctrl_c_while_a_program_imports(typed, tmp_path):
    source = f"import time\nopen({str(tmp_path / 'loading')!r}, 'w').close()\ntime.sleep(60)\n"
    (tmp_path / "yaml.py").write_text(source)  # an import that takes long
    path = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    running = start([sys.executable, "-m", *typed, "root=x", "out=y"], cwd=tmp_path, environment=path)
    while not (tmp_path / "loading").exists():
        assert running.poll() is None
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=PATIENCE)
    assert (running.returncode, err) == (130, f"\n{' '.join(typed)}: {terminal.LINE}\n")


def test_who_ignores_ctrl_c_goes_on_ignoring_it():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        terminal.leave_on_ctrl_c()
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_importing_the_packages_changes_nobodys_ctrl_c(tmp_path):
    ask = "import signal, clef, benchmark; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    done = subprocess.run([sys.executable, "-c", ask], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "True\n", done.stderr


# ---- pipes
@pytest.mark.parametrize("stream", ("stdout", "stderr"))
def test_a_program_works_on_when_nobody_reads(stream, tmp_path):
    body = f"import sys; print('x' * 100000, file=sys.{stream}); Path('written').write_text('x'); print('y')"
    reader, writer = os.pipe()
    os.close(reader)
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | {stream: writer}
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(script(tmp_path, body), cwd=tmp_path, env=environment, text=True, **streams)
    assert done.returncode == 0 and (tmp_path / "written").is_file() and not done.stderr


@pytest.mark.parametrize(
    "arguments", (["clef"], ["clef", "tokenizer.deidentify", "--help"], ["tokenizer.deidentify", "--help"])
)
def test_help_into_head_is_no_error(arguments):
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", *arguments]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("arguments", (["clef", "tokenizer.deidentify", "--version"], ["tokenizer.deidentify", "-V"]))
def test_every_program_tells_its_version(arguments):
    import tokenizer

    done = subprocess.run([sys.executable, "-m", *arguments], capture_output=True, text=True, cwd=ROOT)
    name = " ".join(word for word in arguments if not word.startswith("-"))
    assert (done.returncode, done.stdout) == (0, f"{name} {tokenizer.__version__}\n")
