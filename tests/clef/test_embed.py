"""clef.embed: what the program writes is what the function returns, from a store and from recordings."""

import numpy as np
import polars as pl
import pytest

import clef
from clef.embed import EmbedConfig, named_jobs
from clef.embeddings import read_embeddings
from clef.importers.folder import FolderImport
from clef.importers.folder import main as import_folder
from tests.helpers import must, run
from tokenizer.channels import CHANNELS
from tokenizer.edf.writer import eeg, write_edf
from tokenizer.sessions import read_sessions
from tokenizer.store import TokenStore


def test_the_program_writes_what_the_function_returns(tiny_align, tiny_store, tmp_path):
    model = clef.load(tiny_align)
    settings = {"model": tiny_align, "out": tmp_path / "e.parquet"}
    must(run(tmp_path / "said", "clef.embed", tokens=tiny_store, **settings))
    embeddings = read_embeddings(tmp_path / "e.parquet")
    assert embeddings.session_id == TokenStore(tiny_store).session_id.tolist() and embeddings.model == model.fingerprint
    np.testing.assert_allclose(embeddings.vectors, model.embed(TokenStore(tiny_store)), atol=1e-5)
    assert set(embeddings.trained_on) == {"train", "val"} and embeddings.config["pool"] == "rows"
    (tmp_path / "r").mkdir()
    write_edf(tmp_path / "r" / "good.edf", eeg(20))
    (tmp_path / "r" / "bad.edf").write_text("no EDF")
    done = run(tmp_path / "said", "clef.embed", recordings=tmp_path / "r", **settings)
    assert done.code == 1 and "left out bad.edf" in done.err and "Traceback" not in done.err
    assert read_embeddings(tmp_path / "e.parquet").session_id == ["good.edf"]


@pytest.fixture
def archive(tmp_path):
    """A folder of recordings and the cohort it became: two sites, one of tables, and a file that was not imported."""
    root, labels = tmp_path / "EEG Müller", tmp_path / "labels.txt"
    (root / "deep").mkdir(parents=True)
    for seed, name in enumerate(("a.edf", "deep/a.edf", "deep/not in the table.edf")):
        write_edf(root / name, eeg(12, seed=seed))
    pl.DataFrame(eeg(12, 128, seed=3).T * 10, schema=list(CHANNELS), orient="row").write_csv(root / "table.csv")
    settings = {"root": root, "labels": labels, "out": tmp_path / "cohort"}
    labels.write_text("file,subject\na.edf,p1\ndeep/a.edf,p2\n")
    import_folder(FolderImport(**settings, site="here"))
    labels.write_text("file,subject\ntable.csv,p3\n")
    import_folder(FolderImport(**settings, site="tables", rate=128, unit="0.1uV"))
    return root, tmp_path / "cohort"


def test_a_cohort_and_the_folder_it_came_from_give_the_ids_of_its_importer(tiny_align, archive, tmp_path, caplog):
    """So its tasks fit the embeddings, whatever the sessions are called."""
    caplog.set_level("INFO")
    root, cohort = archive
    ids = read_sessions(cohort)["session_id"].to_list()
    named = lambda **what: [name for name, _ in named_jobs(EmbedConfig(**{k: str(v) for k, v in what.items()}))]
    assert named(cohort=cohort) == named(cohort=cohort, recordings=root) == ids and len(ids) == 3
    assert "1 recordings are not in cohort=" in caplog.text
    assert named(cohort=cohort, recordings=root / "deep") == ids[1:2]
    assert named(recordings=root) == ["a.edf", "deep/a.edf", "deep/not in the table.edf"]
    settings = {"model": tiny_align, "out": tmp_path / "e.parquet", "cohort": cohort, "recordings": root}
    must(run(tmp_path / "said", "clef.embed", **settings))
    assert read_embeddings(tmp_path / "e.parquet").session_id == ids


def test_a_folder_that_is_not_the_cohorts_is_one_line(archive, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    write_edf(tmp_path / "elsewhere" / "a.edf", eeg(12))
    with pytest.raises(ValueError, match="has none of its 1 recordings; was the folder moved"):
        named_jobs(EmbedConfig(recordings=str(tmp_path / "elsewhere"), cohort=str(archive[1])))


@pytest.mark.parametrize("workers", [0, 2])
def test_recordings_are_read_by_processes_in_order_and_a_bad_one_is_left_out(tiny_align, tmp_path, workers):
    (tmp_path / "r").mkdir()
    names = [f"{i}.edf" for i in range(6)]
    for i, name in enumerate(names):
        write_edf(tmp_path / "r" / name, eeg(12 + i, seed=i))
    (tmp_path / "r" / "3.edf").write_text("no EDF")
    settings = {"model": tiny_align, "recordings": tmp_path / "r", "out": tmp_path / "e.parquet", "workers": workers}
    done = run(tmp_path / "said", "clef.embed", **settings)
    assert done.code == 1 and "left out 3.edf" in done.err
    embeddings, model = read_embeddings(tmp_path / "e.parquet"), clef.load(tiny_align)
    assert embeddings.session_id == [name for name in names if name != "3.edf"]
    alone = np.concatenate([model.embed(tmp_path / "r" / name) for name in embeddings.session_id])
    np.testing.assert_array_equal(embeddings.vectors, alone)


def test_what_is_to_be_embedded_is_said_once(tiny_align, tiny_store, tmp_path):
    settings = {"model": tiny_align, "out": tmp_path / "e.parquet"}
    for more in ({}, {"tokens": tiny_store, "recordings": tmp_path}):
        done = run(tmp_path / "said", "clef.embed", **settings, **more)
        assert done.code == 2 and done.one_line and "give either tokens=STORE or recordings=DIR" in done.err
