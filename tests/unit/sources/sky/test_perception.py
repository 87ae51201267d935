"""What volunteers see of the truth, through small sizes, faintness and the seeing."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.stats import spearmanr

from tests.unit.sources.sky.conftest import SEED
from workflow.lib.sources.sky.decision_tree import QUESTIONS, answer_columns
from workflow.lib.sources.sky.light import Galaxy
from workflow.lib.sources.sky.perception import SEEING_SIGMA, answer_probabilities


def test_probabilities_add_to_one_within_each_question(truth):
    probabilities = answer_probabilities(truth)
    assert list(probabilities) == [
        name for question in QUESTIONS for name in answer_columns(question)
    ]
    for question in QUESTIONS:
        block = probabilities[answer_columns(question)]
        np.testing.assert_allclose(block.sum(axis=1), 1)
        assert (block > 0).all(axis=None)


def test_small_and_faint_galaxies_look_smooth(truth):
    spirals = truth[(truth["arm_strength"] > 0.5) & (truth["inclination"] < 60)].copy()
    near = answer_probabilities(spirals)["smooth-or-featured_featured-or-disk"]
    lengths = ["disc_scale", "bulge_radius", "bar_length", "ring_radius", "ring_width"]
    spirals[lengths] /= 3
    spirals[["flux_g", "flux_r", "flux_z"]] /= 9
    far = answer_probabilities(spirals)["smooth-or-featured_featured-or-disk"]
    assert (far < near).all()
    assert far.mean() < near.mean() - 0.15


def contrast(galaxy, without, reach):
    """Measure how much a feature changes the blurred light within `reach` [arcsec]."""
    pixel = max(galaxy["disc_scale"] / 12, 0.1)
    offsets = np.arange(-int(reach / pixel) - 20, int(reach / pixel) + 21) * pixel
    light, bare = (
        gaussian_filter(
            Galaxy(row, np.random.default_rng(5)).brightness(offsets, offsets, pixel)[1],
            SEEING_SIGMA / pixel,
        )
        for row in (galaxy, galaxy | without)
    )
    inside = np.hypot(offsets[:, None], offsets) < reach
    return (light / bare)[inside].std()


@pytest.mark.parametrize(
    ("strength", "without", "reach", "answer"),
    [
        ("arm_strength", {}, ("disc_scale", 2.4), "has-spiral-arms_yes"),
        ("bar_strength", {"bar_fraction": 0}, ("bar_length", 1), "bar_strong"),
        ("ring_strength", {"ring_fraction": 0}, ("ring_radius", 1.3), "ring"),
    ],
)
def test_volunteers_judge_features_as_blurred_by_the_seeing(
    truth, votes, rare, strength, without, reach, answer
):
    # Not flocculent discs: their patches are wound like arms, and look like arms.
    there = (
        (truth["morphology"] == "disc") & (truth["inclination"] < 60)
        & (truth[strength] > 0.1) & (truth["disturbance"] < 0.15) & (truth["flocculence"] < 0.4)
    )  # fmt: skip
    galaxies = truth[there & truth["iauname"].isin(votes["iauname"])].head(150)
    assert len(galaxies) > 75
    if answer == "ring":
        said = rare.set_index("iauname")["rare-features_ring_fraction"].loc[galaxies["iauname"]]
    else:
        said = answer_probabilities(galaxies, SEED)[answer]
    measured = [
        contrast(galaxy, without | {strength: 0}, galaxy[reach[0]] * reach[1])
        for galaxy in galaxies.to_dict("records")
    ]
    agreement = spearmanr(said, measured, nan_policy="omit").statistic
    assert agreement > 0.65
    assert agreement > spearmanr(galaxies[strength], measured).statistic + 0.04


def test_rings_are_taken_for_tightly_wound_arms(truth):
    ringed = truth[(truth["ring_strength"] > 0.5) & (truth["inclination"] < 60)]
    assert len(ringed) > 20
    with_rings = answer_probabilities(ringed)
    without = answer_probabilities(ringed.assign(ring_strength=0.0))
    for answer in ("has-spiral-arms_yes", "spiral-winding_tight", "spiral-arm-count_cant-tell"):
        assert (with_rings[answer] > without[answer]).all()
