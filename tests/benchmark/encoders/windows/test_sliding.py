"""A model of windows over whole sessions: the same as window by window, kept, and resumed."""

import numpy as np
import pytest

from benchmark.encoders.encoder import Inputs
from benchmark.encoders.windows.sliding import KEPT, embed_both, embed_sessions
from benchmark.encoders.windows.window_model import RANDOM, WindowModel
from clef.cohort import Cohort
from clef.waveform.cutting import Cutting
from clef.waveform.standard import cohort_scale
from tokenizer.base.tables import read_table, table_metadata, write_table
from tokenizer.reading.read import read_row


def spread(windows):
    return windows.std(axis=2)


def model(**changes):
    taken = {"name": "spread", "channels": ("Cz-average", "Fp1-F7"), "rate": 100.0, "window": 4.0, "embed": spread}
    return WindowModel(**taken | changes)


def embed(cohort, keep, windows="mean", **changes):
    return embed_sessions(
        Inputs(Cohort(cohort), keep, workers=0, windows=windows), lambda _: model(**changes), "foreign"
    )


def test_a_session_is_the_mean_and_the_spread_of_its_windows(recorded, tmp_path, caplog):
    caplog.set_level("INFO")
    both = embed(recorded, tmp_path, "mean+sd")
    cohort = Cohort(recorded)
    cut = Cutting.of(model())
    for name, vector in zip(both.session_id, both.vectors, strict=True):
        row = next(r for r in cohort.sessions.iter_rows(named=True) if r["session_id"] == name)
        vectors = spread(cut(read_row(cohort.path, row)))
        assert len(vectors) == 5
        np.testing.assert_allclose(vector, [*vectors.mean(0), *vectors.std(0)], rtol=1e-4)
    assert both.session_id == [f"s{i}" for i in range(5)] and "1 of 6 recordings could not be used" in caplog.text
    assert both.config["windows"] == 25 and both.config["channels"] == ["Cz-average", "Fp1-F7"]


def test_it_goes_on_where_it_stopped_and_another_pooling_reads_nothing(recorded, tmp_path):
    whole, path = embed(recorded, tmp_path), tmp_path / "spread.windows.parquet"
    write_table(path, read_table(path).head(3), table_metadata(path))  # as if stopped
    calls = []

    def counted(windows):
        calls.append(len(windows))
        return spread(windows)

    assert np.array_equal(embed(recorded, tmp_path, embed=counted).vectors, whole.vectors) and calls == [5, 5]
    assert embed(recorded, tmp_path, "mean+sd", embed=counted).vectors.shape == (5, 4) and len(calls) == 2
    embed(recorded, tmp_path, embed=counted, stride=2.0)
    assert len(calls) == 2 + 5, "other windows are another protocol"


def test_single_windows_come_with_the_pooled_ones_and_are_kept(recorded, tmp_path):
    calls = []

    def counted(windows):
        calls.append(len(windows))
        return spread(windows)

    inputs = Inputs(Cohort(recorded), tmp_path, workers=0, windows="mean+sd")
    pooled, each = embed_both(inputs, 3, lambda _: model(embed=counted), "foreign")
    whole = embed(recorded, tmp_path / "other", "mean+sd")
    assert np.array_equal(pooled.vectors, whole.vectors) and pooled.config == whole.config
    assert list(each) == pooled.session_id and len(calls) == 5
    cut, cohort = Cutting.of(model()), Cohort(recorded)
    row = next(r for r in cohort.sessions.iter_rows(named=True) if r["session_id"] == "s0")
    np.testing.assert_allclose(each["s0"], spread(cut(read_row(cohort.path, row)))[[0, 2, 4]], rtol=1e-4)
    again, same = embed_both(inputs, 3, lambda _: model(embed=counted), "foreign")
    assert len(calls) == 5 and np.array_equal(again.vectors, pooled.vectors)
    assert all(np.array_equal(same[name], each[name]) for name in each)


def test_processes_embed_the_same(recorded, tmp_path):
    inputs = Inputs(Cohort(recorded), tmp_path / "two", workers=2)
    two = embed_sessions(inputs, lambda _: model(), "foreign")
    assert np.array_equal(two.vectors, embed(recorded, tmp_path / "one").vectors)


def test_standards_take_gain_out(recorded, tmp_path):
    plain = embed(recorded, tmp_path / "plain").vectors
    cut = Cutting.of(model())
    shift, scale = cohort_scale(recorded, Cohort(recorded).sessions, cut, 0)
    rows = Cohort(recorded).sessions.head(3).iter_rows(named=True)
    train = np.concatenate([cut(read_row(recorded, row)).ravel() for row in rows])
    assert (shift, scale) == pytest.approx((train.mean(), train.std()), rel=1e-4, abs=1e-4)
    of_cohort = embed(recorded, tmp_path / "cohort", standard="cohort")
    np.testing.assert_allclose(of_cohort.vectors, plain / scale, rtol=1e-4)
    assert of_cohort.config["scale"] == pytest.approx(scale)
    own, louder = (embed(recorded, tmp_path / str(m), standard="session", microvolts=m).vectors for m in (1.0, 0.5))
    np.testing.assert_allclose(louder, own, rtol=1e-4)


def test_fresh_weights_are_called_so(recorded, tmp_path):
    assert embed(recorded, tmp_path, weights=RANDOM).name == "spread, random weights"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"window": 60.0}, "no session of the cohort could be cut into its windows: no 60 s without a gap"),
        ({"embed": lambda w: w @ w}, "spread: embed failed on windows of .5, 2, 400.: ValueError"),
        ({"embed": np.mean}, r"gave shape \(\) for windows of \(5, 2, 400\); expected \(n, D\)"),
        ({"embed": lambda w: w[:, :, 0] * np.nan}, "gave NaN or infinity"),
        ({"window": 60.0, "standard": "cohort"}, "none of 3 sessions of the cohort could be cut into windows"),
    ],
)
def test_mistakes_are_one_line(changes, said, recorded, tmp_path):
    with pytest.raises(ValueError, match=said) as caught:
        embed(recorded, tmp_path, **changes)
    assert "\n" not in str(caught.value)


def test_the_kept_table_is_as_it_says(recorded, tmp_path):
    embed(recorded, tmp_path)
    assert read_table(tmp_path / "spread.windows.parquet").schema == KEPT


def test_a_model_without_a_function_is_one_line():
    with pytest.raises(ValueError, match="embed is NoneType; expected a function"):
        model(embed=None)
