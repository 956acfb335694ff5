"""Stopped and started again equals never stopped: real processes, really killed."""

import json
import random
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import polars as pl
import pytest

from tests.clef.network.language_models import write_bert, write_gpt2
from tests.helpers import (
    PATIENCE,
    ROOT,
    TIMES,
    TINY,
    meeting_point,
    must,
    pretrain,
    run,
    slow_recording,
    snapshot,
    start,
    wait_until,
)
from tokenizer.edf.writer import eeg, write_edf
from tokenizer.sessions import write_sessions
from tokenizer.store import SHARD, TODO, TokenStore

STEPS = 16
EVERY_STEP = {"steps": STEPS, "checkpoint_minutes": 0}


def inputs(stage, request):
    """What a stage is fed with, from the fixtures."""
    get = request.getfixturevalue
    if stage == "tokenizer":
        return {"cohort": get("tiny_cohort")}
    if stage == "recon":
        return {"tokens": get("tiny_store")}
    if stage == "windows":
        few = {"windows.seconds": 5, "windows.per_session": 2, "align.loss": "instances", "align.partner_drop": 0.3}
        return {"cohort": get("tiny_cohort"), "align.multiple_instance": True, "ema": 0} | few
    if stage == "topomaps":
        return {"cohort": get("tiny_cohort"), "topomaps.per_session": 2, "ema": 0}
    aligned = {"tokens": get("tiny_store"), "cohort": get("tiny_cohort")}
    if stage == "narrate":
        texts = {"narrate.texts": get("tiny_texts"), "narrate.scope": "segment", "narrator.maps": True}
        return aligned | {"init": get("tiny_align")} | texts
    return aligned if stage == "joint" else aligned | {"init": get("tiny_recon")}


def steps_logged(folder):
    file = folder / "metrics.jsonl"
    return file.read_text().count("\n") if file.is_file() else 0


def result(folder):
    """Metrics but for the seconds, and every tensor file of the model."""
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    models = {p.relative_to(folder): p.read_bytes() for p in (folder / "model").rglob("*.safetensors")}
    assert models
    return [{k: v for k, v in line.items() if k not in TIMES} for line in lines], models


def assert_same(a, b):
    first, second = result(a), result(b)
    assert first[0] == second[0]
    assert first[1].keys() == second[1].keys() and all(first[1][k] == second[1][k] for k in first[1])


def killed_and_resumed(folder, settings, lives, seed):
    """Train to the end through violent deaths, each after that many more lines of metrics; returns the deaths."""
    moments, kills = random.Random(seed), 0
    for after in lives:
        running = start(folder / "b", "clef.pretrain", **settings, out=folder / "killed")
        before = steps_logged(folder / "killed")
        if not wait_until(lambda b=before, n=after: steps_logged(folder / "killed") >= b + n, running):
            break
        time.sleep(moments.uniform(0, 0.03))
        running.kill(signal.SIGKILL)
        running.process.join()
        kills += running.process.exitcode == -signal.SIGKILL
    must(run(folder / "b", "clef.pretrain", **settings, out=folder / "killed"))
    return kills


@pytest.mark.parametrize(
    "stage",
    (
        *("tokenizer", "recon", "align", "narrate"),
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("windows", "topomaps")),
    ),
)
def test_killed_at_random_moments_and_started_again_equals_never_killed(stage, request, tmp_path):
    """Also in the middle of a step, a checkpoint or a line of metrics; the moments are drawn, the deaths are real."""
    settings = {"stage": stage} | TINY | inputs(stage, request) | EVERY_STEP | {"report_encoder.dropout": 0.2}
    plain = start(tmp_path / "a", "clef.pretrain", **settings, out=tmp_path / "plain")
    must(plain.wait())
    assert killed_and_resumed(tmp_path, settings, (0, 2, 3, 2), f"{stage} 7") >= 2
    assert_same(tmp_path / "plain", tmp_path / "killed")


@pytest.mark.slow
@pytest.mark.parametrize("stage", ("align", "joint"))
def test_every_option_of_alignment_goes_on_exactly(stage, request, tmp_path):
    options = {"loss": "sigmoid", "learned_temperature": True, "same_subject": "positive", "partner_drop": 0.4}
    options |= {"multiple_instance": True, "record_negatives": "different", "heldout_concepts": 0.2, "drop": 0.3}
    settings = {"stage": stage} | TINY | inputs(stage, request) | EVERY_STEP | {"record_encoder.hierarchy": True}
    settings |= {f"align.{name}": value for name, value in options.items()} | {"record_encoder.window": "ever"}
    must(start(tmp_path / "a", "clef.pretrain", **settings, out=tmp_path / "plain").wait())
    assert killed_and_resumed(tmp_path, settings, (0, 3, 2), f"{stage} 9") >= 2
    assert_same(tmp_path / "plain", tmp_path / "killed")


