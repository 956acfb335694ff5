"""The test suite as another machine would run it: other processors, threads, time zones, locales and orders.

    python -m tools.run_variants                                 # every variant, one after the other: about 20 minutes
    python -m tools.run_variants variants=[elsewhere] tests=[tests/tokenizer]

A variant stands for a machine that its numbers could depend on. What decides them is switched by the libraries' own
variables: torch's vector instructions (ATEN_CPU_CAPABILITY), OpenBLAS's kernels (OPENBLAS_CORETYPE), MKL's (MKL_CBWR)
and numpy's (NPY_DISABLE_CPU_FEATURES). Threads, time zone and locale go through CLEF_TEST_ENVIRONMENT, since
tests/environment.py defines them. Ends with a table, and with exit code 1 if a variant failed.
"""

import os
import platform
import random
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field

import numpy as np

from tokenizer.base.cli import program

NAMES = ("plain", "avx2", "elsewhere")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS")
NUMERIC = ["tests/tokenizer", "tests/clef/network", "tests/clef/stages", "tests/benchmark/scores"]
"""The folders whose tests compare numbers of our own."""


@dataclass
class RunVariants:
    variants: list[str] = field(default_factory=lambda: list(NAMES))
    """plain: as `make test`; avx2: a processor without AVX-512; elsewhere: one without AVX, four threads, India's time,
    locale C and random order."""
    tests: list[str] = field(default_factory=list)
    """Files or folders of tests; without any all of them; `numeric` stands for the folders that compare numbers."""
    marks: str = "not slow and not gpu"
    """Which tests, by their marks."""
    seed: int | None = None
    """Of the random order; without it another one each time, and the table says which."""


def processor(torch: str, openblas: str, mkl: str, numpy_without: str) -> dict[str, str]:
    """Variables that make this processor pass for an older one; nothing on one that is not x86-64."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return {}
    features = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    disabled = " ".join(name for name in features if re.search(numpy_without, name))
    chosen = {"ATEN_CPU_CAPABILITY": torch, "OPENBLAS_CORETYPE": openblas, "MKL_CBWR": mkl}
    return chosen | ({"NPY_DISABLE_CPU_FEATURES": disabled} if disabled else {})


def variant(name: str, seed: int) -> tuple[dict[str, str], dict[str, str], list[str]]:
    """What a variant sets outside the suite, what inside it, and its options of pytest."""
    if name == "avx2":
        return processor("avx2", "Haswell", "AVX2", "AVX512|V4"), {}, []
    if name == "elsewhere":
        place = {"TZ": "Asia/Kolkata", "LC_ALL": "C"} | dict.fromkeys(THREADS, "4")
        return processor("default", "Haswell", "COMPATIBLE", "AVX|FMA|V3|V4"), place, order(seed)
    return {}, {}, []


def order(seed: int) -> list[str]:
    """The options that mix modules, and tests within them."""
    return ["--random-order", f"--random-order-seed={seed}"]


def run_variant(name: str, config: RunVariants, seed: int) -> tuple[int, str, float]:
    """Run the suite in one variant: exit code, the last line pytest printed, seconds."""
    outside, inside, options = variant(name, seed)
    given = " ".join(f"{k}={v}" for k, v in inside.items())
    tests = [path for test in config.tests for path in (NUMERIC if test == "numeric" else [test])]
    command = [sys.executable, "-m", "pytest", "-m", config.marks, "--durations=10", *options, *tests]
    began, last = time.monotonic(), ""
    environment = os.environ | outside | inside | {"CLEF_TEST_ENVIRONMENT": given}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, errors="replace") as running:
        for line in running.stdout:
            print(line, end="", flush=True)
            last = line.strip() or last
    return running.returncode, last, time.monotonic() - began


def main(config: RunVariants) -> int:
    if unknown := sorted(set(config.variants) - set(NAMES)):
        raise ValueError(f"unknown variants {', '.join(unknown)}; there are: {', '.join(NAMES)}")
    seed = random.randrange(10**6) if config.seed is None else config.seed
    rows = []
    for name in config.variants:
        print(f"---- {name}", flush=True)
        rows.append((name, *run_variant(name, config, seed)))
    print(f"\n{'variant':<12}{'ended':<8}{'min':>5}   pytest's last line (random order: seed {seed})")
    for name, code, last, seconds in rows:
        print(f"{name:<12}{'failed' if code else 'passed':<8}{seconds / 60:>5.1f}   {last}")
    return int(any(code for _, code, _, _ in rows))


if __name__ == "__main__":
    program(RunVariants, main, "tools.run_variants")
