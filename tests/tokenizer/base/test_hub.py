"""Model folders in the Hugging Face convention: what was saved is loaded, from a folder or the hub, or refused."""

import json
import shutil

import pytest
import torch
from huggingface_hub import ModelCard

from tests.helpers import spectrogram
from tokenizer.vqgan import FORMAT, VQGAN, VQGANConfig

NAME = "somebody/clef-tokenizer"


@pytest.fixture(scope="module")
def vqgan():
    torch.manual_seed(0)
    return VQGAN(VQGANConfig(width=16, encoder_blocks=2, decoder_blocks=1, codes=256, code_dimension=8)).eval()


def test_a_saved_tokenizer_is_the_same_after_loading(vqgan, tmp_path):
    vqgan.about = {"trained_on": {"train": ["x"]}}
    vqgan.save_pretrained(tmp_path)
    loaded = VQGAN.from_pretrained(str(tmp_path))
    assert loaded.config == vqgan.config and loaded.about == vqgan.about and not loaded.training
    after, before = loaded.state_dict(), vqgan.state_dict()
    assert after.keys() == before.keys() and all(torch.equal(after[k], before[k]) for k in before)
    spec = spectrogram(1, 100)
    assert torch.equal(loaded.encode(spec), vqgan.encode(spec)) and loaded.to_bytes() == vqgan.to_bytes()


def _edit(name, change):
    def damage(folder):
        config = json.loads((folder / name).read_text())
        config.pop("digests")  # edited by somebody who means it
        change(config)
        (folder / name).write_text(json.dumps(config))

    return damage


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda f: (f / "model.safetensors").write_bytes((f / "model.safetensors").read_bytes()[:-9]), "damaged"),
        (lambda f: (f / "model.safetensors").write_bytes(b"rubbish"), "damaged"),
        (lambda f: (f / "config.json").write_text("{"), "damaged"),
        (lambda f: (f / "config.json").write_text("[]"), "damaged"),
        (lambda f: (f / "model.safetensors").unlink(), "no model.safetensors in this folder"),
        (lambda f: (f / "config.json").unlink(), "no config.json in this folder"),
        (_edit("config.json", lambda c: c.update(kind="clef-encoder")), "says kind 'clef-encoder'"),
        (_edit("config.json", lambda c: c.update(width=32)), "tensors match"),
        (
            _edit("config.json", lambda c: c.update(width="wide")),
            "damaged model folder (config.json says width: 'wide', expected a whole number from 1 to 4096)",
        ),
        (_edit("config.json", lambda c: c.update(width=None)), "damaged"),
        (
            _edit("config.json", lambda c: c.update(format=1)),
            "network format 1, this version has format 2; train it again",
        ),
        (_edit("config.json", lambda c: c.pop("format")), "network format none, this version has format 2"),
        (_edit("config.json", lambda c: c.update(encoder_blocks=3)), "tensors match"),
        (shutil.rmtree, "there is no such model folder"),
    ],
)
def test_a_damaged_or_foreign_folder_is_refused_in_one_line(vqgan, tmp_path, damage, said):
    vqgan.save_pretrained(tmp_path / "model")
    damage(tmp_path / "model")
    with pytest.raises(ValueError) as caught:
        VQGAN.from_pretrained(str(tmp_path / "model"))
    assert said in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("values", [{"bins_per_token": 7}, {"width": 0}, {"codes": -1}])
def test_impossible_settings_are_one_line(vqgan, tmp_path, values):
    vqgan.save_pretrained(tmp_path)
    _edit("config.json", lambda c: c.update(values))(tmp_path)
    with pytest.raises(ValueError) as caught:
        VQGAN.from_pretrained(tmp_path)
    assert "\n" not in str(caught.value)


def test_the_card_says_what_the_hub_asks(vqgan, tmp_path):
    vqgan.about = {"trained_on": {"train": ["0123456789abcdef"] * 3}}
    vqgan.save_pretrained(tmp_path)
    vqgan.about = {}
    card = ModelCard.load(tmp_path / "README.md")
    assert (card.data.library_name, card.data.license) == ("clef-eeg", "apache-2.0")
    assert {"eeg", "tokenizer", "clef"} <= set(card.data.tags)
    assert f"| format | {FORMAT} |" in card.text and "| subjects seen (train) | 3 |" in card.text
    assert "0123456789abcdef" not in card.content and "clef.load" in card.text
    assert {p.name for p in tmp_path.iterdir()} == {"README.md", "config.json", "model.safetensors"}


# ---- from the hub, offline: what was downloaded once
@pytest.fixture
def cache(vqgan, tmp_path):
    """A hub's cache as huggingface_hub lays it out, with two revisions; the second has other statistics."""
    folder = tmp_path / "cache" / "models--somebody--clef-tokenizer"
    for revision, shift in (("main", 0.0), ("v2", 3.0)):
        commit = {"main": "a", "v2": "b"}[revision] * 40
        vqgan.mean_db.fill_(shift)
        vqgan.save_pretrained(folder / "snapshots" / commit)
        (folder / "refs").mkdir(exist_ok=True)
        (folder / "refs" / revision).write_text(commit)
    vqgan.mean_db.zero_()
    return tmp_path / "cache"


def test_a_hub_name_is_found_in_the_cache_with_its_revision(cache):
    options = {"cache_dir": cache, "local_files_only": True}
    assert VQGAN.from_pretrained(NAME, **options).mean_db[0] == 0
    assert VQGAN.from_pretrained(NAME, revision="v2", **options).mean_db[0] == 3
    assert VQGAN.from_pretrained(NAME, revision="b" * 40, cache_dir=cache).mean_db[0] == 3  # HF_HUB_OFFLINE is set


@pytest.mark.parametrize(
    ("name", "options"), [(NAME, {"revision": "v3"}), ("somebody/else", {}), (NAME, {"cache_dir": "elsewhere"})]
)
def test_what_is_neither_here_nor_in_the_cache_is_one_line(cache, tmp_path, name, options):
    if "cache_dir" in options:
        options = {"cache_dir": tmp_path / options["cache_dir"]}
    with pytest.raises(ValueError) as caught:
        VQGAN.from_pretrained(name, **{"cache_dir": cache, "local_files_only": True} | options)
    assert str(caught.value).startswith(f"{name}: neither a folder here nor reachable on the hub")
    assert "\n" not in str(caught.value)


def test_a_damaged_cache_is_one_line(cache):
    for weights in cache.rglob("model.safetensors"):
        weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(ValueError, match="damaged model folder") as caught:
        VQGAN.from_pretrained(NAME, cache_dir=cache, local_files_only=True)
    assert "\n" not in str(caught.value)
