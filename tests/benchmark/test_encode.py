"""The program benchmark.encode."""

import pytest

from benchmark.encoders.quantities import feature_names
from benchmark.encoders.registry import ENCODERS
from clef.embeddings import read_embeddings
from tests.helpers import must, run


def test_it_writes_a_file_says_what_is_next_and_does_not_read_twice(recorded, tmp_path):
    settings = {"cohort": recorded, "workers": 0}
    done = must(run(tmp_path / "s", "benchmark.encode", encoder="bandpower", out=tmp_path / "b.parquet", **settings))
    assert f"wrote {tmp_path / 'b.parquet'}: 5 sessions x {len(feature_names())} dimensions" in done.err
    assert f"next: python -m benchmark.run tasks=tasks.parquet embeddings={tmp_path / 'b.parquet'}" in done.err
    before = (tmp_path / "signal.parquet").stat().st_mtime_ns
    must(run(tmp_path / "s", "benchmark.encode", encoder="metadata", out=tmp_path / "n.parquet", **settings))
    assert read_embeddings(tmp_path / "n.parquet").name == "metadata"
    assert (tmp_path / "signal.parquet").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("settings", "code", "said"),
    [
        ({"encoder": "bandpwer"}, 2, "there are: bandpower, metadata, acquisition, untrained, codes, clef"),
        ({"encoder": "codes", "tokens": "t.zarr"}, 2, "encoder=codes needs model=;"),
        ({"encoder": "metadata", "cohort": "nowhere"}, 1, "no sessions.parquet in this folder"),
        ({"encoder": "clef", "model": "nowhere", "tokens": "nowhere"}, 1, "no encoder here"),
        ({"encoder": "metadata", "worker": 1}, 2, "did you mean workers?"),
    ],
)
def test_mistakes_give_one_line_and_write_nothing(settings, code, said, recorded, tmp_path):
    out = tmp_path / "out" / "e.parquet"
    done = run(tmp_path / "s", "benchmark.encode", **({"cohort": recorded, "out": out} | settings))
    assert done.code == code and done.one_line and said in done.err, done
    assert not out.parent.exists()


def test_help_explains_every_encoder(tmp_path):
    done = must(run(tmp_path / "s", "benchmark.encode", "--help"))
    assert all(name in done.out for name in ENCODERS) and "needs model= and tokens=" in done.out
