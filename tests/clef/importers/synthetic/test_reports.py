"""Synthetic reports: what they state is what was seen."""

import re

import numpy as np

from clef.importers.synthetic.latents import draw_findings, draw_latents
from clef.importers.synthetic.records import draw_people, draw_visits
from clef.importers.synthetic.reports import HEADINGS, ORDERS, Dictation


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


def test_a_report_tells_the_order_where_there_is_one_and_no_more():
    visits = draw_visits(draw_people(2, 120, course=True), 2, 5.0)
    truth = draw_latents(visits, 2)
    findings, rng = draw_findings(truth, 2), np.random.default_rng(0)
    for i in range(120):
        z, seen = ({k: v[i].item() for k, v in table.items()} for table in (truth, findings))
        person = {name: column[i].item() for name, column in visits.items() if name != "start"}
        seen = {code.split("//")[1]: reported for code, reported in seen.items()}
        text = Dictation(z, seen, person, rng).report()
        assert any(words in text for words in ORDERS["broken"]) == (seen["fragmented_sleep"] and not z["coma"])
        assert any(words in text for words in ORDERS["early"]) == (seen["early_sleep"] and not z["coma"])
        assert any(words in text for words in ORDERS["deepening"]) == (seen["deepening"] and z["in_icu"])
        assert z["coma"] or "Sleep was not recorded" not in text
        plain = {name: value for name, value in z.items() if name != "course_seed"}
        plain_text = Dictation(plain, seen, person, rng).report()
        assert not any(words in plain_text for wordings in ORDERS.values() for words in wordings)
