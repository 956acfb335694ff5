"""Damage to stores: none is read wrongly, and the rig sees what a store without checks lets through."""

import logging
import multiprocessing
from collections import Counter

import polars as pl
import pytest

from tests.helpers import run, snapshot
from tokenizer.base.cli import ConfigError
from tools.damage_stores import Bench, DamageStores, answer, judge, main, table
from tools.stores.kinds import KINDS


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


def test_bad_outcomes_are_counted_and_shown():
    counts = Counter({("tokens", "cut", "refused"): 3, ("tokens", "flip", "wrong"): 2})
    rows = [line.split() for line in table(counts).splitlines()]
    assert rows[1:] == [["tokens", "cut", "·", "3", "·", "·", "·"], ["tokens", "flip", "·", "·", "·", "2", "·"],
                        ["tokens", "all", "·", "3", "·", "2", "·"]]  # fmt: skip


def test_an_unknown_kind_is_one_line():
    with pytest.raises(ConfigError, match="'books' is none of tokens, "):
        main(DamageStores(kinds=["books"]))


def test_the_other_process_answers_as_long_as_it_is_asked(tmp_path):
    KINDS["tasks"].make(tmp_path, 0)
    ours, theirs = multiprocessing.Pipe()
    for question in ("use", "use", ""):
        ours.send(question)
    try:
        answer(theirs, "tasks", str(tmp_path))
    finally:
        logging.disable(logging.NOTSET)
    assert [ours.recv() for _ in range(3)] == ["ready", *[("read", KINDS["tasks"].use(tmp_path))] * 2]


@pytest.mark.slow
def test_the_program_judges_in_a_process_of_its_own(tmp_path):
    done = run(tmp_path, "tools.damage_stores", kinds="[tasks]", number=6)
    assert done.code == 0 and "refused" in done.out and done.out.splitlines()[-1].startswith("tasks       all")
    done = run(tmp_path, "tools.damage_stores", kinds="[tasks]", number=2, seconds=0)
    assert done.code == 1 and "hung: 0 s" in done.err
