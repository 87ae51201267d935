"""Training of a network; a killed job resumes after its last epoch, with the same result."""

import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from workflow.lib.common.checksums import intact
from workflow.lib.common.errors import UserError
from workflow.lib.network.devices import count_gpus, policy
from workflow.lib.network.train_on_cpu import adam, train_layers
from workflow.lib.network.unfinished import load_arrays, save_arrays
from workflow.lib.network.views import (
    Tones,
    Views,
    apply_tones,
    apply_views,
    central_views,
    draw_tones,
    draw_views,
)

log = logging.getLogger(__name__)

DROP_CONNECT = 0.2
"""Drop-connect rate with which Keras builds EfficientNetB0."""


class Recipe(NamedTuple):
    """How a network is trained."""

    epochs: int
    """Maximum number of epochs."""
    patience: int
    """Epochs without a new lowest validation loss after which training stops."""
    batch_size: int
    learning_rate: float
    """Highest learning rate of Adam (Kingma & Ba 2015)."""
    warmup: int
    """Number of epochs in which the learning rate rises to its highest value."""
    cosine: bool
    """Whether it then falls to 0 by the last epoch, as a cosine; otherwise it is constant."""
    head_rate: float
    """Learning rate of the head, as a fraction of the learning rate. Adam changes all 1280 weights
    of an output by similar amounts: at the full rate, a few steps would move the outputs so far
    that their sigmoids are flat."""
    dropout: float
    """Fraction of the representation's values that is dropped out before the head."""
    drop_connect: float
    """Probability of skipping the last residual block; earlier ones less often (Huang+16)."""
    zero_init_residual: bool
    """Whether each residual block starts as the identity (Goyal+17). Otherwise
    the values of a few unusual galaxies, edge-on discs, grow from block to block until they
    dominate the representation."""
    clip_norm: float | None
    """Maximum norm of a batch's gradient; a longer one is scaled down to it. None: no limit. One
    rare galaxy may give a hundred times the usual gradient, after which Adam takes small steps for
    a long time."""
    contrast: float
    """Largest deviation from 1 of the factor applied to an image's grey levels in training."""
    brightness: float
    """Largest shift of the grey levels after that, as a fraction of white. Surveys show the same
    galaxy in different tones: a network trained on one survey alone may take a survey's tone for a
    property of the galaxy."""
    momentum: float
    """Momentum of the running means in batch normalisation."""
    precision: str
    """Keras's dtype policy on a GPU; a CPU computes in float32."""

    def rate(self, epoch: int) -> float:
        """Give the learning rate of an epoch, counted from 1."""
        if epoch <= self.warmup:
            return self.learning_rate * epoch / (self.warmup + 1)
        if not self.cosine:
            return self.learning_rate
        done = (epoch - 1 - self.warmup) / (self.epochs - self.warmup)
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * done))


class Look(keras.layers.Layer):
    """Applies a view to each image, on the device that trains: crop, rotation, flips, tone.

    Parameters
    ----------
    crop
        Side of the view [pixel].
    """

    def __init__(self, crop: int, **options: Any) -> None:
        # Pixels keep their full range under mixed precision.
        super().__init__(dtype="float32", **options)
        self.crop = crop

    def call(self, inputs: dict[str, keras.KerasTensor]) -> keras.KerasTensor:
        """Give views of shape (n, crop, crop, channels), float32, of ``inputs["images"]``."""
        views = Views(*(inputs[name] for name in Views._fields))
        tones = Tones(*(inputs[name] for name in Tones._fields))
        return apply_tones(apply_views(inputs["images"], views, self.crop), tones)


def build_trainee(
    encoder: keras.Model, head: keras.Model, size: int, loss: str | Callable, recipe: Recipe
) -> keras.Model:
    """Join views, encoder and head into a network, and compile it.

    Parameters
    ----------
    encoder
        From views of shape (n, crop, crop, channels) to representations.
    head
        From representations to outputs.
    size
        Side of the stored images [pixel].
    loss
        As for `keras.Model.compile`.
    recipe
        How it is to be trained.

    Returns
    -------
    keras.Model
        From the inputs that `Batches` gives to the head's outputs.
    """
    _, crop, _, channels = encoder.input_shape
    inputs = {"images": keras.Input((size, size, channels), dtype="uint8", name="images")}
    for name, values in central_views(1, size, crop)._asdict().items():
        inputs[name] = keras.Input((), dtype=values.dtype.name, name=name)
    inputs |= {name: keras.Input((), dtype="float32", name=name) for name in Tones._fields}
    model = keras.Model(inputs, head(encoder(Look(crop)(inputs))))
    for layer in encoder.layers:
        if isinstance(layer, keras.layers.Dropout):
            layer.rate *= recipe.drop_connect / DROP_CONNECT
    if recipe.zero_init_residual:
        start_from_identity(encoder)
    train_layers(encoder, recipe.momentum)
    model.compile(optimizer=adam(recipe.clip_norm), loss=loss, jit_compile=_with_xla())
    # Otherwise the first step would be traced twice: again once the optimiser has variables.
    model.optimizer.build(model.trainable_variables)
    return model


