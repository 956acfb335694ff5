"""What a stage has that brings nothing of its own: parameters that train, and nothing to say beside the loss."""

import dataclasses

import pytest
import torch
from torch import nn

from clef.stages.registry import STAGES
from clef.stages.stage import Objective


class Half(Objective):
    """Half of it is frozen."""

    def __init__(self):
        super().__init__()
        self.free, self.frozen = nn.Linear(2, 2), nn.Linear(2, 2).requires_grad_(False)


def test_by_default_all_that_may_train_is_one_group_and_there_is_nothing_to_report(tmp_path):
    stage = Half()
    (group,) = stage.groups()
    assert [id(p) for p in group["params"]] == [id(p) for p in stage.free.parameters()]
    assert stage.monitor() == stage.after_step(0) == stage.before_start(None) == {}
    with pytest.raises(NotImplementedError):
        stage({"x": torch.zeros(1)}, {}, 0.0)
    with pytest.raises(NotImplementedError):
        stage.save_model(tmp_path)


def test_a_row_cannot_be_changed_while_the_program_runs():
    with pytest.raises(dataclasses.FrozenInstanceError):
        STAGES["recon"].needs = ()
