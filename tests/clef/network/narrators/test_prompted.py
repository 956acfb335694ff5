"""A narrator on a language model: it learns texts by heart, is kept without the language model, and refuses others."""

import json

import pytest
import torch
from torch.nn import functional as F

from clef.network.adapted_language_model import Adaptation
from clef.network.narrators.base import NarratorConfig
from clef.network.narrators.kinds import load_narrator
from clef.network.narrators.prompted import PromptedNarrator
from tests.clef.network.language_models import write_bert, write_gpt2, write_t5

pytest.importorskip("transformers", reason="a language model needs transformers")
TEXTS = [
    *("left temporal slowing", "right temporal slowing", "normal", "no seizures", "diffuse waves"),
    *("left frontal spikes , no seizures", "diffuse slowing", "right frontal waves ."),
]
SIZES = {"width": 16, "layers": 1, "heads": 2, "length": 12, "history": 0, "prompts": 4}
WAYS = {"frozen": Adaptation(), "last": Adaptation(train_layers=1), "lora": Adaptation(lora=2)}
STATES = torch.randn(8, 8, 8, generator=torch.Generator().manual_seed(0))
GIVEN = STATES, torch.ones(8, 8, dtype=torch.bool), torch.zeros(8, 2, dtype=torch.int64)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_gpt2(tmp_path_factory.mktemp("models") / "gpt2")


def make(folder, way="frozen", **settings):
    if way == "lora":
        pytest.importorskip("peft")
    torch.manual_seed(0)
    return PromptedNarrator.make(NarratorConfig(**SIZES | settings), folder, WAYS[way], 8, 4)


def learned(narrator, steps):
    """The narrator after some steps on the eight texts; how far each tensor of the language model moved, by name."""
    ids, mask = narrator.encode(TEXTS)
    network = narrator.language_model.language.network
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    optimizer = torch.optim.AdamW(narrator.parameters(), 1e-2)
    for _ in range(steps):
        loss = F.cross_entropy(narrator(ids, *narrator.memory(*GIVEN))[mask], ids[mask])
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return {name: float((p.detach() - before[name]).abs().max()) for name, p in network.named_parameters()}


def test_it_learns_texts_by_heart_and_writes_the_same_from_its_folder(folder, tmp_path, monkeypatch):
    narrator = make(folder, "last")
    moved = learned(narrator, 150)
    assert narrator.write(*narrator.memory(*GIVEN)) == TEXTS
    changed = {name for name, distance in moved.items() if distance}
    assert changed and all(".h.1." in name for name in changed)
    narrator.save_pretrained(tmp_path / "narrator")
    again = load_narrator(str(tmp_path / "narrator"))
    assert again.describe() == json.loads(json.dumps(narrator.describe())) and again.language_model.language is None
    with pytest.raises(ValueError, match=r"this model writes with gpt2; .*CLEF_TEXT_MODEL=FOLDER") as refused:
        again.ready()
    assert "\n" not in str(refused.value)
    monkeypatch.setenv("CLEF_TEXT_MODEL", write_gpt2(tmp_path / "other", seed=1))
    with pytest.raises(ValueError, match=r"other: this language model is .* training was with gpt2, which is"):
        again.ready()
    monkeypatch.setenv("CLEF_TEXT_MODEL", folder)
    assert again.write(*again.memory(*GIVEN)) == TEXTS


@pytest.mark.parametrize("way", WAYS)
def test_no_frozen_weight_of_the_language_model_moves_or_is_kept(way, folder, tmp_path):
    narrator = make(folder, way)
    moved = learned(narrator, 3)
    trained = set(narrator.describe()["trained"])
    assert {name for name, distance in moved.items() if distance} <= trained
    assert bool(trained) == (way != "frozen") == bool(narrator.language_parameters())
    vocabulary = narrator.language_model.language.network.get_input_embeddings().weight.shape
    assert not any(tensor.shape == vocabulary for tensor in narrator.state_dict().values())
    narrator.save_pretrained(tmp_path / "narrator")
    again = load_narrator(str(tmp_path / "narrator"))
    again.language_model.open(folder)
    assert again.write(*again.memory(*GIVEN)) == narrator.write(*narrator.memory(*GIVEN))
    assert str(folder).rsplit("/", 1)[0] not in (tmp_path / "narrator" / "config.json").read_text()


