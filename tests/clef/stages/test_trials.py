"""stage=trials: what its losses are made of, what it learns of planted trials, in which spaces, how it goes on."""

import dataclasses
import json
import math

import numpy as np
import polars as pl
import pytest
import torch
from torch.nn import functional as F

from clef.network.report_encoder import TextConfig
from clef.network.trials.model import TrialModel
from clef.stages.inputs import Inputs
from clef.stages.trials import TrialsConfig, build
from tests.clef.network.language_models import write_bert
from tests.clef.training.test_resume import EVERY_STEP, assert_same, killed_and_resumed
from tests.clef.trials.made import PICTURES, SMALL, write_trials
from tests.helpers import must, pretrain, run

TEXT = TextConfig(width=32, layers=1, heads=2, output=16, length=16, min_count=1)
SIZES = {"width": 16, "filters": 4, "kernel": 8, "stretches": 5, "layers": 1, "heads": 2}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_trials(tmp_path_factory.mktemp("trials") / "data")


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    return write_bert(tmp_path_factory.mktemp("bert"))


def make(root, text=TEXT, **settings):
    torch.manual_seed(0)
    return build(Inputs(seed=3), text, TrialsConfig(**SIZES | {"root": str(root)} | settings))


def language(bert, **settings):
    return TextConfig(pretrained=True, name=bert, length=16, pooling="mean", **settings)


def test_nothing_of_test_sessions_is_in_a_sample_or_said_of_training(root):
    objective, samples = make(root)
    table = samples.trials.table
    assert set(table["split"]) == {"train", "val"} and set(table[samples.train]["split"]) == {"train"}
    digests = {split: set(table.filter(pl.col("split") == split)["digest"]) for split in ("train", "val")}
    assert {split: set(some) for split, some in objective.model.about["runs"].items()} == digests
    assert samples.validation()[0]["counts"] == {"trials": 80.0} and objective.model.about["stage"] == "trials"


def test_batches_follow_from_their_number_and_show_each_trial_once_an_epoch(root):
    _, samples = make(root)
    one, two, other = samples.batch([5, 6]), samples.batch([5, 6]), samples.batch([7, 8])
    assert all(torch.equal(one[key], two[key]) for key in one if key != "counts")
    assert not torch.equal(one["trials"], other["trials"])
    epoch = samples.batch(range(240))
    assert len({trial.numpy().tobytes() for trial in epoch["trials"]}) == 240
    again = samples.batch(range(240, 480))
    assert not torch.equal(epoch["trials"], again["trials"])


def test_numbers_say_what_the_table_says(root):
    objective, samples = make(root)
    rows = [samples.train[i] for i in (0, 50, 200)]
    batch = samples._batch(rows, [(0,), (1,), (2,)])
    assert [objective.model.known.categories[i] for i in batch["category"]] == [
        PICTURES[f"{samples.trials.table['image'][int(row)]}.jpg"][0] for row in rows
    ]
    assert len(set(samples.numbers["image"])) == len(set(samples.numbers["caption"])) == 8


@pytest.mark.parametrize("twins", ["pictures", "captions"])
def test_trials_of_one_picture_or_caption_are_no_negatives_of_each_other(twins, root):
    """Against the sum as it is defined, pair by pair."""
    objective, samples = make(root, class_weight=0.0, temperature=0.2)
    objective.eval()
    batch = samples.batch(range(12))
    batch["image"], batch["caption"] = torch.arange(12), torch.arange(12) % 8
    if twins == "pictures":
        batch["image"], batch["caption"] = torch.arange(12) % 5, torch.arange(12) % 8
    with torch.no_grad():
        out = objective(batch, batch["counts"], 1.0)
        _, eeg = objective.model(batch["trials"], batch["subject"])
        text = objective.captions(objective.model, batch["caption"])
    cosine, expected = (eeg @ text.T).double().numpy() / 0.2, 0.0
    alike = [[batch["image"][i] == batch["image"][j] or batch["caption"][i] == batch["caption"][j] for j in range(12)]
             for i in range(12)]  # fmt: skip
    assert 12 < sum(map(sum, alike)) < 144
    for i in range(12):
        others = [j for j in range(12) if j == i or not alike[i][j]]
        for scores in (cosine[i], cosine[:, i]):
            expected += (math.log(sum(math.exp(scores[j]) for j in others)) - scores[i]) / 2
    assert abs(float(out["loss_pairs"]) - expected / 12) < 1e-5
    assert float(out["loss"]) == float(out["loss_pairs"])


