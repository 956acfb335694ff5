"""The rig that times probes: its loop and ours are the same protocol."""

import numpy as np

from tools.time_probes import TimeProbes, compare, make_data, say, time_loop, time_ours

CONFIG = TimeProbes(tasks=3, sessions=1500, width=40, seeds=2, least_cases=40, most_cases=200, loop_tasks=3)


def test_the_loop_and_ours_agree():
    tasks, store = make_data(CONFIG)
    seconds, scored = time_ours(tasks, store, CONFIG.seeds)
    once, each, loop = time_loop(tasks, store, CONFIG.seeds)
    assert set(scored.scores["chosen_on"]) == {"val", "5 inner folds"}
    assert set(loop) == {(task, seed) for task in ("t000", "t001", "t002") for seed in (0, 1)}
    mine, theirs, most = compare(scored, loop)
    assert abs(mine - theirs) < 0.002 and most < 0.02 and mine > 0.55
    assert seconds > 0 and once > 0 and each > 0
    assert np.isclose(mine, scored.scores["auroc"].mean())


def test_a_missed_bar_is_said_and_fails(caplog):
    tasks, store = make_data(TimeProbes(tasks=1, sessions=400, width=8, least_cases=40, most_cases=40))
    _, scored = time_ours(tasks, store, 1)
    assert say(CONFIG, 1.0, 6.0, (0.7, 0.7, 0.001), scored) == 0 and "bar missed" not in caplog.text
    assert say(CONFIG, 1.0, 4.0, (0.7, 0.71, 0.01), scored) == 1
    assert "4.0 times as fast, the bar is 5" in caplog.text and "mean AUROC 0.0100 apart" in caplog.text
