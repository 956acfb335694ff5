"""The reader of trials: what a row says, how sessions are split, and what is left out with which line."""

import json
import re

import numpy as np
import polars as pl
import pytest

from clef.trials.captions import image_key, read_captions
from clef.trials.layout import natural
from clef.trials.splits import check_splits, split_sessions
from clef.trials.table import read_trials
from tests.clef.trials.made import PICTURES, evoked, stem, write_run, write_trials


@pytest.fixture
def root(tmp_path):
    return write_trials(tmp_path / "data", each=8, channels=4, samples=30, noise=0.05)


def base(root, subject=1, session=1, run=1):
    return root / stem(subject, session, run)


def beside(root, ending, **which):
    path = base(root, **which)
    return path.parent / f"{path.name}_{ending}"


def change(root, act, **which):
    """Change the array of a run."""
    path = beside(root, "1000Hz.npy", **which)
    np.save(path, act(np.load(path)))


def left_out(root):
    """The one line about the one run that is left out, while all the others stay."""
    data = read_trials(root)
    assert len(data.table) == 72 and len(data.left_out) == 1 and "\n" not in data.left_out[0]
    return data.left_out[0]


def test_a_row_says_whose_trial_it_is_what_was_seen_and_where_it_stands(root):
    data = read_trials(root)
    assert len(data.table) == 80 and (data.channels, data.samples) == (4, 30) and data.left_out == []
    assert data.electrodes == ("E0", "E1", "E2", "E3") and data.splits == {"train": 48, "val": 16, "test": 16}
    for row, signal in zip(data.table.iter_rows(named=True), data.signal(range(80)), strict=True):
        category, caption = PICTURES[f"{row['image']}.jpg"]
        assert (row["category"], row["caption"]) == (category, caption)
        assert row["file"].startswith(f"{row['subject']}/{row['session']}/")
        array = np.load(root / row["file"])
        assert (signal == array[row["index"]]).all() and signal.dtype == np.float32
        right = np.corrcoef(signal.ravel(), evoked(f"{row['image']}.jpg", 4, 30).ravel())[0, 1]
        assert right > 0.9  # the wave of its own picture


def test_arrays_are_mapped_and_not_read(root):
    data = read_trials(root)
    assert all(isinstance(array, np.memmap) for array in data._arrays.values())


def test_sessions_are_split_in_order_and_no_session_is_in_two(root):
    data = read_trials(root)
    splits = {(s, split) for s, split in data.table.select("session", "split").iter_rows()}
    assert splits == {
        ("ses-01", "train"),
        ("ses-02", "train"),
        ("ses-03", "train"),
        ("ses-04", "val"),
        ("ses-05", "test"),
    }
    assert split_sessions(["ses-10", "ses-9", "ses-2"]) == {"ses-2": "train", "ses-9": "val", "ses-10": "test"}
    assert sorted(["a10", "a9", "b1"], key=natural) == ["a9", "a10", "b1"]
    train, val = data.of("train"), data.of("val")
    assert set(train.table["digest"]).isdisjoint(val.table["digest"]) and set(val.table["split"]) == {"val"}
    wrong = data.table.with_columns(split=pl.when(pl.col("index") == 0).then(pl.lit("test")).otherwise(pl.col("split")))
    with pytest.raises(ValueError, match="a session is in more than one split"):
        check_splits(wrong)


def test_the_same_recording_under_two_names_is_refused(root):
    beside(root, "1000Hz.npy", session=5).write_bytes(beside(root, "1000Hz.npy").read_bytes())
    with pytest.raises(ValueError, match=r"ses-01.*npy and .*ses-05.*npy hold the same recording; delete one"):
        read_trials(root)


def test_a_bad_run_moves_no_session_into_another_split(root):
    change(root, lambda a: a[..., None], session=5)
    data = read_trials(root)
    assert data.table.filter(pl.col("subject") == "sub-01", pl.col("split") == "test").is_empty()
    assert set(data.table.filter(pl.col("session") == "ses-04")["split"]) == {"val"}


