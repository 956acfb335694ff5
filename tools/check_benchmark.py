"""The benchmark held against planted truth, without any EEG: does it measure what it says, and miss what is not there?

    python -m tools.check_benchmark subjects=100000 seed=0

People, visits, latents and records are drawn as `clef.importers.synthetic` draws them, the cohort's tables are written
to a temporary folder, tasks are built and scored as for anyone, with the planted latents as the embedding. Intervals
and comparisons are tried on simulated tasks whose true AUROC is known. A table says what was measured, the bound, and

    passed · FAILED · too few people to check (chance alone would reach the bound)

Exit code 1 if anything failed.
"""

import logging
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from threadpoolctl import threadpool_limits

from tokenizer.base.cli import ConfigError, program
from tokenizer.base.files import write_text
from tools.benchmark_checks.judging import Check, markdown
from tools.benchmark_checks.planted import planted_checks
from tools.benchmark_checks.simulated import coverage_checks, discovery_checks
from tools.benchmark_checks.world import make_world

log = logging.getLogger(__name__)


@dataclass
class CheckBenchmark:
    """Settings of tools.check_benchmark."""

    subjects: int = 100_000
    """People of the planted cohort; with few of them some bounds cannot be checked."""
    repetitions: int = 1000
    """Simulated tasks of each design for intervals and comparisons."""
    seed: int = 0
    """Seed of everything."""
    out: Path | None = None
    """Where to write the table as Markdown as well."""


def main(config: CheckBenchmark) -> int:
    """Draw, build, score, judge, print."""
    if config.subjects < 1000 or config.repetitions < 20:
        raise ConfigError("subjects must be 1000 or more, repetitions 20 or more")
    return report(all_checks(config), config.out)


def report(checks: list[Check], out: Path | None) -> int:
    """Print the table, and write it to `out`; 1 if anything failed."""
    table = markdown(checks)
    print(table, flush=True)
    if out:
        write_text(out, table + "\n")
        log.info("wrote %s", out)
    counts = Counter(check.outcome for check in checks)
    log.info("%s", ", ".join(f"{count} {outcome}" for outcome, count in counts.items()))
    return int(counts["FAILED"] > 0)


def all_checks(config: CheckBenchmark) -> list[Check]:
    """Every check, each said as soon as it is known."""
    checks, started = [], time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(2):
        log.info("drawing %d people …", config.subjects)
        world = make_world(Path(folder), config.subjects, config.seed)
        parts = [planted_checks(world, config.subjects, config.seed)]
        parts += [rows(config.repetitions, config.seed) for rows in (coverage_checks, discovery_checks)]
        for check in (check for part in parts for check in part):
            checks.append(check)
            log.info("%4.0f s  %s: %s %s", time.perf_counter() - started, check.name, check.measured, check.outcome)
    return checks


if __name__ == "__main__":
    program(CheckBenchmark, main, "tools.check_benchmark")
