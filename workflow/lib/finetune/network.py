"""Fine-tuning: a pretrained encoder learns a label from few galaxies (paper Sec. 4.2).

It does what ``model.fit`` would do on a network of an encoder and a head, and stops after the same
epoch, except that:

- The images of a run are in the memory of the device, as uint8; views are taken there.
- Many steps, and epochs with their validation, are one compiled call (see `compiled_training`).
  Unfinished training is saved between calls, each minute, so a killed job repeats at most that.
- The steps of an epoch are of equal size, where Keras would leave a small batch to the end.
- Validation has one view of each galaxy, the same each epoch; the output of the fixed part of the
  encoder for it is calculated once. The mean over test views is the authors' way [code].
- While the encoder is frozen, the representations for the epochs of a call are calculated first,
  in larger batches, and the steps pass through the head alone. With `frozen_views`, each galaxy
  has only that number of views, which epochs use in turn; the paper draws new ones each epoch.
- The encoder is in inference mode, unless it starts from scratch: batch normalisation as in the
  paper, and no block of it is left out at random (Keras's "drop connect"), which the paper does
  not mention. Its normalisation is folded into the convolutions (`fold_batchnorm`): the same, but
  for rounding.
- The loss is calculated from the logit, where Keras's would take the sigmoid of it: the same, but
  for rounding.
"""

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from workflow.lib.common.errors import UserError
from workflow.lib.finetune.backend import Tensor, compiled, on_device, optimise_graphs, run_batched
from workflow.lib.finetune.classifier import (
    Classifier,
    build_classifier_head,
    cut,
    look,
    mark_trainable,
)
from workflow.lib.finetune.compiled_training import CompiledTraining, Epoch, Schedule
from workflow.lib.finetune.galaxies import Galaxies, Part
from workflow.lib.network.devices import policy
from workflow.lib.network.encoder import load_encoder, random_encoder
from workflow.lib.network.views import draw_views

log = logging.getLogger(__name__)

STEPS_A_CALL = 64
"""Steps of training in one compiled call, or those of an epoch if it has more."""

VECTORS_A_CALL = 1024
"""Representations that are calculated at once, or those of an epoch if it has more."""


class Stage(NamedTuple):
    """How one stage of a run is trained."""

    learning_rate: float
    """Of Adam (Kingma & Ba 2015)."""
    images_seen: float
    """Maximum number of epochs, times the size of the training set (Sec. 4.2.3)."""
    patience: Mapping[str, int]
    """The maximum number of epochs divided by `part`, within `least` and `most` (Sec. 4.2.3)."""
    keep: str
    """The epoch whose weights are kept: "best", by validation loss (Sec. 4.2.3), or "last"."""

    def epochs(self, size: int) -> int:
        """Give the maximum number of epochs for this training-set size."""
        return max(1, int(self.images_seen / size))

    def patient(self, size: int) -> int:
        """Give the number of epochs without a lower validation loss after which training stops."""
        wanted = self.epochs(size) // self.patience["part"]
        return min(max(self.patience["least"], wanted), self.patience["most"])


class FinetuningSettings(NamedTuple):
    """Settings that all runs share."""

    crop_size: int
    """Side of the network's view [pixel]."""
    split: Mapping[str, Any]
    """Shares and copies, for `splits.draw_split`."""
    head: Mapping[str, Any]
    """Units, dropout and standardisation, for `classifier.build_classifier_head`."""
    batch_size: int
    """Maximum number of galaxies in a step."""
    stages: Mapping[str, Mapping[str, Any]]
    """The fields of `Stage`, for each of the stages frozen, finetuned and scratch."""
    frozen_views: int | None
    """Number of views of each galaxy that the frozen stage uses in turn; None: new ones each
    epoch."""
    test_passes: int
    """Number of views of each test galaxy over which loss and accuracy are averaged."""
    momentum: float
    """Of the running means in batch normalisation, from scratch."""
    precision: str
    """Keras's dtype policy on a GPU; a CPU computes in float32."""


