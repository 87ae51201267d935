"""The network: EfficientNetB0 without its last dense layer (paper Sec. 2.2), and its weights."""

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.special import expit

from workflow.lib.common.checksums import check
from workflow.lib.common.errors import UserError, first_line
from workflow.lib.common.files import atomic_path, write_json

if TYPE_CHECKING:
    # Keras is imported in functions: it takes seconds to load, only some users of this module need
    # it, and its messages while loading belong in the job's log.
    import keras

REPRESENTATION_SIZE = 1280
"""Filters of EfficientNetB0's last convolution, averaged over the image (paper Sec. 2.2)."""

INPUT_RANGE = [0, 255]
"""Range of the input pixels: the network rescales them itself."""


class Variant(NamedTuple):
    """In what implementations of EfficientNetB0 differ."""

    padding: str
    """Where a convolution has stride 2: "keras", one pixel less above and left of an image whose
    side is even; or "symmetric", as much on each side."""
    epsilon: float
    """Added to the variance by each batch normalisation."""


KERAS, TIMM = Variant("keras", 1e-3), Variant("symmetric", 1e-5)

DESCRIPTION_KEYS = ["label", "training", "size", "channels", "input_range", "seed", "versions"]


def build_encoder(size: int, channels: int = 1, variant: Variant = KERAS) -> "keras.Model":
    """Build EfficientNetB0 up to its global average pooling.

    Parameters
    ----------
    size
        Side of the input images [pixel].
    channels
        1 for greyscale, 3 for colour.
    variant
        Padding and epsilon, as the weights were trained with.

    Returns
    -------
    keras.Model
        From images of shape (n, size, size, channels), float32 in 0-255, to representations of
        shape (n, 1280), float32.
    """
    import keras

    inputs = keras.Input((size, size, channels))
    base = keras.applications.EfficientNetB0(
        include_top=False, weights=None, input_tensor=inputs, pooling="avg"
    )
    encoder = keras.Model(inputs, base.output, name="encoder")
    encoder.variant = tuple(variant)  # for `save_encoder`; Keras keeps it with the network
    for layer in encoder.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.epsilon = variant.epsilon
        elif isinstance(layer, keras.layers.ZeroPadding2D) and variant.padding == "symmetric":
            layer.padding = tuple((max(sides), max(sides)) for sides in layer.padding)
    return encoder


def random_encoder(size: int, seed: int, channels: int = 1) -> "keras.Model":
    """Build an encoder with random weights, determined by `seed`."""
    import keras  # noqa: F401  Before seeding, since loading it draws random numbers.

    # Keras's initialisers take their seeds from here. `keras.utils.set_random_seed` would also have
    # TensorFlow forget how it optimised the functions compiled so far: 20 s for a training step.
    random.seed(seed)
    return build_encoder(size, channels)


def save_encoder(
    encoder: "keras.Model",
    weights: str | Path,
    *,
    label: str,
    training: Mapping[str, Any] | None,
    seed: int | None,
) -> None:
    """Write the weights and, beside them, `encoder.json` with the facts needed to use them.

    Parameters
    ----------
    weights
        Path of the weights; its name ends in ``.weights.h5``.
    label
        Note for figures that show this encoder; may be empty.
    training
        What the weights were trained on; None if they were not trained. If it was a survey,
        `survey` names it and `split` has the keyword arguments of `votes.split_names`, or None.
    seed
        Seed of the training, or of random weights; None if it is not known.
    """
    import keras

    _, size, _, channels = encoder.input_shape
    with atomic_path(weights) as temporary:
        encoder.save_weights(temporary)
    write_json(
        {
            "label": label,
            "training": training,
            "size": size,
            "channels": channels,
            "input_range": INPUT_RANGE,
            **Variant(*encoder.variant)._asdict(),
            "seed": seed,
            "versions": {"keras": keras.__version__, "backend": keras.backend.backend()},
        },
        description_path(weights),
    )


def describe_table(table: str | Path, description: str | Path) -> None:
    """Write an `encoder.json` for representations of a table, which come without an encoder.

    It is not known what their network was trained on.
    """
    label = f"representations of a given table, {Path(table).name}"
    write_json(dict.fromkeys(DESCRIPTION_KEYS) | {"label": label}, description)


