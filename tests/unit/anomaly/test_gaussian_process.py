"""The Gaussian process gives the same results as scikit-learn's."""

import numpy as np
import pytest
from scipy.optimize import check_grad
from scipy.spatial.distance import pdist, squareform
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, Matern, RationalQuadratic, WhiteKernel

from workflow.lib.anomaly.gaussian_process import (
    KERNELS,
    LIMITS,
    condition,
    fit,
    log_likelihood,
    predict,
)

THEIRS = {
    "rational-quadratic": lambda length, shape: RationalQuadratic(length, shape),
    "matern": lambda length, shape: Matern(length, nu=1.5),
    "rbf": lambda length, shape: RBF(length),
}


def galaxies(count=3000, size=12, spread=1.0, seed=1):
    """Features, some of them outliers, and ratings from 0 to 5."""
    draw = np.random.default_rng(seed)
    vectors = (spread * draw.standard_t(4, (count, size))).astype(np.float32)
    interest = 5 * np.exp(-np.square(vectors[:, :4] / spread - 1).sum(axis=1) / 4)
    return vectors, np.clip(np.rint(interest + draw.normal(0, 0.3, count)), 0, 5)


def theirs(process, values):
    """scikit-learn's process with the same hyperparameters."""
    kernel = THEIRS[process.kernel](process.length, process.shape) + WhiteKernel(process.noise)
    return GaussianProcessRegressor(kernel, alpha=0, optimizer=None).fit(process.known, values)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("known", [1, 10, 200])
@pytest.mark.parametrize("spread", [0.01, 1.0, 300.0])
def test_predictions_are_those_of_scikit_learn(kernel, known, spread):
    vectors, values = galaxies(spread=spread)
    process = fit(vectors[:known], values[:known], kernel, restarts=1, seed=1)
    mean, deviation = predict(process, vectors)
    reference = theirs(process, values[:known])
    expected_mean, expected_deviation = reference.predict(vectors, return_std=True)
    assert mean.dtype == deviation.dtype == np.float32
    assert np.abs(mean - expected_mean).max() < 1e-4
    assert np.abs(deviation - expected_deviation).max() < 1e-4


@pytest.mark.parametrize("length", [0.3, 3.0, 100.0])
@pytest.mark.parametrize("shape", np.exp(LIMITS["ours"].bounds[1]))
def test_predictions_are_right_at_the_limits_and_for_similar_galaxies(length, shape):
    vectors, values = galaxies()
    vectors[1:50] = vectors[0] + 1e-3 * vectors[1:50]
    known = vectors[:200].astype(float)
    process = condition(known, values[:200], "rational-quadratic", length, shape, 1 / 12)
    mean, deviation = predict(process, vectors)
    expected = theirs(process, values[:200]).predict(vectors, return_std=True)
    assert np.abs(mean - expected[0]).max() < 1e-4
    assert np.abs(deviation - expected[1]).max() < 1e-4


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_likelihood_is_that_of_scikit_learn_and_its_slopes_are_right(kernel):
    vectors, values = galaxies(150)
    squares = squareform(pdist(vectors.astype(float), "sqeuclidean"))
    logs = np.log([3.0, 0.7, 0.2])
    reference = GaussianProcessRegressor(
        THEIRS[kernel](3.0, 0.7) + WhiteKernel(0.2), alpha=0, optimizer=None
    ).fit(vectors, values)
    known = squares, values, KERNELS[kernel]
    found = log_likelihood(logs, *known)[0]
    assert found == pytest.approx(reference.log_marginal_likelihood_value_, rel=1e-9)
    error = check_grad(
        lambda at: log_likelihood(at, *known)[0], lambda at: log_likelihood(at, *known)[1], logs
    )
    assert error < 1e-3


def test_the_fit_is_as_likely_as_that_of_scikit_learn_with_many_restarts():
    vectors, values = galaxies(120)
    process = fit(vectors, values, "rational-quadratic", restarts=2, seed=1)
    kernel = RationalQuadratic() + WhiteKernel(noise_level_bounds=np.exp(LIMITS["ours"].bounds[2]))
    best = GaussianProcessRegressor(kernel, n_restarts_optimizer=8, random_state=1, alpha=0)
    best.fit(vectors.astype(float), values)
    ours = theirs(process, values).log_marginal_likelihood_value_
    assert ours > best.log_marginal_likelihood_value_ - 0.05


@pytest.mark.parametrize("count", [10, 60, 120])
def test_the_authors_limits_give_the_fit_of_scikit_learns_defaults(count):
    """Each hyperparameter from 1, between 1e-5 and 1e5, and no restart."""
    vectors, values = galaxies(count)
    process = fit(vectors, values, "rational-quadratic", 0, 1, "authors")
    kernel = RationalQuadratic() + WhiteKernel()
    assert np.exp(kernel.bounds) == pytest.approx(np.exp(LIMITS["authors"].bounds))
    assert np.exp(kernel.theta) == pytest.approx([1, 1, 1])
    default = GaussianProcessRegressor(kernel).fit(vectors.astype(float), values)
    ours = theirs(process, values).log_marginal_likelihood_value_
    assert ours == pytest.approx(default.log_marginal_likelihood_value_, abs=0.05)


def test_galaxies_that_are_all_rated_alike_are_learned_within_the_authors_limits():
    vectors, _ = galaxies(500)
    process = fit(vectors[:10], np.zeros(10), "rational-quadratic", 0, 1, "authors")
    mean, deviation = predict(process, vectors)
    assert np.abs(mean).max() < 1e-3
    assert np.isfinite(deviation).all()


def test_more_restarts_never_fit_worse_and_follow_from_the_seed():
    vectors, values = galaxies(60, seed=5)
    likelihoods = [
        theirs(fit(vectors, values, "rational-quadratic", restarts, 1), values)
        .log_marginal_likelihood_value_
        for restarts in (0, 3, 6)
    ]  # fmt: skip
    assert (np.diff(likelihoods) > -0.05).all()
    twice = [fit(vectors, values, "rational-quadratic", 3, 2) for _ in "ab"]
    assert twice[0].length == twice[1].length


def test_blocks_threads_and_memory_maps_change_nothing(tmp_path):
    vectors, values = galaxies(5000)
    np.save(tmp_path / "vectors.npy", vectors)
    process = fit(vectors[:50], values[:50], "rational-quadratic", restarts=0, seed=1)
    mean, deviation = predict(process, vectors, threads=1)
    mapped = predict(process, np.load(tmp_path / "vectors.npy", mmap_mode="r"), threads=3)
    assert mapped[0].tobytes() == mean.tobytes()
    assert mapped[1].tobytes() == deviation.tobytes()
    some = predict(process, vectors[4000:4007])
    assert np.allclose(some[0], mean[4000:4007], atol=1e-5)


def test_far_from_known_values_the_prediction_is_the_prior():
    vectors, values = galaxies(100)
    process = fit(vectors, values, "rational-quadratic", restarts=1, seed=1)
    mean, deviation = predict(process, np.full((1, 12), 1e4, np.float32))
    assert mean == pytest.approx(0, abs=0.05)
    assert deviation == pytest.approx(np.sqrt(1 + process.noise), rel=0.01)
