"""stage=align: what its samples are, and what its loss counts."""

import shutil

import numpy as np
import polars as pl
import pytest
import torch

from clef.cohort import seal
from clef.describe import DescribeConfig
from clef.describe import main as describe
from clef.descriptions.captions import captions
from clef.network.alignment import Alignment
from clef.network.bpe import learn
from clef.network.encoder import Encoder, EncoderConfig
from clef.network.record_encoder import RecordConfig, RecordEncoder, RecordVocabulary
from clef.network.report_encoder import TextConfig, TextEncoder
from clef.stages.align import AlignConfig, AlignObjective, Pairs, build
from clef.stages.contrastive import pairwise_sigmoid
from clef.stages.inputs import Inputs
from clef.stages.partners import find_partners
from tests.clef.network.language_models import write_bert
from tests.helpers import random_tokens as tokens

K = 11
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
    frozen = ("decoder.", "to_decoder.", "to_token.", "out_of_code.", "token_bias", "dropped_token", "hidden_token")
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


def test_of_a_thinned_partner_a_tenth_always_stays(align):
    _, pairs = align
    dropping = Pairs(pairs.tokens, pairs.partners, AlignConfig(partner_drop=1.0), 0)
    whole, thin = pairs.batch(range(16)), dropping.batch(range(16))
    for name in ("report_mask", "record_mask"):
        assert torch.equal(thin[name].sum(1), torch.ceil(whole[name].sum(1) / 10).long())
        assert not (thin[name] & ~whole[name]).any()
    half = Pairs(pairs.tokens, pairs.partners, AlignConfig(partner_drop=0.5), 0).batch(range(16))
    assert (thin["record_mask"] <= half["record_mask"]).all()


def test_records_that_cannot_be_told_apart_are_no_negatives(align):
    """Sessions 4 and 6 have ages alone: only the setting takes them from each other's negatives."""
    stage, pairs = align
    given = rows(pairs, [0, 2, 4, 6])
    assert given["record_kind"].tolist() == [1, 3, 0, 0]
    every = stage(given, given["counts"], 0.0)
    stage.config = AlignConfig(record_negatives="different")
    different = stage(given, given["counts"], 0.0)
    assert torch.equal(every["loss_report"], different["loss_report"])
    session = stage.encoder.embed_kept(given["tokens"], given["kept"], given["kept_ok"])
    a = torch.nn.functional.normalize(stage.heads.to_record(session), dim=-1)
    b = torch.nn.functional.normalize(stage.heads.record(given["record"], given["record_mask"]), dim=-1)
    logits = a @ b.T / 0.07
    logits[2, 3] = logits[3, 2] = -torch.inf
    plain = sum(torch.nn.functional.cross_entropy(x, torch.arange(4)) for x in (logits, logits.T)) / 2
    torch.testing.assert_close(different["loss_record"], plain)
    assert not torch.equal(every["loss_record"], different["loss_record"])


