"""Training in which many steps, and whole epochs with their validation, are one compiled call.

Images, views and labels of a call lie on the device. All that training changes is a `State` that
goes in and comes out, so one compiled function serves every run of the same network, and a state
saved to a file is all that is needed to go on. Written with keras.ops; only how to take gradients
and to compile depends on Keras's backend (TensorFlow or JAX).
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from workflow.lib.common.files import atomic_path
from workflow.lib.network.devices import count_gpus

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7
"""Of Adam, as in Keras."""

Tensor = Any
"""Of Keras's backend, or what it takes for one."""

Arrays = list[Any]
"""Tensors, one for each variable of a network."""


class State(NamedTuple):
    """All that training changes."""

    weights: Arrays
    """What is learned."""
    others: Arrays
    """What else the network keeps: running means, and the state of random draws."""
    mean: Arrays
    """Of the gradients, by Adam (Kingma & Ba 2015)."""
    square: Arrays
    """Of their squares, by Adam."""
    steps: Tensor
    """Taken so far, float32."""
    best_weights: Arrays
    """Those of the epoch with the lowest validation loss."""
    best_others: Arrays
    best_loss: Tensor
    """The lowest validation loss, float32."""
    since: Tensor
    """Epochs since it was found, int32."""


class Steps(NamedTuple):
    """What e epochs learn from; all fields but `views` have shape (e, steps, batch)."""

    rows: Tensor
    """Of the data, int32."""
    labels: Tensor
    """0 or 1, float32."""
    counts: Tensor
    """1, or 0 for what only fills up a batch; float32."""
    views: tuple[Any, ...]
    """Further arrays of this shape that say how to look at the rows; may be none."""


class Examples(NamedTuple):
    """What a network is validated on, in m batches."""

    features: Tensor
    """Shape (m, batch, ...): what goes into the trained part of the network, float32."""
    labels: Tensor
    """Shape (m, batch), 0 or 1, float32."""
    counts: Tensor
    """Shape (m, batch), as of `Steps`."""


def start(model: keras.Model, seed: int) -> State:
    """Give the state before the first step: the weights that `model` has, and a seed's draws."""
    weights = [ops.copy(variable.value) for variable in model.trainable_variables]
    others = [
        _first_draw(seed, place, variable.dtype)
        if "seed" in variable.path
        else ops.copy(variable.value)
        for place, variable in enumerate(model.non_trainable_variables)
    ]
    nothing = [ops.zeros_like(weight) for weight in weights]
    return State(
        weights=weights,
        others=others,
        mean=nothing,
        square=nothing,
        steps=ops.zeros(()),
        best_weights=weights,
        best_others=others,
        best_loss=ops.convert_to_tensor(np.float32(np.inf)),
        since=ops.zeros((), "int32"),
    )


def _first_draw(seed: int, place: int, dtype: str) -> Any:
    drawn = np.random.SeedSequence([seed, place]).generate_state(2)
    return ops.convert_to_tensor(drawn.astype(dtype))


class Learner:
    """Trains one part of a network, from what the fixed part gives.

    Parameters
    ----------
    model
        From features to logits of shape (n, 1).
    see
        From data, rows of shape (n,) and views, arrays of shape (n,), to features; it learns
        nothing, and no gradient passes through it.
    shape
        Of the features of one galaxy.
    """

    def __init__(self, model: keras.Model, see: Callable[..., Any], shape: Sequence[int]) -> None:
        self.model, self.see, self.shape = model, see, tuple(shape)
        self._learn = _with_gradient(self._loss)
        self._compiled = compiled(self._epochs, fixed=1)
        self._answer = compiled(self._logits, fixed=1)

    def epochs(
        self, state: State, steps: Steps, data: Any, examples: Examples, rate: float, patience: int
    ) -> tuple[State, np.ndarray]:
        """Train for some epochs, or until the validation loss has not fallen for `patience`.

        Returns
        -------
        state : State
        curve : numpy.ndarray
            Shape (e, 2): each epoch's mean loss and validation loss, only of the epochs done.
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
        self, state: State, data: Any, rows: np.ndarray, views: Sequence[Any], batch_size: int
    ) -> np.ndarray:
        """Give the logits of the best weights so far for these rows, shape (n,), float32."""
        weights = state.best_weights, state.best_others
        return run_batched(
            lambda *batch: self._answer(weights, data, *batch), [rows, *views], batch_size
        )

    def _logits(
        self, weights: tuple[Arrays, Arrays], data: Tensor, rows: Tensor, *views: Tensor
    ) -> Tensor:
        logits, _ = self._call(*weights, self.see(data, rows, *views), training=False)
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
            found = self._validate(state, examples)
            row = ops.expand_dims(ops.equal(ops.arange(count), number), 1)
            curve = ops.where(row, ops.stack([loss, found]), curve)
            return number + 1, _remember(state, found), curve

        number, state, curve = ops.while_loop(
            unfinished, epoch, (ops.zeros((), "int32"), state, ops.zeros((count, 2)))
        )
        return state, curve, number

    def _one_epoch(
        self, state: State, steps: Steps, data: Tensor, rate: Tensor
    ) -> tuple[State, Tensor]:
        def step(number: Tensor, state: State, total: Tensor) -> tuple[Tensor, State, Tensor]:
            rows, labels, counts, views = _at(steps, number)
            features = self.see(data, rows, *views)
            loss, others, gradients = self._learn(
                state.weights, state.others, features, labels, counts
            )
            seen = ops.sum(counts)
            state = _adam(state._replace(others=others), gradients, rate)
            return number + 1, state, total + loss * seen

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


def cross_entropy(labels: Any, logits: Any) -> Any:
    """Give each galaxy's binary cross-entropy, shape (n,), exact for large logits too."""
    return ops.relu(logits) - logits * labels + ops.log1p(ops.exp(-ops.absolute(logits)))


