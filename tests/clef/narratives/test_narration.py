"""Writing: the same whatever else is in the batch and however the text is continued, and a model that is kept."""

import numpy as np
import pytest
import torch

from clef.model import Model
from clef.narratives.narration import Narration, as_sentences
from clef.narratives.texts import Place, places_in, texts_of, valid_places, write_texts
from clef.narratives.windows import windows
from clef.network.narrators.decoder import Narrator
from tests.clef.narratives.planted import objective, planted, trained
from tests.helpers import random_tokens


@pytest.fixture(scope="module")
def made():
    source, texts = planted()
    stage, _ = trained(source, texts, steps=70)
    return source, Narration(Model(None, stage.encoder, None), stage.narrator)


def test_a_text_does_not_depend_on_its_batch(made):
    source, narration = made
    places = [(row, n) for row in range(10) for n in range(3)]
    together = narration.write(source, places)
    assert together == narration.write(source, places, batch=7) == narration.write(source, places)
    assert together == [narration.write(source, [place])[0] for place in places]
    assert len(set(together)) > 3


def test_the_kept_keys_give_what_the_whole_text_gives(made):
    """Greedy by hand, over the whole text at each id."""
    source, narration = made
    narrator = narration.narrator
    batch = windows(source, [(0, 1)], "minute", 1)
    states = narration.model.encoder(batch["tokens"], batch["valid"])
    memory, mask = narrator.memory(states, narration.model.encoder.token_ok(batch["valid"]), batch["ago"], None)
    ids: list[int] = []
    while len(ids) < narrator.config.length:
        logits = narrator(torch.tensor([[*ids, 0]]), memory, mask)[0, -1]
        if int(logits.argmax()) == narrator.end:
            break
        ids.append(int(logits.argmax()))
    assert narrator.bpe.decode(ids) == narrator.write(memory, mask)[0]


def test_texts_end_and_long_ones_are_cut():
    texts = {Place("s0", 0): "delta dominates."}
    narrator = objective(texts).narrator
    ids, mask = narrator.encode(["delta.", "delta dominates " * 20])
    assert ids[0][mask[0]][-1] == narrator.end and mask[1].all() and narrator.end not in ids[1]
    assert narrator.bpe.decode(ids[0][mask[0]][:-1].tolist()) == "delta."


def test_a_window_ends_with_its_own_minute_and_knows_how_long_ago_each_column_was():
    source = random_tokens(3, 20)
    given = windows(source, [(0, 0), (1, 2), (2, 3)], "minute", 1)
    assert given["tokens"].shape == (3, 4, 12)
    np.testing.assert_array_equal(given["tokens"][1].numpy(), source.tokens[1][:, 6:18])
    assert given["ago"].tolist() == [[0] * 12, [1] * 6 + [0] * 6, [1] * 6 + [0] * 6]
    np.testing.assert_array_equal(given["valid"][2, :8].numpy(), source.valid[2][12:20])
    assert not given["valid"][2, 8:].any() and not given["valid"][0, 6:].any()


def test_what_comes_later_changes_no_text(made):
    source, narration = made
    changed = source.where(np.arange(len(source)) < 4)
    changed.tokens[:, :, 12:] = (changed.tokens[:, :, 12:] + 1) % 4
    places = [(row, n) for row in range(4) for n in (0, 1)]
    assert narration.write(changed, places) == narration.write(source, places)


def test_a_narrator_is_kept_and_a_damaged_one_refused(made, tmp_path):
    source, narration = made
    narration.narrator.about = {"stage": "narrate", "trained_on": {"train": [], "val": []}}
    narration.narrator.save_pretrained(tmp_path / "narrator")
    again = Narrator.from_pretrained(str(tmp_path / "narrator"))
    places = [(0, 0), (1, 1)]
    assert Narration(narration.model, again).write(source, places) == narration.write(source, places)
    assert again.about == narration.narrator.about
    config = tmp_path / "narrator" / "config.json"
    config.write_text(config.read_text().replace('"rows": 4', '"rows": 5'))
    with pytest.raises(ValueError, match=r"config\.json is not what was written"):
        Narrator.from_pretrained(str(tmp_path / "narrator"))


def test_texts_are_written_and_read_and_matched_with_tokens(tmp_path):
    rows = [
        (Place("s1", 1), "Delta dominates (3 dB), rising (+2.0 dB)."),
        (Place("s1", 0), "Alpha."),
        (Place("x", 0), "b"),
    ]
    write_texts(tmp_path / "texts.parquet", rows, "minute")
    texts = texts_of(tmp_path / "texts.parquet", "minute")
    assert texts[Place("s1", 1)] == "Delta dominates, rising." and len(texts) == 3
    source = random_tokens(3, 20)
    source.valid[1] = np.arange(20) < 6
    assert places_in(source, texts, "minute") == {1: [0]}, "its second minute has no valid column"
    assert valid_places(source, "minute")[1] == [0]
    with pytest.raises(ValueError, match="has no text on any segment"):
        texts_of(tmp_path / "texts.parquet", "segment")


def test_sentences_have_capitals_and_hertz():
    text = as_sentences("delta dominates, rising. posterior dominant rhythm of 10.5 hz, o1.")
    assert text == "Delta dominates, rising. Posterior dominant rhythm of 10.5 Hz, o1."
