"""Unfinished training: arrays are restored, and the folder is removed with the result."""

import numpy as np
import pytest

from workflow.lib.common.errors import UserError
from workflow.lib.network.unfinished import (
    load_arrays,
    remove_unfinished,
    save_arrays,
    unfinished_folder,
)

MODULE = "pretrain.train_on_votes"


def test_arrays_and_lists_of_arrays_are_restored_in_order(tmp_path):
    weights = [np.full((2, number), number, np.float32) for number in range(12)]
    save_arrays(
        {"weights": weights, "none": [], "loss": 1.5, "steps": np.arange(3)}, tmp_path / "a.npz"
    )
    found = load_arrays(tmp_path / "a.npz")
    assert set(found) == {"weights", "loss", "steps"}
    assert float(found["loss"]) == 1.5
    np.testing.assert_array_equal(found["steps"], np.arange(3))
    for one, other in zip(found["weights"], weights, strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


def test_the_folder_depends_on_settings_and_inputs(tmp_path):
    (tmp_path / "input").write_text("1")
    result = tmp_path / "n2_r1.json"

    def folder(settings):
        return unfinished_folder(result, settings, [tmp_path / "input"], MODULE)

    first = folder({"size": 1})
    assert first.is_dir()
    assert first.parent == tmp_path
    assert folder({"size": 1}) == first
    assert folder({"size": 2}) != first
    (tmp_path / "input").write_text("2")
    assert folder({"size": 1}) != first


def test_unfinished_training_is_removed_for_one_result_only(tmp_path):
    for result in ("n2_r1.json", "n2_r10.json"):
        for settings in (1, 2):
            unfinished_folder(tmp_path / result, settings, [], MODULE)
    (tmp_path / "n2_r1.json").write_text("{}")
    remove_unfinished(tmp_path / "n2_r1.json")
    left = sorted(path.name.partition("-")[0] for path in tmp_path.iterdir())
    assert left == ["n2_r1.json", "n2_r10.training", "n2_r10.training"]


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty"])
def test_damaged_training_says_what_to_delete(tmp_path, damage):
    path = tmp_path / "n2_r1.training-0123" / "training.npz"
    save_arrays({"weights": [np.arange(1000.0)], "loss": 1.5}, path)
    content = bytearray(path.read_bytes())
    if damage == "flipped":
        content[500] ^= 255
    path.write_bytes(content[: {"cut": 300, "empty": 0}.get(damage)])
    with pytest.raises(UserError, match=rf"{path}: .*; delete the folder {path.parent},"):
        load_arrays(path)
