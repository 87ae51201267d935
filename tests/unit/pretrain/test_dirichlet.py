"""The constant prediction of votes with the lowest loss."""

import numpy as np

from workflow.lib.pretrain.dirichlet import best_constant, mean_loss


def test_the_best_constant_recovers_the_concentrations_of_drawn_votes():
    rng = np.random.default_rng(0)
    truth = np.array([0.6, 2.0, 5.0])
    counts = np.array([rng.multinomial(30, rng.dirichlet(truth)) for _ in range(3000)])
    np.testing.assert_allclose(best_constant(counts), truth, rtol=0.08)


def test_no_other_constant_has_a_lower_loss():
    rng = np.random.default_rng(1)
    counts = rng.integers(0, 20, (200, 3))
    counts[:, 0] += 1
    best = best_constant(counts)
    least = mean_loss(counts, np.broadcast_to(best, counts.shape))
    for factors in rng.uniform(0.7, 1.4, (20, 3)):
        assert mean_loss(counts, np.broadcast_to(best * factors, counts.shape)) >= least
