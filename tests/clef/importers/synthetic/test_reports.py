"""Synthetic reports: what they state is what was seen."""

import re

import numpy as np

from clef.importers.synthetic.reports import HEADINGS, Dictation


def test_reports_tell_the_truth(population):
    visits, truth, findings = population
    rng, told = np.random.default_rng(0), 0
    for i in range(150):
        z, seen = ({k: v[i].item() for k, v in table.items()} for table in (truth, findings))
        person = {name: column[i].item() for name, column in visits.items() if name != "start"}
        text = Dictation(z, {code.split("//")[1]: reported for code, reported in seen.items()}, person, rng).report()
        section = text.split(HEADINGS[person["site"]][3] + ":")[1]
        focal = re.search(r"focal (?:\w+ ){0,3}(?:slowing|delta)", section, re.IGNORECASE) is not None
        negated = re.search(r"no focal slowing", section, re.IGNORECASE) is not None
        assert (focal and not negated) == seen["FINDING//focal_slowing"]
        if seen["FINDING//focal_slowing"] and z["focal"]:
            told += 1
            assert {-1: "left", 1: "right"}[z["focal_side"]] in section
            assert z["focal_lobe"] in section
    assert told > 20
