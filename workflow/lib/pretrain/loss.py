"""The loss of pretraining: the Dirichlet-multinomial likelihood of votes (paper Sec. 2.2; W+22)."""

import math
from collections.abc import Callable, Iterable

import keras
from keras import ops


def vote_losses(
    counts: keras.KerasTensor, concentrations: keras.KerasTensor, places: Iterable[slice]
) -> keras.KerasTensor:
    """Compute the Dirichlet-multinomial negative log-likelihood of the votes on each question.

    Parameters
    ----------
    counts
        Shape (n, answers), float; how often each answer was given.
    concentrations
        Shape (n, answers), float, above 0.
    places
        Slice of the answers of each question, from `votes.question_slices`.

    Returns
    -------
    tensor
        Shape (n, questions); exactly 0, with zero gradient, where no volunteer was asked.
    """
    # There are few values per galaxy, so the cost of float64 is negligible beside the network.
    concentrations, counts = ops.cast(concentrations, "float64"), ops.cast(counts, "float64")
    given = _log_share(concentrations, counts)
    losses = []
    for place in places:
        total = ops.sum(counts[:, place], axis=1)
        expected = ops.sum(concentrations[:, place], axis=1)
        losses.append(_log_share(expected, total) - ops.sum(given[:, place], axis=1))
    return ops.cast(ops.stack(losses, axis=1), "float32")


def vote_loss(places: Iterable[slice]) -> Callable:
    """Make the loss function of a Keras model: the sum over the questions, shape (n,)."""
    places = list(places)

    def loss(counts: keras.KerasTensor, concentrations: keras.KerasTensor) -> keras.KerasTensor:
        return ops.sum(vote_losses(counts, concentrations, places), axis=1)

    return loss


def _log_share(concentration: keras.KerasTensor, count: keras.KerasTensor) -> keras.KerasTensor:
    """Compute log(Gamma(n + a) / (Gamma(a) n!)), the term of one answer or of a whole question."""
    value = -_log_beta(concentration, count + 1) - ops.log(concentration + count)
    return ops.where(count > 0, value, ops.zeros_like(value))


def _log_beta(x: keras.KerasTensor, y: keras.KerasTensor) -> keras.KerasTensor:
    """Compute the logarithm of the beta function without subtracting log-gammas.

    The three log-gammas may be 1000 times larger than their sum. In float32, the only precision
    that JAX has by default, too few digits would remain.
    """
    both = x + y
    main = (0.5 - x) * ops.log1p(y / x) + (0.5 - y) * ops.log1p(x / y) - 0.5 * ops.log(both)
    return main + 0.5 * math.log(2 * math.pi) + _beyond(x) + _beyond(y) - _beyond(both)


def _beyond(x: keras.KerasTensor) -> keras.KerasTensor:
    """Compute log Gamma(x) minus Stirling's formula, for x > 0."""
    result = 0.0
    for _ in range(4):
        # The series below is accurate only for larger x: shift x by 1, with this correction.
        result = result + (x + 0.5) * ops.log1p(1 / x) - 1
        x = x + 1
    square = x * x
    return result + (1 / 12 - (1 / 360 - (1 / 1260 - 1 / (1680 * square)) / square) / square) / x