def test_the_kept_keys_give_what_the_whole_text_gives(folder):
    narrator = make(folder)
    learned(narrator, 30)
    memory, mask = narrator.memory(*GIVEN)
    begin, end = narrator.language_model.special_ids()
    assert begin != end
    for i, text in enumerate(narrator.write(memory, mask)):
        ids: list[int] = []
        while len(ids) < narrator.config.length:
            logits = narrator(torch.tensor([[*ids, 0]]), memory[i : i + 1], mask[i : i + 1])[0, -1]
            if int(logits.argmax()) == end:
                break
            ids.append(int(logits.argmax()))
        assert narrator.language_model.language.tokenizer.decode(ids, skip_special_tokens=True).strip() == text


def test_prompts_are_as_many_however_long_the_window(folder):
    narrator = make(folder)
    states, ok, ago = GIVEN
    twice = states.repeat(1, 2, 1), ok.repeat(1, 2), ago.repeat(1, 2)
    assert all(narrator._prompts(*narrator.memory(*each)).shape == (8, 4, 16) for each in (GIVEN, twice))


def test_company_and_what_follows_change_no_logit(folder):
    narrator = make(folder)
    ids, _ = narrator.encode(TEXTS)
    memory, mask = narrator.memory(*GIVEN)
    with torch.no_grad():
        whole = narrator(ids, memory, mask)
        alone = narrator(ids[2:3, :3], memory[2:3], mask[2:3])
    assert whole.shape[:2] == ids.shape
    torch.testing.assert_close(whole[2:3, :3], alone, atol=1e-5, rtol=1e-4)


def test_texts_end_and_long_ones_are_cut(folder):
    narrator = make(folder)
    ids, mask = narrator.encode(["normal", "diffuse waves " * 20])
    end = narrator.language_model.special_ids()[1]
    assert ids[0][mask[0]].tolist()[1:] == [end] and mask[1].sum() == 12 and end not in ids[1]


@pytest.mark.parametrize(
    "given, expected",
    [
        ({"name": ""}, "text=hf needs report_encoder.name=: the folder of a language model"),
        ({"prompts": 30}, "narrator.prompts=30, narrator.length=12: gpt2 reads at most 32 ids, and these are 42"),
        ({"adapted": Adaptation(1, 2)}, "train_layers= and lora= were both given"),
        ({"adapted": Adaptation(9)}, "train_layers=9: gpt2 has 2 layers"),
        ({"name": "nowhere"}, "nowhere: there is no such folder"),
    ],
)
def test_settings_that_do_not_fit_are_refused(given, expected, folder):
    given = {"name": folder, "adapted": Adaptation()} | given
    config = NarratorConfig(**SIZES | {key: given[key] for key in given if key in SIZES})
    with pytest.raises(ValueError, match=expected):
        PromptedNarrator.make(config, given["name"], given["adapted"], 8, 4)


def test_a_language_model_that_cannot_write_is_refused(folder, tmp_path):
    config = NarratorConfig(**SIZES)
    with pytest.raises(ValueError, match="bert: this language model reads both ways and cannot write"):
        PromptedNarrator.make(config, write_bert(tmp_path / "bert"), Adaptation(), 8, 4)
    with pytest.raises(ValueError, match="t5: transformers cannot open this language model") as refused:
        PromptedNarrator.make(config, write_t5(tmp_path / "t5"), Adaptation(), 8, 4)
    assert "\n" not in str(refused.value)
    endless = write_gpt2(tmp_path / "endless")
    settings = json.loads((tmp_path / "endless" / "tokenizer_config.json").read_text())
    (tmp_path / "endless" / "tokenizer_config.json").write_text(json.dumps(settings | {"eos_token": None}))
    with pytest.raises(ValueError, match="endless: its tokenizer has no id that ends a text"):
        PromptedNarrator.make(config, endless, Adaptation(), 8, 4)


@pytest.mark.parametrize(
    "key, value",
    [("trained", {"a": [1 << 40]}), ("language", {"name": "x"}), ("adapted", {"lora": -1}), ("prompts", 0)],
)
def test_a_damaged_folder_is_one_line(key, value, folder, tmp_path):
    make(folder).save_pretrained(tmp_path / "narrator")
    file = tmp_path / "narrator" / "config.json"
    config = json.loads(file.read_text())
    del config["digests"]
    file.write_text(json.dumps(config | {key: value}))
    with pytest.raises(ValueError, match=f"damaged model folder .*{key}"):
        load_narrator(str(tmp_path / "narrator"))
