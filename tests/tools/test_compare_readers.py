"""The table of readers: a line per recording, and what cannot be read is said in its cell."""

from tests.helpers import must, run
from tokenizer.edf.writer import eeg, write_edf
from tools.compare_readers import edfio, mne, ours


def test_readers_agree_on_a_plain_recording(tmp_path):
    path = write_edf(tmp_path / "a.edf", eeg(20))
    for reader in (ours, mne, edfio):
        assert reader(path).startswith("20 s, 19 channels at 200 Hz"), reader.__name__
    assert ours(path).endswith("; a session of 19 electrodes")


def test_a_gap_is_told(tmp_path):
    onsets = [float(t) for t in (*range(10), *range(30, 50))]
    path = write_edf(tmp_path / "a.edf", eeg(30), onsets=onsets, kind="EDF+D")
    assert ours(path).startswith("30 s in 2 pieces over 50 s, ")


def test_a_line_for_each_recording(tmp_path):
    folder = tmp_path / "recordings"
    folder.mkdir()
    write_edf(folder / "a.edf", eeg(20))
    (folder / "b.edf").write_bytes(b"no recording" * 100)
    (folder / "notes.txt").write_text("no recording")
    (folder / "manifest.csv").write_text("file,what\na.edf,plain | simple\n")
    must(run(tmp_path / "said", "tools.compare_readers", recordings=folder, out=tmp_path / "table.md"))
    _, _, *lines = (tmp_path / "table.md").read_text().split("\n\n")[0].splitlines()
    assert [line.split(" | ")[:2] for line in lines] == [["| `a.edf`", "plain / simple"], ["| `b.edf`", ""]]
    assert "refused: " in lines[1] and lines[1].count("error: ") >= 2


def test_a_folder_without_recordings_and_missing_settings_are_one_line(tmp_path):
    done = run(tmp_path / "said", "tools.compare_readers", recordings=tmp_path, out=tmp_path / "t.md")
    assert done.code == 1 and "no recording here" in done.err
    done = run(tmp_path / "more", "tools.compare_readers")
    assert done.code == 2 and "recordings" in done.err and "Traceback" not in done.err