BAD_ARRAYS = {
    "trials and rows": (lambda a: a[:-1], "7 trials, but 8 rows in .*_image.csv; a row per trial is needed"),
    "shape": (lambda a: a[0], r"shape \(4, 30\), expected \(trials, electrodes, samples\)"),
    "nothing": (lambda a: a[:0], r"not a whole .npy file|shape \(0, 4, 30\), expected"),
    "whole numbers": (lambda a: a.astype(np.int16), "numbers are int16, expected float32 or float64"),
    "complex": (lambda a: a.astype(complex), "numbers are complex128, expected"),
    "objects": (lambda a: a.astype(object), "not a whole .npy file of numbers; write it again"),
    "electrodes": (lambda a: a[:, :3], "3 names|4 names, the array has 3 electrodes"),
    "samples": (lambda a: a[..., :20], "4 x 20 electrodes x samples, most runs have 4 x 30"),
    "NaN": (lambda a: np.where(np.arange(8)[:, None, None] == 5, np.nan, a), "trial 6 holds NaN or infinite values"),
}


@pytest.mark.parametrize("kind", BAD_ARRAYS)
def test_a_bad_array_leaves_its_run_out_with_one_line(kind, root, caplog):
    act, line = BAD_ARRAYS[kind]
    change(root, act)
    with caplog.at_level("INFO"):
        assert_says(left_out(root), line)
    assert "72 trials of 9 runs; 1 of 10 runs left out" in caplog.text and "left out: sub-01/ses-01/" in caplog.text
    assert str(root) not in caplog.text


def assert_says(text, pattern):
    assert re.search(pattern, text) and text.startswith("sub-01/ses-01/"), text


def test_a_cut_array_leaves_its_run_out(root):
    path = beside(root, "1000Hz.npy")
    path.write_bytes(path.read_bytes()[:-100])
    assert "not a whole .npy file" in left_out(root)


SIDECARS = [
    ({"SamplingFrequency": 250}, "SamplingFrequency is 250, its name says 1000 Hz"),
    ({"sfreq": "fast"}, 'sfreq is "fast", its name says'),
    ({"EEGChannelCount": 64}, "EEGChannelCount is 64, the array has 4 electrodes"),
    ({"channels": 5}, "channels is 5, the array has 4"),
    ({"ch_names": ["a", "b", "c"]}, "ch_names holds 3 names, the array has 4"),
    ({"ch_names": ["a", "b", "c", "c"]}, "names an electrode twice"),
    ({"ch_names": ["a", "b", "c", 4]}, "holds something that is no name"),
    ({"ch_names": ["E0", "E1", "E2", "E9"]}, "electrode E9 where most runs have E3"),
    ({"ch_names": list("abcd"), "electrodes": list("abce")}, "ch_names and electrodes name different electrodes"),
    ([1000], "no JSON object"),
]


@pytest.mark.parametrize(("told", "line"), SIDECARS)
def test_a_sidecar_that_contradicts_leaves_its_run_out(told, line, root):
    beside(root, "1000Hz.json").write_text(json.dumps(told))
    assert line in left_out(root)


def test_a_sidecar_that_is_no_json_leaves_its_run_out(root):
    beside(root, "1000Hz.json").write_text("{")
    assert "not readable JSON" in left_out(root)


@pytest.mark.parametrize(
    "told", [None, {}, {"SamplingFrequency": 1000.0, "channels": [{"name": f"E{i}"} for i in range(4)], "unit": "uV"}]
)
def test_what_a_sidecar_does_not_say_is_no_fault(told, root):
    path = beside(root, "1000Hz.json")
    path.unlink() if told is None else path.write_text(json.dumps(told))
    data = read_trials(root)
    assert not data.left_out and data.electrodes == ("E0", "E1", "E2", "E3")


