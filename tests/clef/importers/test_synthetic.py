import hashlib
import re

import mne
import numpy as np
import polars as pl
import pytest
from scipy.signal import welch

from clef.cohort import read_code_descriptions, read_events, read_reports
from clef.importers.synthetic.__main__ import MakeCohort, main
from clef.importers.synthetic.ceilings import auroc, ceilings, match, matching_strata
from clef.importers.synthetic.concepts import CONCEPTS
from clef.importers.synthetic.edf import AMPLIFIERS
from clef.importers.synthetic.latents import draw_findings, draw_latents
from clef.importers.synthetic.records import draw_people, draw_visits, record_events, subject_ids
from clef.importers.synthetic.reports import HEADINGS, Dictation
from clef.importers.synthetic.signals import render
from clef.importers.synthetic.waves import CHANNELS
from tokenizer.sessions import read_sessions

RATE, SECONDS = 200, 60


def hashes(cohort):
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted((cohort / "recordings").iterdir())}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    out = tmp_path_factory.mktemp("synthetic") / "cohort"
    main(MakeCohort(out=str(out), subjects=10, seed=3, workers=1, minutes=0.5))
    return out


@pytest.fixture(scope="module")
def population():
    visits = draw_visits(draw_people(5, 4000), 5, 5.0)
    truth = draw_latents(visits, 5)
    return visits, truth, draw_findings(truth, 5)


def plain(population, **changes):
    """The latents of a healthy session with `changes`."""
    _, truth, findings = population
    i = int(np.flatnonzero(findings["FINDING//normal"] & (truth["alpha_uv"] > 12) & (truth["drowsy_share"] == 0))[0])
    return {name: column[i].item() for name, column in truth.items()} | changes


def spectrum(z, seed=0):
    eeg = render(z, RATE, SECONDS, 50, np.random.default_rng(seed))
    f, power = welch(eeg, RATE, nperseg=4 * RATE)
    return f, power


def test_bytes_depend_on_the_seed_and_not_on_the_workers(cohort, tmp_path):
    main(MakeCohort(out=str(tmp_path / "two"), subjects=10, seed=3, workers=2, minutes=0.5))
    assert hashes(tmp_path / "two") == hashes(cohort)


def test_more_people_change_no_one_and_another_seed_everyone():
    few, many, other = (draw_visits(draw_people(seed, n), seed, 5.0) for seed, n in ((3, 20), (3, 50), (4, 20)))
    few, many, other = draw_latents(few, 3), draw_latents(many, 3), draw_latents(other, 4)
    for name, column in few.items():
        assert (column == many[name][: len(column)]).all()
    assert not set(few["alpha_uv"]) & set(other["alpha_uv"])


def test_finished_cohort_is_left_alone_and_a_stopped_one_goes_on(cohort):
    config = MakeCohort(out=str(cohort), subjects=10, seed=3, workers=1, minutes=0.5)
    before, first = hashes(cohort), sorted((cohort / "recordings").iterdir())[0]
    stamps = {p: p.stat().st_mtime_ns for p in cohort.rglob("*")}
    main(config)
    assert {p: p.stat().st_mtime_ns for p in cohort.rglob("*")} == stamps
    (cohort / "sessions.parquet").unlink()
    first.unlink()
    (cohort / "recordings" / ".half.edf.1.part").write_bytes(b"half")
    main(config)
    assert hashes(cohort) == before
    with pytest.raises(ValueError, match="seed"):
        main(MakeCohort(out=str(cohort), subjects=10, seed=4, minutes=0.5))


def test_a_strange_folder_is_not_written_into(tmp_path):
    (tmp_path / "thesis.doc").write_text("mine")
    with pytest.raises(ValueError, match="not empty"):
        main(MakeCohort(out=str(tmp_path), subjects=2))
    with pytest.raises(ValueError, match="at least 1"):
        main(MakeCohort(out=str(tmp_path / "new"), subjects=0))
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.doc"]


def test_recordings_read_in_mne_in_microvolts(cohort):
    for row in read_sessions(cohort).iter_rows(named=True):
        raw = mne.io.read_raw_edf(cohort / row["path"], verbose="error")
        amplifier = AMPLIFIERS[row["site"]]
        assert raw.ch_names == amplifier.labels()
        assert raw.info["sfreq"] == amplifier.rate
        assert raw.info["meas_date"].replace(tzinfo=None) == row["start_time"].replace(microsecond=0)
        microvolts = 1e6 * raw.get_data()[:19]
        assert 3 < np.median(microvolts.std(1)) < 80
        assert np.abs(microvolts).max() < 32767 * amplifier.step


