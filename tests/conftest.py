"""A tiny synthetic cohort and one finished run of every program, made once per test run by the real programs."""

from tests import environment

environment.define()
environment.limit_threads()

import os
from pathlib import Path

import pytest
import torch
from hypothesis import settings

from tests.helpers import must, pretrain, run

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
def test_data() -> Path:
    """Where the real recordings were unpacked (`data/unpack.py DEST`); tests that need them skip without."""
    folder = os.environ.get("CLEF_TEST_DATA", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("real recordings: set CLEF_TEST_DATA to where data/unpack.py put them")
    return Path(folder)