def test_pictures_that_are_missing_leave_their_run_out(root):
    path = beside(root, "image.csv")
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:3], "2,images/unknown.jpg", *lines[4:]]))
    assert "1 of 8 pictures have no caption (first: row 3, unknown); add them to captions.txt" in left_out(root)
    path.write_text("index,picture\n1,2\n")
    assert "its first line does not name the columns FilePath" in left_out(root)
    path.unlink()
    assert "_image.csv: there is no such file" in left_out(root)


def test_a_file_in_another_subjects_folder_is_left_out(root):
    for path in base(root).parent.iterdir():
        path.rename(path.with_name(path.name.replace("sub-01", "sub-07")))
    assert "its name and its folder tell different subjects" in read_trials(root).left_out[0]


def test_a_subject_with_two_sessions_and_one_without_training_are_left_out(root):
    for session in (1, 2):
        write_run(root, 3, session, 1, np.random.default_rng(session).standard_normal((8, 4, 30)), list(PICTURES))
    for session in (1, 2, 3):
        change(root, lambda a: a[0], subject=2, session=session)
    data = read_trials(root)
    assert set(data.table["subject"]) == {"sub-01"}
    assert any(line.startswith("sub-03: 2 sessions, at least 3 are needed") for line in data.left_out)
    assert any(line.startswith("sub-02: no run of its training sessions") for line in data.left_out)


def test_nothing_usable_is_an_error_in_one_line(root, tmp_path):
    for path in root.rglob("*_image.csv"):
        path.unlink()
    for folder, line in ((root, "none of 10 runs can be used; the first: sub-01"), (tmp_path / "no", "no such folder")):
        with pytest.raises(ValueError, match=line) as caught:
            read_trials(folder)
        assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match=r"no sub-XX/ses-YY/sub-XX_ses-YY_task-RSVP_run-ZZ_1000Hz\.npy"):
        read_trials(root, task="RSVP")


CAPTIONS = [
    ("image_name,category,caption\na.jpg,cat,a cat, asleep\n", {"a": ("cat", "a cat, asleep")}),
    ('category;caption;image_name\ncat;"a; b";A.JPG\n', {"a": ("cat", "a; b")}),
    ("\ufeffimage_name|category|caption\nx/y\\a.png|cat|one\na.png|cat|two\n\n", {"a": ("cat", "one")}),
]


@pytest.mark.parametrize(("text", "expected"), CAPTIONS)
def test_captions_of_any_separator(text, expected, tmp_path):
    (tmp_path / "captions.txt").write_text(text)
    captions = read_captions(tmp_path)
    assert {key: (caption.category, caption.text) for key, caption in captions.items()} == expected
    assert image_key(r"C:\data\Cat_02s.jpeg") == image_key("cat_02s") == "cat_02s"


BAD_CAPTIONS = [
    ("image_name\tcategory\tcaption\na\tcat\tb\n\na\tdog\tb\n", "lines 2 and 4: a is of category 'cat' and 'dog'"),
    ("image_name\tcategory\tcaption\na\tcat\n", "captions.txt, line 2: 2 cells, expected 3"),
    ("image_name\tcategory\tcaption\na\t\tb\n", "captions.txt, line 2: a cell is empty"),
    ("image\tcategory\tcaption\na\tcat\tb\n", "does not name the columns image_name, category, caption"),
    ("image_name\tcategory\tcaption\n", "no row below the column names"),
    ("", "captions.txt: it is empty"),
    (None, "captions.txt: there is no such file"),
]


@pytest.mark.parametrize(("text", "line"), BAD_CAPTIONS)
def test_bad_captions_are_one_line(text, line, root):
    (root / "captions.txt").unlink() if text is None else (root / "captions.txt").write_text(text)
    with pytest.raises(ValueError, match=line) as caught:
        read_trials(root)
    assert "\n" not in str(caught.value)


def test_captions_that_are_no_utf8_are_one_line(root):
    (root / "captions.txt").write_bytes("image_name,category,caption\na,café,b".encode("latin-1"))
    with pytest.raises(ValueError, match="not text in UTF-8"):
        read_trials(root)
