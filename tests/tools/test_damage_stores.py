"""Damage to stores: none is read wrongly, and the rig sees what a store without checks lets through."""

import shutil
from collections import Counter

import numpy as np
import polars as pl
import pytest

from tests.helpers import run, snapshot
from tools.damage_stores import Bench, DamageStores, judge, table
from tools.stores.damages import DAMAGES
from tools.stores.kinds import KINDS, digest


class InThisProcess(Bench):
    """The same without a process of its own, which takes seconds to start."""

    def _ask(self):
        return judge(self.kind, self.copy)


@pytest.mark.parametrize("kind", ("tokens", "embeddings", "tasks", "scores", "cohort"))
def test_no_damage_is_read_wrongly(tmp_path, kind):
    bench = InThisProcess(kind, tmp_path, DamageStores())
    ended = Counter(bench.damage(number)[2] for number in range(25))
    assert set(ended) <= {"same", "refused"} and ended["refused"] > 5


def test_a_store_without_checks_is_read_wrongly_and_seen(tmp_path):
    """The rig's own oracle: the weights of a plain file, and a table without its digest."""
    bench = InThisProcess("embeddings", tmp_path, DamageStores())
    path = bench.copy / "embeddings.parquet"
    whole = pl.read_parquet(path)
    about = {"clef.embeddings": pl.read_parquet_metadata(path)["clef.embeddings"].replace('"format": 2', '"format": 1')}
    whole.with_columns(pl.col("session_id").reverse()).write_parquet(path, metadata=about)
    ended, message = bench._ask()
    assert ended == "read" and message not in bench.expected


def test_damage_hangs_on_seed_and_number_alone_and_is_undone(tmp_path):
    bench = InThisProcess("cohort", tmp_path, DamageStores())
    first = [bench.damage(number)[:3] for number in (3, 9, 4)]
    assert [bench.damage(number)[:3] for number in (3, 9, 4)] == first and len(set(first)) == 3
    bench._restore()
    content = lambda folder: {name: data for name, (_, data) in snapshot(folder).items()}
    assert content(bench.copy) == content(bench.whole) != content(bench.other)


@pytest.mark.parametrize("name", DAMAGES)
def test_each_damage_changes_files(tmp_path, name):
    KINDS["cohort"].make(tmp_path / "a", 0)
    KINDS["cohort"].make(tmp_path / "b", 1)
    for number in range(4):
        shutil.copytree(tmp_path / "a", tmp_path / "copy", dirs_exist_ok=True)
        before = {k: v for k, (_, v) in snapshot(tmp_path / "copy").items()}
        what = DAMAGES[name](np.random.default_rng(number), tmp_path / "copy", tmp_path / "b")
        changed = {k: v for k, (_, v) in snapshot(tmp_path / "copy").items()} != before
        assert what and str(tmp_path) not in what and (changed or "zeros" in what)


def test_digests_tell_values_apart():
    a = np.arange(3)
    assert (
        len({digest(v) for v in (a, a.astype(np.int32), a[:2], {"a": a}, [0, 1, 2], None, pl.DataFrame({"a": a}))}) == 7
    )
    assert digest({"a": 1, "b": a}) == digest({"b": a, "a": 1})


def test_bad_outcomes_are_counted_and_shown():
    counts = Counter({("tokens", "cut", "refused"): 3, ("tokens", "flip", "wrong"): 2})
    rows = [line.split() for line in table(counts).splitlines()]
    assert rows[1:] == [["tokens", "cut", "·", "3", "·", "·", "·"], ["tokens", "flip", "·", "·", "·", "2", "·"],
                        ["tokens", "all", "·", "3", "·", "2", "·"]]  # fmt: skip


def test_the_program_judges_in_a_process_of_its_own(tmp_path):
    done = run(tmp_path, "tools.damage_stores", kinds="[tasks]", number=6)
    assert done.code == 0 and "refused" in done.out and done.out.splitlines()[-1].startswith("tasks       all")
    done = run(tmp_path, "tools.damage_stores", kinds="[books]")
    assert done.code == 2 and "'books' is none of" in done.err
