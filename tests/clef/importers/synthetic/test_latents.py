"""Latents of the planted truth, and the findings they amount to."""

import numpy as np
import pytest

from clef.importers.synthetic.latents import LOBES, draw_findings, draw_latents, true_findings
from clef.importers.synthetic.records import draw_people, draw_visits


def test_latents_stay_within_their_ranges_and_sides_go_with_their_findings(population):
    _, truth, _ = population
    assert truth["alpha_hz"].min() >= 6.2 and truth["alpha_hz"].max() <= 12.2
    for degree, side, place in (("focal", "focal_side", "focal_lobe"), ("spike_rate", "spike_side", "spike_lobe")):
        planted = truth[degree] > 0
        assert np.isin(truth[side][planted], (-1, 1)).all() and np.isin(truth[place][planted], LOBES).all()
    assert not truth["focal_side"][truth["focal"] == 0].any()
    assert not truth["drowsy_share"][truth["coma"]].any() and not truth["blink_rate"][truth["coma"]].any()


def test_a_person_keeps_a_lesion_and_most_of_a_rhythm_between_visits(population):
    visits, truth, _ = population
    again = np.flatnonzero(np.diff(visits["person"]) == 0)
    assert len(again) > 300
    focal = again[(truth["focal"][again] > 0) & (truth["focal"][again + 1] > 0)]
    assert (truth["focal_side"][focal] == truth["focal_side"][focal + 1]).all()
    noise = np.log(truth["noise_uv"] / np.where(visits["site"] == "B", 0.9, 0.5))
    # r = 0.8**2 as planted; with n > 300 pairs its standard error is below (1 - r**2) / sqrt(n) = 0.035
    assert np.corrcoef(noise[again], noise[again + 1])[0, 1] == pytest.approx(0.64, abs=0.15)


def test_the_reader_misses_and_invents_as_often_as_planted(population):
    _, truth, findings = population
    reported, planted = findings["FINDING//focal_slowing"], true_findings(truth)["focal_slowing"]
    exact = draw_findings(truth, 5, error=0.0)
    for share, error, n in (((~reported)[planted].mean(), 0.03, planted.sum()),
                            (reported[~planted].mean(), 0.01, (~planted).sum())):  # fmt: skip
        assert share == pytest.approx(error, abs=5 * np.sqrt(error / n))
    assert not (findings["FINDING//seizure"] & (truth["seizures"] == 0)).any()
    assert all(np.array_equal(exact[f"FINDING//{name}"], values) for name, values in true_findings(truth).items())
    assert np.array_equal(findings["FINDING//normal"], ~findings["FINDING//abnormal"])


def test_more_people_change_no_one_and_another_seed_everyone():
    few, many, other = (draw_visits(draw_people(seed, n), seed, 5.0) for seed, n in ((3, 20), (3, 50), (4, 20)))
    few, many, other = draw_latents(few, 3), draw_latents(many, 3), draw_latents(other, 4)
    for name, column in few.items():
        assert (column == many[name][: len(column)]).all()
    assert not set(few["alpha_uv"]) & set(other["alpha_uv"])