def _adam(state: State, gradients: Arrays, rate: Any) -> State:
    """Take a step of Adam, as Keras takes it."""
    steps = state.steps + 1
    size = rate * ops.sqrt(1 - ops.power(BETA_2, steps)) / (1 - ops.power(BETA_1, steps))
    mean = [m + (g - m) * (1 - BETA_1) for m, g in zip(state.mean, gradients, strict=True)]
    square = [v + (g * g - v) * (1 - BETA_2) for v, g in zip(state.square, gradients, strict=True)]
    weights = [
        w - size * m / (ops.sqrt(v) + EPSILON)
        for w, m, v in zip(state.weights, mean, square, strict=True)
    ]
    return state._replace(weights=weights, mean=mean, square=square, steps=steps)


def _remember(state: State, found: Any) -> State:
    """Keep the weights if their validation loss is the lowest so far."""
    best_weights, best_others, best_loss, since = ops.cond(
        found < state.best_loss,
        lambda: (state.weights, state.others, found, ops.zeros_like(state.since)),
        lambda: (state.best_weights, state.best_others, state.best_loss, state.since + 1),
    )
    return state._replace(
        best_weights=best_weights, best_others=best_others, best_loss=best_loss, since=since
    )


def _at(fields: NamedTuple, number: Any) -> Any:
    """Give the rows `number` of the arrays of a `Steps` or of `Examples`."""

    def row(field: Any) -> Any:
        if isinstance(field, tuple):
            return tuple(row(one) for one in field)
        return ops.take(field, number, axis=0)

    return type(fields)(*(row(field) for field in fields))


def _tensors(field: Any) -> Any:
    return tuple(map(_tensors, field)) if isinstance(field, tuple) else ops.convert_to_tensor(field)


def on_device(array: np.ndarray) -> Any:
    """Put an array where training takes place."""
    return ops.convert_to_tensor(array)


def _with_gradient(loss: Callable[..., tuple[Any, Any]]) -> Callable[..., tuple[Any, Any, Arrays]]:
    """Make of ``loss(weights, ...) -> value, more`` a function that gives the gradients too."""
    if keras.backend.backend() == "jax":
        import jax

        def learn(weights: Arrays, *rest: Any) -> tuple[Any, Any, Arrays]:
            (value, more), gradients = jax.value_and_grad(loss, has_aux=True)(weights, *rest)
            return value, more, gradients

        return learn
    import tensorflow as tf

    def learn(weights: Arrays, *rest: Any) -> tuple[Any, Any, Arrays]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(weights)
            value, more = loss(weights, *rest)
        return value, more, tape.gradient(value, weights)

    return learn


def start_sooner(sooner: bool) -> None:
    """Have TensorFlow compile as it stands what is compiled on a CPU from now on, or better it.

    On a CPU it takes a quarter of a minute to better the graph of a step through the whole
    encoder. That gains nothing, unless batch normalisation is trained.
    """
    if keras.backend.backend() == "tensorflow" and not count_gpus():
        import tensorflow as tf

        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": sooner})


