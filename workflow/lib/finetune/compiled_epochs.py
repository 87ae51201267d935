"""Epochs of training, each with its validation, as one compiled call.

Images, views and labels of a call lie on the device. All that training changes is a `State` that
goes in and comes out. So one compiled function serves every run of the same network, and a saved
state is all that is needed to resume. Written with keras.ops; what depends on Keras's backend is
in `backend`.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from workflow.lib.finetune.backend import (
    Arrays,
    Tensor,
    compiled,
    equal_batches,
    on_device,
    with_gradient,
)

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7
"""Of Adam, as in Keras."""


class State(NamedTuple):
    """All that training changes."""

    weights: Arrays
    """The trainable variables."""
    others: Arrays
    """The other variables: running means, and the states of random generators."""
    mean: Arrays
    """Adam's running mean of the gradients (Kingma & Ba 2015)."""
    square: Arrays
    """Adam's running mean of their squares."""
    steps: Tensor
    """Number of steps so far, float32."""
    best_weights: Arrays
    """The weights after the epoch with the lowest validation loss."""
    best_others: Arrays
    """The other variables after that epoch."""
    best_loss: Tensor
    """The lowest validation loss, float32."""
    since: Tensor
    """Number of epochs since that epoch, int32."""


class Steps(NamedTuple):
    """What some epochs train on; all fields have shape (epochs, steps, batch)."""

    rows: Tensor
    """Rows of the data, int32."""
    labels: Tensor
    """0 or 1, float32."""
    counts: Tensor
    """1, or 0 for a row that only fills up its batch; float32."""
    views: tuple[Tensor, ...]
    """The fields of `views.Views`, or none."""


class Examples(NamedTuple):
    """What a network is validated on."""

    features: Tensor
    """Shape (batches, batch, ...): the input of the trained part of the network, float32."""
    labels: Tensor
    """Shape (batches, batch), 0 or 1, float32."""
    counts: Tensor
    """Shape (batches, batch), as of `Steps`."""


def first_state(model: keras.Model, seed: int) -> State:
    """Give the state before the first step: the weights of `model`, and random generators' seeds.

    Each generator (a dropout has one) gets a seed of its own, drawn from `seed`.
    """
    weights = [ops.copy(variable.value) for variable in model.trainable_variables]
    others = [
        _drawn_seed(seed, place, variable.dtype)
        if "seed" in variable.path
        else ops.copy(variable.value)
        for place, variable in enumerate(model.non_trainable_variables)
    ]
    zeros = [ops.zeros_like(weight) for weight in weights]
    return State(
        weights=weights,
        others=others,
        mean=zeros,
        square=zeros,
        steps=ops.zeros(()),
        best_weights=weights,
        best_others=others,
        best_loss=ops.convert_to_tensor(np.float32(np.inf)),
        since=ops.zeros((), "int32"),
    )


def _drawn_seed(seed: int, place: int, dtype: str) -> Tensor:
    drawn = np.random.SeedSequence([seed, place]).generate_state(2)
    return ops.convert_to_tensor(drawn.astype(dtype))


def plan_epoch(
    rows: np.ndarray,
    labels: np.ndarray,
    views: Sequence[np.ndarray],
    batch_size: int,
    order: np.ndarray,
) -> Steps:
    """Share one epoch among steps of equal size, as few as `batch_size` allows.

    Parameters
    ----------
    rows, labels
        Shape (n,): of the training set.
    views
        Arrays of shape (n,).
    batch_size
        Maximum number of galaxies in a step.
    order
        Shape (n,): a permutation.

    Returns
    -------
    Steps
        Fields of shape (steps, batch). Where n does not divide evenly, the last step is filled up
        with rows that do not count.
    """
    places, counts = equal_batches(len(rows), batch_size)
    taken = order[places]
    return Steps(
        rows[taken].astype(np.int32),
        labels[taken].astype(np.float32),
        counts,
        tuple(view[taken] for view in views),
    )