@pytest.mark.slow
@pytest.mark.parametrize("way", ["cache=true", "cache=false", "train_layers=1", "lora=2"])
def test_a_language_model_too_is_killed_and_goes_on_to_the_same_numbers(way, request, tmp_path):
    if way == "lora=2":
        pytest.importorskip("peft")
    shutil.copytree(request.getfixturevalue("tiny_cohort"), tmp_path / "cohort")
    name, value = way.split("=")
    text = {"text": "hf", "report_encoder.name": write_bert(tmp_path / "bert"), "report_encoder.length": 32}
    settings = {"stage": "align"} | TINY | inputs("align", request) | EVERY_STEP | text
    settings |= {"cohort": tmp_path / "cohort", f"report_encoder.{name}": value}
    must(run(tmp_path / "a", "clef.pretrain", **settings, out=tmp_path / "plain"))
    assert (tmp_path / "cohort/text_features").exists() == (way == "cache=true")
    assert killed_and_resumed(tmp_path, settings, (0, 3), f"{way} 7") >= 1
    assert_same(tmp_path / "plain", tmp_path / "killed")


@pytest.mark.slow
def test_a_language_model_that_writes_is_killed_and_goes_on_to_the_same_numbers(request, tmp_path):
    pytest.importorskip("transformers")
    text = {"text": "hf", "report_encoder.name": write_gpt2(tmp_path / "gpt2"), "report_encoder.train_layers": 1}
    settings = {"stage": "narrate"} | TINY | inputs("narrate", request) | EVERY_STEP | text | {"narrator.prompts": 4}
    must(run(tmp_path / "a", "clef.pretrain", **settings, out=tmp_path / "plain"))
    assert killed_and_resumed(tmp_path, settings, (0, 3), "7") >= 1
    assert_same(tmp_path / "plain", tmp_path / "killed")
    write_gpt2(tmp_path / "gpt2", seed=1)  # another one in its place
    done = run(tmp_path / "c", "clef.pretrain", **settings | {"steps": STEPS + 1}, out=tmp_path / "plain")
    assert done.code and "this is another language model than the one that the run was started with" in done.err


@pytest.mark.slow
def test_killed_at_ten_random_steps_equals_never_killed(request, tmp_path):
    """With a checkpoint every few steps only, so that steps are done again."""
    settings = {"stage": "recon"} | TINY | inputs("recon", request) | {"steps": 120, "checkpoint_minutes": 0.002}
    must(run(tmp_path / "a", "clef.pretrain", **settings, out=tmp_path / "plain"))
    lives = random.Random(3).choices(range(1, 12), k=10)
    assert killed_and_resumed(tmp_path, settings, lives, 4) == 10
    assert_same(tmp_path / "plain", tmp_path / "killed")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_asked_to_stop_it_saves_says_so_and_goes_on_later(number, code, request, tmp_path):
    """With checkpoints only at the end and when asked: without the one written on leaving, steps would be lost."""
    settings = {"stage": "recon"} | TINY | inputs("recon", request) | {"steps": 60, "validate_every": 100}
    running = start(tmp_path / "a", "clef.pretrain", **settings, out=tmp_path / "stopped")
    assert wait_until(lambda: steps_logged(tmp_path / "stopped") >= 3, running)
    running.kill(number)
    done = running.wait()
    assert done.code == code and "Traceback" not in done.err and "the same command goes on from here" in done.err
    saved = [p.name for p in (tmp_path / "stopped" / "checkpoints").iterdir()]
    logged = [json.loads(line)["step"] for line in (tmp_path / "stopped" / "metrics.jsonl").read_text().splitlines()]
    assert len(logged) < 60 and saved == [f"step-{logged[-1]:08d}"]
    done = must(run(tmp_path / "a", "clef.pretrain", **settings, out=tmp_path / "stopped"))
    assert f"step {logged[-1]} of 60" in done.err
    must(run(tmp_path / "a", "clef.pretrain", **settings, out=tmp_path / "plain"))
    assert_same(tmp_path / "plain", tmp_path / "stopped")


@pytest.mark.parametrize("repeats", [1, 3])
def test_two_processes_leave_together_when_one_is_preempted(repeats, request, tmp_path):
    """Once or, as under torchrun and a scheduler, several times: the signal is the same one."""
    settings = {"stage": "recon"} | TINY | inputs("recon", request) | {"steps": 100_000, "out": tmp_path / "run"}
    common = {"WORLD_SIZE": "2"} | meeting_point()
    environs = [common | {"RANK": rank, "LOCAL_RANK": rank} for rank in "01"]
    both = [start(tmp_path / e["RANK"], "clef.pretrain", environ=e, **settings) for e in environs]
    assert wait_until(lambda: steps_logged(tmp_path / "run") >= 3, both[0])
    for _ in range(repeats):
        both[1].kill(signal.SIGTERM)
        time.sleep(0.002)
    done = [running.wait() for running in both]
    assert [d.code for d in done] == [143, 143] and not any("Traceback" in d.err for d in done)
    assert "stopped by SIGTERM after step" in done[0].err
    last = json.loads((tmp_path / "run" / "metrics.jsonl").read_text().splitlines()[-1])["step"]
    assert [p.name for p in (tmp_path / "run" / "checkpoints").iterdir()] == [f"step-{last:08d}"]


