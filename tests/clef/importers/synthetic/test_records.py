"""People and records: nothing but the planted questions can be read from them."""

import numpy as np
import polars as pl

from clef.importers.synthetic.ceilings import auroc, match, matching_strata
from clef.importers.synthetic.concepts import CONCEPTS
from clef.importers.synthetic.records import record_events, subject_ids


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