def compiled(function: Callable[..., Any], fixed: int = 0) -> Callable[..., Any]:
    """Compile a function of tensors.

    TensorFlow traces it once, whatever the numbers of epochs, steps and galaxies: the shapes of
    the first `fixed` arguments stay as they are; of those of the others only the last three sizes
    do, if there are more than three dimensions. JAX traces the function for each shape.
    """
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(function)
    import tensorflow as tf

    def loose(tensor: Any) -> tf.TensorSpec:
        last = tensor.shape[-3:] if len(tensor.shape) > 3 else ()
        free = [None] * (len(tensor.shape) - len(last))
        return tf.TensorSpec([*free, *last], tensor.dtype)

    made = None

    def call(*values: Any) -> Any:
        nonlocal made
        if made is None:
            signature = [
                tf.nest.map_structure(tf.TensorSpec.from_tensor if place < fixed else loose, value)
                for place, value in enumerate(values)
            ]
            # On a CPU, XLA's convolutions are several times slower than TensorFlow's own.
            made = tf.function(
                function, input_signature=signature, autograph=False, jit_compile=count_gpus() > 0
            )
        return made(*values)

    return call


def run_batched(
    function: Callable[..., Any], arrays: Sequence[np.ndarray], batch_size: int
) -> np.ndarray:
    """Call a function on batches of arrays of shape (n,), and join what it gives.

    Batches are of equal size, so that a function is compiled once; what fills up the last one is
    cut off again.
    """
    count = len(arrays[0])
    number = math.ceil(count / batch_size)
    batch = math.ceil(count / number)
    places = np.resize(np.arange(count), (number, batch))
    parts = [
        np.asarray(function(*(ops.convert_to_tensor(array[place]) for array in arrays)))
        for place in places
    ]
    return np.concatenate(parts)[:count]


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
        The most galaxies in a step.
    order
        Shape (n,): a permutation.

    Returns
    -------
    Steps
        Shapes (steps, batch). Where n does not divide evenly, the last step is filled up with
        what does not count.
    """
    steps = math.ceil(len(rows) / batch_size)
    batch = math.ceil(len(rows) / steps)
    places = np.resize(order, (steps, batch))
    counts = (np.arange(steps * batch) < len(rows)).reshape(steps, batch)
    return Steps(
        rows[places].astype(np.int32),
        labels[places].astype(np.float32),
        counts.astype(np.float32),
        tuple(view[places] for view in views),
    )


def stack_epochs(epochs: Sequence[Steps]) -> Steps:
    """Join epochs by `plan_epoch` into one `Steps`."""
    return Steps(
        *(np.stack(field) for field in list(zip(*epochs, strict=True))[:3]),
        tuple(np.stack(view) for view in zip(*(epoch.views for epoch in epochs), strict=True)),
    )


def batched(features: Any, labels: np.ndarray, batch_size: int) -> Examples:
    """Cut features of shape (n, ...), on the device, and their labels into batches."""
    count = len(labels)
    number = math.ceil(count / batch_size)
    batch = math.ceil(count / number)
    rows = np.resize(np.arange(count), (number, batch))
    counts = (np.arange(number * batch) < count).reshape(number, batch)
    return Examples(
        ops.take(features, on_device(rows.astype(np.int32)), axis=0),
        on_device(labels[rows].astype(np.float32)),
        on_device(counts.astype(np.float32)),
    )


def save_state(state: State, curve: np.ndarray, seconds: float, path: str | Path) -> None:
    """Write all that training needs to go on, atomically."""
    groups = {name: value for name, value in state._asdict().items() if isinstance(value, list)}
    single = {name: np.asarray(value) for name, value in state._asdict().items()
              if name not in groups}  # fmt: skip
    arrays = {
        f"{name}/{number:04d}": np.asarray(value)
        for name, values in groups.items()
        for number, value in enumerate(values)
    }
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(file, curve=curve, seconds=seconds, **single, **arrays)


def load_state(path: str | Path) -> tuple[State, np.ndarray, float]:
    """Read what `save_state` wrote."""
    with np.load(path) as file:
        fields = {}
        for name in State._fields:
            if name in file.files:
                fields[name] = on_device(file[name])
            else:
                wanted = sorted(one for one in file.files if one.startswith(f"{name}/"))
                fields[name] = [on_device(file[one]) for one in wanted]
        return State(**fields), file["curve"], float(file["seconds"])
