"""`benchmark.tuab` on a tree laid out like the corpus: real layout and labels, EEG drawn by a program."""

import json
import shutil

import polars as pl
import pytest

from benchmark.tuab.questions import QUESTIONS
from clef.cohort import Cohort
from clef.importers.tuh.importer import TUHImport
from clef.importers.tuh.importer import main as import_corpus
from tests.benchmark.tuab.test_levels import plain_auroc
from tests.clef.importers.tuh.tree import make_tree, recording
from tests.helpers import must, run
from tokenizer.edf.writer import eeg

ENCODER = """
from benchmark.encoders.windows import WindowModel

def spread(windows):
    return windows.std(axis=2)

ENCODER = WindowModel("spread", channels=("Fp1-F7", "O1-average"), rate=100, window=4, embed=spread)
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """60 people, a third of them in eval; two more with two sessions, one of them normal and then abnormal."""
    root = tmp_path_factory.mktemp("tuab") / "v2"
    make_tree(root, 60, 20)
    home = root / "edf/eval"
    for i, (name, parts) in enumerate({"zzzzzzza": ("normal", "abnormal"), "zzzzzzzb": ("normal", "normal")}.items()):
        for visit, part in enumerate(parts, 1):
            path = home / part / "01_tcp_ar" / f"{name}_s{visit:03d}_t000.edf"
            recording(path, "M", "64", f"201{visit}", data=eeg(20, seed=100 + 2 * i + visit))
    return root


@pytest.fixture(scope="module")
def written(root, tmp_path_factory, tiny_align):
    home = tmp_path_factory.mktemp("out")
    (home / "mine.py").write_text(ENCODER)
    settings = {"root": root, "out": home / "tuab", "models": f"[tiny={tiny_align}]", "workers": 0}
    settings |= {"encoders": f"[spread={home / 'mine.py'}]", "shares": "[1,0.3]", "draws": 2, "allow_overlap": True}
    return home, settings, must(run(home, "benchmark.tuab", **settings))


def scores_of(home):
    """With all labels."""
    scores = json.loads((home / "tuab/tuab.json").read_text())["scores"]
    return [score for score in scores if score["share"] == 1 and not score["draw"]]


def test_every_score_equals_a_hand_computation_from_the_predictions(written):
    home, _, _ = written
    predictions = pl.read_parquet(home / "tuab/predictions.parquet")
    scores = [
        s for s in json.loads((home / "tuab/tuab.json").read_text())["scores"] if s["share"] == 1 and not s["draw"]
    ]
    checked = set()
    for score in scores:
        part = predictions.filter(
            pl.all_horizontal(pl.col(name) == score[name] for name in ("question", "row", "probe"))
        )
        if score["level"] != "window":
            part = part.group_by("session_id", maintain_order=True).agg(
                pl.col("subject_id", "label").first(), pl.col("score", "probability").mean()
            )
        if score["level"] == "person":
            answers = part.group_by("subject_id").agg(n=pl.col("label").n_unique(), label=pl.col("label").first())
            means = part.group_by("subject_id").agg(pl.col("score", "probability").mean())
            part = answers.filter(pl.col("n") == 1).join(means, on="subject_id")
        y, values = part["label"].to_numpy(), part["score"].to_numpy()
        assert score["auroc"] == pytest.approx(plain_auroc(y, values)), score
        called = part["probability"].to_numpy() > 0.5
        assert score["balanced_accuracy"] == pytest.approx((called[y].mean() + (~called[~y]).mean()) / 2)
        assert (score["cases"], score["controls"]) == (y.sum(), (~y).sum())
        checked.add((score["row"], score["level"]))
        checked.add(score["probe"])
    assert {("spread, window by window", "window"), ("tiny", "session"), ("bandpower", "person")} <= checked
    assert {"logistic", "perceptron", "people", "zero-shot", "zero-shot, templates"} <= checked
    windows = [one["row"] for one in scores_of(home) if one["level"] == "window"]
    assert windows and all("window by window" in row for row in windows)


def test_eval_is_scored_whole_and_by_the_labels_of_its_folders(written, root):
    home, _, _ = written
    predictions = pl.read_parquet(home / "tuab/predictions.parquet").filter(
        (pl.col("question") == "pathological") & (pl.col("row") == "tiny") & (pl.col("probe") == "logistic")
    )
    cohort = Cohort(home / "tuab/cohort")
    test = cohort.sessions.filter(pl.col("split") == "test")
    assert set(predictions["session_id"]) == set(test["session_id"]) and len(test) == 24
    (question,) = (q for q in QUESTIONS if q.name == "pathological")
    answers = dict(question.answers(cohort).rows())
    files = {f"tuab_{p.stem}": p.parts for p in root.rglob("*.edf")}
    assert len(answers) == len(files) == 64
    assert all(answers[name] == ("abnormal" in parts) for name, parts in files.items())
    mixed = {s["mixed"] for s in scores_of(home) if s["question"] == "pathological" and s["level"] == "person"}
    assert 1 in mixed


def test_the_page_says_what_was_not_asked_and_who_does_not_say_whom_it_saw(written):
    home, _, done = written
    page = (home / "tuab/tuab.md").read_text()
    assert page in done.out + "\n" and "## sex: male" in page and "## Few labels" in page
    assert "Not asked: one of the two groups is missing" in page, "no report of the tree names a drug"
    assert "‡ spread: does not say whom it saw" in page and "| tiny |" in page and "tiny‡" not in page
    assert "1 people of eval have answers of both kinds" in page


def test_the_same_command_reads_nothing_again(written):
    home, settings, _ = written
    vectors = home / "tuab/vectors"
    before = {path: path.stat().st_mtime_ns for path in vectors.rglob("*") if path.is_file()}
    scores = (home / "tuab/tuab.json").read_bytes()
    assert vectors / "spread/spread.each/00000.parquet" in before
    must(run(home / "again", "benchmark.tuab", **settings))
    assert {path: path.stat().st_mtime_ns for path in vectors.rglob("*") if path.is_file()} == before
    assert (home / "tuab/tuab.json").read_bytes() == scores


def test_a_cohort_is_asked_by_its_own_splits(written):
    home, _, _ = written
    settings = {"cohort": home / "tuab/cohort", "out": home / "of_cohort", "probes": "[people]", "workers": 0}
    shutil.copytree(home / "tuab/vectors", home / "of_cohort/vectors")
    done = must(run(home / "third", "benchmark.tuab", **settings))
    assert "# cohort: its split test, scored whole" in done.out and "SYNTHETIC" not in done.out
    scores = {(s["question"], s["row"], s["probe"], s["level"]): s["auroc"] for s in scores_of(home)}
    again = json.loads((home / "of_cohort/tuab.json").read_text())
    assert again["name"] == "cohort" and not again["synthetic"] and len(again["scores"]) >= 6
    for score in again["scores"]:
        assert score["auroc"] == scores[score["question"], score["row"], score["probe"], score["level"]]


def test_medication_is_asked_of_reports_alone(root, tmp_path):
    """A report that names none of the drugs is a no; a session without a report is nobody."""
    tree = shutil.copytree(root, tmp_path / "tree")
    reports = sorted(tree.rglob("*_s001.txt"))
    for path in reports[::2]:
        path.write_text(path.read_text() + "MEDICATIONS: keppra, others\n")
    import_corpus(TUHImport(root=tree, out=tmp_path / "cohort", site="tuab"))
    (question,) = (q for q in QUESTIONS if q.name == "medication")
    answers = question.answers(Cohort(tmp_path / "cohort"))["answer"]
    assert answers.sum() == 30 and answers.is_null().sum() == 4 and len(answers) == 64


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"probes": "[svm]"}, "probes: 'svm' is none"),
        ({"shares": "[2]"}, "shares: 2 is none"),
        ({"windows": -1}, "windows must be 0 or more"),
        ({"models": "[a=nowhere]"}, "there is no such folder"),
        ({"encoders": "[elm=nowhere.pt]"}, "there is no such file"),
        ({"root": "nowhere"}, "there is no such folder"),
        ({"cohort": "nowhere"}, "give root=FOLDER of the corpus, or cohort=COHORT, one of the two"),
    ],
)
def test_wrong_settings_are_one_line_and_write_nothing(changes, said, root, tmp_path):
    done = run(tmp_path, "benchmark.tuab", **{"root": root, "out": tmp_path / "made"} | changes)
    assert done.code and said in done.err and "Traceback" not in done.err
    assert not (tmp_path / "made").exists()


def test_a_person_in_both_parts_is_refused(root, tmp_path):
    tree = shutil.copytree(root, tmp_path / "tree")
    one = next((tree / "edf/eval").rglob("zzzzzzza*.edf"))
    other = tree / "edf/train/normal/01_tcp_ar" / one.name.replace("s001", "s009").replace("s002", "s009")
    other.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(one, other)
    done = run(tmp_path, "benchmark.tuab", root=tree, out=tmp_path / "made")
    assert done.code == 1 and "a person" in done.err and done.err.count("\n") <= 3
    assert not (tmp_path / "made" / "tuab.md").exists()
