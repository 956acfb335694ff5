"""tools.run_variants: a suite sees the variant it is run in, and one failure anywhere is the exit code."""

import pytest

from tests.helpers import ROOT, run
from tools.run_variants import NAMES, NUMERIC, processor, variant

SUITE = """
import os
def test_of_the_processor():
    assert os.environ.get("ATEN_CPU_CAPABILITY") != "avx2"
"""


@pytest.mark.slow
@pytest.mark.skipif(not processor("avx2", "", "", "V4"), reason="only an x86-64 can pass for an older one")
def test_a_variant_that_fails_is_a_row_and_the_exit_code(tmp_path):
    (tmp_path / "test_processor.py").write_text(SUITE)
    settings = {"tests": f"[{tmp_path / 'test_processor.py'}]"}
    settings["environ"] = {"ATEN_CPU_CAPABILITY": "default"}  # so that a variant around this suite is not passed on
    done = run(tmp_path / "both", "tools.run_variants", variants="[plain,avx2]", **settings)
    rows = {line.split()[0]: line for line in done.out.splitlines()[-2:]}
    assert done.code == 1 and "passed" in rows["plain"] and "1 passed" in rows["plain"]
    assert "failed" in rows["avx2"] and "1 failed" in rows["avx2"]
    assert run(tmp_path / "one", "tools.run_variants", variants="[plain]", **settings).code == 0


def test_an_unknown_variant_is_one_line(tmp_path):
    done = run(tmp_path, "tools.run_variants", variants="[plain,arm]")
    assert done.code == 1 and done.one_line and "unknown variants arm; there are: plain, avx2" in done.err


@pytest.mark.parametrize("name", NAMES)
def test_a_variant_is_given_to_the_suite_and_not_only_exported(name):
    outside, inside, options = variant(name, 7)
    assert not set(outside) & set(inside) and all(" " not in value for value in inside.values())
    assert bool(outside or inside or options) == (name != "plain")


def test_the_folders_of_numbers_are_there():
    assert all(list((ROOT / folder).rglob("test_*.py")) for folder in NUMERIC)
