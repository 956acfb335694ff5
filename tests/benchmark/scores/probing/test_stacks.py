"""Training sets side by side, on the span of their rows."""

import numpy as np

from benchmark.scores.probing.stacks import Draw, make_blocks, make_stacks
from benchmark.scores.probing.whitening import Space


def test_coordinates_keep_inner_products_with_the_training_rows():
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.standard_normal((300, 300)))[0]
    spaces = [Space(rng.standard_normal((400, 300)), 0, axes), Space(rng.standard_normal((400, 20)), 32)]
    draws = [Draw(rng.permutation(400)[:m], [], "") for m in (20, 30, 200, 350)]
    stacks = make_stacks(make_blocks(spaces, draws))
    assert sorted(len(stack.blocks) for stack in stacks) == [1, 1, 1, 1, 4]  # small ones share an array
    for stack in stacks:
        for i, block in enumerate(stack.blocks):
            m, z = len(block.fit), block.space.z
            ours = stack.rows()[i] @ stack.z[i][:m].T
            assert np.allclose(ours, z @ z[block.fit].T, atol=1e-8)
            assert not stack.z[i][m:].any() and not stack.used[i][m:].any()
            assert stack.z.shape[2] <= max(m + 15, z.shape[1])


def test_draws_of_the_same_rows_share_a_block():
    space, fit = Space(np.ones((50, 3)), 0), np.arange(20)
    (block,) = make_blocks([space], [Draw(fit, [], "", seed) for seed in range(3)])
    assert block.draws == [0, 1, 2]
