"""stage=narrate: what its samples are, what its loss counts, what it learns, and what it refuses."""

import dataclasses

import numpy as np
import pytest
import torch

import clef
from clef.narratives.narration import load_narration, read_window
from clef.narratives.texts import Place, write_texts
from clef.network.narrators.base import NarratorConfig
from clef.network.report_encoder import TextConfig
from clef.stages.inputs import Inputs
from clef.stages.narrate import LIMITS, NarrateConfig, build
from tests.clef.narratives.planted import objective, planted, samples, trained
from tests.clef.network.language_models import write_gpt2
from tests.helpers import pretrain
from tokenizer.base.limits import check_settings
from tokenizer.store import TokenStore


@pytest.fixture(scope="module")
def given():
    return planted()


def held_out_right(stage, source, texts, given):
    """The share of held-out texts that are written word by word."""
    written = []
    for batch in given.validation():
        with torch.no_grad():
            written += stage.narrator.write(*read_window(stage.encoder, None, stage.narrator, batch))
    expected = [texts[Place(f"s{row}", n)] for row, n in given.held_out]
    return np.mean([a == b for a, b in zip(written, expected, strict=True)])


def test_it_learns_what_tokens_show_and_history_is_what_a_trend_needs(given):
    source, texts = given
    with_history, without = (held_out_right(*args(source, texts, history)) for history in (1, 0))
    assert with_history >= 0.9 and without <= 0.7  # of trends one in three can be guessed, first minutes have none


def args(source, texts, history):
    stage, given = trained(source, texts, history)
    return stage, source, texts, given


def test_the_loss_is_the_mean_cross_entropy_of_all_ids_however_they_are_batched(given):
    source, texts = given
    stage = objective(texts).eval()
    drawn = samples(source, texts, stage)
    batch = drawn.batch([0, 1])
    whole = stage(batch, batch["counts"], 0.0)["loss"]
    total = 0.0
    with torch.no_grad():
        memory, mask = read_window(stage.encoder, None, stage.narrator, batch)
        for i, ids in enumerate(batch["ids"]):
            ids = ids[batch["mask"][i]]
            for place in range(len(ids)):  # every id from those before it alone
                logits = stage.narrator(ids[None, : place + 1], memory[i : i + 1], mask[i : i + 1])[0, -1]
                total -= float(logits.log_softmax(-1)[ids[place]])
    assert whole.item() == pytest.approx(total / batch["counts"]["ids"], rel=1e-4)
    parts = [drawn.batch([n]) for n in (0, 1)]
    halves = sum(stage(part, batch["counts"], 0.0)["loss"] for part in parts)
    torch.testing.assert_close(halves, whole)


def test_samples_follow_from_seed_and_number_and_validation_from_neither(given):
    source, texts = given
    stage = objective(texts)
    one, two = samples(source, texts, stage, stretches=2), samples(source, texts, stage, seed=1, stretches=2)
    a, b = one.batch([5]), one.batch([9, 5])
    assert len(a["ids"]) == 2 and torch.equal(b["tokens"][2:, :, : a["tokens"].shape[2]], a["tokens"])
    shown = [samples_of(drawn) for drawn in (one, two)]
    assert shown[0] != shown[1] and {row for row, _ in shown[0]} <= set(one.train)
    assert all(torch.equal(x["ids"], y["ids"]) for x, y in zip(one.validation(), two.validation(), strict=True))
    assert {source.split[row] for row, _ in one.held_out} == {"val"}


def samples_of(drawn):
    return [place for n in range(8) for place in drawn._sample(n)]


