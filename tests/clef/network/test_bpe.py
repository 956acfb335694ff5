"""Byte-pair encoding: there and back, the same in every process, and no word of a few subjects."""

import json
import subprocess
import sys

import pytest
import torch

from clef.network.bpe import PAD, Bpe, learn
from tests.clef.network.test_report_encoder import TEXTS


def test_bpe_round_trip():
    bpe = learn([TEXTS], 400, 1)
    again = Bpe.from_json(json.loads(json.dumps(bpe.to_json())))
    texts = [*TEXTS, "", "never seen: µ, 漢, 12.5 Hz"]
    ids, mask = bpe.encode(texts, 64)
    assert ids.dtype == torch.int64 and mask.dtype == torch.bool and ids.shape == mask.shape == (len(TEXTS) + 2, 64)
    assert all(torch.equal(x, y) for x, y in zip((ids, mask), again.encode(texts, 64), strict=True))
    assert [bpe.decode(row) for row in ids[:-2]] == TEXTS
    assert not mask[-2].any() and bpe.decode(ids[-1]) == "never seen: μ, 漢, 12.5 hz"  # NFKC: micro sign -> mu
    assert (ids[~mask] == 0).all() and (ids[mask] > 0).all() and 256 < len(bpe) <= 400
    assert mask[0].sum() < len(TEXTS[0].encode()) / 2  # it joins


def test_bpe_learns_the_same_in_another_process_and_order():
    code = "import json,sys; from clef.network.bpe import learn; texts = json.loads(sys.argv[1]);"
    code += "print(json.dumps(learn([texts], 400, 1).to_json()))"
    out = subprocess.run(
        [sys.executable, "-c", code, json.dumps(TEXTS[::-1])], capture_output=True, text=True, check=True
    )
    assert json.loads(out.stdout) == learn([TEXTS], 400, 1).to_json()


def test_bpe_cuts_long_texts_and_refuses_nothing_to_learn():
    ids, mask = learn([TEXTS], 400, 1).encode([" ".join(TEXTS)], 10)
    assert mask.all() and ids.shape == (1, 10)
    with pytest.raises(ValueError, match="no training report"):
        learn([["", " "], []], 400, 1)
    with pytest.raises(ValueError, match="vocabulary=256"):
        learn([TEXTS], 256, 1)
    bpe = learn([TEXTS], 400, 1)
    assert bpe.decode(bpe.encode([PAD], 8)[0][0]) != ""  # the word <pad> is not padding


def test_bpe_learns_no_word_that_few_subjects_have():
    subjects = [[text, "Vartanescu " * 20, "wickets"] if i < 4 else [text, "wickets"] for i, text in enumerate(TEXTS)]
    known = learn(subjects, 400, 5).to_json()["model"]["vocab"]
    assert "Ġwickets" in known and "Ġleft" in known
    assert not any(len(piece) > 1 and piece in "Ġvartanescu" for piece in known.keys() - _of_others(subjects))
    assert "Ġvartanescu" in learn(subjects, 400, 4).to_json()["model"]["vocab"]


def _of_others(subjects) -> set[str]:
    """Pieces that are learned if the rare word never was."""
    clean = [[text for text in texts if "Vartanescu" not in text] for texts in subjects]
    return set(learn(clean, 400, 5).to_json()["model"]["vocab"])