def stack_epochs(epochs: Sequence[Steps]) -> Steps:
    """Join epochs by `plan_epoch` into one `Steps`."""
    return Steps(
        *(np.stack(field) for field in list(zip(*epochs, strict=True))[:3]),
        tuple(np.stack(view) for view in zip(*(epoch.views for epoch in epochs), strict=True)),
    )


def batch_examples(features: Tensor, labels: np.ndarray, batch_size: int) -> Examples:
    """Cut features of shape (n, ...), on the device, and their labels into batches."""
    places, counts = equal_batches(len(labels), batch_size)
    return Examples(
        ops.take(features, on_device(places.astype(np.int32)), axis=0),
        on_device(labels[places].astype(np.float32)),
        on_device(counts),
    )


class EpochLoop:
    """The compiled loop over epochs and steps.

    Parameters
    ----------
    model, features, shape
        As for `compiled_training.CompiledTraining`.
    """

    def __init__(
        self, model: keras.Model, features: Callable[..., Tensor], shape: Sequence[int]
    ) -> None:
        self.model, self.features, self.shape = model, features, tuple(shape)
        self._differentiate = with_gradient(self._loss)
        self._compiled = compiled(self._epochs, fixed=1)

    def run(
        self,
        state: State,
        steps: Steps,
        data: Tensor,
        examples: Examples,
        rate: float,
        patience: int,
    ) -> tuple[State, np.ndarray]:
        """Train for some epochs, or until the validation loss has not fallen for `patience`.

        Parameters
        ----------
        state, steps, examples
            Where training is, what it takes next, and what it is validated on.
        data
            What the rows of `steps` are taken from, as for `features`.
        rate
            Adam's learning rate.
        patience
            Number of epochs.

        Returns
        -------
        state : State
        curve : numpy.ndarray
            Shape (e, 2): mean loss and validation loss of each epoch that was trained.
        """
        state, curve, done = self._compiled(
            state,
            Steps(*(_tensors(field) for field in steps)),
            data,
            examples,
            ops.convert_to_tensor(np.float32(rate)),
            ops.convert_to_tensor(np.int32(patience)),
        )
        return state, np.asarray(curve)[: int(done)]

    def logits(
        self, weights: tuple[Arrays, Arrays], data: Tensor, rows: Tensor, *views: Tensor
    ) -> Tensor:
        """Give the logits, shape (n,), for trainable and other weights; to be compiled."""
        logits, _ = self._call(*weights, self.features(data, rows, *views), training=False)
        return logits

    def _call(
        self, weights: Arrays, others: Arrays, features: Tensor, training: bool
    ) -> tuple[Tensor, Arrays]:
        features = ops.reshape(features, (-1, *self.shape))
        logits, others = self.model.stateless_call(weights, others, features, training=training)
        return ops.cast(logits[:, 0], "float32"), others

    def _epochs(
        self,
        state: State,
        steps: Steps,
        data: Tensor,
        examples: Examples,
        rate: Tensor,
        patience: Tensor,
    ) -> tuple[State, Tensor, Tensor]:
        count = ops.shape(steps.rows)[0]

        def unfinished(number: Tensor, state: State, curve: Tensor) -> Tensor:
            return ops.logical_and(number < count, state.since < patience)

        def epoch(number: Tensor, state: State, curve: Tensor) -> tuple[Tensor, State, Tensor]:
            state, loss = self._one_epoch(state, _at(steps, number), data, rate)
            validation_loss = self._validate(state, examples)
            row = ops.expand_dims(ops.equal(ops.arange(count), number), 1)
            curve = ops.where(row, ops.stack([loss, validation_loss]), curve)
            return number + 1, _keep_best(state, validation_loss), curve

        number, state, curve = ops.while_loop(
            unfinished, epoch, (ops.zeros((), "int32"), state, ops.zeros((count, 2)))
        )
        return state, curve, number

    def _one_epoch(
        self, state: State, steps: Steps, data: Tensor, rate: Tensor
    ) -> tuple[State, Tensor]:
        def step(number: Tensor, state: State, total: Tensor) -> tuple[Tensor, State, Tensor]:
            rows, labels, counts, views = _at(steps, number)
            features = self.features(data, rows, *views)
            loss, others, gradients = self._differentiate(
                state.weights, state.others, features, labels, counts
            )
            state = _adam(state._replace(others=others), gradients, rate)
            return number + 1, state, total + loss * ops.sum(counts)

        count = ops.shape(steps.rows)[0]
        _, state, total = ops.while_loop(
            lambda number, *_: number < count,
            step,
            (ops.zeros((), "int32"), state, ops.zeros(())),
        )
        return state, total / ops.sum(steps.counts)

    def _loss(
        self, weights: Arrays, others: Arrays, features: Tensor, labels: Tensor, counts: Tensor
    ) -> tuple[Tensor, Arrays]:
        logits, others = self._call(weights, others, features, training=True)
        losses = cross_entropy(labels, logits)
        return ops.sum(losses * counts) / ops.sum(counts), others

    def _validate(self, state: State, examples: Examples) -> Tensor:
        def batch(number: Tensor, total: Tensor) -> tuple[Tensor, Tensor]:
            features, labels, counts = _at(examples, number)
            logits, _ = self._call(state.weights, state.others, features, training=False)
            losses = cross_entropy(labels, logits)
            return number + 1, total + ops.sum(losses * counts)

        count = ops.shape(examples.labels)[0]
        _, total = ops.while_loop(
            lambda number, _: number < count, batch, (ops.zeros((), "int32"), ops.zeros(()))
        )
        return total / ops.sum(examples.counts)


