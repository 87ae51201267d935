"""What ``model.fit`` would do, in few compiled calls: the entry to the compiled loop.

`compiled_epochs` has the loop, `backend` what depends on Keras's backend. Pretraining has
``model.fit`` instead (`pretrain.training`): it reads more images than the device holds and shares
batches among GPUs. The fine-tuning grid has 1500 short runs on few images, where a Python call for
each step, and compiling for each run, would take most of the time.
"""

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from workflow.lib.common.checksums import intact
from workflow.lib.finetune.backend import Arrays, Tensor, compiled, on_device, run_batched
from workflow.lib.finetune.compiled_epochs import (
    EpochLoop,
    State,
    Steps,
    batch_examples,
    first_state,
    plan_epoch,
    stack_epochs,
)
from workflow.lib.network.unfinished import load_arrays, save_arrays

log = logging.getLogger(__name__)

SAVED_EVERY = 60.0
"""Seconds of training after which unfinished training is saved, between calls."""


class Schedule(NamedTuple):
    """How long and how fast a model is trained."""

    learning_rate: float
    """Of Adam (Kingma & Ba 2015)."""
    epochs: int
    """Maximum number."""
    patience: int
    """Number of epochs without a new lowest validation loss after which training stops."""
    keep: str
    """The epoch whose weights are kept: "best", with the lowest validation loss, or "last"."""
    epochs_a_call: int
    """Number of epochs in one compiled call."""


class Epoch(NamedTuple):
    """What one epoch trains on, in the order of the training set."""

    rows: np.ndarray
    """Shape (n,): rows of the data."""
    views: Sequence[np.ndarray]
    """The fields of `views.Views`, each of shape (n,); or none."""


class Curve(NamedTuple):
    """The learning curve."""

    losses: np.ndarray
    """Shape (epochs, 2): mean loss in training, and validation loss."""
    seconds: float
    """Time that training took, also before it was resumed."""
    kept: int
    """The row of the epoch whose weights are kept."""


class CompiledTraining:
    """Trains a model with Adam and early stopping: `fit`, then `predict`, as of a Keras model.

    Parameters
    ----------
    model
        From features to logits of shape (n, 1).
    features
        From data on the device, rows of shape (n,) and views, arrays of shape (n,), to features of
        shape (n, ...). No gradient passes through it.
    shape
        Of the features of one galaxy.
    batch_size
        Maximum number of galaxies in a step of training and a batch of validation.
    """

    def __init__(
        self,
        model: keras.Model,
        features: Callable[..., Tensor],
        shape: Sequence[int],
        batch_size: int,
    ) -> None:
        self.model, self.batch_size = model, batch_size
        self.loop = EpochLoop(model, features, shape)
        self._logits = compiled(self.loop.logits, fixed=1)

    def fit(
        self,
        data_of: Callable[[range], tuple[Tensor, Sequence[Epoch]]],
        labels: np.ndarray,
        validation: tuple[Tensor, np.ndarray],
        schedule: Schedule,
        *,
        seed: int,
        saved: Path,
    ) -> Curve:
        """Train until the validation loss stops falling; the model keeps one epoch's weights.

        Parameters
        ----------
        data_of
            Gives, for some epochs, counted from 1, the data on the device and what each trains on.
        labels
            Shape (n,): of the training set.
        validation
            Features on the device, and labels.
        schedule
            How long and how fast.
        seed
            Of the order in each epoch, and of dropout.
        saved
            NumPy archive that keeps unfinished training, written at most once a minute. If it
            exists, training resumes from it. It is left to the caller to remove.

        Raises
        ------
        FloatingPointError
            If a loss is not finite.
        """
        examples = batch_examples(*validation, self.batch_size)
        if intact(saved):
            state, losses, seconds = load_state(saved)
            log.info("%s: resumed after epoch %d", saved.stem, len(losses))
        else:
            state, losses, seconds = first_state(self.model, seed), np.empty((0, 2)), 0.0
        last_saved = time.monotonic()
        while len(losses) < schedule.epochs and int(state.since) < schedule.patience:
            began = time.monotonic()
            first = len(losses) + 1
            epochs = range(first, min(first + schedule.epochs_a_call, schedule.epochs + 1))
            data, planned = data_of(epochs)
            state, new = self.loop.run(
                state, self._steps(epochs, planned, labels, seed), data, examples,
                schedule.learning_rate, schedule.patience,
            )  # fmt: skip
            if not np.isfinite(new).all():
                raise FloatingPointError(
                    f"{saved.stem}: a loss is not a number after epoch {first - 1}"
                )
            losses = np.concatenate([losses, new])
            now = time.monotonic()
            seconds += now - began
            if now - last_saved > SAVED_EVERY:
                save_state(state, losses, seconds, saved)
                last_saved = now
        if schedule.keep == "last":
            self._set(state.weights, state.others)
            return Curve(losses, seconds, len(losses) - 1)
        self._set(state.best_weights, state.best_others)
        return Curve(losses, seconds, int(np.argmin(losses[:, 1])))

    def predict(
        self,
        data: Tensor,
        rows: np.ndarray,
        views: Sequence[np.ndarray] = (),
        batch_size: int | None = None,
    ) -> np.ndarray:
        """Give the logits of some rows of the data, shape (n,), float32."""
        weights = tuple(
            [ops.copy(variable.value) for variable in variables]
            for variables in (self.model.trainable_variables, self.model.non_trainable_variables)
        )
        return run_batched(
            lambda *batch: self._logits(weights, data, *batch),
            [rows.astype(np.int32), *views],
            batch_size or self.batch_size,
        )

    def _steps(
        self, epochs: range, planned: Sequence[Epoch], labels: np.ndarray, seed: int
    ) -> Steps:
        """Shuffle each epoch, by its number, and cut it into steps."""
        return stack_epochs(
            [
                plan_epoch(
                    rows,
                    labels,
                    views,
                    self.batch_size,
                    np.random.default_rng([seed, epoch]).permutation(len(labels)),
                )
                for epoch, (rows, views) in zip(epochs, planned, strict=True)
            ]
        )

    def _set(self, weights: Arrays, others: Arrays) -> None:
        """Give the model the weights of an epoch."""
        for variables, values in (
            (self.model.trainable_variables, weights),
            (self.model.non_trainable_variables, others),
        ):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)


def save_state(state: State, losses: np.ndarray, seconds: float, path: str | Path) -> None:
    """Write all that training needs to resume, atomically."""
    save_arrays({**state._asdict(), "losses": losses, "seconds": seconds}, path)


def load_state(path: str | Path) -> tuple[State, np.ndarray, float]:
    """Read what `save_state` wrote."""
    arrays = load_arrays(path)
    fields = {}
    for name in State._fields:
        value = arrays.get(name, [])
        fields[name] = list(map(on_device, value)) if isinstance(value, list) else on_device(value)
    return State(**fields), arrays["losses"], float(arrays["seconds"])
