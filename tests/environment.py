"""The environment in which every test runs, and every process that a test starts, whatever was exported outside.

CLEF_TEST_ENVIRONMENT, `NAME=VALUE` pairs separated by spaces, changes it on purpose: so `tools.run_variants` runs the
suite with other threads, another time zone or another locale. What stands for another processor
(PROCESSOR) is left as it is: the tests have to pass on every one.
"""

import contextlib
import locale
import os
import signal
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEFINED = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS"), "1"),
    **{"TZ": "UTC", "LC_ALL": "C.UTF-8", "MPLBACKEND": "Agg", "HF_HUB_OFFLINE": "1"},
    "OMP_WAIT_POLICY": "passive",  # where there are more threads than cores, those that wait must sleep
}
PROCESSOR = {"ATEN_CPU_CAPABILITY", "OPENBLAS_CORETYPE", "MKL_CBWR", "NPY_DISABLE_CPU_FEATURES"}
FOREIGN = ("OMP_", "MKL_", "KMP_", "GOMP_", "POLARS_", "TORCH_", "WANDB_", "MNE_")
"""How variables begin that change what a library computes or prints."""
RANKS = {"RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"}
OTHERS = RANKS | {"GIT_DIR", "GIT_WORK_TREE", "PYTHONWARNINGS"}


def define() -> None:
    """Set the environment of this process and of its children, before torch and polars are imported."""
    given = dict(pair.split("=", 1) for pair in os.environ.get("CLEF_TEST_ENVIRONMENT", "").split())
    for name in set(os.environ) - PROCESSOR:
        if name.startswith(FOREIGN) or name in OTHERS:
            del os.environ[name]
    os.environ.update(DEFINED | given)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    time.tzset()
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # so in the background of a shell, and so for all children
        signal.signal(signal.SIGINT, signal.default_int_handler)
    with contextlib.suppress(locale.Error):  # not every system has it; there UTF-8 is what text files are by default
        locale.setlocale(locale.LC_CTYPE, "C.UTF-8")  # Python asks it for the encoding of each file that it opens


def limit_threads() -> None:
    """Give the BLAS and OpenMP libraries that are loaded already the number of threads that `define` has set.

    A library reads its variable once, when it is loaded, and a pytest plugin of any installed package may import numpy
    before conftest.py is read: zarr's does. The number of threads decides how a sum is cut, and so its last bits.
    """
    from threadpoolctl import threadpool_limits  # of scikit-learn; here, since it looks at what is loaded by now

    threadpool_limits({"blas": int(os.environ["OPENBLAS_NUM_THREADS"]), "openmp": threads()})


def threads() -> int:
    """How many threads torch has in a test and in the programs that tests start."""
    return int(os.environ["OMP_NUM_THREADS"])
