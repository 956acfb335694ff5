"""The programs: benchmark.run from files to report, and the baselines from recordings."""

import json
import subprocess
import sys

import edfio
import numpy as np
import polars as pl
import pytest
from benchmark.encoders.baselines import BANDS, BaselinesConfig, write_baselines

from benchmark import run
from clef.cohort import write_cohort
from clef.embeddings import Embeddings, read_embeddings, write_embeddings
from clef.tasks import write_tasks
from tests.benchmark.scores.test_scoring import make_embeddings, make_tasks
from tokenizer.channels import CHANNELS


@pytest.fixture
def files(tmp_path):
    tasks = make_tasks(3)
    write_tasks(tmp_path / "tasks.parquet", tasks, {"suite": "demo", "cohort": {"name": "c"}, "protocol": {}})
    for name, effect in (("ours", 2.0), ("noise", 0.0)):
        store = make_embeddings(tasks, effect)
        write_embeddings(tmp_path / f"{name}.parquet", Embeddings(store.session_id, store.vectors, name))
    return tmp_path


def test_run_writes_scores_and_a_page_of_its_own(files, capsys):
    out = files / "out"
    run.main(
        run.RunConfig(str(files / "tasks.parquet"), str(out), [str(files / f"{n}.parquet") for n in ("noise", "ours")])
    )
    said = capsys.readouterr().out
    assert "ours > noise" in said and "3 of 3 tasks: holds" in said
    scores = pl.read_parquet(out / "scores.parquet")
    assert len(scores) == 6 and scores["auroc"].is_between(0, 1).all()
    about = json.loads(pl.read_parquet_metadata(out / "scores.parquet")["clef.scores"])
    assert about["tasks"]["split_hash"] == scores["split_hash"][0] and about["resamples"] == 1000
    page = (out / "report.html").read_text()
    assert page.count("<svg") == 2 and "ours &gt; noise" in page
    assert "Synthetic data" not in page
    for loading in ("<script", "<link", 'src="http', "@import", "url(http"):
        assert loading not in page


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["tasks=none.parquet", "cohort=c"], 1, "there is no such task file"),
        (["tasks={}/tasks.parquet"], 2, "embeddings or cohort must be given"),
        (["tasks={}/tasks.parquet", "embeddings=none.parquet"], 1, "there is no such embedding file"),
        (["tasks={}/tasks.parquet", "embeddings={}/ours.parquet,{}/ours.parquet"], 0, ""),
        (["tasks={}/tasks.parquet", "embeddings={}/ours.parquet", "cohort={}/nowhere"], 1, "no sessions.parquet"),
    ],
)
def test_mistakes_give_one_line(files, arguments, code, said):
    arguments = [a.replace("{}", str(files)) for a in arguments] + [f"out={files / 'out'}"]
    done = subprocess.run([sys.executable, "-m", "benchmark.run", *arguments], capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    assert said in done.stderr and "Traceback" not in done.stderr


def test_a_task_of_an_unknown_session_is_refused(files, recorded):
    with pytest.raises(ValueError, match="are not in cohort="):
        run.main(run.RunConfig(str(files / "tasks.parquet"), str(files / "out"), [], str(recorded)))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Six 20-s recordings with more alpha from one to the next; s4 lacks O1, s5 is no recording."""
    out, rng = tmp_path_factory.mktemp("recorded"), np.random.default_rng(0)
    seconds = np.arange(20 * 200) / 200
    for i in range(5):
        signals = [
            edfio.EdfSignal(10 * rng.standard_normal(len(seconds)) + 8 * i * np.sin(2 * np.pi * 10 * seconds), 200,
                            label=f"EEG {c}-REF", physical_dimension="uV")
            for c in CHANNELS if not (i == 4 and c == "O1")
        ]  # fmt: skip
        edfio.Edf(signals).write(out / f"s{i}.edf")
    (out / "s5.edf").write_text("this is no recording")
    sessions = pl.DataFrame(
        {
            "session_id": [f"s{i}" for i in range(6)],
            "subject_id": range(6),
            "path": [f"s{i}.edf" for i in range(6)],
            "age": [40.0, None, 50.0, 60.0, 70.0, 80.0],
            "split": ["train", "train", "train", "test", "test", "test"],
        }
    )
    events = pl.DataFrame({"subject_id": [0, 0, 3], "code": ["ICD10CM//I10", "ICD10CM//G40.9", "ATC//N03AX14"]})
    write_cohort(out, "Synthetic test", sessions, events)
    return out


def test_baselines_measure_recordings_once(recorded, tmp_path):
    config = BaselinesConfig(str(recorded), str(tmp_path), workers=0)
    made = write_baselines(config)
    bandpower, nuisance = read_embeddings(made["bandpower"]), read_embeddings(made["nuisance"])
    assert bandpower.session_id == ["s0", "s1", "s2", "s3", "s4"]
    levels = bandpower.vectors[:, : len(BANDS) * 19].reshape(5, len(BANDS), 19)
    alpha = levels[:, list(BANDS).index("alpha")]
    assert (np.diff(alpha.mean(1)) > 1).all()
    assert alpha[4, list(CHANNELS).index("O1")] == pytest.approx(
        np.delete(alpha[4], CHANNELS.index("O1")).mean(), abs=1e-3
    )
    assert nuisance.session_id == [f"s{i}" for i in range(6)]
    assert nuisance.vectors[1, 0] == 45 and nuisance.vectors[:, 1].tolist() == [0, 1, 0, 0, 0, 0]
    before = (tmp_path / "signal.parquet").stat().st_mtime_ns
    write_baselines(config)
    assert (tmp_path / "signal.parquet").stat().st_mtime_ns == before
    blanked = write_baselines(BaselinesConfig(str(recorded), str(tmp_path), 2.0, 0))
    name, path = next(iter(blanked.items()))
    assert name == "bandpower above 2 Hz" and read_embeddings(path).vectors.shape[1] == 2 * 5 * 19
