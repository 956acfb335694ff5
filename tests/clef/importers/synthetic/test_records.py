"""People and records: nothing but the planted questions can be read from them."""

import numpy as np
import polars as pl

from clef.importers.synthetic.ceilings import auroc, match, matching_strata
from clef.importers.synthetic.concepts import CONCEPTS
from clef.importers.synthetic.records import draw_people, draw_visits, record_events, session_table, subject_ids


def test_number_of_other_codes_tells_nothing_once_matched(population):
    """Of other blocks than the concept's: of all codes the concept's own is one."""
    visits, _, findings = population
    events = record_events(visits, findings, 5).filter(pl.col("code").str.contains("^(ICD10CM|ATC)//"))
    pairs = events.select("subject_id", "code").unique()
    first = visits["visit"] == 0
    ids = pl.DataFrame({"subject_id": subject_ids(visits, 5)[first]})
    visits = {name: column[first] for name, column in visits.items()}
    strata, rng, areas = matching_strata(visits), np.random.default_rng(0), []
    for concept in CONCEPTS:
        block = concept.code[: 12 if concept.code.startswith("ICD") else 10]
        others = pairs.filter(~pl.col("code").str.starts_with(block)).group_by("subject_id").len()
        count = ids.join(others, on="subject_id", how="left", maintain_order="left")["len"].fill_null(0).to_numpy()
        cases, controls = match(visits[concept.name], strata, visits["age"], rng, 9999)
        areas.append(auroc(count[np.r_[cases, controls]], np.repeat([True, False], len(cases))))
    assert abs(np.mean(areas) - 0.5) < 0.02
    assert max(abs(a - 0.5) for a in areas) < 0.1


def test_no_two_draws_share_a_session_or_a_person():
    draws = [session_table(draw_visits(draw_people(5, seed), seed, 0.5), seed) for seed in (3, 11)]
    for column in ("session_id", "subject_id", "path"):
        assert not set(draws[0][column]) & set(draws[1][column])
