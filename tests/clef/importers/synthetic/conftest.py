"""A small synthetic cohort and a large population, shared by the tests of the synthetic importer."""

import pytest

from clef.importers.synthetic.__main__ import MakeCohort, main
from clef.importers.synthetic.latents import draw_findings, draw_latents
from clef.importers.synthetic.records import draw_people, draw_visits


@pytest.fixture(scope="session")
def cohort(tmp_path_factory):
    out = tmp_path_factory.mktemp("synthetic") / "cohort"
    main(MakeCohort(out=str(out), subjects=10, seed=3, workers=1, minutes=0.5))
    return out


@pytest.fixture(scope="session")
def population():
    visits = draw_visits(draw_people(5, 4000), 5, 5.0)
    truth = draw_latents(visits, 5)
    return visits, truth, draw_findings(truth, 5)