def test_ctrl_c_on_the_real_command_line(request, tmp_path):
    """`python -m`, nothing preloaded, exactly as a person starts it."""
    settings = {"stage": "recon"} | TINY | inputs("recon", request) | {"steps": 100_000, "out": tmp_path / "run"}
    command = [sys.executable, "-m", "clef.pretrain", *(f"{k}={v}" for k, v in settings.items())]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + PATIENCE
    while steps_logged(tmp_path / "run") < 2 and process.poll() is None and time.monotonic() < end:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130 and "Traceback" not in said and "stopped; the same command goes on" in said


def test_a_damaged_last_line_and_a_half_written_checkpoint_do_no_harm(tiny_store, tmp_path):
    """What a cut power supply leaves behind."""
    settings = {"tokens": tiny_store, "steps": 6, "checkpoint_minutes": 0}
    must(pretrain(tmp_path / "said", "recon", out=tmp_path / "plain", **settings))
    must(pretrain(tmp_path / "said", "recon", out=tmp_path / "cut", **settings))
    cut = tmp_path / "cut"
    for file in (cut / "model").rglob("*"):
        if file.is_file():
            file.unlink()
    half = cut / "checkpoints" / f".step-{6:08d}.123.part"
    (cut / "checkpoints" / f"step-{6:08d}").rename(half)
    lines = (cut / "metrics.jsonl").read_text().splitlines(keepends=True)
    (cut / "metrics.jsonl").write_text("".join(lines) + '{"step": 7, "lo')
    must(pretrain(tmp_path / "said", "recon", out=cut, **settings))
    assert_same(tmp_path / "plain", cut)


# ---- encoding
@pytest.fixture(scope="module")
def long_cohort(tmp_path_factory):
    """More sessions than a shard holds, of three recordings of 11 s: the same file may serve many rows.

    The last session's takes so long that a program is killed at it, however fast it was.
    """
    folder = tmp_path_factory.mktemp("long")
    for i in range(3):
        write_edf(folder / f"{i}.edf", eeg(11, seed=i))
    n = SHARD + 24
    split = ["train", "val", "test"]
    rows = {
        "session_id": [f"s{i}" for i in range(n)],
        "subject_id": list(range(n)),
        "path": [*(f"{i % 3}.edf" for i in range(n - 1)), "last.edf"],
        "split": [split[i % 3] for i in range(n)],
    }
    write_sessions(folder, pl.DataFrame(rows))
    slow_recording(folder / "last.edf")
    return folder


@pytest.mark.slow
def test_encoding_killed_and_resumed_gives_the_same_tokens_and_keeps_whole_shards(
    long_cohort, tiny_tokenizer, tmp_path
):
    settings = {"cohort": long_cohort, "tokenizer": tiny_tokenizer, "workers": 0}
    out = tmp_path / "killed.zarr"
    running = start(tmp_path / "said", "tokenizer.encode", **settings, out=out)
    assert wait_until((out / "zarr.json").is_file, running)
    time.sleep(0.3)  # in the middle of the first shard
    running.kill()
    running.process.join()
    assert running.process.exitcode == -signal.SIGKILL and (TokenStore(out).status == TODO).all()

    running = start(tmp_path / "said", "tokenizer.encode", **settings, out=out)
    assert wait_until((out / "status" / "c" / "0").is_file, running)
    running.kill()
    running.process.join()
    status = TokenStore(out).status
    assert (status[:SHARD] != TODO).all() and (status[SHARD:] == TODO).all()  # the first shard is done

    (long_cohort / "last.edf").unlink()
    shutil.copy(long_cohort / f"{(SHARD + 23) % 3}.edf", long_cohort / "last.edf")
    first = {k: v for k, v in snapshot(out).items() if "/c/0" in k}
    must(run(tmp_path / "said", "tokenizer.encode", **settings, out=out))
    assert {k: v for k, v in snapshot(out).items() if "/c/0" in k} == first  # and was not made again
    tokens = TokenStore(out).load()
    assert len(tokens) == SHARD + 24 and not TokenStore(out).refused()
    for i in range(len(tokens)):  # the rows of one recording are equal, in the first shard and in the last
        np.testing.assert_array_equal(tokens.tokens[i], tokens.tokens[i % 3])
    assert not np.array_equal(tokens.tokens[0], tokens.tokens[1])