def test_parts_of_a_session_meet_the_sentences_of_its_report(align):
    """The loss of the stage is that of the parts and sentences put together by hand."""
    stage, pairs = align
    config = AlignConfig(multiple_instance=True, parts=3, sentences=2)
    reports = REPORTS | {"s4": "Slow waves. Left spikes. A third sentence.", "s6": "Seizure. Left spikes."}
    parts = stage.heads
    partners = find_partners(tokens(), people(), EVENTS, reports, parts.report, parts.record.vocabulary, 2)
    given = Pairs(pairs.tokens, partners, config, 0)._pairs([0, 4, 6, 9], [np.random.default_rng(i) for i in range(4)])
    stage.config = config
    found = stage(given, {"report": 3.0, "record": 3.0}, 0.0)
    whole = pairs._pairs([0, 4, 6, 9], [np.random.default_rng(i) for i in range(4)])
    session = stage.encoder.embed_kept(whole["tokens"], whole["kept"], whole["kept_ok"])
    states = torch.cat(
        [
            stage.encoder(pairs_tokens[None], valid[None])
            for pairs_tokens, valid in zip(whole["tokens"], whole["valid"], strict=True)
        ]
    ).unflatten(1, (4, -1))
    a = torch.zeros(4, 3, session.shape[1])
    for i, valid in enumerate(whole["valid"]):
        columns = valid.nonzero()[:, 0]
        for p in range(3):
            mine = [c for k, c in enumerate(columns.tolist()) if k * 3 // len(columns) == p]
            a[i, p] = states[i][:, mine].mean(1).flatten()
    a = torch.nn.functional.normalize(stage.heads.to_report(a), dim=-1)
    texts = {0: ["left spikes"], 1: ["Slow waves.", "Left spikes."], 2: ["Seizure.", "Left spikes."]}
    b = {i: parts.text(sentences) for i, sentences in texts.items()}
    logits = torch.stack([torch.stack([(a[i] @ b[j].T / 0.07).exp().mean().log() for j in range(3)]) for i in range(3)])
    plain = sum(torch.nn.functional.cross_entropy(x, torch.arange(3)) for x in (logits, logits.T)) / 2
    torch.testing.assert_close(found["loss_report"], plain)
    stage.config = AlignConfig()
    torch.testing.assert_close(found["loss_record"], stage(whole, {"report": 3.0, "record": 3.0}, 0.0)["loss_record"])


def test_parts_and_sentences_of_a_language_model_are_the_same_from_kept_features(
    tiny_cohort, tiny_store, tiny_recon, tmp_path
):
    """Two steps of training; features are kept in half precision."""
    pytest.importorskip("transformers", reason="text=hf needs transformers")
    cohort = shutil.copytree(tiny_cohort, tmp_path / "cohort")
    text = {"pretrained": True, "name": write_bert(tmp_path / "bert"), "length": 32, "output": 16}
    record = RecordConfig(width=16, layers=1, heads=2, output=16, min_count=1)
    inputs = Inputs(cohort=str(cohort), tokens=str(tiny_store), init=tiny_recon / "model")
    losses = {}
    for cache in (True, False):
        torch.manual_seed(0)
        config = AlignConfig(multiple_instance=True, parts=3, sentences=3)
        stage, pairs = build(inputs, config, TextConfig(**text, cache=cache), record)
        assert (cohort / "text_features").exists(), "kept by the first of the two"
        optimiser = torch.optim.SGD([p for p in stage.parameters() if p.requires_grad], 0.1)
        losses[cache] = []
        for step in range(2):
            given = pairs.batch(range(4 * step, 4 * step + 4))
            out = stage(given, given["counts"], 0.0)
            optimiser.zero_grad()
            out["loss"].backward()
            optimiser.step()
            losses[cache].append((out["loss_report"].item(), out["loss_record"].item()))
    np.testing.assert_allclose(losses[True], losses[False], rtol=2e-3)
    assert np.ptp(losses[True], axis=0).min() > 1e-3, "the two steps differ by more than what rounding may do"


def test_descriptions_take_the_place_of_reports(tiny_cohort, tiny_store, tiny_recon, tmp_path):
    """What the signal shows is told of every session, also where nobody wrote a report; the folder says so."""
    cohort = shutil.copytree(tiny_cohort, tmp_path / "cohort")
    (cohort / "reports.parquet").unlink()
    seal(cohort)
    describe(DescribeConfig(str(tmp_path / "words"), cohort=str(cohort), finest="session", workers=0))
    inputs = Inputs(cohort=str(cohort), tokens=str(tiny_store), init=tiny_recon / "model")
    text = TextConfig(width=16, layers=1, heads=2, vocabulary=300, min_count=1, output=16)
    stage, pairs = build(inputs, AlignConfig(descriptions=str(tmp_path / "words")), text, RecordConfig(min_count=1))
    assert stage.encoder.about["reports"] == "descriptions" and pairs.partners.has_report.all()
    known = captions(tmp_path / "words")
    ids, mask = stage.heads.report.prepare([known[session] for session in pairs.tokens.session_id])
    assert torch.equal(pairs.partners.report, ids) and torch.equal(pairs.partners.report_mask, mask)
    plain, _ = build(inputs, AlignConfig(), text, RecordConfig(min_count=1))
    assert plain.heads.report is None and "reports" not in plain.encoder.about


def test_settings_of_the_loss_reach_it_and_what_it_learns_is_trained_and_told(align):
    stage, pairs = align
    torch.manual_seed(0)
    config = AlignConfig(
        temperature=0.1, learned_temperature=True, loss="sigmoid", bias=-3.0, same_subject="positive", report_weight=1.5
    )
    other = AlignObjective(stage.encoder, stage.heads, config)
    given = rows(pairs, [0, 1, 4, 6])
    found = other(given, given["counts"], 0.0)
    session = other.encoder.embed_kept(given["tokens"], given["kept"], given["kept_ok"])
    a, b = other.heads.to_report(session), other.heads.report(given["report"], given["report_mask"])
    plain = pairwise_sigmoid(a, b, given["has_report"], given["subject"], 0.1, -3.0, positives=True)
    torch.testing.assert_close(found["loss_report"], plain["sum"] / given["counts"]["report"])
    found["loss"].backward()
    learned = dict(other.losses.named_parameters())
    assert set(learned) == {f"{name}.{what}" for name in ("report", "record") for what in ("log_scale", "bias")}
    assert all(p.grad.abs() > 0 for p in learned.values())
    assert {id(p) for p in learned.values()} < {id(p) for p in other.groups()[1]["params"]}
    told = other.after_step(1)
    assert told["temperature_report"] == pytest.approx(0.1) and told["bias_record"] == -3.0
    assert not list(stage.losses.parameters()) and stage.after_step(1) == {}  # nothing by default


@pytest.mark.parametrize("wrong", [{"temperature": 0.0}, {"heldout_concepts": 1.0}, {"parts": 0}, {"loss": "clip"}])
def test_settings_out_of_range_are_one_line(align, wrong):
    stage, _ = align
    with pytest.raises(ValueError, match=rf"^align\.{next(iter(wrong))}=.*: expected [^\n]+$"):
        AlignObjective(stage.encoder, stage.heads, AlignConfig(**wrong))
