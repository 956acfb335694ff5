"""What alignment asks of a session encoder: our Encoder answers, and so does any module with these members."""

import torch
from torch import nn

from clef.network.alignment import Alignment
from clef.network.encoder import Encoder, EncoderConfig
from clef.network.record_encoder import RecordConfig, RecordEncoder, RecordVocabulary
from clef.network.session_encoder import SessionEncoder
from clef.stages.align import AlignConfig, AlignObjective


class Bag(nn.Module):
    """Another encoder: the mean of the kept tokens' own vectors, and a head that embedding does not use."""

    def __init__(self):
        super().__init__()
        self.output = 6
        self.table, self.other = nn.Embedding(11, 6), nn.Linear(6, 11)

    def embed_kept(self, tokens, kept, kept_ok):
        vectors = self.table(tokens.flatten(1).gather(1, kept)) * kept_ok[..., None]
        return vectors.sum(1) / kept_ok.sum(1, keepdim=True).clamp_min(1)

    def embedding_parameters(self):
        return self.table.parameters()

    def save_pretrained(self, save_directory):
        torch.save(self.state_dict(), save_directory / "bag.pt")


def encoder():
    torch.manual_seed(0)
    return Encoder(EncoderConfig(16, 2, 1, 1), torch.randn(11, 5), 4)


def test_ours_and_another_are_session_encoders_and_a_plain_module_is_none():
    assert isinstance(encoder(), SessionEncoder) and isinstance(Bag(), SessionEncoder)
    assert not isinstance(nn.Linear(2, 2), SessionEncoder)


def test_the_parameters_that_embed_are_those_that_an_embedding_gives_a_gradient():
    network = encoder()
    tokens = torch.arange(4 * 3).remainder(11).view(1, 4, 3)
    kept = torch.arange(12)[None]
    network.embed_kept(tokens, kept, torch.ones(1, 12, dtype=torch.bool)).square().sum().backward()
    named = {id(p) for p in network.embedding_parameters()}
    assert named == {id(p) for p in network.parameters() if p.grad is not None}
    order = [id(p) for p in network.embedding_parameters()]
    assert order == [id(p) for p in network.parameters() if id(p) in named]


def test_another_encoder_can_be_aligned_and_keeps_what_does_not_embed():
    torch.manual_seed(0)
    bag, small = Bag(), RecordConfig(width=16, layers=1, heads=2, output=8, min_count=1)
    heads = Alignment(bag.output, None, RecordEncoder(RecordVocabulary(small, ["ATC//N03AX14"])))
    stage = AlignObjective(bag, heads, AlignConfig())
    batch = {"tokens": torch.arange(24).remainder(11).view(2, 4, 3), "kept": torch.arange(12).expand(2, -1)}
    batch |= {"kept_ok": torch.ones(2, 12, dtype=torch.bool), "record": torch.tensor([[1, 13, 15], [2, 14, 0]])}
    batch |= {"record_mask": batch["record"] > 0, "has_record": torch.ones(2, dtype=torch.bool)}
    stage(batch | {"subject": torch.arange(2)}, {"record": 2.0}, 0.0)["loss"].backward()
    assert bag.table.weight.grad.abs().sum() > 0
    assert not bag.other.weight.requires_grad and bag.other.weight.grad is None
    assert [p.shape for p in stage.groups()[0]["params"]] == [bag.table.weight.shape]
