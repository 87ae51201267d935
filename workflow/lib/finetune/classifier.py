"""What fine-tuning trains: an encoder, cut at a depth, and a new head (paper Sec. 4.2.1)."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
from keras import ops

from workflow.lib.network.train_batchnorm import train_normalisation
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

    Batch normalisation keeps its running means and its own weights, and nothing but the head is
    blanked at random, unless the encoder starts from scratch.

    Parameters
    ----------
    upper
        From features to representations.
    head
        From representations to logits, (n, 1).
    scratch
        Whether the encoder has learned nothing yet.
    """

    def __init__(self, upper: keras.Model, head: keras.Model, scratch: bool) -> None:
        super().__init__()
        self.upper, self.head, self.scratch = upper, head, scratch

    def call(self, features: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        """Give logits of shape (n, 1)."""
        representation = self.upper(features, training=training and self.scratch)
        return self.head(ops.cast(representation, "float32"), training=training)


class Parts(NamedTuple):
    """An encoder cut in two, each part a network of its own."""

    lower: keras.Model | None
    """What stays fixed, from images to features; None if nothing does."""
    upper: keras.Model
    """What is trained, from features to representations."""


def cut(encoder: keras.Model, depth: str) -> Parts:
    """Cut an encoder above which `depth` trains, and mark what is trained (Sec. 4.2.1)."""
    first = FIRST_LAYERS[depth]
    if first is None:
        return Parts(None, encoder)
    features = encoder.get_layer(first).input
    return Parts(keras.Model(encoder.input, features), keras.Model(features, encoder.output))


def mark_trainable(upper: keras.Model, scratch: bool, momentum: float) -> None:
    """Let all layers learn; batch normalisation only if the encoder starts from scratch.

    Then `momentum` is that of its running means.
    """
    for layer in upper.layers:
        normalises = isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = scratch or not normalises
    if scratch:
        train_normalisation(upper, momentum)


def build_head(inputs: int, units: Sequence[int], dropout: float, seed: int) -> keras.Model:
    """Build the head: dense layers, each with dropout, and one logit (Sec. 4.2.1).

    A sigmoid of the logit is the probability; the loss takes the logit, which is more exact.
    """
    # In full precision, and each weight from the seed.
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
