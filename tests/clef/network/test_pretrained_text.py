"""The report encoder on a language model: what is trained and what is not, with features or ids, saved and loaded."""

import json
import shutil

import pytest
import torch

import clef
from clef.network.alignment import Alignment
from clef.network.pretrained_text import PretrainedTextEncoder
from clef.network.record_encoder import RecordConfig
from clef.network.report_encoder import TextConfig
from clef.stages import align
from clef.stages.inputs import Inputs
from tests.clef.network.language_models import TEXTS, WRITERS, write_bert
from tokenizer.store import TokenStore

SIZES = {"width": 24, "layers": 1, "heads": 2, "length": 32, "output": 8, "pretrained": True}
WAYS = {"frozen": {}, "last": {"train_layers": 1}, "lora": {"lora": 2}}


@pytest.fixture(scope="module", params=list(WRITERS))
def folder(request, tmp_path_factory):
    return WRITERS[request.param](tmp_path_factory.mktemp("models") / request.param)


@pytest.fixture(params=list(WAYS))
def encoder(request, folder):
    return make(folder, request.param)


def make(folder, way="frozen", cohort=None, **more):
    if way == "lora":
        pytest.importorskip("peft")
    torch.manual_seed(0)
    return PretrainedTextEncoder.make(TextConfig(name=folder, **SIZES, **WAYS[way], **more), cohort).eval()


def step(encoder):
    """One step of training; how far each tensor of the language model moved, by name."""
    network = encoder.language.network
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    optimiser = torch.optim.SGD([p for p in encoder.parameters() if p.requires_grad], 0.1)
    encoder.train()
    for _ in range(2):  # LoRA starts with a matrix of zeros: its other one learns from the second step on
        optimiser.zero_grad()
        (encoder(*encoder.prepare(TEXTS)) - 1).square().sum().backward()
        optimiser.step()
    assert not network.training
    return {name: float((p.detach() - before[name]).abs().max()) for name, p in network.named_parameters()}


def test_company_and_padding_change_nothing(encoder):
    with torch.no_grad():
        together = encoder(*encoder.tokenize(TEXTS))
        for row, text in zip(together, TEXTS, strict=True):
            assert (encoder(*encoder.tokenize([text]))[0] - row).abs().max() < 1e-3  # a frozen model's are float16
    assert (together[3] - encoder.trunk.project.bias).abs().max() < 1e-6  # of no text


def test_features_and_ids_give_the_same(folder, tmp_path):
    kept, plain = make(folder, cohort=str(tmp_path)), make(folder, cohort=str(tmp_path), cache=False)
    features, mask = kept.prepare(TEXTS)
    with torch.no_grad():
        by_features = kept(features[[2, 0, 3]], mask[[2, 0, 3]])
        by_ids = plain(*plain.prepare([TEXTS[2], TEXTS[0], TEXTS[3]]))
        short = kept(features[[1]], mask[[1]])  # a batch of short texts has fewer features than the mask has columns
    assert (by_features - by_ids).abs().max() < 1e-3
    assert features[[1]].shape[1] == 3 < mask.shape[1]
    assert (short - plain(*plain.tokenize([TEXTS[1]]))).abs().max() < 1e-3


def test_a_frozen_model_gets_no_gradient_and_does_not_move(folder):
    moved = step(encoder := make(folder))
    assert not any(moved.values())
    assert all(p.grad is None and not p.requires_grad for p in encoder.language.network.parameters())
    assert not any("encoder" in name for name in encoder.state_dict())


def test_the_last_layers_learn_and_the_others_stay(folder):
    encoder = make(folder, "last")
    trained = set(encoder.to_config()["trained"])
    moved = step(encoder)
    changed = {name for name, distance in moved.items() if distance}
    assert changed and changed <= trained and all(".1." in name for name in trained)


def test_lora_learns_and_the_model_stays(folder):
    moved = step(make(folder, "lora"))
    assert all("lora_" in name for name, distance in moved.items() if distance)
    assert any(moved.values())


def test_saved_heads_come_back_without_the_language_model_and_read_with_it(encoder, folder, tmp_path, monkeypatch):
    step(encoder)
    heads = Alignment(12, encoder.eval(), None)
    heads.save_pretrained(tmp_path / "align")
    config = (tmp_path / "align/config.json").read_text()
    assert str(folder).rsplit("/", 1)[0] not in config
    frozen = encoder.language.network.get_input_embeddings().weight
    size = (tmp_path / "align/model.safetensors").stat().st_size
    loaded = Alignment.from_pretrained(str(tmp_path / "align"))
    assert loaded.report.language is None and loaded.describe() == json.loads(json.dumps(heads.describe()))
    assert not any(t.shape == frozen.shape for t in loaded.state_dict().values()) and size < 100_000
    with pytest.raises(ValueError, match=r"this model reads text with .*CLEF_TEXT_MODEL=FOLDER") as refused:
        loaded.text(TEXTS)
    assert "\n" not in str(refused.value)
    monkeypatch.setenv("CLEF_TEXT_MODEL", folder)
    assert (loaded.text(TEXTS) - heads.text(TEXTS)).abs().max() < 1e-6
    again = Alignment.from_pretrained(str(tmp_path / "align"))
    again.report.open(folder)
    assert torch.equal(again.text(TEXTS), loaded.text(TEXTS))


