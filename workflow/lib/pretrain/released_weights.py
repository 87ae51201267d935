"""Read weights that were trained elsewhere, and write them as ours (paper Sec. 2.2, 4.2).

Four formats are read: our ``encoder.weights.h5`` with a json beside it, the ``.h5`` of Keras
Applications (ImageNet), the TensorFlow checkpoints that Zoobot released (GZ DECaLS), and the files
of timm's networks that it releases today.
"""

import logging
import re
from collections.abc import Mapping
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from workflow.lib.common.checksums import checksum
from workflow.lib.common.errors import UserError, first_line
from workflow.lib.network.encoder import (
    REPRESENTATION_SIZE,
    Head,
    build_encoder,
    description_path,
    load_encoder,
    load_head,
    read_description,
    save_encoder,
    save_head,
)
from workflow.lib.planning.grid import TENSORS
from workflow.lib.pretrain.timm_weights import read_timm
from workflow.lib.pretrain.votes import Questions, answer_columns

if TYPE_CHECKING:
    import keras

log = logging.getLogger(__name__)

IMAGENET_STDDEV = (0.229, 0.224, 0.225)
"""Standard deviation of ImageNet's pixels in red, green and blue, for pixels from 0 to 1."""

ZOOBOT_CONCENTRATIONS = (1.0, 101.0)
"""Lowest and highest concentration of the released heads: 1 + 100 sigmoid [Zoobot's code]."""

MOST_NAMED = 10
"""Maximum number of variables of each kind that an error message names; the log names all."""

VARIABLE = re.compile(r"((?:layer_with_weights-\d+/)+)(\w+)/\.ATTRIBUTES/VARIABLE_VALUE")
"""Name of a network's variable in a checkpoint; optimisers and counters do not match."""

Numbers = tuple[int, ...]
"""Position of a layer: its number among the layers with weights, in each model it is nested in."""


class Given(NamedTuple):
    """Content of a weights file."""

    encoder: "keras.Model"
    head: Head | None
    label: str
    training: Mapping[str, Any] | None
    seed: int | None


def copy_encoder(
    given: str | Path,
    weights: str | Path,
    head: str | Path,
    *,
    size: int,
    survey: str,
    questions: Questions,
) -> None:
    """Check that weights fit the network, and write them with their description and head.

    Parameters
    ----------
    given
        One of: an ``encoder.weights.h5`` with its json and, if there is one, its ``head.npz``
        beside it; an ``.h5`` of Keras Applications; the ``.index`` of a TensorFlow checkpoint;
        a ``.safetensors`` or ``.bin`` of timm.
    weights, head
        Files to write; ``encoder.json`` is written beside them.
    size
        Side of the encoder's input images [pixel].
    survey, questions
        Used for Zoobot's files only: the survey that it was trained on, and the questions that a
        checkpoint answers.

    Raises
    ------
    UserError
        If the given file is damaged, or was made for another network or other images.
    """
    found = read_weights(given, size, survey, questions)
    save_head(found.head, head)
    save_encoder(
        found.encoder, weights, label=found.label, training=found.training, seed=found.seed
    )


def read_weights(given: str | Path, size: int, survey: str, questions: Questions) -> Given:
    """Read weights of any format; parameters and errors are those of `copy_encoder`."""
    name = Path(given).name
    if name.endswith(".weights.h5"):
        return read_ours(given, size)
    if name.endswith(".h5"):
        return read_keras_applications(given, size)
    if name.endswith(TENSORS):
        # It is not known which of the survey's galaxies were held out.
        training = {"survey": survey, "split": None}
        return Given(read_timm(given, size), None, _elsewhere(given), training, None)
    return read_checkpoint(given, size, survey, questions)


def read_ours(given: str | Path, size: int) -> Given:
    """Read an ``encoder.weights.h5``.

    Raises
    ------
    UserError
        If a checksum in its json is not that of the file, or as `load_encoder` and `load_head` do.
    """
    for name, expected in read_description(given).get("sha256", {}).items():
        path = Path(given).with_name(name)
        if not path.exists() or checksum(path) != expected:
            raise UserError(
                f"{path}: not the file that its {description_path(given).name} was written for; "
                "get both again"
            )
    encoder, known = load_encoder(given, size)
    head = Path(given).with_name("head.npz")
    return Given(
        encoder,
        load_head(head) if head.exists() else None,
        known["label"],
        known["training"],
        known["seed"],
    )


