"""The towers of EEG and maps: saved whole, refused where they are not."""

import pytest
import torch

from clef.network.waveform.topomap import TopomapConfig, TopomapTowers


def test_towers_are_saved_whole_and_refused_where_they_are_not(tmp_path):
    torch.manual_seed(0)
    one = TopomapTowers(12, TopomapConfig(width=5, hidden=7)).eval()
    one.about = {"temperature": 0.1, "bias": -9.0}
    one.save_pretrained(tmp_path / "t")
    two = TopomapTowers.from_pretrained(str(tmp_path / "t"))
    given = torch.randn(3, 12), torch.randn(3, 19)
    for a, b in zip(one(*given), two(*given), strict=True):
        assert a.shape == (3, 5) and torch.equal(a, b)
    assert two.about == one.about and two.config == one.config
    file = tmp_path / "t/config.json"
    file.write_text(file.read_text().replace('"features": 12', '"features": 0').replace('"digests"', '"other"'))
    with pytest.raises(ValueError, match="damaged model folder") as caught:
        TopomapTowers.from_pretrained(str(tmp_path / "t"))
    assert "\n" not in str(caught.value)