def load_encoder(weights: str | Path, size: int) -> tuple["keras.Model", dict[str, Any]]:
    """Load an encoder, after checking that its weights were made for such images.

    Parameters
    ----------
    weights
        Path of ``encoder.weights.h5``, with ``encoder.json`` beside it.
    size
        Side of the input images [pixel].

    Returns
    -------
    encoder, description
        The network, whose batch normalisation is folded and must not be trained, and the content
        of the json.

    Raises
    ------
    UserError
        If a file is missing or damaged, or the weights are for another input.
    """
    from workflow.lib.network.fold_batchnorm import fold_normalisation

    description = read_description(weights)
    if description["size"] != size:
        raise UserError(
            f"{weights}: made for images of {description['size']} pixels, not {size}; "
            "set 'representation.crop_size' to it or give other weights"
        )
    if description["input_range"] != INPUT_RANGE:
        raise UserError(
            f"{weights}: made for pixels from {description['input_range'][0]} to "
            f"{description['input_range'][1]}; this network is given 0 to 255"
        )
    # Descriptions made before there were two variants do not name one.
    variant = Variant(
        description.get("padding", KERAS.padding), description.get("epsilon", KERAS.epsilon)
    )
    encoder = build_encoder(size, description["channels"], variant)
    fold_normalisation(encoder)
    try:
        encoder.load_weights(weights)
    except Exception as error:
        raise UserError(
            f"{weights}: not weights of this EfficientNetB0 ({first_line(error)})"
        ) from error
    return encoder, description


class Head(NamedTuple):
    """The last layer of a pretrained network: from representations to votes (W+22)."""

    questions: dict[str, list[str]]
    """The answers of each question, in the order of the outputs."""
    range: tuple[float, float]
    """Lowest and highest concentration."""
    kernel: np.ndarray
    """Shape (1280, answers), float32."""
    bias: np.ndarray
    """Shape (answers,), float32."""

    def concentrations(self, vectors: np.ndarray) -> np.ndarray:
        """Give the Dirichlet concentrations, (n, answers), for representations (n, 1280)."""
        low, high = self.range
        return low + (high - low) * expit(vectors @ self.kernel + self.bias)


def save_head(head: Head | None, path: str | Path) -> None:
    """Write a head; None records that the encoder beside it has none."""
    kind = {"questions": head.questions, "range": head.range} if head else None
    arrays = {"kernel": head.kernel, "bias": head.bias} if head else {}
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(file, kind=json.dumps(kind), **arrays)


def load_head(path: str | Path) -> Head:
    """Load a head; raise `UserError` if there is none in the file."""
    try:
        with np.load(path) as file:
            kind = json.loads(str(file["kind"]))
            arrays = {name: file[name] for name in file.files if name != "kind"}
    except Exception as error:
        raise UserError(f"{path}: not the head of a pretrained network ({error})") from error
    if kind is None:
        raise UserError(f"{path}: these weights came without a head, so they predict no votes")
    return Head(**kind, **arrays)


def read_description(weights: str | Path) -> Mapping[str, Any]:
    """Read the `encoder.json` beside `weights`; raise `UserError` if it does not describe them."""
    if not Path(weights).exists():
        raise UserError(f"{weights}: no such weights")
    return parse_description(description_path(weights))


def parse_description(path: str | Path) -> Mapping[str, Any]:
    """Read an `encoder.json`; raise `UserError` if it is missing, damaged or lacks a key."""
    check(path)
    if not Path(path).exists():
        raise UserError(
            f"{path}: missing; weights need it beside them, to say what input they take"
        )
    try:
        description = json.loads(Path(path).read_text())
    except ValueError as error:
        raise UserError(f"{path}: not JSON ({error})") from error
    if not isinstance(description, dict):
        raise UserError(f"{path}: not a JSON object")
    missing = [key for key in DESCRIPTION_KEYS if key not in description]
    if missing:
        raise UserError(f"{path}: no key {', '.join(map(repr, missing))}")
    return description


def description_path(weights: str | Path) -> Path:
    """Give the path of the `encoder.json` beside `weights`."""
    return Path(weights).with_name("encoder.json")
