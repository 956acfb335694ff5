"""Planted names, dates and report phrases in headers and annotations of 50 files appear in no output, log or error."""

from pathlib import Path

import polars as pl
import pytest
import zarr

from clef.cohort import REPORTS, read_reports, seal
from clef.network.bpe import learn
from clef.reports.summarisers import report_summaries
from tests.helpers import Done, pretrain, run
from tests.leaks import found_in, leaks
from tests.planted import CORE, RATE, Person, make_recordings
from tokenizer.base.files import write_json, write_table
from tokenizer.sessions import read_sessions
from tokenizer.store import TokenStore

REFUSES_SOME = {"embed_files", "quality", "deidentify"}
"""Programs that end with 1 because some recordings cannot be read."""


@pytest.fixture(scope="module")
def planted(tmp_path_factory) -> Path:
    """Fifty recordings, and the labels of the tables among them and of the others."""
    folder = tmp_path_factory.mktemp("planted")
    rows = [_label(Person(i), path) for i, path in enumerate(make_recordings(folder))]
    labels = pl.DataFrame(rows)
    is_table = pl.col("file").str.ends_with(".csv")
    labels.filter(~is_table).write_csv(folder / "labels.txt")
    labels.filter(is_table).write_csv(folder / "tables.txt")
    return folder


def _label(person: Person, path: Path) -> dict:
    """A line of the labels; people are called by their names, and some cells hold what does not belong there."""
    odd, half = person.number % 5 == 0, person.number // 2 % 2
    about = {"age": person.note if odd else str(30 + person.number), "sex": "FM"[person.number % 2]}
    started = f"{person.born} in town" if odd else "2021-06-01 10:00"
    about |= {"start": started, "setting": person.surname if odd else "routine"}
    about |= {"split": ("train", "train", "val", "test")[person.number // 2 % 4], "group": "ab"[half]}
    return {"file": path.name, "subject": f"{person.surname} {person.born}"} | about | {"comment": person.note}


@pytest.fixture(scope="module")
def made(planted, tmp_path_factory) -> tuple[Path, dict[str, Done]]:
    """What every program makes of them in out/, what they said in said/, and how each ended."""
    base = tmp_path_factory.mktemp("made")
    out, said, done = base / "out", base / "said", {}
    cohort, tokens = out / "cohort", out / "tokens.zarr"
    common = {"root": planted, "out": cohort, "targets": "[group]"}
    for name, more in (("labels", {"site": "here"}), ("tables", {"site": "there", "rate": RATE, "unit": "uV"})):
        labels = planted / f"{name}.txt"
        done[name] = run(said / name, "clef.importers.folder", labels=labels, **common, **more)
    _write_reports(cohort)
    train = lambda stage, **settings: pretrain(said / stage, stage, out=out / stage, **settings)
    done["tokenizer"] = train("tokenizer", cohort=cohort, steps=4)
    encoded = {"cohort": cohort, "tokenizer": out / "tokenizer", "workers": 0}
    done["encode"] = run(said / "encode", "tokenizer.encode", out=tokens, **encoded)
    done["recon"] = train("recon", tokens=tokens, steps=2)
    words = {"report_encoder.vocabulary": 4000, "wandb": "offline"}
    done["align"] = train("align", tokens=tokens, cohort=cohort, init=out / "recon", steps=2, **words)
    embed = lambda name, **what: run(
        said / name, "clef.embed", model=out / "align", out=out / f"{name}.parquet", **what
    )
    done["embed"], done["embed_files"] = embed("embed", tokens=tokens), embed("embed_files", recordings=planted)
    tasks = {"cohort": cohort, "suite": "labels", "folds": 2, "min_cases": 2, "match_on": "[sex]"}
    done["build"] = run(said / "build", "benchmark.build", **tasks, out=out / "tasks.parquet")
    scored = {"tasks": out / "tasks.parquet", "embeddings": out / "embed.parquet", "allow_overlap": True, "workers": 0}
    done["run"] = run(said / "run", "benchmark.run", **scored, cohort=cohort, tokens=tokens, out=out / "scores")
    done["quality"] = run(said / "quality", "clef.quality", cohort=cohort, out=out / "quality", workers=0)
    done["deidentify"] = run(said / "deidentify", "tokenizer.deidentify", root=planted, out=out / "shared")
    about = {"model": out / "align", "embeddings": out / "embed.parquet", "cohort": cohort}
    done["view"] = run(said / "view", "clef.view", recording=planted / "rec00.edf", out=out / "view.html", **about)
    done["map"] = run(said / "map", "clef.map", out=out / "map", pages=2, method="pca", workers=0, **about)
    return base, done


def _write_reports(cohort: Path) -> None:
    sessions = read_sessions(cohort)
    texts = [Person(int(Path(path).name[3:5])).phrase for path in sessions["path"]]
    reports = {"session_id": sessions["session_id"], "text": texts, "summary": None, "summariser": None}
    write_table(cohort / "reports.parquet", pl.DataFrame(reports, schema=REPORTS), {"clef.format": "1"})
    seal(cohort)


def test_every_program_read_the_files_to_the_end(made):
    base, done = made
    for name, ended in done.items():
        assert ended.code == (name in REFUSES_SOME), f"{name}: {ended.err}"
        assert "Traceback" not in ended.err, f"{name}: {ended.err}"
    store = TokenStore(base / "out" / "tokens.zarr")
    assert len(store.load()) >= 25 and store.refused()


def test_nothing_planted_is_in_any_output_log_or_error(made):
    base, _ = made
    assert leaks(base, without=(base / "out" / "cohort" / "reports.parquet",)) == []


def test_rare_words_of_reports_were_there_to_be_learned(made):
    base, _ = made
    summaries = report_summaries(read_reports(base / "out" / "cohort"))
    assert len(summaries) >= 25 and all(found_in(text.encode()) for text in summaries.values())
    assert found_in(str(learn([[text] for text in summaries.values()], 4000, 1).to_json()).encode())


def test_the_search_finds_what_is_planted(planted, tmp_path):
    lines = leaks(planted)
    for path in planted.glob("rec*"):
        alone = path.suffix in (".eeg", ".dat")
        assert alone or any(line.startswith(path.name) for line in lines), path.name
    person = Person(3)
    write_table(tmp_path / "t.parquet", pl.DataFrame({"a": [[None, person.surname]]}), {"b": str(person.born)})
    group = zarr.open_group(tmp_path / "t.zarr", mode="w", zarr_format=3)
    group.create_array("reason", data=pl.Series(list(person.note.encode())).cast(pl.UInt8).to_numpy())
    write_json(tmp_path / "t.json", {"a": f"{person.born:%d.%m.%Y}"})
    lines = "\n".join(leaks(tmp_path))
    for place in ("t.parquet, cells", "t.parquet, metadata", "reason:", "t.json, bytes"):
        assert place in lines, place


@pytest.mark.parametrize(
    "text",
    (
        *(CORE.upper(), f"x{CORE}y", CORE.encode("utf-16-le"), "1913-05-02", "02.05.1913", "2 May 1913", "02-MAY-1913"),
        *("19130502", "05/02/1913", "02051913", "02.05.13", "May 2, 1913"),
    ),
)
def test_the_search_knows_spellings(text):
    data = text if isinstance(text, bytes) else text.encode()
    assert found_in(b"a: " + data + b", b") and not found_in(b"0.19130502 1913 2021-05-02 12.02.0513")
