"""The shapes of the simulated galaxies: how common each kind and feature is."""

import pytest

from workflow.lib.sources.sky.population import draw_population
from workflow.lib.sources.sky.profiles import EDGE_ON


@pytest.fixture(scope="module")
def truth():
    return draw_population(6000, seed=4, merging_share=0.045)


def test_rare_types_are_common_enough_for_benchmarks(truth):
    assert 0.07 < (truth["ring_strength"] > 0).mean() < 0.13
    assert 0.05 < (truth["bar_strength"] > 0.55).mean() < 0.13
    assert 0.03 < truth["merging"].mean() < 0.06
    assert 0.04 < (truth["irregularity"] > 0).mean() < 0.08
    assert 0.008 < (truth["defect"] != "none").mean() < 0.025
    assert 0.09 < (truth["inclination"] > EDGE_ON).mean() < 0.16
    assert truth["dust_lane"].mean() > 0.02
    assert truth.loc[truth["observed"], "missing"].ne("none").mean() == pytest.approx(
        1 / 300, rel=0.7
    )
    assert (truth.loc[~truth["observed"], "missing"] == "none").all()
    assert set(truth["arm_count"]) == {1, 2, 3, 4, 5, 6}


def test_encounters_are_of_all_kinds():
    truth = draw_population(4000, seed=9, merging_share=0.5)
    merging = truth[truth["merging"]]
    assert 0.3 < merging["companion_spheroid"].mean() < 0.5
    assert 0.2 < (merging["disturbance"] < 0.3).mean() < 0.4
    discs = truth[truth["morphology"].isin(["disc", "lenticular"])]
    needles = (discs["inclination"] > EDGE_ON).groupby(discs["merging"]).mean()
    assert needles[True] == pytest.approx(needles[False], abs=0.04)
    apart = truth[~truth["merging"]]
    assert not apart["companion_spheroid"].any()
    assert (apart["companion_fraction"] == 0).all()
