"""The probe beside a run: what it finds, whom it never touches, what it costs the run (nothing)."""

import json

import numpy as np
import polars as pl
import pytest
import torch
from torch.nn import functional as F

from clef.network.encoder import Encoder, EncoderConfig
from clef.stages.probe import LEAST, SESSIONS, bounded, make_probes
from clef.tasks import FORMAT, write_tasks
from tests.helpers import must, pretrain
from tokenizer.base.tables import write_table
from tokenizer.store import DONE, Tokens, TokenStore, create_store
from tokenizer.vqgan import VQGAN, VQGANConfig

R, W, K = 16, 6, 64
SPLIT = np.array(["train"] * 40 + ["val"] * 24 + ["test"] * 16)
LABEL = np.arange(len(SPLIT)) % 2 == 0


def sessions(seed=0):
    """Sessions of random codes, but for row 3: of even ones it holds the one code, of odd ones the other."""
    n, rng = len(SPLIT), np.random.default_rng(seed)
    tokens = rng.integers(K, size=(n, R, W)).astype(np.uint16)
    tokens[:, 3] = np.where(LABEL, 7, 40)[:, None]
    names = np.array([f"s{i:03d}" for i in range(n)], dtype=object)
    rest = np.arange(n), SPLIT, np.zeros(n, np.float32), np.ones((n, 19), bool)
    return Tokens(tokens, np.ones((n, W), bool), names, *rest)


def tasks(label=LABEL, task="planted", split=SPLIT):
    """A task store's rows; within a split each case has a control of its own, and the last case all that are left."""
    n = len(label)
    table = pl.DataFrame({"task": [task] * n, "family": ["label"] * n, "session_id": [f"s{i:03d}" for i in range(n)],
                          "subject_id": np.arange(n), "label": label, "split": split})  # fmt: skip
    place = pl.int_range(pl.len()).over("split", "label")
    cases = pl.col("label").sum().over("split").cast(pl.Int64)
    return table.with_columns(match_id=pl.format("{}-{}", "split", pl.min_horizontal(place, cases - 1)))


def shuffled(seed):
    """Labels that mean nothing: those above, dealt out anew within each split."""
    rng, label = np.random.default_rng(seed), LABEL.copy()
    for split in set(SPLIT):
        label[split == SPLIT] = rng.permutation(LABEL[split == SPLIT])
    return label


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    codes = F.normalize(torch.randn(K, 8), dim=-1)
    return Encoder(EncoderConfig(width=32, heads=2, encoder_layers=1, decoder_layers=1), codes, R).eval()


def probes_of(tmp_path, table, tokens=None, most=8):
    write_tasks(tmp_path / "tasks.parquet", table, {})
    return make_probes(str(tmp_path / "tasks.parquet"), most, tokens or sessions())


def unfit(tmp_path, table):
    """What is said of a table that was written without the checks of a task store."""
    write_table(tmp_path / "tasks.parquet", table, {"clef.tasks": json.dumps({"format": FORMAT})})
    with pytest.raises(ValueError, match="tasks") as raised:
        make_probes(str(tmp_path / "tasks.parquet"), 8, sessions())
    return str(raised.value)


def test_it_finds_what_is_there_and_nothing_where_nothing_is(encoder, tmp_path):
    assert probes_of(tmp_path, tasks())(encoder)["probe_auroc"] > 0.95
    nothing = pl.concat([tasks(shuffled(i), f"random {i}") for i in range(12)])
    assert abs(probes_of(tmp_path, nothing, most=12)(encoder)["probe_auroc"] - 0.5) < 0.1


def test_it_is_the_mean_over_tasks(encoder, tmp_path):
    both = pl.concat([tasks(), tasks(shuffled(1), "random")])
    alone = [probes_of(tmp_path, both.filter(task=t))(encoder)["probe_auroc"] for t in ("planted", "random")]
    assert probes_of(tmp_path, both)(encoder)["probe_auroc"] == pytest.approx(np.mean(alone))
    assert probes_of(tmp_path, both, most=1)(encoder)["probe_auroc"] in (pytest.approx(v) for v in alone)


def test_a_probe_is_fitted_on_train_and_scored_on_val(encoder, tmp_path):
    """Turned labels in val turn the score; labels of test say nothing, its sessions are not even held."""
    turned = np.where(SPLIT == "val", ~LABEL, LABEL)
    assert probes_of(tmp_path, tasks(turned))(encoder)["probe_auroc"] < 0.05
    base = probes_of(tmp_path, tasks())
    other = probes_of(tmp_path, tasks(np.where(SPLIT == "test", ~LABEL, LABEL)))
    assert base(encoder) == other(encoder) and set(base.sessions.split) == {"train", "val"}


def test_order_of_rows_changes_nothing(encoder, tmp_path):
    order = np.random.default_rng(0).permutation(len(SPLIT))
    plain, mixed = probes_of(tmp_path, tasks()), probes_of(tmp_path, tasks()[order], sessions().where(order))
    assert plain(encoder)["probe_auroc"] == pytest.approx(mixed(encoder)["probe_auroc"])