def test_the_losses_are_those_that_are_weighted(root, bert):
    objective, samples = make(root, language(bert), class_weight=2.0, distill_weight=3.0, pair_weight=0.5)
    batch = samples.batch(range(6))
    objective.eval()
    with torch.no_grad():
        out = objective(batch, batch["counts"], 1.0)
        logits, eeg = objective.model(batch["trials"], batch["subject"])
    torch.testing.assert_close(out["loss_class"], F.cross_entropy(logits, batch["category"]))
    target = objective.captions.target[batch["caption"]]
    torch.testing.assert_close(out["loss_distill"], (1 - F.cosine_similarity(eeg, target)).mean())
    parts = 2 * out["loss_class"] + 3 * out["loss_distill"] + 0.5 * out["loss_pairs"]
    torch.testing.assert_close(out["loss"], parts)


def test_a_frozen_language_model_gives_its_own_mean_states_less_their_mean(root, bert):
    objective, _ = make(root, language(bert), distill_weight=1.0)
    model, captions = objective.model, sorted({caption for _, caption in PICTURES.values()})
    opened = model.text.language
    with torch.no_grad():
        bare = []
        for caption in captions:
            ids = torch.from_numpy(opened.tokenize([caption], 16)[0]).long()[None]
            bare.append(opened.network(input_ids=ids).last_hidden_state[0].mean(0))
    bare = torch.stack(bare)
    expected = F.normalize(bare - bare.mean(0), dim=-1)
    torch.testing.assert_close(objective.captions.target, expected, atol=5e-3, rtol=1e-2)  # kept as float16
    torch.testing.assert_close(model.captions(captions), objective.captions.target, atol=1e-4, rtol=1e-3)
    assert objective.captions.is_fixed and not list(model.text.parameters())
    assert not any("captions" in name for name in objective.state_dict())