def _with_xla() -> bool:
    """Tell whether XLA compiles a step of training."""
    if keras.backend.backend() == "jax":
        return True
    import tensorflow as tf

    # On a CPU, XLA's convolutions are several times slower than TensorFlow's own. It cannot compile
    # a step that is shared among several GPUs, for their copies of the weights.
    return count_gpus() > 0 and not tf.distribute.has_strategy()


def start_from_identity(encoder: keras.Model) -> None:
    """Set the scale of the last normalisation before each addition of EfficientNet to 0."""
    for layer in encoder.layers:
        if layer.name.endswith("_add"):
            gamma = encoder.get_layer(layer.name.replace("_add", "_project_bn")).gamma
            gamma.assign(keras.ops.zeros_like(gamma))


def build_pretraining_head(
    inputs: int,
    outputs: int,
    activation: str | Callable,
    recipe: Recipe,
    bias: np.ndarray | None = None,
) -> keras.Model:
    """Build the layers after the representation: dropout, and one dense layer.

    Fine-tuning has a head with several dense layers and random first weights instead
    (`classifier.build_classifier_head`).

    Parameters
    ----------
    inputs, outputs
        Numbers of values.
    activation
        As for `keras.layers.Dense`.
    recipe
        How it is to be trained.
    bias
        Shape (outputs,): initial bias; 0 by default.
    """
    # In float32: concentrations reach 100, and half precision would lose digits that matter.
    layers = [
        keras.Input((inputs,)),
        keras.layers.Dropout(recipe.dropout, dtype="float32"),
        # With Adam, this is equivalent to a separate learning rate for the next layer's weights.
        keras.layers.Rescaling(recipe.head_rate, dtype="float32"),
        # Weights start from 0: the bias alone predicts better than it does with random weights,
        # and no large first gradients disturb the encoder, or Adam for many steps afterwards.
        keras.layers.Dense(
            outputs, activation=activation, kernel_initializer="zeros", dtype="float32"
        ),
    ]
    head = keras.Sequential(layers, name="head")
    if bias is not None:
        head.layers[-1].bias.assign(bias)
    return head


def head_weights(head: keras.Model) -> tuple[np.ndarray, np.ndarray]:
    """Give the kernel, (inputs, outputs), and the bias, (outputs,), of a pretraining head."""
    *_, rescaling, dense = head.layers
    kernel, bias = dense.get_weights()
    return kernel * np.float32(rescaling.scale), bias


