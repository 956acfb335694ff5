"""The scikit-learn transformer: scikit-learn's own checks, pipelines on lists of paths, clones and pickles."""

import pickle

import numpy as np
import polars as pl
import pytest
import torch
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_array
from sklearn.utils.estimator_checks import check_estimator

import clef
import tokenizer
from tokenizer.edf.writer import eeg, write_edf
from tokenizer.readings import Reading

PATTERNS = np.random.default_rng(0).standard_normal((20, 19, 128, 10)).astype(np.float32)
NO_COLUMNS = "a list of recordings has no columns, so there is no number of features that went in"
EXPECTED = {"check_n_features_in": NO_COLUMNS, "check_n_features_in_after_fitting": NO_COLUMNS}
"""What of scikit-learn's checks cannot hold where X is a list of recordings, and why."""


class RowsAsReadings(clef.EEGEmbedder):
    """The embedder for tables of numbers, with which scikit-learn checks: each row weighs fixed spectrograms."""

    def fit(self, X, y=None):
        return super().fit(readings(X))

    def transform(self, X):
        return super().transform(readings(X))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.input_tags.one_d_array = tags.input_tags.three_d_array = tags.input_tags.string = False
        return tags


def readings(X):
    """A reading of 10 s for each row of numbers."""
    ok = torch.ones(10).bool(), torch.ones(19).bool()
    rows = check_array(X).astype(np.float32)[:, : len(PATTERNS)]
    return [Reading(torch.from_numpy(np.tensordot(row, PATTERNS[: len(row)], 1)).clamp(-40, 40), *ok) for row in rows]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    return [str(write_edf(folder / f"{i}.edf", eeg(12, seed=i))) for i in range(4)]


@pytest.fixture(scope="module")
def embedder(tiny_align):
    return clef.EEGEmbedder(tiny_align)


@pytest.mark.filterwarnings("ignore")
def test_scikit_learn_finds_nothing_but_what_lists_of_recordings_cannot_have(tiny_align):
    checked = check_estimator(RowsAsReadings(tiny_align), expected_failed_checks=EXPECTED, on_fail=None)
    failed = {c["check_name"]: c["exception"] for c in checked if c["status"] == "failed"}
    assert failed == {}
    assert {c["check_name"] for c in checked if c["status"] == "xfail"} == set(EXPECTED)
    assert sum(c["status"] == "passed" for c in checked) > 40


def test_it_gives_what_the_model_gives_for_every_form_of_a_list(embedder, tiny_align, files):
    vectors = clef.load(tiny_align).embed(files)
    column = np.array(files, object)[:, None]
    for X in (files, np.array(files), column, pl.Series(files), pl.DataFrame({"file": files})):
        np.testing.assert_array_equal(embedder.transform(X), vectors)
    sessions = [tokenizer.read(file) for file in files[:2]]
    np.testing.assert_array_equal(embedder.fit_transform(sessions), vectors[:2])


def test_arrays_with_their_rate_and_channels(tiny_align, files):
    embedder = clef.EEGEmbedder(tiny_align, channels=tokenizer.channels.CHANNELS, reading={"rate": 200})
    X = np.stack([eeg(12, seed=i) for i in range(3)])
    assert embedder.fit_transform(X).shape == (3, 32)
    with pytest.raises(ValueError, match="19 places of X hold 1 sessions; expected one in each"):
        embedder.transform(X[0])


def test_a_pipeline_on_paths_is_fitted_scored_and_searched(embedder, files):
    labels = np.array([0, 1] * 2)
    pipeline = make_pipeline(embedder, StandardScaler(), LogisticRegression())
    assert pipeline.fit(files, labels).predict(files).tolist() == labels.tolist()
    assert cross_val_score(pipeline, files, labels, cv=2).shape == (2,)
    search = GridSearchCV(pipeline, {"eegembedder__pool": ["rows", "mean"]}, cv=2).fit(np.array(files), labels)
    assert search.best_params_["eegembedder__pool"] in ("rows", "mean")


def test_names_and_tables_of_features(embedder, files):
    names = embedder.get_feature_names_out()
    assert names.tolist() == [f"eegembedder{i}" for i in range(32)]
    frame = clone(embedder).set_output(transform="polars").transform(files[:2])
    assert frame.shape == (2, 32) and frame.columns == names.tolist()
    assert len(clone(embedder).set_params(pool="mean").get_feature_names_out()) == 32


def test_clones_and_pickles_hold_settings_and_no_weights(embedder, tiny_align, files):
    vectors = embedder.transform(files[:1])
    packed = pickle.dumps(embedder)
    assert len(packed) < 1000
    for other in (clone(embedder), pickle.loads(packed)):
        np.testing.assert_array_equal(other.transform(files[:1]), vectors)
    loaded = clef.EEGEmbedder(clef.load(tiny_align), pool="mean")
    assert clone(loaded).transform(files[:1]).shape == (1, 32)


def test_another_model_is_read_when_the_setting_changes(embedder, tiny_recon, files):
    changed = clone(embedder).set_params(pool="rows").fit(files)
    before = changed.transform(files[:1])
    assert np.abs(changed.set_params(model=tiny_recon).transform(files[:1]) - before).max() > 1e-3


def test_mistakes_are_one_line(embedder, tiny_align, tiny_store, files, tmp_path):
    wrong = {
        r"no encoder here; give the folder": lambda: clef.EEGEmbedder(tmp_path).fit(files),
        r"there is no argument 'rates'": lambda: clef.EEGEmbedder(tiny_align, reading={"rates": 1}).fit(files),
        r"X is an object of type str; expected a list": lambda: embedder.fit(files[0]),
        r"1 places of X hold 36 sessions; expected one in each": lambda: embedder.transform([tiny_store]),
        r"cannot embed an object of type int": lambda: embedder.fit([1, 2]),
        r"there is no such file": lambda: embedder.transform([tmp_path / "gone.edf"]),
    }
    for words, call in wrong.items():
        with pytest.raises((ValueError, TypeError), match=words) as caught:
            call()
        assert "\n" not in str(caught.value)