def test_tables_are_a_valid_cohort(cohort):
    sessions, events = read_sessions(cohort), read_events(cohort)
    assert sessions.group_by("subject_id").agg(pl.col("split").n_unique())["split"].max() == 1
    assert set(events["subject_id"]) == set(sessions["subject_id"])
    assert events.filter(pl.col("code") == "MEDS_BIRTH")["subject_id"].is_unique().all()
    assert events.filter(pl.col("code").str.starts_with("GENDER//"))["time"].null_count() == 10
    findings = events.filter(pl.col("code").str.starts_with("FINDING//"))
    known = findings.select("subject_id", pl.col("time").alias("start_time")).unique()
    assert len(sessions.join(known, on=["subject_id", "start_time"])) == len(sessions)
    coded = set(events.filter(pl.col("code").str.contains("^(ICD10CM|ATC)//"))["code"])
    assert all(re.fullmatch(r"ICD10CM//[A-Z]\d[\dA-Z](\.[\dA-Z]{1,4})?|ATC//[A-Z]\d\d[A-Z]{2}\d\d", c) for c in coded)
    assert coded <= set(read_code_descriptions(cohort))
    assert set(read_reports(cohort)["session_id"]) <= set(sessions["session_id"])
    truth = pl.read_parquet(cohort / "truth" / "latents.parquet")
    assert truth["session_id"].to_list() == sessions["session_id"].to_list()


def test_alpha_is_posterior_and_at_its_frequency(population):
    for hz in (8.0, 9.5, 11.0):
        f, power = spectrum(plain(population, alpha_hz=hz, alpha_uv=18.0))
        posterior = power[[CHANNELS.index("O1"), CHANNELS.index("O2")]].mean(0)
        assert abs(f[(f > 6) & (f < 13)][posterior[(f > 6) & (f < 13)].argmax()] - hz) < 0.6
        assert posterior[f == hz] > 5 * power[CHANNELS.index("Fz")][f == hz]


@pytest.mark.parametrize("side", [-1, 1])
def test_focal_slowing_raises_delta_on_its_side(population, side):
    f, power = spectrum(plain(population, focal=1.0, focal_side=side, focal_lobe="temporal", focal_hz=3.0))
    left, right = (power[CHANNELS.index(name)][(f >= 1) & (f <= 3)].mean() for name in ("T3", "T4"))
    assert (right / left > 3) == (side > 0)
    assert (left / right > 3) == (side < 0)


def test_spikes_are_negative_and_focal(population):
    quiet = plain(population, spike_side=-1, spike_lobe="temporal", blink_rate=0.0, pops=0, drift_uv=0.0)
    eeg = render(quiet | {"spike_rate": 20.0}, RATE, SECONDS, 50, np.random.default_rng(0))
    assert eeg[CHANNELS.index("T3")].min() < -80
    assert eeg[CHANNELS.index("T4")].min() > -70


def test_reports_tell_the_truth(population):
    visits, truth, findings = population
    rng, told = np.random.default_rng(0), 0
    for i in range(150):
        z, seen = ({k: v[i].item() for k, v in table.items()} for table in (truth, findings))
        person = {name: column[i].item() for name, column in visits.items() if name != "start"}
        text = Dictation(z, {code.split("//")[1]: there for code, there in seen.items()}, person, rng).report()
        section = text.split(HEADINGS[person["site"]][3] + ":")[1]
        focal = re.search(r"focal (?:\w+ ){0,3}(?:slowing|delta)", section, re.IGNORECASE) is not None
        negated = re.search(r"no focal slowing", section, re.IGNORECASE) is not None
        assert (focal and not negated) == seen["FINDING//focal_slowing"]
        if seen["FINDING//focal_slowing"] and z["focal"]:
            told += 1
            assert {-1: "left", 1: "right"}[z["focal_side"]] in section
            assert z["focal_lobe"] in section
    assert told > 20


def test_number_of_codes_tells_nothing_once_matched(population):
    visits, _, findings = population
    events = record_events(visits, findings, 5).filter(pl.col("code").str.contains("^(ICD10CM|ATC)//"))
    counts = dict(events.group_by("subject_id").len().iter_rows())
    first = visits["visit"] == 0
    count = np.array([counts[s] for s in subject_ids(visits, 5)])[first]
    visits = {name: column[first] for name, column in visits.items()}
    strata, rng, areas = matching_strata(visits), np.random.default_rng(0), []
    for concept in CONCEPTS:
        cases, controls = match(visits[concept.name], strata, visits["age"], rng, 9999)
        areas.append(auroc(count[np.r_[cases, controls]], np.repeat([True, False], len(cases))))
    assert abs(np.mean(areas) - 0.5) < 0.015
    assert max(abs(a - 0.5) for a in areas) < 0.1


def test_ceilings_are_where_they_were_planted():
    best = dict(ceilings(seed=1, n=8000).select("code", "ceiling").iter_rows())
    for code in ("ICD10CM//I10", "ICD10CM//G43.909", "ICD10CM//E11.9", "ATC//C07AB02"):
        assert abs(best[code] - 0.5) < 0.06
    assert best["FINDING//focal_slowing"] > 0.93
    assert best["ATC//N05BA06"] > 0.85
    assert 0.75 < np.nanmean(list(best.values())) < 0.9
