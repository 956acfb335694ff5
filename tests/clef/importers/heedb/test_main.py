"""The program: its exit codes and its one line about a mistake."""

import subprocess
import sys

from tests.clef.importers.heedb.tree import (
    seven,
    write_csv,
)


def test_the_command(files, tmp_path):
    for name, rows in seven({}).items():
        write_csv(tmp_path / name, rows)
    (tmp_path / "HEEDB_ICD10_for_Neurology.xlsx").write_bytes(b"PK")
    (tmp_path / "HEEDB_ICD10_for_Neurology_statistics.csv").write_text("")
    arguments = (f"root={files}", f"tables={tmp_path}", f"out={tmp_path / 'out'}", "sites=[S0001]")
    command = [sys.executable, "-m", "clef.importers.heedb", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0 and "1 sessions of 1 subjects from site S0001" in done.stderr
    assert "HEEDB_ICD10_for_Neurology.xlsx is not read: unpack it, or save it as CSV" in done.stderr
    wrong = subprocess.run([*command, "sites=[X]"], capture_output=True, text=True)
    assert wrong.returncode == 2 and "sites=X: the tables have no such site; they have S0001" in wrong.stderr
