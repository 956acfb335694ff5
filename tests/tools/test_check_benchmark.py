"""tools.check_benchmark: its table, its exit code, and its settings."""

import pytest

from tests.helpers import run
from tokenizer.base.cli import ConfigError
from tools.benchmark_checks.judging import Check
from tools.check_benchmark import CheckBenchmark, main, report


@pytest.mark.parametrize(("outcome", "code"), [("passed", 0), ("too few people to check", 0), ("FAILED", 1)])
def test_the_exit_code_tells_whether_anything_failed(tmp_path, capsys, outcome, code):
    checks = [Check("a", "1", "2", "passed"), Check("b", "1", "2", outcome)]
    assert report(checks, tmp_path / "table.md") == code
    written = (tmp_path / "table.md").read_text()
    assert capsys.readouterr().out == written and outcome in written


@pytest.mark.parametrize("setting", ["subjects", "repetitions"])
def test_settings_that_cannot_be(setting):
    with pytest.raises(ConfigError, match=r"subjects must be 1000 or more, repetitions 20 or more"):
        main(CheckBenchmark(**{setting: 10}))


@pytest.mark.slow
def test_a_small_run_ends_with_a_table(tmp_path):
    done = run(tmp_path, "tools.check_benchmark", subjects=1000, repetitions=20)
    rows = [line for line in done.out.splitlines() if line.startswith("| ")]
    assert len(rows) >= 20 and done.code in (0, 1), done.err
    assert "too few people to check" in done.out and "too few repetitions to check" in done.out