@pytest.mark.parametrize("way", [{"train_layers": 1}, {"lora": 2}, {"pooling": "last"}, {"pooling": "transformer"}])
def test_what_of_a_language_model_is_trained_gets_a_gradient_and_is_saved(way, root, bert, tmp_path, monkeypatch):
    if "lora" in way:
        pytest.importorskip("peft")
    text = TextConfig(
        **{"pretrained": True, "name": bert, "length": 16, "pooling": "mean", "width": 16, "heads": 2} | way
    )
    objective, samples = make(root, text, distill_weight=float(way.get("pooling") != "transformer"))
    batch = samples.batch(range(6))
    objective(batch, batch["counts"], 1.0)["loss"].backward()
    trained = [name for name, p in objective.model.text.named_parameters() if p.grad is not None and p.grad.any()]
    assert bool(trained) == (way != {"pooling": "last"})
    rest, own = objective.groups()
    assert own["scale"] == 0.1 and len(rest["params"]) + len(own["params"]) == len(list(objective.parameters()))
    with torch.no_grad():
        for parameter in own["params"]:
            parameter.add_(0.01)
    objective.eval().save_model(tmp_path)
    monkeypatch.setenv("CLEF_TEXT_MODEL", bert)
    loaded, words = TrialModel.from_pretrained(str(tmp_path / "trials")), ["left frontal spikes", "normal"]
    torch.testing.assert_close(loaded.captions(words), objective.model.captions(words), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("text", "settings", "line"),
    [
        ({}, {"distill_weight": 1.0}, "distill_weight=1: a text network that is trained from scratch has nothing to"),
        ({"name": "x"}, {}, "are of a language model; add text=hf"),
        ({}, {"class_weight": 0.0, "pair_weight": 0.0}, "are all 0; raise one"),
        ({}, {"class_weight": -1.0}, "trials.class_weight=-1.0: expected a number from 0"),
        ({}, {"kernel": 60}, "trials of 100 samples are too short"),
        ({}, {"task": "RSVP"}, "no sub-XX/ses-YY/sub-XX_ses-YY_task-RSVP"),
        ({"pretrained": True}, {}, "text=hf needs report_encoder.name="),
    ],
)
def test_settings_that_cannot_be_are_one_line(text, settings, line, root):
    with pytest.raises(ValueError, match=line) as caught:
        make(root, dataclasses.replace(TEXT, **text), **settings)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_the_link_is_learned_in_the_space_of_a_language_model(root, bert, tmp_path):
    settings = {"trials.root": root, "text": "hf", "report_encoder.name": bert, "report_encoder.length": 16}
    must(run(tmp_path / "said", "clef.pretrain", stage="trials", **SMALL | settings, out=tmp_path / "run"))
    last = (tmp_path / "run/metrics.jsonl").read_text().splitlines()[-1]
    shown = json.loads(last)
    assert shown["val_accuracy"] > 0.8 and shown["val_loss_distill"] < 0.4 and shown["val_first_pairs"] > 0.5
    config = json.loads((tmp_path / "run/model/trials/config.json").read_text())
    assert config["text"]["config"]["pooling"] == "mean" and config["text"]["config"]["output"] == 16
    assert str(tmp_path) not in json.dumps(config)


def test_killed_and_started_again_equals_never_killed(root, tmp_path):
    settings = {"stage": "trials"} | SMALL | EVERY_STEP | {"trials.root": root, "trials.learned_temperature": True}
    settings |= {"report_encoder.dropout": 0.2, "log_every": 1, "validate_every": 4, "batch": 8}
    must(run(tmp_path / "a", "clef.pretrain", **settings, out=tmp_path / "plain"))
    assert killed_and_resumed(tmp_path, settings, (0, 2, 3), "trials 7") >= 2
    assert_same(tmp_path / "plain", tmp_path / "killed")


def test_a_run_does_not_go_on_with_other_trials(tmp_path):
    root = write_trials(tmp_path / "data", each=8, channels=4, samples=60)
    settings = {"trials.root": root, "out": tmp_path / "run", "steps": 2} | {
        k: v for k, v in SMALL.items() if k != "steps"
    }
    must(pretrain(tmp_path / "said", "trials", **settings))
    path = next(root.rglob("*.npy"))
    np.save(path, np.load(path) + 1e-6)
    refused = pretrain(tmp_path / "said", "trials", **settings | {"steps": 3})
    assert (
        refused.code == 1
        and "started with another contents of trials" in refused.err
        and "Traceback" not in refused.err
    )


def test_a_dry_run_says_how_many_trials_there_are_and_writes_nothing(root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = must(pretrain(tmp_path / "said", "trials", dry_run=True, **{"trials.root": root} | SMALL))
    assert "archive: 400 trials (240 train, 80 val, 80 test)" in done.err and "time: about" in done.err
    assert "each of the training trials" in done.err and [p.name for p in tmp_path.iterdir()] == ["said"]
    alone = must(pretrain(tmp_path / "said", "trials", dry_run=True))
    assert "M, without heads and text, for 122 electrodes x 500" in alone.err and "trials.root=: give it" in alone.err


def test_epochs_are_counted_in_trials(root, tmp_path):
    short = {"steps": 0, "epochs": 1, "fewest_steps": 1, "batch": 60}
    done = must(pretrain(tmp_path / "said", "trials", **SMALL | {"trials.root": root, "out": tmp_path / "run"} | short))
    assert "step 0 of 4" in done.err and f"benchmark.trials data={root} model={tmp_path / 'run'}" in done.err
