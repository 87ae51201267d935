"""Fine-tuning: a pretrained encoder learns a label from few galaxies (paper Sec. 4.2).

It does what ``model.fit`` would do on a network of an encoder and a head, and stops after the same
epoch, but for this:

- The images of a run lie in the memory of the device, as uint8; views are taken there.
- Many steps, and epochs with their validation, are one compiled call (see
  `compiled_training`). Unfinished training is saved between calls, each minute, so a killed job
  repeats at most that.
- The steps of an epoch are of equal size, where Keras would leave a small batch to the end.
- Validation has one view of each galaxy, the same each epoch; what the fixed part of the encoder
  makes of it is calculated once. The mean over test views is the authors' way [code].
- While the encoder is frozen, representations of the epochs of a call are calculated in batches of
  their own, many galaxies at once, and steps go through the head alone. With `frozen_views`,
  galaxies have but so many views, which epochs take turns with; the paper draws new ones.
- The encoder is in inference mode, unless from scratch: batch normalisation as the paper has it,
  and no block of it is left out at random (Keras's "drop connect"), which the paper does not say.
  Its normalisation is folded into the convolutions (`fold_batchnorm`): the same, but for rounding.
- The loss is calculated from the logit, where Keras's would take the sigmoid of it: the same, but
  for rounding.
"""

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from workflow.lib.common.errors import UserError
from workflow.lib.network.encoder import load_encoder, random_encoder

if TYPE_CHECKING:
    import keras

    from workflow.lib.finetune.compiled_training import Learner, State

log = logging.getLogger(__name__)

SAVED_EVERY = 60.0
"""Seconds of training after which unfinished training is saved, between epochs."""

STEPS_A_CALL = 64
"""Steps that one call of a compiled function takes, or those of an epoch if it has more."""

VECTORS_A_CALL = 1024
"""Representations that are calculated at once, or those of an epoch if it has more."""


class Stage(NamedTuple):
    """How one stage of a run is trained."""

    learning_rate: float
    """Of Adam (Kingma & Ba 2015)."""
    images_seen: float
    """The epochs there may be, times the size of the training set (Sec. 4.2.3)."""
    patience: Mapping[str, int]
    """The number of epochs divided by `part`, but within `least` and `most` (Sec. 4.2.3)."""

    def epochs(self, size: int) -> int:
        """Give the most epochs that a training set of this size is gone through."""
        return max(1, int(self.images_seen / size))

    def patient(self, size: int) -> int:
        """Give the epochs without a lower validation loss after which training stops."""
        wanted = self.epochs(size) // self.patience["part"]
        return min(max(self.patience["least"], wanted), self.patience["most"])


class Settings(NamedTuple):
    """What all runs share."""

    crop_size: int
    """Side of the network's view [pixel]."""
    split: Mapping[str, Any]
    """Shares and copies, for `splits.draw_split`."""
    head: Mapping[str, Any]
    """Units and dropout, for `classifier.build_head`."""
    batch_size: int
    stages: Mapping[str, Mapping[str, Any]]
    """Of the stages frozen, finetuned and scratch, the fields of `Stage`."""
    frozen_views: int | None
    """Views of each galaxy that the frozen stage takes turns with; None: new ones each epoch."""
    test_passes: int
    """Views of each test galaxy over which loss and accuracy are averaged."""
    momentum: float
    """Of the running means in batch normalisation, from scratch."""
    precision: str
    """Keras's dtype policy on a GPU; a CPU computes in float32."""


class Part(NamedTuple):
    """One of the sets of a split."""

    rows: np.ndarray
    """Of the images that are on the device, shape (n,)."""
    labels: np.ndarray
    """Shape (n,), bool."""
    keys: np.ndarray
    """Shape (n,), for `views.draw_views`; copies of a galaxy differ in theirs."""


class Galaxies(NamedTuple):
    """The galaxies of a run."""

    images: Any
    """On the device: shape (unique galaxies, size, size, channels), uint8."""
    train: Part
    validation: Part
    test: Part


