"""The fine-tuning grid, and the names of shards and weights."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.planning.configurations import load
from workflow.lib.planning.grid import (
    PAPER_RUNS,
    compared_encoders,
    finetuning_runs,
    parse_shard,
    shard_names,
    weights_file,
)


def test_the_papers_fine_tuning_grid_has_2940_models():
    runs = finetuning_runs(load()["finetune"])
    assert len(runs) == len({run.path for run in runs}) == PAPER_RUNS == 1_500
    assert sum(run.models for run in runs) == 2_940
    of_one = [run for run in runs if (run.size, run.repeat) == (438, 0)]
    assert len(of_one) == 25
    assert sum(run.models for run in of_one) == 49
    # Each has a split of its own, and a changed grid leaves them as they are.
    assert len({run.seed(1, "ring") for run in runs}) == 1_500
    assert runs[0].seed(1, "ring") != runs[0].seed(2, "ring")
    assert runs[0].seed(1, "ring") != runs[0].seed(1, "bar")


@pytest.mark.parametrize(
    ("overlays", "expected"),
    [
        ((), ["random", *load()["pretraining"]["made"]]),  # without `final`, which is shown
        (("own.yaml", "compare.yaml"), ["random", "all", "ellipse"]),
        (("toy.yaml", "compare.yaml"), ["random", *load()["pretraining"]["made"], "ellipse"]),
    ],
)
def test_what_is_compared_follows_from_the_rest_of_the_configuration(overlays, expected):
    config = load(*overlays)
    assert compared_encoders(config) == expected
    config["compare"]["encoders"] = ["all"]
    assert compared_encoders(config) == ["all"]


@given(st.integers(1, 99999))
def test_a_shards_name_tells_its_index_and_count(count):
    names = shard_names(count)
    assert len(set(names)) == count
    assert sorted(names) == names
    assert [parse_shard(name) for name in (names[0], names[-1])] == [(0, count), (count - 1, count)]


@pytest.mark.parametrize(
    ("path", "file"),
    [
        ("all/encoder.weights.h5", "all/encoder.weights.h5"),
        ("<downloads>/efficientnetb0_notop.h5", "<downloads>/efficientnetb0_notop.h5"),
        ("zoobot/checkpoint", "zoobot/checkpoint.index"),
        ("zoobot/checkpoint.index", "zoobot/checkpoint.index"),
    ],
)
def test_a_checkpoint_may_go_by_its_prefix(path, file):
    assert weights_file(path) == file