class Batches(keras.utils.PyDataset):
    """Batches of images with their views, tones and labels.

    Parameters
    ----------
    images
        Shape (n, size, size, channels), uint8; may be memory-mapped.
    labels
        Shape (n, ...).
    keys
        Shape (n,), uint64, from `name_seeds.name_keys`.
    rows
        Rows of `images` to use.
    crop
        Side of the views [pixel].
    recipe
        Gives the batch size and the ranges of the tones.
    seed
        Seed of the views, the tones and the order.
    train
        If true, each epoch has new views, tones and order, and only full batches. Otherwise views
        and order are fixed, tones are unchanged, and the last batch may be smaller.
    """

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        keys: np.ndarray,
        rows: np.ndarray,
        *,
        crop: int,
        recipe: Recipe,
        seed: int,
        train: bool,
    ) -> None:
        super().__init__(workers=2)
        self.images, self.labels, self.keys, self.rows = images, labels, keys, rows
        self.crop, self.batch_size, self.seed, self.train = crop, recipe.batch_size, seed, train
        self.tones = (recipe.contrast, recipe.brightness) if train else (0, 0)
        self.order, self.epoch = rows, 0

    def start(self, epoch: int) -> None:
        """Set the epoch, counted from 1, and draw its order; epoch 0 is that of validation."""
        self.epoch = epoch
        self.order = np.random.default_rng([self.seed, epoch]).permutation(self.rows)

    def __len__(self) -> int:
        """Give the number of batches."""
        count = len(self.order) / self.batch_size
        return math.floor(count) if self.train else math.ceil(count)

    def __getitem__(self, number: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Give one batch: the inputs of a network by `build_trainee`, and the labels."""
        rows = self.order[number * self.batch_size : (number + 1) * self.batch_size]
        size = self.images.shape[1]
        keys = self.keys[rows]
        views = draw_views(keys, self.seed, self.epoch, size, self.crop)
        tones = draw_tones(keys, self.seed, self.epoch, *self.tones)
        inputs = {"images": self.images[rows], **views._asdict(), **tones._asdict()}
        return inputs, self.labels[rows]


class Epoch(NamedTuple):
    """A row of the learning curve."""

    epoch: int
    learning_rate: float
    loss: float
    validation_loss: float
    """NaN without a validation set."""


@contextmanager
def all_gpus(recipe: Recipe, devices: Sequence[str] = ()) -> Iterator[None]:
    """Build networks that train on all GPUs of this machine, with each batch split among them.

    Parameters
    ----------
    recipe
        Its precision is the dtype policy of the networks built in this context, if there is a GPU.
    devices
        TensorFlow's names of devices to use instead of the GPUs.

    Raises
    ------
    UserError
        If a batch cannot be split evenly.
    """
    gpus = len(devices) or count_gpus()
    log.info("%d GPUs, Keras %s on %s", gpus, keras.__version__, keras.backend.backend())
    with policy(recipe.precision):
        if gpus > 1 and keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            if recipe.batch_size % gpus:
                raise UserError(
                    f"{gpus} GPUs cannot share batches of {recipe.batch_size} (batch_size of the "
                    "recipe) evenly; let the run see fewer by CUDA_VISIBLE_DEVICES"
                )
            with tf.distribute.MirroredStrategy(devices or None).scope():
                yield
        else:
            yield


def train(
    model: keras.Model,
    training: Batches,
    validation: Batches | None,
    *,
    recipe: Recipe,
    seed: int,
    state: str | Path,
) -> list[Epoch]:
    """Train until the validation loss no longer falls, or for the recipe's number of epochs.

    Without a validation set, train for that number, and take the last epoch for the best.

    After each epoch, everything that the next one depends on is saved. When restarted, training
    resumes after the last complete epoch. Random draws depend only on `seed` and the epoch.

    Parameters
    ----------
    model
        Compiled network. At the end it has the weights of the best epoch.
    training, validation
        Training set, and validation set, if any, whose loss selects the best epoch.
    recipe
        Settings of the training.
    seed
        Seed of the dropout.
    state
        File that keeps unfinished training; the caller must remove it.

    Returns
    -------
    list of Epoch
        The learning curve.
    """
    state = Path(state)
    curve, best = _restore(model, state) if intact(state) else ([], model.get_weights())
    if curve:
        log.info("resumed after epoch %d", len(curve))
    for epoch in range(len(curve) + 1, recipe.epochs + 1):
        if len(curve) - _best(curve) >= recipe.patience:
            break
        began = time.monotonic()
        model.optimizer.learning_rate = recipe.rate(epoch)
        _seed_dropout(model, seed, epoch)
        training.start(epoch)
        fitted = model.fit(training, verbose=0, shuffle=False)
        losses = {"loss": fitted.history["loss"][0]}
        if validation is not None:
            losses["validation loss"] = float(model.evaluate(validation, verbose=0))
        # No later epoch would ever count as better than one without a validation loss.
        for name, value in losses.items():
            if not math.isfinite(value):
                raise FloatingPointError(f"the {name} of epoch {epoch} is not a number")
        found = losses.get("validation loss", math.nan)
        curve.append(Epoch(epoch, recipe.rate(epoch), losses["loss"], found))
        if _best(curve) == epoch:
            best = model.get_weights()
        _save(model, best, curve, state)
        log.info(
            "epoch %d: %s, the best is epoch %d; %.0f images/s",
            epoch, ", ".join(f"{name} {value:.4f}" for name, value in losses.items()), _best(curve),
            len(training) * training.batch_size / (time.monotonic() - began),
        )  # fmt: skip
    model.set_weights(best)
    return curve


def _best(curve: list[Epoch]) -> int:
    """Give the epoch with the lowest validation loss, the last one without any; 0 at the start."""
    if not curve or math.isnan(curve[-1].validation_loss):
        return len(curve)
    return min(curve, key=lambda row: row.validation_loss).epoch


def _seed_dropout(model: keras.Model, seed: int, epoch: int) -> None:
    """Seed every layer that draws random numbers, for an epoch."""
    layers = [inner for layer in model.layers for inner in getattr(layer, "layers", [layer])]
    drawing = [layer for layer in layers if hasattr(layer, "seed_generator")]
    for number, layer in enumerate(drawing):
        draw = np.random.SeedSequence([seed, epoch, number]).generate_state(2)
        layer.seed_generator.state.assign(draw.astype(layer.seed_generator.state.dtype))


def _save(model: keras.Model, best: list[np.ndarray], curve: list[Epoch], state: Path) -> None:
    groups = {
        "weights": model.get_weights(),
        "best": best,
        "optimizer": [np.asarray(variable) for variable in model.optimizer.variables],
        "curve": np.array(curve, np.float64),
    }
    save_arrays(groups, state)


def _restore(model: keras.Model, state: Path) -> tuple[list[Epoch], list[np.ndarray]]:
    groups = load_arrays(state)
    model.set_weights(groups["weights"])
    for variable, value in zip(model.optimizer.variables, groups["optimizer"], strict=True):
        variable.assign(value)
    curve = [Epoch(int(row[0]), *map(float, row[1:])) for row in groups["curve"]]
    return curve, groups["best"]
