"""What fine-tuning trains: an encoder, cut at a depth, and a new head (paper Sec. 4.2.1)."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from workflow.lib.network.train_on_cpu import train_layers
from workflow.lib.network.views import Views, apply_views
from workflow.lib.planning.grid import DEPTHS

FIRST_LAYERS = dict(
    zip(
        DEPTHS,
        [
            "top_conv",
            "block7a_expand_conv",
            "block6a_expand_conv",
            "block5a_expand_conv",
            "block4a_expand_conv",
            None,
        ],
        strict=True,
    )
)
"""The first layer that each depth trains; the names are those of Keras Applications."""


class Classifier(keras.Model):
    """The part of an encoder that is trained, and the head: from features to logits.

    Unless the encoder starts from scratch, its batch normalisation keeps its running means and
    weights, and only the head has dropout.

    Parameters
    ----------
    upper
        From features to representations.
    head
        From representations to logits, (n, 1).
    scratch
        Whether the encoder starts from random weights.
    """

    def __init__(self, upper: keras.Model, head: keras.Model, scratch: bool) -> None:
        super().__init__()
        self.upper, self.head, self.scratch = upper, head, scratch

    def call(self, features: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        """Give logits of shape (n, 1)."""
        representation = self.upper(features, training=training and self.scratch)
        return self.head(ops.cast(representation, "float32"), training=training)


class Standardise(keras.layers.Layer):
    """Shifts and scales representations by those of the training set; not trained itself.

    Each value has mean 0, and all values together have variance 1. One scale for all keeps values
    that hardly vary small. It is a layer of its own, because a dense layer with these factors in
    its weights could not be fine-tuned: Adam's steps do not grow with the weights.
    """

    def build(self, shape: tuple[int | None, int]) -> None:
        """Start with the identity."""
        self.mean = self.add_weight(
            shape=shape[-1:], initializer="zeros", trainable=False, name="mean"
        )
        self.scale = self.add_weight(shape=(), initializer="ones", trainable=False, name="scale")

    def fit(self, vectors: np.ndarray) -> None:
        """Take mean and scale from representations of shape (n, 1280)."""
        self.mean.assign(vectors.mean(axis=0))
        deviation = np.sqrt(vectors.var(axis=0, dtype=np.float64).mean())
        self.scale.assign(1 / deviation if deviation > 0 else 1)

    def call(self, vectors: keras.KerasTensor) -> keras.KerasTensor:
        """Give standardised representations, (n, 1280)."""
        return (vectors - self.mean) * self.scale


class Parts(NamedTuple):
    """The two parts of an encoder, each a network."""

    lower: keras.Model | None
    """The part that stays fixed, from images to features; None if all layers are trained."""
    upper: keras.Model
    """The part that is trained, from features to representations."""


def cut(encoder: keras.Model, depth: str) -> Parts:
    """Cut an encoder below the first layer that `depth` trains (Sec. 4.2.1)."""
    first = FIRST_LAYERS[depth]
    if first is None:
        return Parts(None, encoder)
    features = encoder.get_layer(first).input
    return Parts(keras.Model(encoder.input, features), keras.Model(features, encoder.output))


def mark_trainable(upper: keras.Model, scratch: bool, momentum: float) -> None:
    """Make all layers trainable, but batch normalisation only if the encoder starts from scratch.

    Then `momentum` is that of its running means.
    """
    for layer in upper.layers:
        normalises = isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = scratch or not normalises
    if scratch:
        train_layers(upper, momentum)


def build_classifier_head(
    inputs: int, units: Sequence[int], dropout: float, seed: int, standardise: bool = False
) -> keras.Model:
    """Build the head: dense layers, each with dropout, and one logit (Sec. 4.2.1).

    The sigmoid of the logit is the probability; the loss takes the logit, which is more exact.
    Pretraining has a head with one dense layer, which starts from zeros
    (`training.build_pretraining_head`).

    Parameters
    ----------
    inputs
        Number of values in a representation.
    units
        Of each dense layer before the last.
    dropout
        Share of each dense layer's outputs that is dropped out.
    seed
        Of the first weights.
    standardise
        Whether the first layer is `Standardise`; the paper's head has none.
    """
    # In full precision.
    layers: list[Any] = [keras.Input((inputs,))]
    if standardise:
        layers.append(Standardise(dtype="float32"))
    for number, count in enumerate(units):
        start = keras.initializers.GlorotUniform(seed=seed + number)
        layers += [
            keras.layers.Dense(count, activation="relu", kernel_initializer=start, dtype="float32"),
            keras.layers.Dropout(dropout, dtype="float32"),
        ]
    start = keras.initializers.GlorotUniform(seed=seed + len(units))
    layers.append(keras.layers.Dense(1, kernel_initializer=start, dtype="float32"))
    return keras.Sequential(layers, name="head")


def dense_weights(head: keras.Model) -> list[np.ndarray]:
    """Give kernel and bias of each dense layer of a head, in order.

    `Standardise` is folded into the first, so that they take representations as they are.
    """
    dense = [layer for layer in head.layers if isinstance(layer, keras.layers.Dense)]
    kernel, bias, *others = (array for layer in dense for array in layer.get_weights())
    first = head.layers[0]
    if isinstance(first, Standardise):
        kernel = kernel * ops.convert_to_numpy(first.scale)
        bias = (bias - ops.convert_to_numpy(first.mean).astype(np.float64) @ kernel).astype(
            np.float32
        )
    return [kernel, bias, *others]


def look(images: Any, rows: Any, *views: Any, crop: int) -> Any:
    """Take views of some of the images, shape (n, crop, crop, channels), float32."""
    return apply_views(ops.take(images, rows, axis=0), Views(*views), crop)
