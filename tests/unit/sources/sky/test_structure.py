"""The shapes of the simulated galaxies: how common each kind and feature is."""

import pandas as pd
import pytest

from workflow.lib.sources.sky.population import draw_population
from workflow.lib.sources.sky.profiles import EDGE_ON
from workflow.lib.sources.sky.structure import USUAL_RING_SHARE


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


def test_a_larger_share_gives_more_rings_and_the_same_galaxies_otherwise(truth):
    more = draw_population(6000, seed=4, merging_share=0.045, ring_share=0.6)
    usual = draw_population(6000, seed=4, merging_share=0.045, ring_share=USUAL_RING_SHARE)
    shown = truth["morphology"].isin(["disc", "lenticular"]) & (truth["inclination"] < 70)
    assert (usual.loc[shown, "ring_strength"] > 0).mean() == pytest.approx(0.283, abs=0.02)
    assert (more.loc[shown, "ring_strength"] > 0).mean() == pytest.approx(0.6, abs=0.02)
    assert (more.loc[~shown, "ring_strength"] == 0).all()
    assert (more.loc[truth["ring_strength"] > 0, "ring_strength"] > 0).all()
    for column in ("iauname", "ra", "dec", "morphology", "inclination", "merging"):
        pd.testing.assert_series_equal(more[column], truth[column])


def test_without_a_share_of_rings_the_sky_is_the_usual_one(truth):
    usual = draw_population(6000, seed=4, merging_share=0.045, ring_share=USUAL_RING_SHARE)
    pd.testing.assert_frame_equal(usual, truth)
    none = draw_population(500, seed=4, merging_share=0.045, ring_share=0.0)
    assert (none["ring_strength"] == 0).all()
