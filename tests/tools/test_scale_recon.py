"""A share of the subjects is whole people and a part of any larger share; the table says what the runs say."""

import json

import numpy as np
import pytest

from clef.stages.recon import some_subjects
from tests.helpers import must, pretrain, run
from tokenizer.store import Tokens, TokenStore
from tools.scale_recon import draw, read_run, table


def people(n=200):
    """`n` people of one to three sessions each, a quarter of them in val."""
    subject = np.repeat(np.arange(n), np.arange(n) % 3 + 1)
    m = len(subject)
    split = np.where(subject % 4 == 0, "val", "train")
    level, channel_ok = np.zeros(m, np.float32), np.ones((m, 19), bool)
    return Tokens(
        np.zeros((m, 2, 2), np.uint16), np.ones((m, 2), bool), np.arange(m), subject, split, level, channel_ok
    )


def train_subjects(tokens):
    return set(tokens.subject_id[tokens.split == "train"].tolist())


def test_a_share_is_whole_people_and_a_part_of_any_larger_one():
    tokens = people()
    shares = [some_subjects(tokens, share, seed=0) for share in (0.125, 0.25, 0.5, 1.0)]
    kept = [train_subjects(part) for part in shares]
    assert [len(k) for k in kept] == [19, 38, 75, 150]
    assert kept[0] < kept[1] < kept[2] < kept[3] == train_subjects(tokens)
    for part, people_kept in zip(shares, kept, strict=True):
        assert np.array_equal(part.subject_id[part.split == "val"], tokens.subject_id[tokens.split == "val"])
        assert (part.split == "train").sum() == np.isin(tokens.subject_id, list(people_kept)).sum()


def test_another_seed_is_another_share_and_other_people_change_nobody():
    tokens = people()
    here = train_subjects(some_subjects(tokens, 0.25, 0))
    assert here != train_subjects(some_subjects(tokens, 0.25, 1))
    order = np.random.default_rng(0).permutation(len(tokens))
    assert here == train_subjects(some_subjects(tokens.where(order), 0.25, 0))


@pytest.mark.parametrize("share", (0.0, 1.5))
def test_a_share_that_is_none_is_one_line(share):
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        some_subjects(people(), share, 0)


@pytest.fixture(scope="module")
def runs(tiny_store, tmp_path_factory):
    """Two finished runs of the tiny store, on half of the people and on all."""
    folder = tmp_path_factory.mktemp("scaling")
    for share in (0.5, 1):
        settings = {"tokens": tiny_store, "steps": 8, "recon.subjects_share": share}
        must(pretrain(folder / f"said{share}", "recon", out=folder / "runs" / f"tiny-{share}", **settings))
    return folder / "runs"


def test_the_table_says_what_the_runs_say(runs, tiny_store, tmp_path):
    tokens = TokenStore(tiny_store).load()
    found = [read_run(folder, tokens) for folder in sorted(runs.iterdir())]
    logged = [json.loads(line) for line in (runs / "tiny-0.5" / "metrics.jsonl").read_text().splitlines()]
    losses = {line["step"]: line["val_loss"] for line in logged if "val_loss" in line}
    half, whole = found
    assert half.lowest == min(losses.values()) == losses[half.at_step] and half.last == losses[8]
    assert half.baselines["unigram"] == logged[0]["baseline_unigram"]
    assert half.subjects == -(-whole.subjects // 2) and half.sessions < whole.sessions
    assert whole.sessions == (tokens.split == "train").sum()
    rows = [line.split(" | ") for line in table(found, tokens).splitlines() if line.startswith("| tiny")]
    assert rows[0][1:6] == ["0.5", str(half.subjects), str(half.sessions), "8", f"{half.lowest:.3f}"]
    assert float(rows[1][-1].strip(" |")) == pytest.approx(min(whole.baselines.values()) - whole.lowest, abs=6e-4)
    draw(found, tmp_path / "scaling.png")
    assert (tmp_path / "scaling.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize(
    "settings, said", (({"models": "[huge]"}, "no preset 'huge'"), ({"shares": "[2]"}, "2 is not above 0"))
)
def test_mistakes_are_one_line(tiny_store, tmp_path, settings, said):
    done = run(tmp_path / "said", "tools.scale_recon", tokens=tiny_store, out=tmp_path / "out", **settings)
    assert done.code == 2 and said in done.err and not (tmp_path / "out").exists()


@pytest.mark.slow
def test_it_trains_what_is_missing_and_keeps_the_rest(tiny_store, tmp_path):
    settings = {"tokens": tiny_store, "models": "[tiny]", "shares": "[1]", "steps": 2, "batch": 2, "threads": 1}
    settings |= {"out": tmp_path / "out", "device": "cpu"}
    must(run(tmp_path / "a", "tools.scale_recon", **settings))
    first = (tmp_path / "out" / "tiny-1" / "model" / "done.json").stat().st_mtime_ns
    done = must(run(tmp_path / "b", "tools.scale_recon", **(settings | {"shares": "[0.5,1]"})))
    assert (tmp_path / "out" / "tiny-1" / "model" / "done.json").stat().st_mtime_ns == first
    assert done.out.count("| tiny |") == 2 and "with 2 runs" in done.err
