"""The page of a session: what is in its words and tables, that it draws what is broken, that ids stay text."""

import re

import numpy as np
import pytest

from clef.pages.view import About, age_words, code_numbers, page, parts, person_facts, seen_words
from tokenizer.edf.writer import LABELS, eeg, write_edf
from tokenizer.reading.read import ReadingConfig, read_with_raw
from tokenizer.readings import reading_of
from tokenizer.tokens import rebuild
from tokenizer.vqgan import VQGAN, VQGANConfig

TINY = VQGANConfig(width=16, encoder_blocks=1, decoder_blocks=1, codes=64, code_dimension=8)


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """A session with a gap of 10 s, without O1 and O2, with a flat and a loud electrode, and its raw samples."""
    samples, keep = eeg(40, 100, seed=1), list(range(2, 19))
    samples[4], samples[7] = 0, 40 * samples[7]
    onsets = [t + 10 * (t >= 20) for t in range(40)]
    file = tmp_path_factory.mktemp("view") / "Jane-Doesenthal.edf"
    write_edf(file, samples[keep], 100, [LABELS[i] for i in keep], onsets=onsets, kind="EDF+D", limit=9000)
    return read_with_raw(file, ReadingConfig())


@pytest.fixture(scope="module")
def made(broken):
    return parts(*broken, 8, VQGAN(TINY).eval())


def test_the_page_says_what_is_wrong_with_a_recording(made):
    text = page(made, About("EEG session"))
    assert "17 of 19, without O1, O2" in text and "100 Hz" in text
    assert re.search(r"<strong>T3</strong> loud", text) and re.search(r"<strong>Pz</strong> flat", text)
    assert "1 gaps" in text and "Research only" in text and "Doesenthal" not in text
    # three pictures, and one for the evidence of what was seen
    assert text.count("data:image/webp;base64,") == 4 and "http" not in text.replace("http-equiv", "")


def test_tokens_and_what_they_keep(made, broken):
    assert made.codes["tokens"] == 16 * 4 and made.codes["size"] == 64  # 50 s, of them 10 s of a gap
    assert made.errors["occipital"]["alpha"] is None and made.errors["all electrodes"]["alpha"] > 0
    vqgan = VQGAN(TINY).eval()
    one, again = rebuild(reading_of(broken[0]), vqgan)
    assert again.shape == (19, 128, 50) and one.tokens.shape == (16, 128)
    assert "What the tokens keep" in page(made, About("x"))


def test_without_a_tokenizer_there_are_two_pictures(broken):
    text = page(parts(*broken, 8), About("x"))
    assert text.count("data:image/webp;base64,") == 3 and "What the tokens keep" not in text


def test_ids_and_titles_are_text(made):
    about = About("<script>alert(1)</script>", [("site", "<b>")], neighbours=[
        {"session": "<img src=x onerror=alert(2)>", "cosine": 0.5, "remark": ""}])  # fmt: skip
    text = page(made, about)
    assert "<script" not in text and "<img src=x" not in text and "<b>" not in text and "&lt;script&gt;" in text


def test_shares_of_codes():
    numbers = code_numbers(np.array([5, 5, 5, 5, 2, 2, 7, 9]), 64)
    assert numbers == {"tokens": 8, "different": 4, "size": 64, "commonest": 0.5, "half": 1, "once": 2}
    assert code_numbers(np.array([], int), 64)["half"] == 0


def test_what_is_said_of_the_person():
    row = {"age": 93.2, "sex": "F", "site": None, "setting": None, "split": "test"}
    assert person_facts(row) == [("age", "above 89"), ("sex", "F"), ("split", "test")]
    assert (age_words(None), age_words(41.4)) == ("", "41")
    vqgan = VQGAN(TINY)
    assert "not known" in seen_words(vqgan, 5)
    from clef.embeddings import subject_hash

    vqgan.about = {"trained_on": {"train": [subject_hash(5)], "val": [subject_hash(6)]}}
    words = [seen_words(vqgan, i) for i in (5, 6, 7, None)]
    assert ["trained on this" in w for w in words[:3]] == [True, False, False]
    assert "selected" in words[1] and "has not seen" in words[2] and "not known" in words[3]
