"""A tiny synthetic cohort and one finished run of every program, made once per test run by the real programs."""

from tests import environment

environment.define()
environment.limit_threads()

import os
from pathlib import Path

import edfio
import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import settings

from clef.cohort import write_cohort
from clef.narratives.texts import Place, write_texts
from tests.helpers import must, pretrain, run
from tokenizer.channels import CHANNELS
from tokenizer.sessions import read_sessions

torch.set_num_threads(environment.threads())
# property tests try the same examples in every run; --hypothesis-profile=default draws others
settings.register_profile("same", derandomize=True)
settings.load_profile("same")


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> Path:
    """The folder in which everything tiny is made; tests read it and write elsewhere."""
    return tmp_path_factory.mktemp("made")


@pytest.fixture(scope="session")
def tiny_cohort(made) -> Path:
    """24 synthetic people, 36 sessions of about 30 s, with reports and records."""
    settings = {"subjects": 24, "minutes": 0.5, "workers": 1, "seed": 1}
    must(run(made / "said", "clef.importers.synthetic", out=made / "cohort", **settings))
    return made / "cohort"


@pytest.fixture(scope="session")
def tiny_tokenizer(made, tiny_cohort) -> Path:
    """A finished run of stage=tokenizer, all phases gone through: without codes, with codes, with a discriminator."""
    must(pretrain(made / "said", "tokenizer", cohort=tiny_cohort, out=made / "tokenizer", steps=12))
    return made / "tokenizer"


@pytest.fixture(scope="session")
def tiny_store(made, tiny_cohort, tiny_tokenizer) -> Path:
    """The tokens of the tiny cohort."""
    settings = {"cohort": tiny_cohort, "tokenizer": tiny_tokenizer, "out": made / "tokens.zarr", "workers": 0}
    must(run(made / "said", "tokenizer.encode", **settings))
    return made / "tokens.zarr"


@pytest.fixture(scope="session")
def tiny_recon(made, tiny_store) -> Path:
    """A finished run of stage=recon, with a checkpoint after every step."""
    must(pretrain(made / "said", "recon", tokens=tiny_store, out=made / "recon", steps=8, checkpoint_minutes=0))
    return made / "recon"


@pytest.fixture(scope="session")
def tiny_align(made, tiny_cohort, tiny_store, tiny_recon) -> Path:
    """A finished run of stage=align on reports and records."""
    inputs = {"cohort": tiny_cohort, "tokens": tiny_store, "init": tiny_recon}
    must(pretrain(made / "said", "align", **inputs, out=made / "align", steps=8))
    return made / "align"


@pytest.fixture(scope="session")
def tiny_texts(made, tiny_cohort) -> Path:
    """A table of texts on every 10 s of the tiny cohort, which say how far into its session each is."""
    names = read_sessions(tiny_cohort)["session_id"]
    words = ("Delta dominates.", "Theta dominates, rising.", "Alpha dominates, falling.")
    rows = [(Place(name, i), text) for name in names for i, text in enumerate(words)]
    write_texts(made / "texts.parquet", rows, "segment")
    return made / "texts.parquet"


@pytest.fixture(scope="session")
def tiny_narrate(made, tiny_cohort, tiny_store, tiny_align, tiny_texts) -> Path:
    """A finished run of stage=narrate on the tiny aligned model."""
    inputs = {"cohort": tiny_cohort, "tokens": tiny_store, "init": tiny_align, "narrate.texts": tiny_texts}
    must(pretrain(made / "said", "narrate", **inputs, out=made / "narrate", steps=8, **{"narrate.scope": "segment"}))
    return made / "narrate"


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
def test_data() -> Path:
    """Where the real recordings were unpacked (`data/unpack.py DEST`); tests that need them skip without."""
    folder = os.environ.get("CLEF_TEST_DATA", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("real recordings: set CLEF_TEST_DATA to where data/unpack.py put them")
    return Path(folder)
