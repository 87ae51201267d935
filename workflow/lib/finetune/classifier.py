"""What fine-tuning trains: an encoder, cut at a depth, and a new head (paper Sec. 4.2.1)."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
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
    inputs: int, units: Sequence[int], dropout: float, seed: int
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
    """
    # In full precision.
    layers: list[Any] = [keras.Input((inputs,))]
    for number, count in enumerate(units):
        start = keras.initializers.GlorotUniform(seed=seed + number)
        layers += [
            keras.layers.Dense(count, activation="relu", kernel_initializer=start, dtype="float32"),
            keras.layers.Dropout(dropout, dtype="float32"),
        ]
    start = keras.initializers.GlorotUniform(seed=seed + len(units))
    layers.append(keras.layers.Dense(1, kernel_initializer=start, dtype="float32"))
    return keras.Sequential(layers, name="head")


def look(images: Any, rows: Any, *views: Any, crop: int) -> Any:
    """Take views of some of the images, shape (n, crop, crop, channels), float32."""
    return apply_views(ops.take(images, rows, axis=0), Views(*views), crop)
