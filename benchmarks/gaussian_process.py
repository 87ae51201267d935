"""A step of a search for anomalies: learn from 200 ratings, choose the next ten galaxies."""

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace as Case

import numpy as np

from benchmarks.contest import Table, call, contest, instead, ours

SIZES = {"full": [60_000, 8_700_000], "small": [10_000], "tiny": [500]}

COMPONENTS, RATINGS, NEXT, EPSILON = 40, 200, 10, 0.5
BLOCK = 60_000
"""Galaxies that others predict at a time: 96 MB of covariances, and as much for copies."""


def prepare(case: Case) -> None:
    """Draw vectors, of which few are interesting, and rate some."""
    rng, shape = np.random.default_rng(1), (case.galaxies, COMPONENTS)
    vectors = np.lib.format.open_memmap(f"{case.folder}/vectors.npy", "w+", np.float32, shape)
    for start in range(0, case.galaxies, BLOCK):
        part = vectors[start : start + BLOCK]
        part[:] = rng.standard_normal(part.shape, np.float32)
    rows = rng.choice(case.galaxies, RATINGS, replace=False)
    interest = np.exp(-np.square(vectors[rows, :2] - 1).sum(axis=1) / 4)
    np.savez(f"{case.folder}/ratings.npz", rows=rows, ratings=np.rint(5 * interest))


def _known(case: Case) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    ratings = np.load(f"{case.folder}/ratings.npz")
    vectors = np.load(f"{case.folder}/vectors.npy", mmap_mode="r")
    return vectors, ratings["rows"], ratings["ratings"]


def step(case: Case) -> Callable:
    """Take the step as stage 6 does."""
    from workflow.lib.anomaly.active_learning import GaussianProcessSettings, next_step

    vectors, rows, ratings = _known(case)
    how = GaussianProcessSettings(
        NEXT, "rational-quadratic", "expected-improvement", EPSILON, restarts=1
    )
    return lambda: float(next_step(vectors, rows, ratings, how, 1).batch.sum())


def _choose(
    predict: Callable, vectors: np.ndarray, rows: np.ndarray, best: float, block: int = BLOCK
) -> float:
    """Predict all galaxies in blocks, and choose ten; give the sum of their rows."""
    from scipy.stats import norm

    useful = np.empty(len(vectors))
    for start in range(0, len(vectors), block):
        mean, deviation = predict(vectors[start : start + block])
        gain = mean - best - EPSILON
        sigmas = gain / deviation
        useful[start : start + block] = gain * norm.cdf(sigmas) + deviation * norm.pdf(sigmas)
    useful[rows] = -np.inf
    return float(np.argpartition(-useful, NEXT)[:NEXT].sum())


def scikit_learn(case: Case) -> Callable:
    """Take the step with scikit-learn, with as many restarts."""
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RationalQuadratic, WhiteKernel

    vectors, rows, ratings = _known(case)
    warnings.simplefilter("ignore")

    def turn() -> float:
        kernel = RationalQuadratic() + WhiteKernel(noise_level_bounds=(1 / 12, 1e2))
        process = GaussianProcessRegressor(kernel, n_restarts_optimizer=1, random_state=1)
        process.fit(vectors[rows].astype(float), ratings)
        return _choose(
            lambda part: process.predict(part.astype(float), return_std=True),
            vectors, rows, ratings.max(),
        )  # fmt: skip

    return turn


def gpytorch_exact(case: Case) -> Callable:
    """Take the step with GPyTorch's exact process, fitted by 50 steps of Adam as in its manual."""
    import gpytorch
    import torch

    vectors, rows, ratings = _known(case)
    inputs = torch.from_numpy(vectors[rows])
    targets = torch.from_numpy(ratings.astype(np.float32))

    class Process(gpytorch.models.ExactGP):
        def __init__(self, likelihood: gpytorch.likelihoods.Likelihood) -> None:
            super().__init__(inputs, targets, likelihood)
            self.mean_module = gpytorch.means.ZeroMean()
            self.covar_module = gpytorch.kernels.RQKernel()

        def forward(self, x: torch.Tensor) -> gpytorch.distributions.MultivariateNormal:
            covariance = self.covar_module(x)
            return gpytorch.distributions.MultivariateNormal(self.mean_module(x), covariance)

    def turn() -> float:
        likelihood = gpytorch.likelihoods.GaussianLikelihood()
        process = Process(likelihood)
        optimizer = torch.optim.Adam(process.parameters(), lr=0.1)
        likelihood_of_all = gpytorch.mlls.ExactMarginalLogLikelihood(likelihood, process)
        process.train()
        for _ in range(50):
            optimizer.zero_grad()
            loss = -likelihood_of_all(process(inputs), targets)
            loss.backward()
            optimizer.step()
        process.eval()

        def predict(part: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            with torch.no_grad(), gpytorch.settings.fast_pred_var():
                found = process(torch.from_numpy(np.array(part)))
                return found.mean.numpy(), found.variance.sqrt().numpy()

        # It calculates the covariances among the galaxies of a block too, so blocks are small.
        return _choose(predict, vectors, rows, ratings.max(), block=1_000)

    return turn


def run(folder: Path, size: list[int], turns: int) -> Iterator[Table]:
    """Compare steps among few and among many galaxies."""
    for galaxies in size:
        case = {"folder": str(folder), "galaxies": galaxies}
        call(prepare, case)
        yield contest(
            f"A step of a search among {galaxies:,} galaxies",
            [ours(step), instead(scikit_learn, 10), instead(gpytorch_exact, 10, "gpytorch")],
            case, turns, warm=galaxies < 10 * BLOCK,
        )  # fmt: skip
