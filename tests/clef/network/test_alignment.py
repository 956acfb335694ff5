"""The alignment heads: saved and loaded they are the same, with either partner missing; they say what they lack."""

import pytest
import torch

from clef.network.alignment import Alignment
from tests.clef.stages.test_align import heads


class Width:
    """All that heads ask of an encoder."""

    output = 12


@pytest.mark.parametrize("report, record", [(True, True), (True, False), (False, True)])
def test_saved_heads_come_back(report, record, tmp_path):
    torch.manual_seed(0)
    made = heads(Width, report, record).eval()
    made.save_pretrained(tmp_path / "align")
    loaded = Alignment.from_pretrained(str(tmp_path / "align"))
    assert loaded.describe() == made.describe()
    state = loaded.state_dict()
    assert all(torch.equal(state[k], v) for k, v in made.state_dict().items()) and state
    assert ((loaded.report is None), (loaded.record is None)) == (not report, not record)
    if report:
        assert torch.equal(loaded.text(["left spikes"]), made.text(["left spikes"]))


def test_texts_become_unit_vectors_unless_there_were_no_reports():
    torch.manual_seed(0)
    vectors = heads(Width).eval().text(["left spikes", "normal", ""])
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(3))
    with pytest.raises(ValueError, match="aligned without reports"):
        heads(Width, report=False).text(["left spikes"])