def cross_entropy(labels: Tensor, logits: Tensor) -> Tensor:
    """Give each galaxy's binary cross-entropy, shape (n,); exact also for large logits."""
    return ops.relu(logits) - logits * labels + ops.log1p(ops.exp(-ops.absolute(logits)))


def _adam(state: State, gradients: Arrays, rate: Tensor) -> State:
    """Take a step of Adam, with Keras's formula (Kingma & Ba 2015, Sec. 2, end).

    Written out because the optimisers' ``stateless_apply`` raises an error with TensorFlow
    (Keras 3.15).
    """
    steps = state.steps + 1
    size = rate * ops.sqrt(1 - ops.power(BETA_2, steps)) / (1 - ops.power(BETA_1, steps))
    mean = [m + (g - m) * (1 - BETA_1) for m, g in zip(state.mean, gradients, strict=True)]
    square = [v + (g * g - v) * (1 - BETA_2) for v, g in zip(state.square, gradients, strict=True)]
    weights = [
        w - size * m / (ops.sqrt(v) + EPSILON)
        for w, m, v in zip(state.weights, mean, square, strict=True)
    ]
    return state._replace(weights=weights, mean=mean, square=square, steps=steps)


def _keep_best(state: State, validation_loss: Tensor) -> State:
    """Keep the weights if their validation loss is the lowest so far."""
    best_weights, best_others, best_loss, since = ops.cond(
        validation_loss < state.best_loss,
        lambda: (state.weights, state.others, validation_loss, ops.zeros_like(state.since)),
        lambda: (state.best_weights, state.best_others, state.best_loss, state.since + 1),
    )
    return state._replace(
        best_weights=best_weights, best_others=best_others, best_loss=best_loss, since=since
    )


def _at(fields: Steps | Examples, number: Tensor) -> Any:
    """Give row `number` of every array in `Steps` or `Examples`."""

    def row(field: Any) -> Any:
        if isinstance(field, tuple):
            return tuple(row(one) for one in field)
        return ops.take(field, number, axis=0)

    return type(fields)(*(row(field) for field in fields))


def _tensors(field: Any) -> Any:
    return tuple(map(_tensors, field)) if isinstance(field, tuple) else ops.convert_to_tensor(field)
