"""The memory: which vectors it has, what a map adds to it, and what of a map a missing electrode takes away."""

import pytest
import torch
from torch.nn import functional as F

from clef.network.bpe import learn
from clef.network.narrators.base import NarratorConfig, greedy
from clef.network.narrators.decoder import Narrator
from tokenizer.maps import BANDS, NUMBERS

TEXTS = [f"{band} dominates." for band in BANDS]
SIZES = {"width": 16, "layers": 1, "heads": 2, "words": 300, "length": 16, "min_count": 1, "history": 1}


def narrator(maps=True, projection=0):
    torch.manual_seed(0)
    return Narrator(NarratorConfig(**SIZES, maps=maps), learn([TEXTS], 300, 1), 8, 4, projection)


def windows(count=5, columns=3, seed=0):
    """States, which of them count, how long ago, and maps; the last column of the second window is invalid."""
    generator = torch.Generator().manual_seed(seed)
    ok = torch.ones(count, columns, dtype=torch.bool)
    ok[1, -1] = False
    ago = torch.arange(columns).flip(0).clamp(max=1).expand(count, -1)
    maps = torch.randn(count, columns, NUMBERS, generator=generator)
    maps[1, -1] = torch.nan
    return torch.randn(count, 4 * columns, 8, generator=generator), ok.repeat(1, 4), ago, maps


def test_a_map_is_one_more_vector_of_each_column_that_counts():
    states, ok, ago, maps = windows()
    memory, mask = narrator(projection=3).memory(states, ok, ago, torch.randn(5, 3), maps)
    assert memory.shape == (5, 12 + 1 + 3, 16) and mask.shape == (5, 1, 1, 16)
    assert not mask[1, 0, 0, -1] and mask.sum() == 5 * 16 - 4 - 1
    assert memory[mask[:, 0, 0]].isfinite().all()
    plain, _ = narrator(maps=False).memory(states, ok, ago)
    assert plain.shape == (5, 12, 16)


def test_a_missing_electrode_counts_as_the_mean_and_is_marked():
    one, (states, ok, ago, maps) = narrator(), windows()
    one.map_mean, one.map_sd = torch.randn(NUMBERS), torch.rand(NUMBERS) + 0.5
    o1 = torch.arange(0, NUMBERS, 19)
    lacking, mean = maps.clone(), maps.clone()
    lacking[:, :, o1], mean[:, :, o1] = torch.nan, one.map_mean[o1]
    mean[1, -1] = torch.nan
    memories = [one.memory(states, ok, ago, None, each)[0] for each in (lacking, mean)]
    torch.testing.assert_close(*memories)
    with torch.no_grad():
        one.from_map.weight[:, NUMBERS] = 1.0  # what training may make of the mark of O1
    marked, unmarked = (one.memory(states, ok, ago, None, each)[0][:, 12:] for each in (lacking, mean))
    torch.testing.assert_close(marked[0] - unmarked[0], torch.ones(3, 16))


def test_what_only_a_map_shows_is_learned_with_maps_and_not_without():
    """States are noise; the map has more power in the band that the text names."""
    band = torch.arange(64) % 4
    states, ok, ago, maps = windows(64)
    maps = 0.5 * maps.nan_to_num()
    maps += 3 * torch.eye(4)[band].repeat_interleave(19, 1)[:, None]
    rights = {}
    for with_maps in (True, False):
        one = narrator(with_maps)
        ids, mask = one.encode([TEXTS[i] for i in band])
        learned, asked = slice(48), slice(48, None)
        optimizer = torch.optim.AdamW(one.parameters(), 1e-2)
        for _ in range(80):
            logits = one(ids[learned], *one.memory(states[learned], ok[learned], ago[learned], None, maps[learned]))
            F.cross_entropy(logits[mask[learned]], ids[learned][mask[learned]]).backward()
            optimizer.step()
            optimizer.zero_grad()
        written = one.eval().write(*one.memory(states[asked], ok[asked], ago[asked], None, maps[asked]))
        rights[with_maps] = sum(text == TEXTS[i] for text, i in zip(written, band[asked], strict=True)) / len(written)
    assert rights[True] >= 0.9 and rights[False] <= 0.5


def test_a_narrator_of_before_maps_is_read(tmp_path):
    one = narrator(maps=False)
    assert not any("map" in name for name in one.state_dict())
    config = {key: value for key, value in one.describe().items() if key not in ("maps", "prompts")}
    one.describe = lambda: config
    one.save_pretrained(tmp_path / "narrator")
    again = Narrator.from_pretrained(str(tmp_path / "narrator"))
    states, ok, ago, _ = windows()
    assert again.write(*again.memory(states, ok, ago)) == one.write(*one.memory(states, ok, ago))


def test_maps_and_their_scale_are_kept(tmp_path):
    one, (states, ok, ago, maps) = narrator(), windows()
    one.map_mean, one.map_sd = torch.randn(NUMBERS), torch.rand(NUMBERS) + 0.5
    one.save_pretrained(tmp_path / "narrator")
    again = Narrator.from_pretrained(str(tmp_path / "narrator"))
    torch.testing.assert_close(again.memory(states, ok, ago, None, maps)[0], one.memory(states, ok, ago, None, maps)[0])


@pytest.mark.parametrize("most", [2, 9])
def test_the_likeliest_ids_end_with_the_end_or_are_cut(most):
    """Text m counts down from m; id 0 ends it."""
    step = lambda last, place: F.one_hot((last - 1) % 6, 6).float()
    ids = greedy(step, torch.tensor([1, 3, 5]), 0, most)
    assert ids == [[], [2, 1], [4, 3, 2, 1][:most]]