@pytest.mark.parametrize("pooling", ["mean", "last"])
@pytest.mark.parametrize("way", ["frozen", "last"])
def test_the_models_own_space_has_nothing_on_top(pooling, way, folder, tmp_path, monkeypatch):
    encoder = make(folder, way, pooling=pooling)
    assert encoder.config.output == encoder.base.width == 16
    assert {name for name, _ in encoder.named_parameters()} == {f"trained.{key}" for key in encoder.trained}
    with torch.no_grad():
        vectors = encoder(*encoder.tokenize(TEXTS))
        for row, text in zip(vectors, TEXTS[:3], strict=False):
            ids = torch.from_numpy(encoder.language.tokenize([text], 32)[0]).long()[None]
            states = encoder.language.network(input_ids=ids).last_hidden_state[0]
            expected = states.mean(0) if pooling == "mean" else states[-1]
            torch.testing.assert_close(row, expected, atol=5e-3, rtol=5e-3)
    assert (vectors[3] == 0).all()
    heads = Alignment(12, encoder, None)
    heads.save_pretrained(tmp_path / "align")
    monkeypatch.setenv("CLEF_TEXT_MODEL", folder)
    loaded = Alignment.from_pretrained(str(tmp_path / "align"))
    torch.testing.assert_close(loaded.text(TEXTS), heads.text(TEXTS), atol=1e-6, rtol=1e-5)
    config = json.loads((tmp_path / "align/config.json").read_text())
    config.pop("digests")
    config["report"]["config"]["output"] = 8
    (tmp_path / "align/config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=r"report.config.output: 8, expected the width of the language model"):
        Alignment.from_pretrained(str(tmp_path / "align"))


def test_another_language_model_is_refused(folder, tmp_path):
    encoder, other = make(folder), write_bert(tmp_path / "other", seed=1)
    with pytest.raises(ValueError, match=r"other: this language model is .* and training was with"):
        encoder.open(other)
    with pytest.raises(ValueError, match=r"report_encoder.name=other: .* than the one that the run was started with"):
        make(other).load_state_dict(encoder.state_dict())


@pytest.mark.parametrize("writes", [True, False])
@pytest.mark.parametrize("way", ["frozen", "last"])
def test_sessions_are_aligned_with_what_it_reads(
    way, writes, folder, tiny_cohort, tiny_store, tiny_recon, tmp_path, monkeypatch, caplog
):
    """`writes` false is a dry run: it may keep nothing."""
    shutil.copytree(tiny_cohort, tmp_path / "cohort", ignore=shutil.ignore_patterns("recordings"))
    inputs = Inputs(str(tmp_path / "cohort"), str(tiny_store), tiny_recon / "model", writes=writes)
    record = RecordConfig(width=24, layers=1, heads=2, output=8)
    text = TextConfig(name=folder, **SIZES, **WAYS[way])
    with caplog.at_level("INFO"):
        stage, pairs = align.build(inputs, align.AlignConfig(), text, record)
    assert ("would take" in caplog.text) == (way == "frozen" and not writes)
    assert (tmp_path / "cohort/text_features").exists() == (writes and way == "frozen")
    batch = pairs.batch(range(8))
    stage(batch, batch["counts"], 0.0)["loss"].backward()
    assert all(p.grad is not None for p in stage.heads.report.parameters())
    stage.save_model(tmp_path / "model")
    shutil.copytree(tiny_recon / "model/tokenizer", tmp_path / "model/tokenizer")
    model = clef.load(tmp_path)
    assert model.embed_tokens(TokenStore(tiny_store).load()).shape[0] == 36  # without the language model
    monkeypatch.setenv("CLEF_TEXT_MODEL", folder)
    assert model.text(["left temporal slowing", "normal"]).shape == (2, 8)


@pytest.mark.parametrize(
    "given, expected",
    [
        ({"name": ""}, "text=hf needs report_encoder.name="),
        ({"train_layers": 1, "lora": 2}, "train_layers= and lora= were both given"),
        ({"length": 64}, "length=64: bert reads at most 32 ids"),
        ({"train_layers": 9}, "train_layers=9: bert has 2 layers"),
    ],
)
def test_settings_that_do_not_fit_are_refused(given, expected, tmp_path):
    settings = SIZES | {"name": write_bert(tmp_path / "bert")} | given
    with pytest.raises(ValueError, match=expected):
        PretrainedTextEncoder.make(TextConfig(**settings))


@pytest.mark.parametrize(
    "key, value",
    [
        ("trained", {"a": [1 << 40]}),
        ("trained", {"a": [1 << 20, 1 << 20]}),
        ("trained", ["a"]),
        ("language", {"name": "t5", "width": 16}),
        ("language", {"name": "t5", "fingerprint": "../../etc/passwd", "width": 16}),
        ("language", {"name": "t5", "fingerprint": "0" * 16, "width": 0}),
        ("config", {"pretrained": False}),
        ("config", {"width": "wide", "pretrained": True}),
    ],
)
def test_a_damaged_model_folder_is_one_line(key, value, tmp_path, folder):
    Alignment(12, make(folder), None).save_pretrained(tmp_path / "align")
    file = tmp_path / "align/config.json"
    config = json.loads(file.read_text())
    del config["digests"]
    config["report"][key] = value
    file.write_text(json.dumps(config))
    with pytest.raises(ValueError, match=f"damaged model folder .*report.{key}"):
        Alignment.from_pretrained(str(tmp_path / "align"))