def read_keras_applications(given: str | Path, size: int) -> Given:
    """Read the weights of Keras Applications that were trained on ImageNet (paper Sec. 4.2).

    ``keras.applications.EfficientNetB0(weights="imagenet")`` has one layer more than our network.
    It normalises the pixels by the mean and the variance in the file. Then the extra layer divides
    them by the square root of `IMAGENET_STDDEV`, because the file's "variance" is the standard
    deviation, not its square. Here the file's variance is multiplied by `IMAGENET_STDDEV` instead.
    Apart from rounding, both networks are the same.

    Parameters
    ----------
    given
        ``efficientnetb0_notop.h5``, in Keras's older format.
    size
        Side of the images [pixel]; a convolutional network has the same weights for any.

    Returns
    -------
    Given
        An encoder for images of three channels with pixels of 0-255; no head.

    Raises
    ------
    UserError
        If the file is missing or damaged, holds weights of another network, or has no
        normalisation of its input.
    """
    import keras

    encoder = build_encoder(size, channels=len(IMAGENET_STDDEV))
    try:
        encoder.load_weights(given)
    except Exception as error:
        raise UserError(
            f"{given}: not EfficientNetB0 of Keras Applications without its last layer "
            f"({first_line(error)})"
        ) from error
    (normalization,) = [
        layer for layer in encoder.layers if isinstance(layer, keras.layers.Normalization)
    ]
    mean, variance, count = normalization.get_weights()
    if not mean.any():
        raise UserError(
            f"{given}: not weights of ImageNet, for they do not normalise colours; "
            "give Keras Applications' efficientnetb0_notop.h5"
        )
    normalization.set_weights([mean, variance * np.float32(IMAGENET_STDDEV), count])
    normalization.finalize_state()
    return Given(encoder, None, "encoder trained on ImageNet", {"pictures": "ImageNet"}, None)


def read_checkpoint(given: str | Path, size: int, survey: str, questions: Questions) -> Given:
    """Read a TensorFlow checkpoint of Zoobot's EfficientNetB0 (W+22; paper Sec. 2.2).

    A checkpoint names each variable by its path from the outermost model: the numbers of the
    layers with weights, then the variable, as in ``layer_with_weights-0/layer_with_weights-0/
    layer_with_weights-129/gamma``. Sorted by these numbers, the layers are in the order of our
    network's layers, however the models were nested. Each variable must exist and have the right
    shape.

    Zoobot's network takes pixels of 0-1 and begins with a convolution. Ours takes pixels of 0-255
    and first divides them by 255; its normalisation layer keeps its initial values, which change
    nothing. So both networks have the same output for the same picture.

    Parameters
    ----------
    given
        The checkpoint's ``.index``, with its data beside it.
    size
        Side of the images [pixel]; a convolutional network has the same weights for any.
    survey
        The survey that it was trained on. It is not known which of its galaxies were held out.
    questions
        Questions that the last layer answers, if it has one output for each of their answers.

    Returns
    -------
    Given
        The encoder, and the head if the checkpoint has one that fits `questions`.

    Raises
    ------
    UserError
        If the checkpoint is missing or damaged, or if any variable does not fit; these are listed.
    """
    layers = _layers_of(_read_variables(given))
    last = next((numbers for numbers, layer in layers.items() if _is_head(layer)), None)
    dense = layers.pop(last) if last else None
    stem = next(iter(layers.values()), {}).get("kernel", np.empty(0))
    encoder = build_encoder(size, 3 if stem.ndim == 4 and stem.shape[2] == 3 else 1)
    _fill(encoder, layers, given)
    head = _head_of(dense, questions, given) if dense else None
    return Given(encoder, head, _elsewhere(given), {"survey": survey, "split": None}, None)


def _elsewhere(given: str | Path) -> str:
    return f"encoder trained elsewhere ({Path(given).name})"


