"""Weights of timm's EfficientNetB0, as Zoobot releases its encoders today, for our network.

timm's network differs from that of Keras in its padding and in the epsilon of its normalisation
(`encoder.TIMM`), in the names of its weights, and in the order of a kernel's dimensions.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workflow.lib.common.errors import UserError
from workflow.lib.network.encoder import TIMM, build_encoder
from workflow.lib.pretrain.tensor_files import read_tensors

if TYPE_CHECKING:
    import keras

MOST_NAMED = 10
"""Maximum number of weights that an error message names."""

NORMALISATION = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}
FIRST_BLOCK = ["conv_dw dwconv", "bn1 bn", "conv_pw project_conv", "bn2 project_bn"]
OTHER_BLOCKS = [
    "conv_pw expand_conv", "bn1 expand_bn", "conv_dw dwconv", "bn2 bn", "conv_pwl project_conv",
    "bn3 project_bn",
]  # fmt: skip
EVERY_BLOCK = ["se.conv_reduce se_reduce", "se.conv_expand se_expand"]
"""Names of a block's layers in timm and in Keras."""

IGNORED = ("classifier.", "num_batches_tracked")
"""Parts of names: a last layer that gives no representation, and a counter of training."""


def read_timm(given: str | Path, size: int) -> "keras.Model":
    """Read an encoder.

    Parameters
    ----------
    given
        ``model.safetensors`` or ``pytorch_model.bin``: the state of
        ``timm.create_model("efficientnet_b0", num_classes=0)``, for one or three channels.
    size
        Side of the images [pixel]; a convolutional network has the same weights for any.

    Returns
    -------
    keras.Model
        For pixels of 0-255: it divides them by 255, as timm's users do.

    Raises
    ------
    UserError
        If the file is damaged, or any weight does not fit; these are listed.
    """
    state = {
        name: value
        for name, value in read_tensors(given).items()
        if not any(part in name for part in IGNORED)
    }
    stem = state.get("conv_stem.weight", np.empty(0))
    encoder = build_encoder(size, 3 if stem.ndim == 4 and stem.shape[1] == 3 else 1, TIMM)
    faults = []
    for name, variable, depthwise in pairs(encoder):
        if name not in state:
            faults.append(f"no {name}")
            continue
        value = _as_keras_orders(state.pop(name), depthwise)
        if value.shape != variable.shape:
            faults.append(f"{name} {value.shape}, not {tuple(variable.shape)}")
        else:
            variable.assign(value.astype(np.float32))
    faults += [f"{name} too many" for name in state]
    if faults:
        more = len(faults) - MOST_NAMED
        told = ", ".join(faults[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
        raise UserError(f"{given}: not weights of timm's efficientnet_b0: {told}")
    return encoder


def pairs(encoder: "keras.Model") -> Iterator[tuple[str, "keras.Variable", bool]]:
    """Give timm's name for each weight, our variable, and whether it is a depthwise kernel."""
    import keras

    for theirs, ours in _layers(encoder):
        layer = encoder.get_layer(ours)
        if isinstance(layer, keras.layers.BatchNormalization):
            for name, own in NORMALISATION.items():
                yield f"{theirs}.{name}", getattr(layer, own), False
        else:
            depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
            yield f"{theirs}.weight", layer.kernel, depthwise
            if layer.use_bias:
                yield f"{theirs}.bias", layer.bias, False


def _layers(encoder: "keras.Model") -> Iterator[tuple[str, str]]:
    """Give the names of each layer with weights, in timm and in Keras."""
    yield from [("conv_stem", "stem_conv"), ("bn1", "stem_bn")]
    ends = "_dwconv"
    for name in (layer.name for layer in encoder.layers if layer.name.endswith(ends)):
        block = name.removesuffix(ends)  # such as block2a, for blocks.1.0
        stage, place = int(block[5]) - 1, ord(block[6]) - ord("a")
        for pair in (FIRST_BLOCK if stage == 0 else OTHER_BLOCKS) + EVERY_BLOCK:
            theirs, ours = pair.split()
            yield f"blocks.{stage}.{place}.{theirs}", f"{block}_{ours}"
    yield from [("conv_head", "top_conv"), ("bn2", "top_bn")]


def _as_keras_orders(value: np.ndarray, depthwise: bool) -> np.ndarray:
    """Reorder a kernel's dimensions: from (out, in, height, width) to Keras's."""
    if value.ndim != 4:
        return value
    return value.transpose((2, 3, 0, 1) if depthwise else (2, 3, 1, 0))