def test_small_tasks_are_left_out_and_counted_and_large_ones_come_first(tmp_path, caplog):
    def cut(cases):  # so many cases in val, one more than that in train
        keep = np.zeros(len(SPLIT), bool)
        for split, most in (("train", cases + 1), ("val", cases)):
            for label in (True, False):
                keep[np.flatnonzero((split == SPLIT) & (label == LABEL))[:most]] = True
        return tasks(task=f"{cases:02d}").filter(pl.Series(keep))

    table = pl.concat([cut(LEAST - 1), cut(LEAST), cut(12), cut(9)])
    with caplog.at_level("INFO"):
        probes = probes_of(tmp_path, table, most=2)
    assert [int(t.label.sum()) for t in probes.tasks] == [25, 19]
    assert "2 of 4 tasks (1 left out" in caplog.text
    with pytest.raises(ValueError, match="none of 1 tasks has 5 cases"):
        probes_of(tmp_path, cut(LEAST - 1))


def test_a_large_archive_is_cut_to_the_same_from_each_group():
    n = 20_000
    rng = np.random.default_rng(0)
    large = pl.DataFrame({"task": rng.choice(["a", "b"], n), "session_id": [f"s{i}" for i in range(n)]})
    split = pl.Series(rng.choice(["train", "val"], n, p=[0.9, 0.1]))
    large = large.with_columns(label=pl.Series(rng.random(n) < 0.1), split=split)
    kept = bounded(large)
    sizes = kept.group_by("task", "split", "label").len()["len"]
    assert kept["session_id"].n_unique() == SESSIONS and sizes.min() == sizes.max() == SESSIONS // 8
    again = bounded(large.sample(fraction=1, shuffle=True, seed=1))
    assert set(again["session_id"]) == set(kept["session_id"])


@pytest.mark.parametrize(
    "table, said",
    (
        (tasks().drop("label"), "recon.probe=tasks.parquet: column 'label' is missing"),
        (tasks().drop("match_id"), "recon.probe=tasks.parquet: column 'match_id' is missing"),
        (tasks().with_columns(label=pl.lit("yes")), "column 'label' is String, expected Boolean"),
        (tasks().with_columns(session_id=pl.lit(None, pl.String)), "column 'session_id' is empty in 80 of 80 rows"),
        (tasks().with_columns(match_id=pl.lit("one")), "crosses splits"),
        (tasks(), "its rows were changed after it was built"),
    ),
)
def test_a_file_that_is_no_task_store_is_one_line(tmp_path, table, said):
    """The checks are the store's own: whatever the benchmark would refuse is refused here."""
    text = unfit(tmp_path, table)
    assert said in text and "tasks.parquet" in text and "\n" not in text


@pytest.mark.parametrize(
    "table, said",
    (
        (tasks(split=np.roll(SPLIT, 5)), "build the tasks from the cohort of the tokens"),
        (tasks().with_columns(split=pl.lit("fold1")), "none of 1 tasks"),
    ),
)
def test_tasks_that_do_not_fit_the_tokens_are_one_line(tmp_path, table, said):
    with pytest.raises(ValueError, match=said) as raised:
        probes_of(tmp_path, table)
    assert "tasks.parquet" in str(raised.value) and "\n" not in str(raised.value)


def test_a_missing_file_and_a_silly_number_are_one_line(tmp_path):
    with pytest.raises(ValueError, match=r"recon\.probe=.*no such task file"):
        make_probes(str(tmp_path / "none.parquet"), 8, sessions())
    with pytest.raises(ValueError, match="expected 1 to 25"):
        probes_of(tmp_path, tasks(), most=0)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """The sessions above as a token store, with an untrained tokenizer in it."""
    path, made = tmp_path_factory.mktemp("probed") / "tokens.zarr", sessions()
    vqgan = VQGAN(VQGANConfig(width=16, encoder_blocks=1, decoder_blocks=1, codes=K, code_dimension=8))
    n, columns = len(SPLIT), vqgan.grid[1]
    table = {"session_id": made.session_id.tolist(), "subject_id": made.subject_id, "split": SPLIT.tolist()}
    create_store(path, pl.DataFrame(table), vqgan, {})
    wide = {"tokens": np.pad(made.tokens, ((0, 0), (0, 0), (0, columns - W)))}
    wide |= {"valid": np.pad(np.ones((n, W), np.float16), ((0, 0), (0, columns - W)))}
    rest = {"channel_ok": np.ones((n, 19), bool), "level": np.zeros(n), "reason": np.zeros((n, 240), np.uint8)}
    TokenStore(path, writable=True).write_shard(0, wide | rest | {"status": np.full(n, DONE, np.uint8)})
    return path


def lines(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def losses(folder):
    return [{k: v for k, v in line.items() if "loss" in k} for line in lines(folder) if line["step"]]


def test_a_run_shows_it_and_trains_as_without_it(store, tmp_path):
    write_tasks(tmp_path / "tasks.parquet", tasks(), {})
    probe = {"recon.probe": tmp_path / "tasks.parquet", "recon.probe_tasks": 1}
    done = must(pretrain(tmp_path / "a", "recon", tokens=store, out=tmp_path / "probed", steps=8, **probe))
    must(pretrain(tmp_path / "b", "recon", tokens=store, out=tmp_path / "alone", steps=8))
    shown = {line["step"]: line["probe_auroc"] for line in lines(tmp_path / "probed") if "probe_auroc" in line}
    assert set(shown) == {0, 4, 8} and all(0.5 < v <= 1 for v in shown.values())
    assert losses(tmp_path / "probed") == losses(tmp_path / "alone")
    assert "1 of 1 tasks" in done.err and "probe_auroc" in done.err
    more = must(pretrain(tmp_path / "c", "recon", tokens=store, out=tmp_path / "probed", steps=8))
    assert "already finished" in more.err  # to stop probing is no other run
