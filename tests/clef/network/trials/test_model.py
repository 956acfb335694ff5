"""The network of trials: a head per subject, saved whole, refused where it is not, and nobody's label in it."""

import json

import pytest
import torch

from clef.network.bpe import learn
from clef.network.report_encoder import TextConfig, TextEncoder
from clef.network.trials.encoder import TrialConfig
from clef.network.trials.model import Known, SubjectLinear, TrialModel, hash_labels

TEXTS = ["left temporal spikes", "right frontal slowing"]
LABELS = ["sub-Miller", "sub-02", "sub-03"]


@pytest.fixture
def model():
    torch.manual_seed(0)
    text = TextConfig(width=16, layers=1, heads=2, output=8, length=16, min_count=1)
    config = TrialConfig(width=16, filters=4, kernel=8, stretches=5, layers=1, heads=2)
    known = Known(4, 60, ["a", "b", "c", "d"], ["one", "two"], hash_labels(LABELS))
    made = TrialModel(config, known, TextEncoder(text, learn([TEXTS], 300, 1)))
    made.about = {"stage": "trials", "runs": {"train": ["ab"], "val": []}, "commonest": "one"}
    return made.eval()


def test_every_subject_has_a_layer_of_its_own():
    torch.manual_seed(0)
    layer, x, subject = SubjectLinear(3, 4, 2), torch.randn(5, 4), torch.tensor([0, 2, 2, 1, 0])
    expected = torch.stack([layer.weight[s] @ one + layer.bias[s] for one, s in zip(x, subject, strict=True)])
    torch.testing.assert_close(layer(x, subject), expected)


@torch.no_grad()
def test_logits_and_unit_vectors_of_heads_that_differ(model):
    trials = torch.randn(1, 4, 60).expand(2, -1, -1)
    logits, vectors = model(trials, torch.tensor([0, 1]))
    assert logits.shape == (2, 2) and vectors.shape == (2, 8)
    assert not torch.allclose(logits[0], logits[1]) and not torch.allclose(vectors[0], vectors[1])
    texts = model.captions(TEXTS)
    for unit in (vectors, texts):
        torch.testing.assert_close(unit.norm(dim=1), torch.ones(2))


@torch.no_grad()
def test_saved_it_comes_back(model, tmp_path):
    model.centre.normal_(std=0.1)
    model.save_pretrained(tmp_path / "trials")
    loaded = TrialModel.from_pretrained(str(tmp_path / "trials"))
    assert loaded.describe() == json.loads(json.dumps(model.describe())) and loaded.about == model.about
    trials, subject = torch.randn(2, 4, 60), torch.tensor([2, 0])
    for one, other in zip(model(trials, subject), loaded(trials, subject), strict=True):
        assert torch.equal(one, other)
    assert torch.equal(model.captions(TEXTS), loaded.captions(TEXTS))
    assert "Miller" not in (tmp_path / "trials/config.json").read_text()


def test_a_subject_that_was_never_seen_has_no_head(model):
    assert model.heads_of(["sub-03", "sub-Miller", "sub-03"]) == {"sub-03": 2, "sub-Miller": 0}
    with pytest.raises(ValueError, match="sub-04: this network has no head for this subject, only for 3") as caught:
        model.heads_of(["sub-02", "sub-04"])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("channels", 0), ("samples", "60"), ("categories", []), ("subjects", ["x"]), ("subjects", None)),
        *(("electrodes", [1]), ("width", -3), ("text", None), ("about", {"runs": {"train": [3]}}), ("new", 1)),
        ("channels", 400),
    ],
)
def test_a_damaged_configuration_is_one_line(model, key, value, tmp_path):
    model.save_pretrained(tmp_path / "trials")
    file = tmp_path / "trials/config.json"
    config = json.loads(file.read_text()) | {key: value}
    config.pop("digests")
    file.write_text(json.dumps(config))
    with pytest.raises(ValueError, match=r"damaged model folder|belong to another") as caught:
        TrialModel.from_pretrained(str(tmp_path / "trials"))
    assert "\n" not in str(caught.value)
