"""stage=recon: what its samples are, in which order they come, and what its loss counts."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from clef.network.encoder import Encoder, EncoderConfig
from clef.stages.masks import MaskConfig, mask_ratio
from clef.stages.recon import MaskedSessions, ReconConfig, ReconObjective, vector_losses
from tests.helpers import must, pretrain
from tests.helpers import random_tokens as tokens

K = 11


def samples(source=None, seed=0, **settings):
    return MaskedSessions(source or tokens(), ReconConfig(**settings), seed)


def objective(**settings):
    torch.manual_seed(0)
    return ReconObjective(Encoder(EncoderConfig(16, 2, 1, 1), torch.randn(K, 5), 4), ReconConfig(**settings))


def many(n, columns=128, seed=0):
    """Sessions of 5 or 20 minutes, all of split train but the last tenth."""
    rng = np.random.default_rng(seed)
    source = tokens(n, columns, seed)
    valid = np.arange(columns) < np.where(rng.random((n, 1)) < 0.5, 30, columns)
    split = np.where(np.arange(n) < 0.9 * n, "train", "val")
    return dataclasses.replace(source, valid=valid, split=split)


# ---- samples
@pytest.mark.parametrize("masking", ("random", "time", "frequency", "mixed"))
def test_masks_follow_from_seed_and_sample_number_alone(masking):
    """Whatever the batch a sample stands in: or a resumed run, or two processes, would see others."""

    def one(numbers, place, seed=5):
        found = samples(seed=seed, masking=masking).batch(numbers)
        width = int(found["valid"][place].sum())
        at = lambda name: found[name][place].reshape(4, -1)[:, :width]
        kept = torch.zeros(found["hidden"].shape[1], dtype=torch.bool)
        kept[found["kept"][place][found["kept_ok"][place]]] = True
        return found["tokens"][place][:, :width], at("hidden"), kept.reshape(4, -1)[:, :width], found["seed"][place]

    first = one([17], 0)
    for numbers, place in (([17, 3, 90], 0), ([4, 17], 1), ([17], 0)):
        assert all(torch.equal(a, b) for a, b in zip(first, one(numbers, place), strict=True))
    other = one([17], 0, seed=6)
    assert not torch.equal(first[1], other[1]) or not torch.equal(first[0], other[0])
    again = [one([17 + 8 * epoch], 0)[1] for epoch in range(4)]  # other masks in each epoch
    assert len({a.numpy().tobytes() for a in again}) > 1


def test_a_gap_inside_a_session_is_neither_hidden_nor_kept():
    source = tokens(6, 20)
    valid = np.ones((6, 20), bool)
    valid[:, 5:9] = valid[:, 17:] = False
    source = dataclasses.replace(source, valid=valid)
    for masking in ("random", "time", "frequency"):
        found = samples(source, masking=masking).batch([0, 1, 2, 3])
        assert found["valid"].shape == (4, 17) and (found["valid"].sum(1) == 13).all()
        ok = found["valid"][:, None].expand(-1, 4, -1).flatten(1)
        assert not (found["hidden"] & ~ok).any() and ok.gather(1, found["kept"])[found["kept_ok"]].all()
        assert (found["kept_ok"].sum(1) == 4 * 13 - 4 * 13 // 2).all()


def test_training_sees_train_only_and_validation_never_changes():
    source = tokens()
    found = samples(source)
    assert set(found.train.split) == {"train"} and set(found.held_out.split) == {"val"}
    first, again = samples(source, seed=1).validation(), found.validation()
    assert found.validation() is again
    for a, b in zip(first, again, strict=True):
        assert a["counts"] == b["counts"]
        assert all(torch.equal(a[k], b[k]) for k in a if isinstance(a[k], torch.Tensor))


def test_held_out_sessions_are_masked_at_the_same_five_ratios_each_within_the_next():
    found = samples(tokens(300, 40), validation_sessions=8).validation()
    of = lambda key: [row for batch in found for row in batch[key]]
    hidden, valid, grid = of("hidden"), of("valid"), of("tokens")
    assert len(hidden) == 40
    for quantile in range(5):
        wanted = mask_ratio((quantile + 0.5) / 5, MaskConfig())
        for session in range(8):
            here = 8 * quantile + session
            assert hidden[here].sum() == np.ceil(wanted * 4 * int(valid[here].sum()))
            at = lambda k: hidden[k].view(4, -1)[:, valid[k]]  # padding differs from batch to batch
            assert torch.equal(grid[here][:, valid[here]], grid[session][:, valid[session]])
            assert (at(here) >= at(max(session, here - 8))).all()


def test_counts_are_the_hidden_tokens():
    found = samples().batch([0, 1, 2])
    assert found["counts"] == {"hidden": float(found["hidden"].sum())}


def test_a_store_without_training_sessions_is_one_line():
    with pytest.raises(ValueError, match="no session has split train"):
        samples(dataclasses.replace(tokens(), split=np.array(["val"] * 12)))


def test_impossible_masks_are_refused_before_anything_is_trained(tiny_store, tmp_path):
    done = pretrain(tmp_path / "s", "recon", tokens=tiny_store, out=tmp_path / "r", **{"recon.mask_least": 1.5})
    assert done.code == 1 and "Traceback" not in done.err
    assert done.err.splitlines()[-1].endswith("recon.mask_least=1.5: must be at least 0 and below 1")


# ---- order
def test_little_is_padded_among_sessions_of_5_and_20_minutes():
    found = samples(many(3000))
    padded = [1 - found.batch(range(i, i + 32))["valid"].float().mean() for i in range(0, 2 * 2700, 320)]
    mixed = [found.lengths[np.random.default_rng(i).permutation(2700)[:32]] for i in range(30)]
    unsorted = np.mean([1 - lengths.mean() / lengths.max() for lengths in mixed])
    assert unsorted > 0.3 and np.mean(padded) < 0.05


def test_two_processes_and_a_resumed_run_see_the_samples_of_one():
    one = samples(many(600))
    rows = [one.row(n) for n in range(1200)]
    assert [samples(many(600)).row(n) for n in range(1199, 0, -7)] == rows[1199:0:-7]
    assert sorted(rows[:540]) == list(range(540))
    halves = [samples(many(600)).batch(numbers) for numbers in (range(64, 80), range(80, 96))]
    whole = one.batch(range(64, 96))
    assert sum(h["counts"]["hidden"] for h in halves) == whole["counts"]["hidden"]
    assert torch.equal(torch.cat([h["seed"] for h in halves]), whole["seed"])


def test_tokens_stay_small_in_memory():
    found = samples(many(600))
    assert found.train.tokens.dtype == np.uint16 and found.held_out.tokens.dtype == np.uint16
    held = [value for value in vars(found).values() if isinstance(value, np.ndarray)]
    assert sum(value.nbytes for value in held) < found.train.tokens.nbytes / 50


# ---- loss
def test_recon_loss_is_a_share_that_adds_up_over_micro_batches():
    stage, source = objective(), samples()
    whole, parts = source.batch([0, 1, 2, 3]), [source.batch([0, 1]), source.batch([2, 3])]
    totals = whole["counts"]
    assert totals["hidden"] == sum(p["counts"]["hidden"] for p in parts)
    together, apart = stage(whole, totals, 0)["loss"], sum(stage(p, totals, 0)["loss"] for p in parts)
    torch.testing.assert_close(together, apart)
    logits, truth = stage.encoder.predict(whole)
    smooth = -(0.9 * logits.log_softmax(-1).gather(1, truth[:, None])[:, 0] + 0.1 * logits.log_softmax(-1).mean(1))
    torch.testing.assert_close(together, smooth.mean())
    torch.testing.assert_close(stage.eval()(whole, totals, 0)["loss"], F.cross_entropy(logits, truth))
    assert stage(whole, totals, 0).keys() == {"loss", "accuracy"}  # tenths of the ratio are for validation


@torch.no_grad()
def test_validation_reports_the_loss_per_tenth_of_the_mask_ratio():
    """Each tenth is the mean over the hidden tokens of its sessions, whatever batches they came in."""
    stage, batches = objective().eval(), samples(tokens(150, 40), validation_sessions=12).validation()
    assert len(batches) == 4
    totals = {name: sum(b["counts"][name] for b in batches) for name in batches[0]["counts"]}
    outs = [stage(b, totals, 0) for b in batches]
    found = {k: sum(out[k].item() for out in outs) for k in outs[0]}
    plain = {}
    for batch in batches:
        logits, truth = stage.encoder.predict(batch)
        losses, session = F.cross_entropy(logits, truth, reduction="none"), batch["hidden"].nonzero()[:, 0]
        for i in range(len(batch["hidden"])):
            tenth = min(9, int(batch["hidden"][i].sum() * 10) // (4 * int(batch["valid"][i].sum())))
            plain.setdefault(f"loss_{10 * tenth}_{10 * tenth + 10}", []).append(losses[session == i])
    assert found.keys() - {"loss", "accuracy"} == plain.keys() and len(plain) >= 4
    for name, losses in plain.items():
        assert found[name] == pytest.approx(torch.cat(losses).mean().item(), rel=1e-5)
    weighted = sum(found[k] * totals[k.replace("loss", "hidden")] for k in plain) / totals["hidden"]
    assert found["loss"] == pytest.approx(weighted, rel=1e-5)


def test_empty_tenths_do_not_appear():
    batches = samples(tokens(60), validation_sessions=20, mask_mean=0.72, mask_sd=0.001).validation()
    names = {name for b in batches for name in b["counts"]} - {"hidden"}
    assert names <= {"hidden_70_80", "hidden_80_90"} and all(b["counts"].keys() == names | {"hidden"} for b in batches)


def test_a_run_starts_with_what_its_loss_has_to_beat(tiny_store, tmp_path):
    settings = {"tokens": tiny_store, "out": tmp_path / "run", "steps": 4, "recon.bottleneck": True}
    done = must(pretrain(tmp_path / "said", "recon", **settings))
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert lines[0].keys() == {"step", "baseline_unigram", "baseline_session", "baseline_copy", "baseline_bottleneck"}
    assert lines[0]["step"] == 0 and all(0 < v < 10 for k, v in lines[0].items() if k != "step")
    for name, nats in list(lines[0].items())[1:]:
        assert f"{name.removeprefix('baseline_')} {nats:.4f} nats" in done.err
    assert any(k.startswith("val_loss_") for k in lines[-1]) and "baseline_copy" not in json.dumps(lines[1:])
    by = lines[0]["baseline_bottleneck"] - lines[-1]["val_loss"]
    remark = f"{abs(by):.4f} nats {'below' if by > 0 else 'above'} the bottleneck"
    assert f"step 4: {remark}" in done.err
    done = must(pretrain(tmp_path / "said", "recon", **settings | {"steps": 6}))
    assert f"the bottleneck, {lines[0]['baseline_bottleneck']:.4f}" in done.err, "also of a run that goes on"
    text = (tmp_path / "run" / "metrics.jsonl").read_text()
    assert text.count("baseline_copy") == 1  # not again when a run goes on


def test_the_expected_code_vector_is_near_its_own_where_the_code_is_wrong_but_alike():
    codes = F.normalize(torch.tensor([[1.0, 0.0], [0.9, 0.1], [-1.0, 0.0]]), dim=-1)
    sure = 20 * torch.eye(3)
    losses = vector_losses(sure, torch.tensor([0, 0, 0]), codes)
    assert losses[0] < 1e-3 < losses[1] < 0.02 and losses[2] == pytest.approx(2, abs=1e-3)


def test_the_loss_of_vectors_is_for_training_alone():
    """So that val_loss stays the nats that every other run reports."""
    masked = samples(tokens(8), vector_weight=2.0)
    encoder = Encoder(EncoderConfig(width=16, heads=2, encoder_layers=1, decoder_layers=1), torch.eye(11, 5), 4)
    objective, batch = ReconObjective(encoder, masked.config), masked.batch(range(4))
    with torch.no_grad():
        trained = objective.train()(batch, batch["counts"], 0.0)
        held_out = objective.eval()(batch, batch["counts"], 0.0)
    assert "loss_vector" not in held_out and 0 < trained["loss_vector"] < 2
    with pytest.raises(ValueError, match=r"recon\.vector_weight=-1: expected a number of at least 0"):
        samples(tokens(8), vector_weight=-1.0)
