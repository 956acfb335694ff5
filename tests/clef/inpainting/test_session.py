"""A session whose part is hidden: its valid length in whole cells, and which tokens a stretch or a band covers."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from clef.inpainting.session import cut, decode, hide, mean_spectrum
from clef.model import Model
from clef.network.encoder import Encoder, EncoderConfig
from tokenizer.vqgan import VQGAN, VQGANConfig


def model(bins: int = 8, frames: int = 10) -> Model:
    torch.manual_seed(0)
    sizes = {"width": 8, "encoder_blocks": 1, "decoder_blocks": 1, "codes": 16, "code_dimension": 4}
    vqgan = VQGAN(VQGANConfig(**sizes, bins_per_token=bins, frames_per_token=frames)).eval()
    codes = F.normalize(vqgan.codebook.vectors, dim=-1)
    return Model(
        vqgan, Encoder(EncoderConfig(width=16, heads=2, encoder_layers=1, decoder_layers=1), codes, 128 // bins)
    )


def part(of: Model, valid: np.ndarray):
    rows = of.vqgan.grid[0]
    tokens = np.arange(rows * len(valid)).reshape(rows, -1).astype(np.uint16) % 16
    return cut(of, "a session", tokens, valid, np.ones(19, bool), None, 2.0, None)


@pytest.mark.parametrize(("bins", "frames", "last", "columns"), [(8, 10, 7, 7), (16, 5, 7, 8), (4, 20, 3, 3)])
def test_the_padding_goes_and_cells_of_10_s_stay_whole(bins, frames, last, columns):
    valid = np.arange(20) < last
    valid[1] = False  # a gap within the session stays
    assert part(model(bins, frames), valid).tokens.shape == (128 // bins, columns)
    assert part(model(bins, frames), valid).valid.tolist() == [valid[i] for i in range(columns)]


def test_a_session_of_nothing_is_one_line():
    with pytest.raises(ValueError, match="no 10 s of this session are valid"):
        part(model(), np.zeros(20, bool))


def test_a_stretch_and_a_band_are_widened_to_whole_tokens():
    own = model()
    session = part(own, np.ones(20, bool))
    hidden = hide(session, own, [11, 19], [])
    assert hidden.any(0).nonzero().flatten().tolist() == [1] and hidden[:, 1].all()
    hidden = hide(session, own, [], [7.9, 10.0])
    assert hidden.any(1).nonzero().flatten().tolist() == [3, 4] and hidden[3:5].all()  # 6-8 and 8-10 Hz
    assert hide(session, own, [10, 30], [0, 2]).nonzero().tolist() == [[0, 1], [0, 2]]


def test_invalid_tokens_are_not_hidden():
    own, valid = model(), np.ones(20, bool)
    valid[5] = False
    assert hide(part(own, valid), own, [40, 70], []).any(0).nonzero().flatten().tolist() == [4, 6]


def test_decoded_tokens_cover_the_session():
    own = model(4, 20)
    session = part(own, np.ones(6, bool))
    assert decode(own, session.tokens, session.valid, session.level).shape == (19, 128, 120)


def test_what_is_decoded_and_the_training_mean_are_at_the_level_of_the_session():
    own = model()
    session = part(own, np.ones(6, bool))
    quiet, loud = (decode(own, session.tokens, session.valid, level) for level in (0.0, 9.0))
    np.testing.assert_allclose(loud - quiet, 9, atol=1e-4)
    np.testing.assert_allclose(mean_spectrum(own, 9.0), own.vqgan.mean_db.numpy() + 9, atol=1e-5)
