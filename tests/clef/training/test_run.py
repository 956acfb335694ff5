"""The run folder: what it accepts when training goes on, what it refuses by name, and what a finished one holds."""

import json
import shutil

import pytest

from clef.training.run import finished_model
from tests.clef.training.test_loop import metrics
from tests.helpers import must, pretrain, snapshot


def test_the_model_of_a_run_is_found_by_either_folder_and_only_if_it_is_finished(tiny_recon, tmp_path):
    assert finished_model(tiny_recon) == finished_model(tiny_recon / "model") == tiny_recon / "model"
    shutil.copytree(tiny_recon, tmp_path / "run")
    (tmp_path / "run" / "model" / "done.json").unlink()
    with pytest.raises(ValueError, match="there is no finished run here"):
        finished_model(tmp_path / "run")


# ---- what a run folder accepts
def test_a_run_from_before_a_setting_existed_goes_on(tiny_store, tmp_path):
    settings = {"tokens": tiny_store, "out": tmp_path / "run"}
    must(pretrain(tmp_path / "said", "recon", steps=2, **settings))
    config = tmp_path / "run" / "config.yaml"
    config.write_text(config.read_text().replace("compile: false\n", ""))
    assert "compile" not in config.read_text()
    must(pretrain(tmp_path / "said", "recon", steps=3, **settings))
    config.write_text(config.read_text().replace("compile: false\n", ""))
    done = pretrain(tmp_path / "said", "recon", steps=4, compile="true", **settings)
    assert done.code == 1 and "started with another compile;" in done.err.splitlines()[-1]


def test_more_steps_go_on_from_the_end(tiny_store, tmp_path):
    settings = {"tokens": tiny_store, "out": tmp_path / "run"}
    must(pretrain(tmp_path / "said", "recon", steps=3, **settings))
    done = must(pretrain(tmp_path / "said", "recon", steps=5, **settings))
    assert "step 3 of 5" in done.err
    assert [m["step"] for m in metrics(tmp_path / "run", True)] == [1, 2, 3, 4, 5]
    assert json.loads((tmp_path / "run" / "model" / "done.json").read_text()) == {"steps": 5}


def test_fewer_steps_and_other_settings_are_refused_and_named(tiny_recon, tiny_store, tiny_cohort, tmp_path):
    before = snapshot(tiny_recon)
    for changes, named in [
        ({"lr": 0.5}, ["lr"]),
        ({"seed": 3, "recon.smoothing": 0.2}, ["recon.smoothing", "seed"]),
        ({"encoder.width": 64}, ["encoder.width"]),
        ({"steps": 7}, ["steps (may only grow)"]),
        ({"batch": 8, "steps": 20}, ["batch"]),
    ]:
        settings = {"tokens": tiny_store, "steps": 8, "checkpoint_minutes": 0} | changes
        done = pretrain(tmp_path, "recon", out=tiny_recon, **settings)
        assert done.code == 1 and "Traceback" not in done.err
        assert f"started with another {', '.join(named)};" in done.err.splitlines()[-1]
    assert snapshot(tiny_recon) == before


def test_a_finished_run_says_so_and_changes_no_file(tiny_recon, tiny_store, tmp_path):
    before = snapshot(tiny_recon)
    settings = {"tokens": tiny_store, "steps": 8, "checkpoint_minutes": 0}
    done = must(pretrain(tmp_path, "recon", out=tiny_recon, **settings))
    assert "already finished after 8 steps, nothing changed" in done.err
    assert snapshot(tiny_recon) == before


def test_a_folder_that_holds_something_else_is_refused(tiny_store, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years of work")
    done = pretrain(tmp_path / "said", "recon", tokens=tiny_store, out=tmp_path / "mine", steps=2)
    assert done.code == 1 and "holds something that is not a run" in done.err.splitlines()[-1]
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["thesis.tex"]


def test_a_run_is_complete_and_says_what_it_is(tiny_align, tiny_recon, tiny_store):
    for folder, parts in ((tiny_recon, ["encoder", "tokenizer"]), (tiny_align, ["align", "encoder", "tokenizer"])):
        assert sorted(p.name for p in (folder / "model").iterdir() if p.is_dir()) == parts
        for part in parts:
            assert {"config.json", "model.safetensors"} <= {p.name for p in (folder / "model" / part).iterdir()}
        assert len(list((folder / "checkpoints").iterdir())) <= 2
        about = json.loads((folder / "run.json").read_text())
        assert {"git_commit", "clef_version", "inputs"} <= about.keys() and "tokens" in about["inputs"]
    assert not list(tiny_align.rglob("*.pkl")) and not list(tiny_align.rglob("*.pt"))


def test_only_subjects_of_train_and_val_stand_in_a_model(tiny_align, tiny_recon, tiny_tokenizer, tiny_cohort):
    from clef.embeddings import seen_subjects
    from tokenizer.sessions import read_sessions

    table = read_sessions(tiny_cohort)
    expected = {s: set(table.filter(split=s)["subject_id"]) for s in ("train", "val")}
    for folder, part in ((tiny_tokenizer, "tokenizer"), (tiny_recon, "encoder"), (tiny_align, "encoder")):
        config = json.loads((folder / "model" / part / "config.json").read_text())
        listed = config["about"]["trained_on"]
        assert seen_subjects(listed, table["subject_id"]) == expected
        assert {s: len(names) for s, names in listed.items()} == {s: len(people) for s, people in expected.items()}
