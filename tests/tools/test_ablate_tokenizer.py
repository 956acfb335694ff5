"""Ablations: the table of variants, and settings that are none."""

import json

import pytest

from tokenizer.base.cli import ConfigError
from tools.ablate_tokenizer import COLUMNS, VARIANTS, Ablate, main, table


def finish(out, name: str, value: float | None) -> None:
    """What a finished variant leaves behind."""
    folder = out / name.replace(" ", "-").replace(",", "")
    (folder / "judged").mkdir(parents=True)
    numbers = {key: [value, None] for key, _, _ in COLUMNS}
    counts = {"people": 3, "recordings": 4, "tokens": 5000}
    (folder / "judged" / "tokenizer.json").write_text(
        json.dumps({"groups": {"all": {"count": counts, "numbers": numbers}}})
    )
    (folder / "variant.json").write_text(json.dumps({"name": name}))


def test_finished_variants_are_kept_and_stand_in_the_table(tmp_path):
    finish(tmp_path, "gan off", 1.2345)
    finish(tmp_path, "2,048 codes", None)
    config = Ablate(cohort="c", out=str(tmp_path), only=["gan off", "2,048 codes"])
    assert main(config) == 0  # nothing is trained: both are done
    lines = (tmp_path / "ablations.md").read_text().splitlines()
    assert lines[0].endswith("test, all: 3 people, 4 recordings, 5,000 tokens")
    assert [line.split(" | ")[0] for line in lines[4:]] == ["| gan off", "| 2,048 codes"]
    row = next(line for line in lines if line.startswith("| gan off"))
    assert row == "| gan off" + " | 1.23" * 8 + " | 1 |"
    assert next(line for line in lines if line.startswith("| 2,048")) == "| 2,048 codes" + " | –" * 9 + " |"
    assert table(config, ["gan off"]).splitlines()[-1] == row


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"only": ["gan of"]}, "there is no variant 'gan of'"),
        ({"settings": ["width 96"]}, "'width 96' is not name=value"),
    ],
)
def test_wrong_settings_stop_before_anything_is_trained(tmp_path, settings, reason):
    with pytest.raises(ConfigError, match=reason):
        main(Ablate(cohort="c", out=str(tmp_path / "out"), **settings))
    assert not (tmp_path / "out").exists()


def test_variants_change_settings_that_there_are():
    from clef.pretrain import PretrainConfig
    from tokenizer.base.cli import parse

    for name, settings in VARIANTS.items():
        arguments = [f"{key}={value}" for key, value in settings.items()]
        config = parse(PretrainConfig, "clef.pretrain", ["stage=tokenizer", "cohort=c", "out=o", *arguments])
        for key, value in settings.items():
            part, field = key.split(".")
            assert getattr(getattr(config, part), field) == value, name
