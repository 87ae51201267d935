"""Chance: the scores expected of a random rater, by brute force."""

import itertools

import numpy as np
import pytest

from workflow.lib.anomaly.active_learning import final_ranking
from workflow.lib.anomaly.chance import chance_by_rank, chance_precision
from workflow.lib.anomaly.scores import accuracies, average_precision, rank_weighted_scores


def ranked_by_a_random_rater(anomaly, known, draw):
    """Whether the galaxy at each rank is an anomaly, ranked as `hunt` does with known_first."""
    rows = draw.choice(len(anomaly), known, replace=False)
    interest = draw.uniform(0, 5, len(anomaly))
    return anomaly[final_ranking(interest, rows, np.where(anomaly[rows], np.inf, 0))]


@pytest.mark.parametrize(("galaxies", "anomalies"), [(1, 1), (5, 1), (6, 3), (7, 7)])
def test_chance_is_the_mean_over_all_orders(galaxies, anomalies):
    orders = itertools.combinations(range(galaxies), anomalies)
    scores = [average_precision(np.isin(np.arange(galaxies), order)) for order in orders]
    assert chance_precision(galaxies, anomalies) == pytest.approx(np.mean(scores))
    assert np.allclose(chance_by_rank(galaxies, anomalies, 0, 99), anomalies / galaxies)


@pytest.mark.parametrize(
    ("galaxies", "anomalies", "known"),
    [(6, 2, 3), (6, 4, 3), (6, 1, 1), (5, 2, 4), (5, 5, 2), (5, 2, 5), (1, 1, 1)],
)
def test_chance_is_the_mean_over_all_choices_of_a_random_rater(galaxies, anomalies, known):
    # In a random order of all galaxies, the first ones are rated and the others stay in order.
    rankings = []
    for places in itertools.combinations(range(galaxies), anomalies):
        anomaly = np.isin(np.arange(galaxies), places)
        rated, others = anomaly[:known], anomaly[known:]
        rankings.append(np.concatenate([rated[rated], others, rated[~rated]]))
    chance = chance_by_rank(galaxies, anomalies, known, galaxies)
    assert chance == pytest.approx(np.mean(rankings, axis=0))
    for metric in (accuracies, rank_weighted_scores):
        assert metric(chance) == pytest.approx(np.mean([metric(one) for one in rankings], axis=0))
    precision = np.mean([average_precision(one) for one in rankings])
    assert chance_precision(galaxies, anomalies, known) == pytest.approx(precision)


def test_a_random_rater_of_100_in_366_galaxies_has_an_average_precision_of_0_3():
    draw, anomaly = np.random.default_rng(1), np.arange(366) < 5
    rankings = [ranked_by_a_random_rater(anomaly, 100, draw) for _ in range(4000)]
    precision = chance_precision(366, 5, 100)
    assert precision == pytest.approx(0.30, abs=0.02)
    assert precision == pytest.approx(np.mean([average_precision(r) for r in rankings]), abs=0.015)
    found = accuracies(chance_by_rank(366, 5, 100, 20))
    for top in (5, 20):
        drawn = np.mean([ranking[:top].mean() for ranking in rankings])
        assert found[top - 1] == pytest.approx(drawn, abs=0.015)
    assert found[4] > 0.25  # 0.014 in a random order
    assert chance_precision(366, 5) < 0.04


def test_chance_is_fast_to_compute_for_a_whole_survey_and_tends_to_a_random_order():
    anomalies, galaxies = 130_000, 8_700_000
    chance = chance_by_rank(galaxies, anomalies, 200, 500)
    share = anomalies / galaxies
    assert chance[0] == pytest.approx(1 - (1 - share) ** 200, abs=1e-3)
    assert chance[-1] == pytest.approx(share, rel=1e-3)
    assert chance_precision(galaxies, anomalies, 200) == pytest.approx(share, rel=0.01)
