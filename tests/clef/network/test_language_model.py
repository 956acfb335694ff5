"""Language models from folders: a text alone is one among others, nothing unsafe is opened, what lacks is said."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from clef.network.language_model import find_folder, open_model
from tests.clef.network.language_models import TEXTS, WRITERS, write_bert, write_t5


@pytest.fixture(scope="module", params=list(WRITERS))
def folder(request, tmp_path_factory):
    return WRITERS[request.param](tmp_path_factory.mktemp("models") / request.param)


@pytest.fixture
def bert(tmp_path):
    return Path(write_bert(tmp_path / "bert"))


def states(model, texts):
    with torch.no_grad():
        return model.states(*model.pad(model.tokenize(texts, 32)))


def test_a_text_in_company_is_the_text_alone(folder):
    model = open_model(folder)
    together = states(model, TEXTS)
    assert together.shape == (4, 12, 16) == (4, 12, model.width)
    for row, text in zip(together[:3], TEXTS[:3], strict=True):
        alone = states(model, [text])[0]
        assert (row[: len(alone)] - alone).abs().max() < 1e-5
    assert not torch.allclose(together[0, :2], together[1, :2], atol=1e-3)


def test_ids_are_cut_with_their_signs_and_a_blank_text_has_none(folder):
    model = open_model(folder)
    long, blank = model.tokenize([TEXTS[2], " \n"], 5)
    assert long.tolist()[0] == 2 and long.tolist()[-1] == 3 and len(long) == 5 and len(blank) == 0
    assert model.pad([blank, blank])[1].shape == (2, 1) and states(model, ["", ""]).isfinite().all()


def test_a_model_is_frozen_and_named_without_its_path(folder):
    model = open_model(folder)
    assert not any(p.requires_grad for p in model.network.parameters()) and not model.network.training
    assert model.name == Path(folder).name and len(model.fingerprint) == 16


def test_the_fingerprint_is_of_weights_and_words_whatever_file_they_lie_in(tmp_path):
    one = open_model(write_t5(tmp_path / "one"))
    one.network.save_pretrained(tmp_path / "half")  # without the decoder, and so under other names
    one.tokenizer.save_pretrained(tmp_path / "half")
    assert open_model(str(tmp_path / "half")).fingerprint == one.fingerprint
    assert open_model(write_t5(tmp_path / "other", seed=1)).fingerprint != one.fingerprint
    words = json.loads((tmp_path / "half/tokenizer.json").read_text())
    words["normalizer"] = None  # case counts: as many words, other ids
    (tmp_path / "half/tokenizer.json").write_text(json.dumps(words))
    assert open_model(str(tmp_path / "half")).fingerprint != one.fingerprint


def test_the_last_layers_are_the_last(folder):
    model = open_model(folder)
    names = model.train_last(1)
    assert names and all(".1." in name for name in names)
    assert {n for n, p in model.network.named_parameters() if p.requires_grad} == set(names)
    with pytest.raises(ValueError, match=r"train_layers=3: .* has 2 layers"):
        model.train_last(3)


def test_a_length_that_the_model_cannot_read_is_refused(folder):
    model = open_model(folder)
    model.check_length(32)
    if model.network.config.model_type == "t5":
        return model.check_length(256)
    with pytest.raises(ValueError, match="length=33: bert reads at most 32 ids"):
        model.check_length(33)


# ---- what cannot be had
def refusal(name):
    with pytest.raises(ValueError) as refused:
        open_model(str(name))
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_a_model_that_is_nowhere_says_how_to_get_it():
    told = refusal("nobody-of-this-name/t5")
    assert "hf download nobody-of-this-name/t5 --local-dir FOLDER, then report_encoder.name=FOLDER" in told
    for name in ("/nowhere/t5", "./t5", "t5", "", "a/b/c"):
        assert "there is no such folder; give the folder of a language model, or its id" in refusal(name)


def test_pickled_weights_are_never_opened(bert):
    torch.save({"bomb": torch.zeros(1)}, bert / "pytorch_model.bin")
    (bert / "model.safetensors").unlink()
    told = refusal(bert)
    assert "no *.safetensors in it" in told and "save_pretrained" in told
    assert "no config.json in it" in refusal(bert.parent)


def test_code_that_comes_with_a_model_is_never_run(bert):
    config = json.loads((bert / "config.json").read_text())
    config |= {"model_type": "own", "auto_map": {"AutoConfig": "own.C", "AutoModel": "own.M"}}
    (bert / "config.json").write_text(json.dumps(config))
    (bert / "own.py").write_text(f"open({str(bert / 'ran')!r}, 'w')\nC = M = None\n")
    assert "transformers cannot open this language model" in refusal(bert)
    assert not (bert / "ran").exists()


def test_damage_is_one_line(bert):
    from safetensors.torch import load_file, save_file

    tensors = load_file(bert / "model.safetensors")
    fewer = {k: v for k, v in tensors.items() if "layer.1.output.dense" not in k}
    save_file(fewer, bert / "model.safetensors", metadata={"format": "pt"})
    assert "bert: its weights lack 2 tensors" in refusal(bert)
    (bert / "model.safetensors").write_bytes(b"nonsense")
    assert refusal(bert).startswith("bert: transformers cannot open")


def test_a_hub_id_is_found_in_the_local_cache(monkeypatch, tmp_path, bert):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    home, commit = tmp_path / "models--somebody--bert", "0" * 40
    shutil.move(bert, home / "snapshots" / commit)
    (home / "refs").mkdir()
    (home / "refs/main").write_text(commit)
    assert find_folder("somebody/bert") == home / "snapshots" / commit
    assert open_model("somebody/bert").name == "somebody/bert"
