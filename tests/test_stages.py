"""Stages recon and align: what their samples are, and what their losses count."""

import math

import numpy as np
import polars as pl
import pytest
import torch
from scipy.special import ndtr

from clef.alignment import Alignment
from clef.bpe import learn
from clef.ehr import RecordConfig, RecordEncoder, RecordVocabulary
from clef.encoder import Encoder, EncoderConfig
from clef.stage import session_order
from clef.stage_align import AlignConfig, AlignObjective, Pairs, find_partners
from clef.stage_recon import MaskedSessions, ReconConfig, ReconObjective, draw_masks, pack, stretch
from clef.text import TextConfig, TextEncoder
from tokenizer.store import Tokens

K = 11


def tokens(n=12, columns=20, seed=0):
    rng = np.random.default_rng(seed)
    valid = np.arange(columns) < rng.integers(3, columns + 1, (n, 1))
    names = np.array([f"s{i}" for i in range(n)], object)
    split = np.array(["train", "train", "val"])[np.arange(n) % 3]
    return Tokens(rng.integers(0, K, (n, 4, columns)).astype(np.uint16), valid, names, np.arange(n) // 2, split)


# ---- recon: masks
def masks(draws=4000, n=200, config=None):
    ok = np.arange(256) < n
    found = [draw_masks(ok, config or ReconConfig(), np.random.default_rng(i)) for i in range(draws)]
    return ok, np.stack([h for h, _ in found]), np.stack([k for _, k in found])


def test_mask_ratios_are_a_normal_cut_to_half_and_one():
    ok, hidden, _ = masks()
    ratio = hidden.sum(1) / ok.sum()
    assert ratio.min() >= 0.5 and ratio.max() <= 1.0
    a, b = (0.5 - 0.55) / 0.25, (1 - 0.55) / 0.25
    density = lambda z: math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    mean = 0.55 + 0.25 * (density(a) - density(b)) / (ndtr(b) - ndtr(a))
    assert ratio.mean() == pytest.approx(mean + 0.5 / 200, abs=0.006)  # rounded up to whole tokens
    below = (ndtr((0.6 - 0.55) / 0.25) - ndtr(a)) / (ndtr(b) - ndtr(a))
    assert (ratio < 0.6).mean() == pytest.approx(below, abs=0.03)


def test_half_of_the_valid_tokens_are_dropped_and_all_of_them_hidden():
    ok, hidden, kept = masks(200)
    dropped = ok & ~kept
    assert (dropped.sum(1) == 100).all() and not (dropped & ~hidden).any()
    assert not hidden[:, ~ok].any() and not kept[:, ~ok].any()
    assert (hidden & kept).any()  # hidden ones beyond half enter as mask tokens


def test_every_token_is_hidden_as_often_as_any_other():
    ok, hidden, kept = masks(3000, 40)
    for share in (hidden.mean(0)[ok], kept.mean(0)[ok]):
        assert share.std() < 0.02 and share.max() - share.min() < 0.08


def test_pack_gives_the_kept_tokens_and_never_a_position_twice():
    rng = np.random.default_rng(0)
    kept = rng.random((30, 64)) < rng.random((30, 1))
    kept[3] = False
    found = pack(kept)
    position, ok = found["kept"].numpy(), found["kept_ok"].numpy()
    assert position.shape[1] == kept.sum(1).max()
    for row in range(30):
        assert len(set(position[row])) == position.shape[1]
        assert sorted(position[row][ok[row]]) == np.flatnonzero(kept[row]).tolist()
    assert pack(np.zeros((2, 5), bool))["kept"].shape == (2, 1)


def test_masks_follow_from_seed_and_sample_number_alone():
    """Whatever the batch a sample stands in: or a resumed run, or two processes, would see others."""

    def one(numbers, place, seed=5):
        found = MaskedSessions(tokens(), ReconConfig(), seed).batch(numbers)
        width = int(found["valid"][place].sum())
        at = lambda name: found[name][place].reshape(4, -1)[:, :width]
        kept = torch.zeros(found["hidden"].shape[1], dtype=torch.bool)
        kept[found["kept"][place][found["kept_ok"][place]]] = True
        return found["tokens"][place][:, :width], at("hidden"), kept.reshape(4, -1)[:, :width]

    first = one([17], 0)
    for numbers, place in (([17, 3, 90], 0), ([4, 17], 1), ([17], 0)):
        assert all(torch.equal(a, b) for a, b in zip(first, one(numbers, place), strict=True))
    assert not torch.equal(first[1], one([17], 0, seed=6)[1]) or not torch.equal(first[0], one([17], 0, seed=6)[0])
    again = [one([17 + 8 * epoch], 0)[1] for epoch in range(4)]  # other masks in each epoch
    assert len({a.numpy().tobytes() for a in again}) > 1


def test_each_session_comes_once_per_epoch_in_an_order_drawn_anew():
    orders = [[session_order(3, epoch * 7 + i, 7) for i in range(7)] for epoch in range(6)]
    assert all(sorted(order) == list(range(7)) for order in orders) and len({tuple(o) for o in orders}) > 3


def test_training_sees_train_only_and_validation_never_changes():
    source = tokens()
    samples = MaskedSessions(source, ReconConfig(), 0)
    assert set(samples.train.split) == {"train"} and set(samples.held_out.split) == {"val"}
    first, again = MaskedSessions(source, ReconConfig(), 1).validation(), samples.validation()
    assert samples.validation() is again
    assert all(torch.equal(a[k], b[k]) for a, b in zip(first, again, strict=True) for k in a if k != "counts")


def test_counts_are_the_hidden_tokens():
    found = MaskedSessions(tokens(), ReconConfig(), 0).batch([0, 1, 2])
    assert found["counts"] == {"hidden": float(found["hidden"].sum())}
    ok = found["valid"][:, None].expand(-1, 4, -1).flatten(1)
    assert not (found["hidden"] & ~ok).any() and (found["hidden"].sum(1) * 2 >= ok.sum(1)).all()


def test_a_long_session_gives_random_stretches_inside_its_valid_span():
    valid = np.zeros(50, bool)
    valid[10:40] = True
    found = [stretch(valid, 8, np.random.default_rng(i)) for i in range(300)]
    assert all(s.stop - s.start == 8 for s in found)
    assert min(s.start for s in found) == 10 and max(s.stop for s in found) == 40
    assert stretch(valid, 99, np.random.default_rng(0)) == slice(10, 40)


def test_recon_loss_is_a_share_that_adds_up_over_micro_batches():
    torch.manual_seed(0)
    encoder = Encoder(EncoderConfig(16, 2, 1, 1), torch.randn(K, 5), 4)
    objective = ReconObjective(encoder, ReconConfig())
    samples = MaskedSessions(tokens(), ReconConfig(), 0)
    whole, parts = samples.batch([0, 1, 2, 3]), [samples.batch([0, 1]), samples.batch([2, 3])]
    totals = whole["counts"]
    assert totals["hidden"] == sum(p["counts"]["hidden"] for p in parts)
    together, apart = objective(whole, totals, 0)["loss"], sum(objective(p, totals, 0)["loss"] for p in parts)
    torch.testing.assert_close(together, apart)
    logits, truth = encoder.predict(whole)
    smooth = -(0.9 * logits.log_softmax(-1).gather(1, truth[:, None])[:, 0] + 0.1 * logits.log_softmax(-1).mean(1))
    torch.testing.assert_close(together, smooth.mean())
    torch.testing.assert_close(
        objective.eval()(whole, totals, 0)["loss"], torch.nn.functional.cross_entropy(logits, truth)
    )


# ---- align
REPORTS = {f"s{i}": text for i, text in [(0, "left spikes"), (1, "normal"), (4, "slow waves"), (6, "seizure")]}


def heads(encoder, report=True, record=True):
    bpe = learn([list(REPORTS.values())], 300, 1)
    text = TextEncoder(TextConfig(16, 1, 2, 300, 32, 0.0, 8), bpe) if report else None
    small = RecordConfig(width=16, layers=1, heads=2, output=8, min_count=1)
    vocabulary = RecordVocabulary(small, ["ATC//N03AX14", "ICD10CM//G40"])
    return Alignment(encoder.output, text, RecordEncoder(vocabulary) if record else None)


def people(n=12):
    """Sessions with ages; the last four have nothing on record."""
    return pl.DataFrame(
        {
            "session_id": [f"s{i}" for i in range(n)],
            "subject_id": [i // 2 for i in range(n)],
            "start_time": [None] * n,
            "age": [float(10 * i) if i < n - 4 else None for i in range(n)],
            "sex": [None] * n,
            "split": tokens().split.tolist(),
        },
        schema_overrides={"start_time": pl.Datetime("us"), "age": pl.Float32, "sex": pl.String},
    )


EVENTS = pl.DataFrame(
    {
        "subject_id": [0, 1],
        "time": [None, None],
        "code": ["ATC//N03AX14", "ICD10CM//G40.909"],
        "numeric_value": [None] * 2,
    },
    schema={"subject_id": pl.Int64, "time": pl.Datetime("us"), "code": pl.String, "numeric_value": pl.Float32},
)


@pytest.fixture
def align():
    torch.manual_seed(0)
    encoder = Encoder(EncoderConfig(16, 2, 1, 1), torch.nn.functional.normalize(torch.randn(K, 5), dim=-1), 4)
    parts = heads(encoder)
    stage = AlignObjective(encoder, parts, AlignConfig())
    partners = find_partners(tokens(), people(), EVENTS, REPORTS, parts.report, parts.record.vocabulary)
    return stage, Pairs(tokens(), partners, AlignConfig(), 0)


def test_partners_are_those_of_their_session(align):
    _, pairs = align
    assert pairs.partners.has_report.nonzero().flatten().tolist() == [0, 1, 4, 6]
    assert pairs.partners.has_record.tolist() == [True] * 8 + [False] * 4
    other, _ = align[0].heads.report.tokenize(["slow waves"])
    assert torch.equal(pairs.partners.report[4], other[0])


def rows(pairs, numbers):
    return pairs._pairs(numbers, [np.random.default_rng(i) for i in numbers], 0.0)


def test_sessions_without_report_or_record_contribute_nothing(align):
    """Neither as anchors nor as negatives: the loss with them is the loss without them, whatever their EEG."""
    stage, pairs = align
    both, some = rows(pairs, [0, 4, 6, 9, 11]), rows(pairs, [0, 4, 6])
    assert both["counts"] == {"report": 3.0, "record": 3.0} == some["counts"]
    a, b = (stage(given, both["counts"], 0.0) for given in (both, some))
    assert all(torch.allclose(a[k], b[k], atol=1e-6) for k in a)
    changed = both | {"tokens": both["tokens"].clone()}
    changed["tokens"][3:] = (changed["tokens"][3:] + 1) % K
    changed["report"][3:] = 5
    c = stage(changed, both["counts"], 0.0)
    assert all(torch.equal(a[k], c[k]) for k in a)
    # but a session with a report does count
    assert not torch.allclose(stage(rows(pairs, [0, 4]), {"report": 2.0, "record": 2.0}, 0.0)["loss"], b["loss"])


def test_a_batch_without_any_report_is_no_nan(align):
    stage, pairs = align
    given = rows(pairs, [9, 11])
    found = stage(given, {"report": 1.0, "record": 1.0}, 0.0)
    found["loss"].backward()
    assert found["loss"] == 0
    assert all(p.grad is None or p.grad.isfinite().all() for p in stage.parameters())


def test_loss_is_plain_symmetric_info_nce_with_other_sessions_of_a_subject_left_out(align):
    stage, pairs = align
    given = rows(pairs, [0, 1, 4, 6])  # 0 and 1 are one subject
    session = stage.encoder.embed_kept(given["tokens"], given["kept"], given["kept_ok"])
    a = torch.nn.functional.normalize(stage.heads.to_report(session), dim=-1)
    b = torch.nn.functional.normalize(stage.heads.report(given["report"], given["report_mask"]), dim=-1)
    logits = a @ b.T / 0.07
    logits[0, 1] = logits[1, 0] = -torch.inf
    own = torch.arange(4)
    plain = sum(torch.nn.functional.cross_entropy(x, own) for x in (logits, logits.T)) / 2
    torch.testing.assert_close(stage(given, {"report": 4.0, "record": 4.0}, 0.0)["loss_report"], plain)


def test_encoder_and_heads_learn_and_the_decoder_stays(align):
    stage, pairs = align
    given = rows(pairs, [0, 1, 4, 6])
    stage(given, given["counts"], 0.0)["loss"].backward()
    frozen = ("decoder.", "to_decoder.", "to_token.", "token_bias", "dropped_token", "hidden_token")
    for name, parameter in stage.encoder.named_parameters():
        if name.startswith(frozen):
            assert not parameter.requires_grad and parameter.grad is None, name
        else:
            assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name
    silent = [n for n, p in stage.heads.named_parameters() if p.grad is None or not p.grad.abs().sum()]
    assert not silent
    grouped = [p for group in stage.groups() for p in group["params"]]
    assert {id(p) for p in grouped} == {id(p) for p in stage.parameters() if p.requires_grad}
    assert len(grouped) == len({id(p) for p in grouped}) and stage.groups()[0]["scale"] == 0.3


def test_weights_choose_between_report_and_record(align):
    stage, pairs = align
    given = rows(pairs, [0, 1, 4, 6])
    found = stage(given, given["counts"], 0.0)
    torch.testing.assert_close(found["loss"], found["loss_report"] + found["loss_record"])
    stage.config = AlignConfig(report_weight=0.5, record_weight=2.0)
    weighted = stage(given, given["counts"], 0.0)["loss"]
    torch.testing.assert_close(weighted, 0.5 * found["loss_report"] + 2 * found["loss_record"])


def test_pairs_follow_from_seed_and_sample_number_alone_and_drop_only_in_training(align):
    _, pairs = align
    dropping = Pairs(pairs.tokens, pairs.partners, AlignConfig(drop=0.5), 0)
    one, more = dropping.batch([3]), dropping.batch([8, 3])
    kept = lambda found, i: found["kept"][i][found["kept_ok"][i]].numel()
    valid = int(one["valid"].sum()) * 4
    assert kept(one, 0) == kept(more, 1) == valid - valid // 2
    assert torch.equal(one["report"][0], more["report"][1]) and one["subject"][0] == more["subject"][1]
    held = dropping.validation()[0]
    assert int(held["kept_ok"].sum()) == int(held["valid"].sum()) * 4
    assert set(held["subject"].tolist()) == set(pairs.tokens.subject_id[pairs.tokens.split == "val"].tolist())