def _read_variables(given: str | Path) -> dict[str, np.ndarray]:
    """Read the variables of the network in a checkpoint, by their paths."""
    import tensorflow as tf

    try:
        reader = tf.train.load_checkpoint(str(given).removesuffix(".index"))
        names = reader.get_variable_to_shape_map()
        found = {name: reader.get_tensor(name) for name in names if VARIABLE.fullmatch(name)}
    except Exception as error:
        raise UserError(
            f"{given}: not a whole TensorFlow checkpoint ({first_line(error)}); its .index and "
            ".data files must stand side by side, as they were released"
        ) from error
    if not found:
        raise UserError(f"{given}: no layers of a Keras network in this checkpoint")
    return found


def _layers_of(variables: Mapping[str, np.ndarray]) -> dict[Numbers, dict[str, np.ndarray]]:
    """Group variables by layer, in the order of the layers; skipped numbers get an empty layer."""
    layers: dict[Numbers, dict[str, np.ndarray]] = {}
    for path, value in variables.items():
        place, name = VARIABLE.fullmatch(path).groups()
        layers.setdefault(tuple(map(int, re.findall(r"\d+", place))), {})[name] = value
    # Otherwise a missing layer would shift all later ones, and none of them would fit.
    innermost = max(map(len, layers))
    for *models, number in [numbers for numbers in layers if len(numbers) == innermost]:
        for left_out in range(number):
            layers.setdefault((*models, left_out), {})
    return dict(sorted(layers.items()))


def _is_head(layer: Mapping[str, np.ndarray]) -> bool:
    kernel = layer.get("kernel", np.empty(0))
    return kernel.ndim == 2 and len(kernel) == REPRESENTATION_SIZE and "bias" in layer


def _fill(
    encoder: "keras.Model", layers: Mapping[Numbers, Mapping[str, np.ndarray]], given: str | Path
) -> None:
    """Copy a checkpoint's variables into a network; raise `UserError` if any does not fit."""
    faults: dict[str, list[str]] = {"missing": [], "left over": [], "of another shape": []}
    for ours, numbers in zip_longest(_layers_with_weights(encoder), layers):
        expected = _variables_of(ours) if ours else {}
        found = layers.get(numbers, {})
        for name in sorted({*expected, *found}):
            if name not in found:
                faults["missing"].append(f"{name} of {ours.name}")
            elif name not in expected:
                faults["left over"].append(f"{_path(numbers)}/{name} {found[name].shape}")
            elif found[name].shape != expected[name].shape:
                faults["of another shape"].append(
                    f"{name} of {ours.name} {found[name].shape}, not {expected[name].shape}"
                )
            else:
                expected[name].assign(found[name].astype(np.float32))
    if any(faults.values()):
        for kind, names in faults.items():
            for name in names:
                log.error("%s: %s: %s", given, kind, name)
        told = "; ".join(f"{kind}: {_some(names)}" for kind, names in faults.items() if names)
        raise UserError(f"{given}: not weights of this EfficientNetB0; {told}")


def _layers_with_weights(encoder: "keras.Model") -> list["keras.Layer"]:
    """List the layers shared with Zoobot's network, in its order: all but the normalisation."""
    import keras

    return [
        layer
        for layer in encoder.layers
        if layer.weights and not isinstance(layer, keras.layers.Normalization)
    ]


def _variables_of(layer: "keras.Layer") -> dict[str, "keras.Variable"]:
    """Map the names that a layer's variables had in Keras 2 to the variables."""
    import keras

    depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    return {
        "depthwise_kernel" if depthwise and weight.name == "kernel" else weight.name: weight
        for weight in layer.weights
    }


def _head_of(
    dense: Mapping[str, np.ndarray], questions: Questions, given: str | Path
) -> Head | None:
    answers = answer_columns(questions)
    kernel, bias = (dense[name].astype(np.float32) for name in ("kernel", "bias"))
    if kernel.shape[1] != len(answers) or bias.shape != kernel.shape[1:]:
        log.warning(
            "%s: its last layer is left out, for it gives %d values, and pretraining.questions "
            "have %d answers", given, kernel.shape[1], len(answers),
        )  # fmt: skip
        return None
    log.info("%s: its last layer is taken to answer %s", given, ", ".join(answers))
    asked = {question: list(names) for question, names in questions.items()}
    return Head(asked, ZOOBOT_CONCENTRATIONS, kernel, bias)


def _path(numbers: Numbers) -> str:
    return "/".join(f"layer_with_weights-{number}" for number in numbers)


def _some(names: list[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more (see the log)" if more > 0 else "")
