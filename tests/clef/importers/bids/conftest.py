"""An EEG-BIDS tree of six people."""

import pytest

from tests.clef.importers.bids.tree import make_tree


@pytest.fixture(scope="session")
def tree(tmp_path_factory):
    make_tree(root := tmp_path_factory.mktemp("trees") / "Müller (2021)", 6, 12)
    return root
