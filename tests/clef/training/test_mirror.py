"""W&B, offline (nothing leaves the machine): one run however often resumed, nothing private, and no reason to stop."""

import getpass
import json
import os
import signal
import socket
from pathlib import Path

import pytest

from tests.helpers import ROOT, TINY, must, pretrain, start, wait_until


def lines(folder):
    file = folder / "metrics.jsonl"
    return file.read_text().count("\n") if file.is_file() else 0


def test_a_resumed_run_keeps_its_name_and_tells_nothing_private(tiny_store, tmp_path):
    out = tmp_path / "Müller_1951" / "run"
    paths = {"tokens": tiny_store, "report_encoder.name": tmp_path / "t5", "out": out}
    for steps in (2, 4):
        must(pretrain(tmp_path / "said", "recon", **paths, steps=steps, wandb="offline"))
    name = json.loads((out / "run.json").read_text())["wandb_id"]
    parts = sorted((out / "wandb").glob("offline-run-*"))
    assert parts and all(part.name.endswith(f"-{name}") for part in parts)
    written = [p.read_bytes() for part in parts for p in part.rglob("*.wandb")]
    assert len(written) == 2
    assert all(b"grad_norm" in data and b"encoder.width" in data for data in written)
    private = [
        tmp_path,
        tiny_store,
        out,
        ROOT,
        socket.gethostname(),
        getpass.getuser(),
        "Müller",
    ]
    for word in (str(word).encode() for word in private):
        assert len(word) < 5 or not any(word in data for data in written), word  # shorter ones may be chance
    files = [p for part in parts for p in (part / "files").rglob("*") if p.is_file()]
    assert not files  # no requirements, no code, no description of the machine
    other = tmp_path / "other"
    must(pretrain(tmp_path / "said", "recon", tokens=tiny_store, out=other, steps=2, wandb="offline"))
    assert json.loads((other / "run.json").read_text())["wandb_id"] != name


@pytest.mark.slow
def test_training_goes_on_when_wandb_dies(tiny_store, tmp_path):
    out, settings = tmp_path / "run", {"tokens": tiny_store, "steps": 200, "validate_every": 1000, "wandb": "offline"}
    running = start(tmp_path / "said", "clef.pretrain", **({"stage": "recon"} | TINY | settings), out=out)
    assert wait_until(lambda: lines(out) >= 3, running)
    pid = running.process.pid
    services = [int(p) for task in Path(f"/proc/{pid}/task").iterdir() for p in (task / "children").read_text().split()]
    assert services
    for service in services:
        os.kill(service, signal.SIGKILL)
    done = must(running.wait())
    assert "Weights & Biases stopped" in done.err and "metrics.jsonl goes on" in done.err
    steps = [json.loads(line)["step"] for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert steps[-1] == 200 and (out / "model" / "done.json").is_file()