class Network:
    """A network whose compiled functions serve all runs of one encoder and depth.

    Parameters
    ----------
    weights, depth
        As for `finetune`.
    how
        The settings.
    shape
        (n, size, size, channels) of the images.
    """

    def __init__(
        self, weights: str | Path | None, depth: str, how: Settings, shape: tuple[int, ...]
    ) -> None:
        from keras import ops

        from workflow.lib.finetune.classifier import (
            Classifier,
            build_head,
            cut,
            look,
            mark_trainable,
        )
        from workflow.lib.finetune.compiled_training import Learner, compiled, start_sooner
        from workflow.lib.network.devices import policy

        self.how, self.size, self.scratch = how, shape[1], weights is None
        start_sooner(not self.scratch)
        with policy(how.precision):
            self.encoder = _encoder(weights, how.crop_size, shape[-1])
            lower, upper = cut(self.encoder, depth)
        mark_trainable(upper, self.scratch, how.momentum)
        self.start = self.encoder.get_weights()
        self.head = build_head(self.encoder.output_shape[-1], seed=0, **how.head)
        model = Classifier(upper, self.head, self.scratch)
        model.build(upper.input_shape)
        looked = partial(look, crop=how.crop_size)

        def see(images: Any, rows: Any, *views: Any) -> Any:
            seen = looked(images, rows, *views)
            return seen if lower is None else ops.cast(lower(seen, training=False), "float32")

        def represent(images: Any, rows: Any, *views: Any) -> Any:
            return ops.cast(self.encoder(looked(images, rows, *views), training=False), "float32")

        def pick(vectors: Any, rows: Any) -> Any:
            return ops.take(vectors, rows, axis=0)

        self.see, self.represent = compiled(see), compiled(represent)
        self.frozen = Learner(self.head, pick, self.head.input_shape[1:])
        self.tuned = Learner(model, see, upper.input_shape[1:])

    def run(self, galaxies: Galaxies, seed: int, folder: Path) -> list[dict[str, Any]]:
        """Train and score the models of one run; the encoder and the head keep the last's weights.

        Parameters
        ----------
        galaxies
            Those of the run.
        seed
            Of the head's weights, the views, the order and the dropout.
        folder
            Where unfinished training is saved.
        """
        from workflow.lib.finetune.classifier import build_head

        fresh = build_head(self.head.input_shape[-1], seed=seed, **self.how.head)
        self.head.set_weights(fresh.get_weights())
        if self.scratch:
            drawn = random_encoder(self.how.crop_size, seed, self.encoder.input_shape[-1])
            self.encoder.set_weights(drawn.get_weights())
            return [self._tune("scratch", galaxies, seed, folder)]
        # What the last run trained is forgotten.
        self.encoder.set_weights(self.start)
        return [
            self._train_head(galaxies, seed, folder),
            self._tune("finetuned", galaxies, seed, folder),
        ]

    def _train_head(self, galaxies: Galaxies, seed: int, folder: Path) -> dict[str, Any]:
        """Train the head on the frozen encoder: only what the encoder gives is needed."""
        from workflow.lib.finetune.compiled_training import batched, on_device

        size, turns = len(galaxies.train.rows), self.how.frozen_views

        def vectors(part: Part, numbers: Sequence[int]) -> Any:
            views = [self._views(part, seed, number) for number in numbers]
            joined = [np.concatenate(fields) for fields in zip(*views, strict=True)]
            rows = np.tile(part.rows, len(numbers))
            return on_device(self._batches(self.represent, galaxies.images, rows, joined))

        stored = vectors(galaxies.train, range(1, turns + 1)) if turns else None

        def plan(epochs: range) -> tuple[Any, list[tuple[np.ndarray, Sequence[np.ndarray]]]]:
            first = [(epoch - 1) % turns if turns else epoch - epochs[0] for epoch in epochs]
            data = stored if turns else vectors(galaxies.train, epochs)
            return data, [(number * size + np.arange(size), []) for number in first]

        examples = batched(
            vectors(galaxies.validation, [0]), galaxies.validation.labels, self.how.batch_size
        )
        at_once = max(1, (4 if turns else 1) * VECTORS_A_CALL // size)
        state, found = self._learn(
            "frozen", self.frozen, galaxies.train, plan, examples, at_once, seed, folder
        )
        passes = vectors(galaxies.test, range(self.how.test_passes))
        rows = np.arange(len(passes), dtype=np.int32)
        logits = self.frozen.logits(state, passes, rows, [], VECTORS_A_CALL)
        return found | _score(logits, galaxies.test.labels)

    def _tune(self, stage: str, galaxies: Galaxies, seed: int, folder: Path) -> dict[str, Any]:
        """Train the encoder down to the depth, and the head."""
        from workflow.lib.finetune.compiled_training import batched, on_device

        train, held, test = galaxies[1:]

        def plan(epochs: range) -> tuple[Any, list[tuple[np.ndarray, Sequence[np.ndarray]]]]:
            return galaxies.images, [
                (train.rows, self._views(train, seed, epoch)) for epoch in epochs
            ]

        features = self._batches(self.see, galaxies.images, held.rows, self._views(held, seed, 0))
        examples = batched(on_device(features), held.labels, self.how.batch_size)
        at_once = max(1, STEPS_A_CALL // math.ceil(len(train.rows) / self.how.batch_size))
        state, found = self._learn(stage, self.tuned, train, plan, examples, at_once, seed, folder)
        logits = [
            self.tuned.logits(
                state,
                galaxies.images,
                test.rows.astype(np.int32),
                self._views(test, seed, number),
                self.how.batch_size,
            )
            for number in range(self.how.test_passes)
        ]
        return found | _score(np.concatenate(logits), test.labels)

    def _learn(
        self,
        stage: str,
        learner: "Learner",
        train: Part,
        plan: Callable[[range], tuple[Any, list[tuple[np.ndarray, Sequence[np.ndarray]]]]],
        examples: Any,
        at_once: int,
        seed: int,
        folder: Path,
    ) -> tuple["State", dict[str, Any]]:
        """Train to convergence, leave the best weights in the model, and say how it went.

        `plan` gives, for some epochs, the data on the device, and for each epoch the rows of the
        data and the views.
        """
        from workflow.lib.finetune.compiled_training import (
            load_state,
            plan_epoch,
            save_state,
            stack_epochs,
            start,
        )

        size, model = len(train.rows), learner.model
        recipe = Stage(**self.how.stages[stage])
        saved = folder / f"{stage}.npz"
        if saved.exists():
            state, curve, seconds = load_state(saved)
            log.info("%s: going on after epoch %d", stage, len(curve))
        else:
            state, curve, seconds = start(model, seed), np.empty((0, 2)), 0.0
        kept = time.monotonic()
        while len(curve) < recipe.epochs(size) and int(state.since) < recipe.patient(size):
            began = time.monotonic()
            first = len(curve) + 1
            epochs = range(first, 1 + min(first + at_once - 1, recipe.epochs(size)))
            data, planned = plan(epochs)
            steps = [
                plan_epoch(
                    rows,
                    train.labels,
                    views,
                    self.how.batch_size,
                    np.random.default_rng([seed, epoch]).permutation(size),
                )
                for epoch, (rows, views) in zip(epochs, planned, strict=True)
            ]
            state, losses = learner.epochs(
                state, stack_epochs(steps), data, examples,
                recipe.learning_rate, recipe.patient(size),
            )  # fmt: skip
            if not np.isfinite(losses).all():
                raise FloatingPointError(f"{stage}: a loss is not a number after epoch {first - 1}")
            curve = np.concatenate([curve, losses])
            now = time.monotonic()
            seconds += now - began
            if now - kept > SAVED_EVERY:
                save_state(state, curve, seconds, saved)
                kept = now
        for variables, values in (
            (model.trainable_variables, state.best_weights),
            (model.non_trainable_variables, state.best_others),
        ):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
        best = int(np.argmin(curve[:, 1]))
        log.info(
            "%s: %d epochs of %d galaxies in %.1f s, %.0f images/s; lowest validation loss %.4f, "
            "that of epoch %d",
            stage, len(curve), size, seconds, len(curve) * size / seconds, curve[best, 1], best + 1,
        )  # fmt: skip
        return state, {
            "stage": stage,
            "epochs": len(curve),
            "best_epoch": best + 1,
            "patience": recipe.patient(size),
            "weights": int(sum(np.prod(one.shape) for one in state.weights)),
            "training_loss": float(curve[best, 0]),
            "validation_loss": float(curve[best, 1]),
            "seconds": round(seconds, 3),
        }

    def _views(self, part: Part, seed: int, number: int) -> Sequence[np.ndarray]:
        from workflow.lib.network.views import draw_views

        return draw_views(part.keys, seed, number, self.size, self.how.crop_size)

    def _batches(
        self, function: Callable[..., Any], images: Any, rows: np.ndarray, views: Sequence[Any]
    ) -> np.ndarray:
        from workflow.lib.finetune.compiled_training import run_batched

        arrays = [rows.astype(np.int32), *views]
        return run_batched(partial(function, images), arrays, self.how.batch_size)


def _encoder(weights: str | Path | None, crop_size: int, channels: int) -> "keras.Model":
    if weights is None:
        return random_encoder(crop_size, 0, channels)
    encoder, description = load_encoder(weights, crop_size)
    if description["channels"] != channels:
        kinds = {1: "grey", 3: "colour"}
        raise UserError(
            f"{weights}: made for {kinds.get(description['channels'], 'other')} images, not "
            f"{kinds[channels]} ones; list its pretraining in 'finetune.colour' if, and only if, "
            "it is to see colour"
        )
    return encoder


def _score(logits: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Give loss and accuracy, averaged over all passes through the test set."""
    truth = np.resize(labels, len(logits))
    logits = logits.astype(np.float64)
    losses = np.logaddexp(0, np.where(truth, -logits, logits))
    return {
        "loss": float(losses.mean()),
        "accuracy": float(((logits > 0) == truth).mean()),
    }