def test_the_encoder_stays_and_only_the_narrator_learns(given):
    source, texts = given
    stage = objective(texts)
    batch = samples(source, texts, stage).batch([0])
    stage(batch, batch["counts"], 0.0)["loss"].backward()
    assert all(p.grad is None for p in stage.encoder.parameters()) and not stage.encoder.training
    learning = {name for name, p in stage.narrator.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    assert {"to_memory.weight", "ago.weight", "words.weight", "layers.0.qkv.weight"} <= learning
    assert [id(p) for group in stage.groups() for p in group["params"]] == [id(p) for p in stage.narrator.parameters()]


def test_a_run_writes_and_embeds_and_says_whom_it_saw(tiny_narrate, tiny_align, tiny_store):
    narration, aligned = load_narration(tiny_narrate), clef.load(tiny_align)
    store = TokenStore(tiny_store)
    np.testing.assert_array_equal(clef.load(tiny_narrate).embed(store), aligned.embed(store))
    assert narration.model.fingerprint == aligned.fingerprint  # nothing of it was trained
    assert narration.narrator.projection == aligned.heads.to_report.out_features
    assert narration.narrator.about["stage"] == "narrate"
    assert set(aligned.encoder.about["trained_on"]["train"]) <= set(narration.narrator.about["trained_on"]["train"])
    texts = narration.write(store.load(), [(0, 0), (0, 1), (3, 2)])
    assert len(texts) == 3 and all(isinstance(text, str) for text in texts)


def test_without_the_projection_no_head_is_read(tmp_path, tiny_cohort, tiny_store, tiny_align, tiny_texts):
    inputs = {"cohort": tiny_cohort, "tokens": tiny_store, "init": tiny_align, "narrate.texts": tiny_texts}
    settings = {"narrate.scope": "segment", "narrate.projection": False, "narrator.history": 0}
    done = pretrain(tmp_path / "said", "narrate", **inputs, **settings, out=tmp_path / "run", steps=1)
    assert done.code == 0, done.err
    assert load_narration(tmp_path / "run").narrator.from_projection is None


def test_a_run_with_maps_and_a_language_model_writes_where_the_language_model_is(
    tmp_path, tiny_cohort, tiny_store, tiny_align, tiny_texts, monkeypatch
):
    pytest.importorskip("transformers", reason="text=hf needs transformers")
    folder = write_gpt2(tmp_path / "gpt2")
    inputs = {"cohort": tiny_cohort, "tokens": tiny_store, "init": tiny_align, "narrate.texts": tiny_texts}
    settings = {"narrate.scope": "segment", "narrator.maps": True, "text": "hf", "report_encoder.name": folder}
    settings |= {"report_encoder.train_layers": 1, "narrator.prompts": 4}
    done = pretrain(tmp_path / "said", "narrate", **inputs, **settings, out=tmp_path / "run", steps=2)
    assert done.code == 0, done.err
    with pytest.raises(ValueError, match=r"this model writes with gpt2; .*CLEF_TEXT_MODEL=FOLDER"):
        load_narration(tmp_path / "run")
    monkeypatch.setenv("CLEF_TEXT_MODEL", folder)
    narration = load_narration(tmp_path / "run")
    assert narration.narrator.writer.startswith("gpt2 (") and (narration.narrator.map_sd > 0.01).all()
    tokens = TokenStore(tiny_store).load()
    texts = narration.write(tokens, [(0, 0), (0, 1), (3, 2)])
    assert texts == narration.write(tokens, [(0, 0), (0, 1), (3, 2)], batch=1)
    np.testing.assert_array_equal(clef.load(tmp_path / "run").embed(tokens), clef.load(tiny_align).embed(tokens))


def test_settings_of_a_language_model_need_one(tmp_path, tiny_cohort, tiny_store, tiny_recon, tiny_texts):
    inputs = Inputs(str(tiny_cohort), str(tiny_store), tiny_recon / "model")
    given = NarrateConfig(texts=str(tiny_texts), scope="segment"), NarratorConfig(), TextConfig(train_layers=1)
    with pytest.raises(ValueError, match="are of a language model; add text=hf"):
        build(inputs, *given)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ("nowhere", "there is no such file"),
        ("minutes", r"has no text on any segment; run python -m clef\.describe with finest=segment"),
        ("others", "has no text on a session of the token store; texts and tokens must be of one cohort"),
        ("test", "has no text on a session of split train; there is nothing to learn from"),
    ],
)
def test_unfit_texts_are_one_line(texts, message, tmp_path, tiny_cohort, tiny_store, tiny_recon):
    store = TokenStore(tiny_store).load()
    of_test = str(store.session_id[store.split == "test"][0])
    path = tmp_path / f"{texts}.parquet"
    if texts in ("minutes", "others", "test"):
        name = "somebody" if texts == "others" else of_test
        write_texts(path, [(Place(name, 0), "Delta dominates.")], "minute" if texts == "minutes" else "segment")
    config = NarrateConfig(texts=str(path), scope="segment")
    with pytest.raises(ValueError, match=message):
        build(Inputs(str(tiny_cohort), str(tiny_store), tiny_recon / "model"), config, NarratorConfig(), TextConfig())


def test_a_model_without_a_narrator_says_how_to_get_one(tiny_recon):
    with pytest.raises(ValueError, match=r"no narrator in this model; train one with python -m clef\.pretrain"):
        load_narration(tiny_recon)


def test_settings_are_limited():
    with pytest.raises(ValueError, match=r"narrate\.stretches=0: expected a whole number from 1"):
        check_settings(dataclasses.replace(NarrateConfig(), stretches=0), LIMITS, "narrate")
