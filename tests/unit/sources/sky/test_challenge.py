"""The table of the Galaxy Challenge: its columns, and which galaxies are odd."""

import numpy as np

from tests.unit.sources.sky.conftest import SEED
from workflow.lib.sources.sky.challenge import challenge_answers


def test_the_table_has_37_columns_weighted_by_the_share_that_reached_the_question(truth):
    table = challenge_answers(truth, SEED)
    sizes = {1: 3, 2: 2, 3: 2, 4: 2, 5: 4, 6: 2, 7: 3, 8: 7, 9: 3, 10: 3, 11: 6}
    names = {k: [f"Class{k}.{answer}" for answer in range(1, n + 1)] for k, n in sizes.items()}
    assert list(table) == ["GalaxyID", *(name for block in names.values() for name in block)]
    assert table["GalaxyID"].dtype == np.int64
    assert table["GalaxyID"].is_unique

    def total(number):
        return table[names[number]].sum(axis=1)

    reached = {
        1: 1.0, 2: table["Class1.2"], 3: table["Class2.2"], 4: table["Class2.2"],
        5: table["Class2.2"], 6: 1 - table["Class1.3"], 7: table["Class1.1"],
        8: table["Class6.1"], 9: table["Class2.1"], 10: table["Class4.1"], 11: table["Class4.1"],
    }  # fmt: skip
    for number, expected in reached.items():
        np.testing.assert_allclose(total(number), expected, atol=1e-9)


def test_about_one_and_a_half_per_cent_are_odd_and_have_a_reason(truth):
    odd = challenge_answers(truth, SEED)["Class6.1"] > 0.9
    assert 0.007 < odd.mean() < 0.03
    strange = (
        truth["merging"]
        | (truth["irregularity"] > 0)
        | (truth["disturbance"] > 0.3)
        | (truth["ring_strength"] > 0.3)
        | truth["lensed"]
        | truth["overlapped"]
        | truth["dust_lane"]
    )
    assert strange[odd].all()
