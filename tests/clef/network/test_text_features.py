"""Features kept beside a cohort: those of the texts, without the texts, computed once, and again when damaged."""

import logging

import numpy as np
import pytest
import torch
from safetensors import safe_open

from clef.network import text_features
from clef.network.language_model import LanguageModel, open_model
from clef.network.text_features import feature_bytes, features_of
from tests.clef.network.language_models import TEXTS, write_bert, write_t5


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return open_model(write_t5(tmp_path_factory.mktemp("models") / "t5"))


@pytest.fixture
def computed(model, monkeypatch):
    """How many texts went through the network, call by call."""
    calls, states = [], LanguageModel.states
    monkeypatch.setattr(LanguageModel, "states", lambda self, ids, m: calls.append(len(ids)) or states(self, ids, m))
    return calls


def parts(cohort):
    return sorted(cohort.glob("text_features/*/*.safetensors"))


def test_features_are_those_of_each_text_alone(model, tmp_path):
    many = [*TEXTS, *(f"{a} {b} slowing" for a in ("left", "right", "no") for b in ("temporal", "frontal", "spikes"))]
    features = features_of(many, model, 32, tmp_path)
    for rows in ([0, 1, 2, 3], [3], [2, 2, 0], list(range(len(many)))):
        batch = features[rows]
        assert batch.dtype == torch.float16 and batch.shape[2] == 16
        for row, got in zip(rows, batch, strict=True):
            ids, mask = model.pad(model.tokenize([many[row]], 32))
            with torch.no_grad():
                alone = model.states(ids, mask)[0] * mask[0, :, None]
            count = int(mask.sum())
            assert torch.allclose(got[:count].float(), alone[:count], atol=3e-3) and not got[count:].any()
            assert features.mask[row].sum() == count
    assert features.mask.shape == (len(many), 12) and not features.mask[3].any()


def test_only_new_texts_are_computed_and_equal_ones_once(model, tmp_path, computed, caplog):
    with caplog.at_level(logging.INFO):
        one = features_of([*TEXTS, *TEXTS], model, 32, tmp_path)
    assert sum(computed) == 3 and len(parts(tmp_path)) == 1
    states = int(one.mask[:4].sum())
    assert f"features of 3 summaries by t5: {feature_bytes(states, 16) / 1e9:.3g} GB" in caplog.text
    again = features_of([TEXTS[1], "left spikes", TEXTS[0]], model, 32, tmp_path)
    assert sum(computed) == 4 and len(parts(tmp_path)) == 2
    assert torch.equal(again[[2]], one[[0]]) and torch.equal(again[[0]], one[[5]])
    features_of(TEXTS, model, 4, tmp_path)  # another length is another store
    assert sum(computed) == 7


def test_parts_that_were_written_before_a_stop_are_kept(model, tmp_path, computed, monkeypatch):
    monkeypatch.setattr(text_features, "PART", 1)
    with monkeypatch.context() as broken:
        save = text_features.save_file
        full = lambda tensors, path: save(tensors, path) if len(parts(tmp_path)) < 2 else broken_disk()
        broken.setattr(text_features, "save_file", full)
        with pytest.raises(OSError, match="No space"):
            features_of(TEXTS, model, 32, tmp_path)
    assert len(parts(tmp_path)) == 2 and sum(computed) == 3
    assert features_of(TEXTS, model, 32, tmp_path).mask.any(1).tolist() == [True, True, True, False]
    assert sum(computed) == 4 and len(list(tmp_path.rglob("*"))) == 2 + 3  # two folders, no half-written file


def broken_disk():
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("damage", ["cut", "nonsense"])
def test_a_damaged_part_is_made_again(model, tmp_path, damage, caplog):
    good = features_of(TEXTS, model, 32, tmp_path)[[0, 1, 2]].clone()
    (part,) = parts(tmp_path)
    part.write_bytes(part.read_bytes()[:-8] if damage == "cut" else b"nonsense" * 9)
    assert torch.equal(features_of(TEXTS, model, 32, tmp_path)[[0, 1, 2]], good)
    assert "damaged" in caplog.text and "computed again" in caplog.text


def test_another_model_has_another_folder_and_no_text_is_in_any(model, tmp_path):
    features_of(TEXTS, model, 32, tmp_path)
    features_of(TEXTS, open_model(write_bert(tmp_path / "bert")), 32, tmp_path)
    assert len({path.parent for path in parts(tmp_path)}) == 2
    for path in parts(tmp_path):
        held = path.read_bytes()
        assert not any(word in held for word in (b"temporal", b"slowing", b"seizures"))
        with safe_open(path, "pt") as file:
            assert file.get_tensor("states").dtype == torch.float16
            assert len(file.get_tensor("states")) == file.get_tensor("starts")[-1]


def test_a_folder_that_cannot_take_them_is_refused_before_the_work(model, tmp_path, monkeypatch, computed):
    usage = text_features.shutil.disk_usage(tmp_path)
    with monkeypatch.context() as full:
        full.setattr(text_features.shutil, "disk_usage", lambda path: usage._replace(free=10))
        with pytest.raises(ValueError, match=r"GB free; make room, or report_encoder.cache=false") as refused:
            features_of(TEXTS, model, 32, tmp_path)
    assert "slowing" not in str(refused.value) and not computed and not parts(tmp_path)


def test_a_model_that_gives_no_numbers_is_refused(tmp_path):
    broken = open_model(write_t5(tmp_path / "t5"))
    broken.network.get_input_embeddings().weight.data.fill_(np.nan)
    with pytest.raises(ValueError, match="t5: this language model gives NaN"):
        features_of(TEXTS, broken, 32, tmp_path)
    assert not parts(tmp_path)
