"""Weights of timm's EfficientNetB0, drawn from a seed, and its files, written without PyTorch."""

import json
import pickle
import sys
import zipfile
from collections import OrderedDict
from types import ModuleType

import numpy as np
import pytest

from workflow.lib.network.encoder import TIMM, build_encoder
from workflow.lib.pretrain.timm_weights import pairs

SEEDS = {1: 11, 3: 13}
"""Of the weights, for each number of channels."""


def state(channels):
    """Draw the weights of timm's network, in its names and orders."""
    shapes = {}
    for name, variable, depthwise in pairs(build_encoder(64, channels, TIMM)):
        shape = tuple(variable.shape)
        if len(shape) == 4:  # from Keras's order
            shape = [shape[place] for place in ((2, 3, 0, 1) if depthwise else (3, 2, 0, 1))]
        shapes[name] = tuple(shape)
    rng = np.random.default_rng(SEEDS[channels])
    drawn = {}
    for name in sorted(shapes):
        shape = shapes[name]
        if name.endswith("running_var") or (name.endswith("weight") and len(shape) == 1):
            value = rng.uniform(0.5, 1.5, shape)
        elif name.endswith(("running_mean", "bias")):
            value = rng.normal(0, 0.1, shape)
        else:
            value = rng.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape)
        drawn[name] = value.astype(np.float32)
    return drawn | {"bn1.num_batches_tracked": np.array(1)}


def images(side, channels):
    y, x = (axis[..., None] for axis in np.mgrid[:side, :side])
    colour = np.arange(channels)
    far = (x - side / 2) ** 2 + (y - side / 2) ** 2
    pictures = [
        127 + 100 * np.sin(x / 9) * np.cos(y / 7) + 0 * colour,
        255 * np.exp(-far / (2 * (side / 6) ** 2)) * (1 - 0.2 * colour),
        np.random.default_rng(7).integers(0, 256, (side, side, channels)),
        (x + 2 * y + 30 * colour) % 256,
    ]
    return np.clip(np.round(pictures), 0, 255).astype(np.float32)


def write_safetensors(path, tensors, dtype="F32"):
    header, parts, start = {"__metadata__": {"format": "pt"}}, [], 0
    for name, value in tensors.items():
        kind = dtype if value.dtype == np.float32 else "I64"
        parts.append(value.astype({"F32": "<f4", "F16": "<f2", "I64": "<i8"}[kind]).tobytes())
        offsets = [start, start + len(parts[-1])]
        header[name] = {"dtype": kind, "shape": list(value.shape), "data_offsets": offsets}
        start = offsets[1]
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(parts))


class Storage(list):
    """The numbers of a tensor, which `torch.save` puts beside the pickle."""


def write_bin(path, tensors, compression=zipfile.ZIP_STORED, more=None):
    """Write what `torch.save` writes, without PyTorch."""
    torch, utils = ModuleType("torch"), ModuleType("torch._utils")
    torch.FloatStorage = type("FloatStorage", (), {"__module__": "torch"})
    torch.LongStorage = type("LongStorage", (), {"__module__": "torch"})

    def _rebuild_tensor_v2():
        """Only its name is written."""

    _rebuild_tensor_v2.__module__ = "torch._utils"
    _rebuild_tensor_v2.__qualname__ = "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    stored = []

    class Pickler(pickle.Pickler):
        def persistent_id(self, value):
            if isinstance(value, Storage):
                (array,) = value
                kind = torch.FloatStorage if array.dtype.kind == "f" else torch.LongStorage
                stored.append(array)
                return ("storage", kind, str(len(stored) - 1), "cpu", array.size)
            return None

        def reducer_override(self, value):
            if not isinstance(value, np.ndarray):
                return NotImplemented
            steps = tuple(step // value.itemsize for step in value.strides)
            given = (Storage([value]), 0, value.shape, steps, False, OrderedDict())
            return utils._rebuild_tensor_v2, given

    state_of = OrderedDict({**tensors, **(more or {})})
    state_of._metadata = {"": {"version": 1}}
    with zipfile.ZipFile(path, "w", compression) as archive:
        with archive.open("archive/data.pkl", "w") as file, pytest.MonkeyPatch.context() as patch:
            patch.setitem(sys.modules, "torch", torch)
            patch.setitem(sys.modules, "torch._utils", utils)
            Pickler(file, protocol=2).dump(state_of)
        archive.writestr("archive/byteorder", "little")
        for number, array in enumerate(stored):
            archive.writestr(f"archive/data/{number}", np.ascontiguousarray(array).tobytes())