class FrozenStage:
    """Trains a head on representations, whose encoder does not change.

    Parameters
    ----------
    inputs
        Number of values in a representation.
    settings
        Those of all runs.

    Attributes
    ----------
    head : keras.Model
        From representations to logits.
    """

    def __init__(self, inputs: int, settings: FinetuningSettings) -> None:
        self.settings = settings
        self.head = build_classifier_head(inputs, seed=0, **settings.head)
        self.training = CompiledTraining(
            self.head,
            lambda vectors, rows: ops.take(vectors, rows, axis=0),
            self.head.input_shape[1:],
            settings.batch_size,
        )

    def reset(self, seed: int) -> None:
        """Give the head new weights."""
        fresh = build_classifier_head(self.head.input_shape[-1], seed=seed, **self.settings.head)
        self.head.set_weights(fresh.get_weights())

    def train(
        self,
        vectors: Callable[[Part, Sequence[int]], Tensor],
        galaxies: Galaxies,
        seed: int,
        folder: Path,
        *,
        in_turn: int | None,
        passes: int,
    ) -> dict[str, Any]:
        """Train and score the head.

        Parameters
        ----------
        vectors
            Gives the representations of a set's galaxies: those of one view after the other, shape
            (views * n, d).
        galaxies
            The sets; of their images nothing is used.
        seed, folder
            As for `Network.run`.
        in_turn
            Number of views that epochs use in turn; None: new ones each epoch.
        passes
            Number of views of each test galaxy.
        """
        train, validation, test = galaxies[1:]
        size = len(train.rows)
        stored = vectors(train, range(1, in_turn + 1)) if in_turn else None
        if self.settings.head["standardise"]:
            known = vectors(train, [1]) if stored is None else stored
            self.head.layers[0].fit(np.asarray(known))

        def data_of(epochs: range) -> tuple[Tensor, list[Epoch]]:
            if in_turn:
                data, places = stored, [(epoch - 1) % in_turn for epoch in epochs]
            else:
                data, places = vectors(train, epochs), range(len(epochs))
            return data, [Epoch(place * size + np.arange(size), ()) for place in places]

        result = _fit(
            "frozen",
            self.settings,
            self.training,
            data_of,
            train,
            (vectors(validation, [0]), validation.labels),
            max(1, (4 if in_turn else 1) * VECTORS_A_CALL // size),
            seed,
            folder,
        )
        seen = vectors(test, range(passes))
        logits = self.training.predict(seen, np.arange(len(seen)), batch_size=VECTORS_A_CALL)
        return result | _score(logits, test.labels)

    def run(self, galaxies: Galaxies, seed: int, folder: Path) -> list[dict[str, Any]]:
        """Train and score the model of one run, whose `galaxies.images` are representations.

        The other parameters and the result are those of `Network.run`.
        """
        self.reset(seed)

        def vectors(part: Part, views: Sequence[int]) -> Tensor:
            return ops.take(galaxies.images, np.tile(part.rows, len(views)), axis=0)

        # Each galaxy has one representation, so more views would be the same again.
        return [self.train(vectors, galaxies, seed, folder, in_turn=1, passes=1)]


class Network:
    """An encoder with a new head, which all runs with one encoder and depth train.

    Its compiled functions serve all of these runs; the weights are reset before each.

    Parameters
    ----------
    weights, depth
        As for `run.finetune`.
    settings
        Those of all runs.
    shape
        (n, size, size, channels) of the images.

    Attributes
    ----------
    encoder : keras.Model
        From views to representations: lower and upper part together.
    head : keras.Model
        From representations to logits.
    """

    def __init__(
        self,
        weights: str | Path | None,
        depth: str,
        settings: FinetuningSettings,
        shape: tuple[int, ...],
    ) -> None:
        self.settings, self.size, self.scratch = settings, shape[1], weights is None
        optimise_graphs(self.scratch)

        # Encoder: the lower part stays fixed, the upper part is fine-tuned.
        with policy(settings.precision):
            self.encoder = _build(weights, settings.crop_size, shape[-1])
            lower, upper = cut(self.encoder, depth)
        mark_trainable(upper, self.scratch, settings.momentum)
        self.pretrained = self.encoder.get_weights()

        # Head, and what is trained in the fine-tuning stage: from features to logits.
        self.frozen_stage = FrozenStage(self.encoder.output_shape[-1], settings)
        self.head = self.frozen_stage.head
        classifier = Classifier(upper, self.head, self.scratch)
        classifier.build(upper.input_shape)

        # From images to views, and on to features or representations.
        view = partial(look, crop=settings.crop_size)

        def features(images: Tensor, rows: Tensor, *views: Tensor) -> Tensor:
            seen = view(images, rows, *views)
            return seen if lower is None else ops.cast(lower(seen, training=False), "float32")

        def represent(images: Tensor, rows: Tensor, *views: Tensor) -> Tensor:
            return ops.cast(self.encoder(view(images, rows, *views), training=False), "float32")

        self.features, self.represent = compiled(features), compiled(represent)

        self.finetuning_stage = CompiledTraining(
            classifier, features, upper.input_shape[1:], settings.batch_size
        )

    def run(self, galaxies: Galaxies, seed: int, folder: Path) -> list[dict[str, Any]]:
        """Train and score the models of one run; encoder and head keep the weights of the last.

        Parameters
        ----------
        galaxies
            Those of the run.
        seed
            Of the head's weights, the views, the order and the dropout.
        folder
            Where unfinished training is saved.

        Returns
        -------
        list of dict
            For each model its stage, learning curve, and loss and accuracy on the test set.
        """
        self.frozen_stage.reset(seed)
        if self.scratch:
            drawn = random_encoder(self.settings.crop_size, seed, self.encoder.input_shape[-1])
            self.encoder.set_weights(drawn.get_weights())
            return [self._train_encoder("scratch", galaxies, seed, folder)]
        self.encoder.set_weights(self.pretrained)
        return [
            self._train_head(galaxies, seed, folder),
            self._train_encoder("finetuned", galaxies, seed, folder),
        ]

    def _train_head(self, galaxies: Galaxies, seed: int, folder: Path) -> dict[str, Any]:
        """Train the head on the frozen encoder, of which only representations are needed."""

        def vectors(part: Part, views: Sequence[int]) -> Tensor:
            drawn = [self._views(part, seed, number) for number in views]
            joined = [np.concatenate(fields) for fields in zip(*drawn, strict=True)]
            rows = np.tile(part.rows, len(views))
            return self._batched(self.represent, galaxies.images, rows, joined)

        return self.frozen_stage.train(
            vectors, galaxies, seed, folder,
            in_turn=self.settings.frozen_views, passes=self.settings.test_passes,
        )  # fmt: skip

    def _train_encoder(
        self, stage: str, galaxies: Galaxies, seed: int, folder: Path
    ) -> dict[str, Any]:
        """Train the encoder down to the depth, and the head."""
        train, validation, test = galaxies[1:]

        def data_of(epochs: range) -> tuple[Tensor, list[Epoch]]:
            return galaxies.images, [
                Epoch(train.rows, self._views(train, seed, epoch)) for epoch in epochs
            ]

        seen = self._views(validation, seed, 0)
        features = self._batched(self.features, galaxies.images, validation.rows, seen)
        result = _fit(
            stage,
            self.settings,
            self.finetuning_stage,
            data_of,
            train,
            (features, validation.labels),
            max(1, STEPS_A_CALL // math.ceil(len(train.rows) / self.settings.batch_size)),
            seed,
            folder,
        )
        logits = [
            self.finetuning_stage.predict(
                galaxies.images, test.rows, self._views(test, seed, number)
            )
            for number in range(self.settings.test_passes)
        ]
        return result | _score(np.concatenate(logits), test.labels)

    def _views(self, part: Part, seed: int, number: int) -> Sequence[np.ndarray]:
        return draw_views(part.keys, seed, number, self.size, self.settings.crop_size)

    def _batched(
        self,
        function: Callable[..., Tensor],
        images: Tensor,
        rows: np.ndarray,
        views: Sequence[np.ndarray],
    ) -> Tensor:
        arrays = [rows.astype(np.int32), *views]
        return on_device(run_batched(partial(function, images), arrays, self.settings.batch_size))


def _fit(
    stage: str,
    settings: FinetuningSettings,
    training: CompiledTraining,
    data_of: Callable[[range], tuple[Tensor, list[Epoch]]],
    train: Part,
    validation: tuple[Tensor, np.ndarray],
    epochs_a_call: int,
    seed: int,
    folder: Path,
) -> dict[str, Any]:
    """Train to convergence, and describe the epoch that is kept."""
    size, how = len(train.rows), Stage(**settings.stages[stage])
    curve = training.fit(
        data_of,
        train.labels,
        validation,
        Schedule(how.learning_rate, how.epochs(size), how.patient(size), how.keep, epochs_a_call),
        seed=seed,
        saved=folder / f"{stage}.npz",
    )
    epochs, (loss, validation_loss) = len(curve.losses), curve.losses[curve.kept]
    log.info(
        "%s: %d epochs of %d galaxies in %.1f s, %.0f images/s; kept epoch %d, with a "
        "validation loss of %.4f",
        stage, epochs, size, curve.seconds, epochs * size / curve.seconds, curve.kept + 1,
        validation_loss,
    )  # fmt: skip
    return {
        "stage": stage,
        "epochs": epochs,
        "best_epoch": curve.kept + 1,
        "patience": how.patient(size),
        "weights": int(sum(np.prod(one.shape) for one in training.model.trainable_variables)),
        "training_loss": float(loss),
        "validation_loss": float(validation_loss),
        "seconds": round(curve.seconds, 3),
    }


def _build(weights: str | Path | None, crop_size: int, channels: int) -> keras.Model:
    """Load the encoder, or build a random one; refuse one made for other images."""
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
