"""Building blocks of a synthetic EEG: two streams of random numbers, places on the scalp, noise, events."""

import numpy as np
import pytest
from scipy.signal import welch

from clef.importers.synthetic.waves import Canvas, Streams, conduction, lobe, topography
from tokenizer.channels import CHANNELS


def canvas(seed=0, seconds=60, other=None):
    return Canvas(Streams(np.random.default_rng(seed), other), 200, seconds)


def test_as_recorded_noise_and_events_come_from_one_generator_in_order():
    streams, rng = Streams(np.random.default_rng(5)), np.random.default_rng(5)
    for shape in ((7,), (2, 9)):
        assert np.array_equal(streams.noise(*shape), rng.standard_normal(shape, np.float32))
        assert streams.events.random() == rng.random()


def test_a_redraw_changes_the_noise_alone():
    recorded, redrawn = Streams(np.random.default_rng(5)), Streams(np.random.default_rng(5), np.random.default_rng(6))
    for shape in ((7,), (2, 9)):
        assert not np.isin(redrawn.noise(*shape), recorded.noise(*shape)).any()
        assert redrawn.events.standard_normal() == recorded.events.standard_normal()


def test_streams_of_a_session_depend_on_seed_row_and_redraw():
    first = lambda *names: (Streams.of_session(*names).noise(3).tolist(), Streams.of_session(*names).events.random())
    assert first(1, 2) == first(1, 2, 0)
    assert len({str(first(*names)[0]) for names in ((1, 2), (1, 3), (2, 2), (1, 2, 1), (1, 2, 2))}) == 5
    assert first(1, 2)[1] == first(1, 2, 1)[1]


def test_events_of_a_canvas_stay_when_the_noise_changes():
    def events(c):
        c.noise(lambda f: 1 / f, 1, 30, 2)
        return [*c.scatter(np.ones(60, bool), 30), *c.periodic(1.0), *c.train([3.0], np.ones(5, np.float32))[600:605]]

    assert events(canvas()) == events(canvas(other=np.random.default_rng(9))) != events(canvas(1))


@pytest.mark.parametrize("name", ["Fp1", "T4", "Pz"])
def test_a_lobes_gain_is_largest_near_it_and_mirrored_on_the_other_side(name):
    left, right = lobe(-1, "temporal", 0.3), lobe(1, "temporal", 0.3)
    assert CHANNELS[left.argmax()] == "T3" and CHANNELS[right.argmax()] == "T4"
    assert left[CHANNELS.index("C3")] == pytest.approx(right[CHANNELS.index("C4")])
    assert topography(0, 0, 0.5)[CHANNELS.index("Cz")] == 1 > topography(0, 0, 0.5)[CHANNELS.index(name)]


def test_conduction_mixes_neighbours_and_keeps_the_variance():
    mixing = conduction(0.42)
    assert np.allclose((mixing**2).sum(1), 1, atol=1e-6)
    shared = mixing @ mixing.T
    row = shared[CHANNELS.index("O1")]
    assert row[CHANNELS.index("P3")] > row[CHANNELS.index("F3")] > row[CHANNELS.index("Fp2")]


def test_noise_has_the_density_asked_for_and_a_rhythm_its_rms():
    c = canvas(seconds=600)
    f, power = welch(c.noise(lambda hz: 40 / hz, 2, 30, 4), 200, nperseg=800)
    inside = (f >= 4) & (f <= 28)
    # 4 channels x 300 windows that overlap by half: each bin scatters by about 1 / sqrt(600), their mean by far less
    assert (power[:, inside].mean(0) * f[inside]).mean() == pytest.approx(40, rel=0.05)
    assert power[:, (f < 1) | (f > 32)].max() < 0.1
    assert c.rhythm(10.0, 0.5, 12.0).std() == pytest.approx(12, rel=0.1)


def test_a_train_starts_its_waveform_where_it_is_told_and_mix_forgets():
    c, shape = canvas(seconds=10), np.arange(1, 6, dtype=np.float32)
    wave = c.train([2.0, 7.5], shape, spread=0.0)
    assert np.flatnonzero(wave).tolist() == [*range(400, 405), *range(1500, 1505)]
    assert wave[400:405].tolist() == shape.tolist()
    c.add(np.eye(19, dtype=np.float32)[3], wave)
    mixed = c.mix()
    assert np.array_equal(mixed[3], wave) and not np.delete(mixed, 3, 0).any() and not c.parts


def test_events_are_scattered_where_they_are_allowed_and_repeat_at_their_rate():
    c, allowed = canvas(seconds=600), np.arange(600) % 10 < 3
    times = c.scatter(allowed, 60)
    assert allowed[times.astype(int)].all() and (np.diff(times) >= 0).all()
    assert len(times) == pytest.approx(180, abs=5 * np.sqrt(180))  # Poisson
    assert np.diff(c.periodic(2.0, 0.05)).mean() == pytest.approx(0.5, rel=0.02)
    assert len(c.scatter(np.zeros(600, bool), 60)) == 0
