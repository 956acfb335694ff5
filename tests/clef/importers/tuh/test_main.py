"""The program: its exit codes and its one line about a mistake."""

import subprocess
import sys


def test_the_command(tuab, tmp_path):
    command = [sys.executable, "-m", "clef.importers.tuh"]
    run = lambda *args: subprocess.run([*command, *args], capture_output=True, text=True)
    done = run(f"root={tuab}", f"out={tmp_path / 'c'}")
    assert done.returncode == 0 and "11 sessions of 10 subjects from site tuab" in done.stderr
    assert "tuab: 11 recordings of 11 sessions of 10 people" in done.stderr
    wrong = run(f"root={tuab}", f"out={tmp_path / 'c'}", "corpus=tuh")
    assert wrong.returncode == 2 and wrong.stderr.count("\n") == 1
