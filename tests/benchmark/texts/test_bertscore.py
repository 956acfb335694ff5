"""BERTScore by hand, against the reference package where it is installed, and its odd cases."""

import math
from collections import defaultdict

import numpy as np
import pytest
import torch

from benchmark.texts.bertscore import bertscore, share_above
from benchmark.texts.overlap import Overlap
from clef.network.language_model import open_model
from tests.benchmark.texts.pairs import PAIRS
from tests.clef.network.language_models import write_bert

REFERENCES, TEXTS = zip(*PAIRS, strict=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_bert(tmp_path_factory.mktemp("model") / "bert")


@pytest.fixture(scope="module")
def model(folder):
    return open_model(folder)


def states(model, text):
    ids = model.tokenize([text], 32)
    with torch.no_grad():
        rows = model.states(*model.pad(ids))[0].numpy().astype(float)
    return ids[0], rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize("idf", [False, True])
def test_every_pair_by_hand(model, idf):
    documents = [set(model.tokenize([text], 32)[0].tolist()) for text in REFERENCES]
    counts = {i: sum(i in document for document in documents) for document in documents for i in document}

    def weight(i):
        if model.tokenizer.convert_ids_to_tokens(int(i)) in ("[CLS]", "[SEP]"):
            return 0
        return math.log(11 / (counts.get(int(i), 0) + 1)) if idf else 1

    for score, reference, text in zip(bertscore(model, REFERENCES, TEXTS, idf=idf), REFERENCES, TEXTS, strict=True):
        (r_ids, r), (t_ids, t) = states(model, reference), states(model, text)
        best_t = [max(float(row @ other) for other in r) for row in t]
        best_r = [max(float(row @ other) for other in t) for row in r]
        precision = np.average(best_t, weights=[weight(i) for i in t_ids])
        recall = np.average(best_r, weights=[weight(i) for i in r_ids])
        f1 = 2 * precision * recall / (precision + recall)
        assert score == pytest.approx((precision, recall, f1), abs=1e-5)


def test_a_text_is_its_own_best_match_and_a_blank_one_scores_nothing(model):
    same, blank, empty = bertscore(model, ["left spikes", "left", " "], ["left spikes", " ", "left"])
    assert same == pytest.approx((1, 1, 1), abs=1e-5) and blank == empty == (0, 0, 0)


def test_layers_are_counted_from_the_embeddings(model):
    last, second = (bertscore(model, REFERENCES, TEXTS, layer=layer) for layer in (None, 2))
    assert np.allclose(last, second, atol=1e-6)
    assert not np.allclose(last, bertscore(model, REFERENCES, TEXTS, layer=1), atol=1e-3)
    with pytest.raises(ValueError, match="layer 3; bert has layers 0 to 2"):
        bertscore(model, REFERENCES, TEXTS, layer=3)


def test_as_many_texts_as_references(model):
    with pytest.raises(ValueError, match="2 references and 1 texts"):
        bertscore(model, ["left", "right"], ["left"])


def test_the_share_above():
    scores = [Overlap(0, 0, f1) for f1 in (0.5, 0.7, 0.71, 0.9)]
    assert share_above(scores) == 0.5


@pytest.mark.parametrize("layer", [1, 2])
@pytest.mark.parametrize("idf", [False, True])
def test_equal_to_the_reference_package(model, folder, layer, idf):
    package = pytest.importorskip("bert_score.utils")
    words = package.get_tokenizer(folder, use_fast=True)
    network = package.get_model(folder, layer)
    weight = package.get_idf_dict(list(REFERENCES), words, nthreads=0) if idf else defaultdict(lambda: 1.0)
    if not idf:
        weight |= {words.sep_token_id: 0, words.cls_token_id: 0}
    scored = package.bert_cos_score_idf(network, list(REFERENCES), list(TEXTS), words, weight, device="cpu")
    assert np.allclose(bertscore(model, REFERENCES, TEXTS, layer=layer, idf=idf), scored.numpy(), atol=1e-5)
