"""Tensors in PyTorch's files and in safetensors, read without PyTorch and without running anything.

``torch.save`` writes a zip: a pickle that names the tensors, and a file with the numbers of each. A
pickle is a program. Here it is not given to Python's unpickler: its instructions are listed
(`pickletools`), and those that the state of a network needs are followed, with four names.
"""

import json
import math
import pickletools
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from workflow.lib.common.errors import UserError, first_line

TYPES = {"torch.FloatStorage": "<f4", "torch.LongStorage": "<i8"}
REBUILD, MAPPING = "torch._utils._rebuild_tensor_v2", "collections.OrderedDict"
ALLOWED = {*TYPES, REBUILD, MAPPING}
"""The names that the pickle of a network's state needs."""

SAFE_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8"}

CONSTANTS = {
    "EMPTY_DICT": dict, "EMPTY_TUPLE": tuple, "NONE": lambda: None, "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
}  # fmt: skip
VALUES = {"BININT", "BININT1", "BININT2", "LONG1", "BINUNICODE", "SHORT_BINUNICODE"}


class Name(NamedTuple):
    """A class or function that a pickle names."""

    name: str


class Tensor(NamedTuple):
    """Where the numbers of a tensor are."""

    dtype: str
    key: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_tensors(path: str | Path) -> dict[str, np.ndarray]:
    """Read the tensors of a ``.safetensors`` file, or of one that ``torch.save`` wrote.

    Parameters
    ----------
    path
        The file; its name says which of the two it is.

    Returns
    -------
    dict
        An array for each name.

    Raises
    ------
    UserError
        If the file is missing or damaged, or holds anything but tensors.
    """
    read = _read_safetensors if str(path).endswith(".safetensors") else _read_torch
    try:
        return read(Path(path))
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    except Exception as error:
        raise UserError(f"{path}: not a whole file of tensors ({first_line(error)})") from error


def _read_safetensors(path: Path) -> dict[str, np.ndarray]:
    data = path.read_bytes()
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    header.pop("__metadata__", None)
    found = {}
    for name, tensor in header.items():
        if tensor["dtype"] not in SAFE_TYPES:
            raise UserError(f"'{name}' has the type {tensor['dtype']}, not {', '.join(SAFE_TYPES)}")
        start, stop = tensor["data_offsets"]
        part = np.frombuffer(data[end + start : end + stop], SAFE_TYPES[tensor["dtype"]])
        found[name] = part.reshape(tensor["shape"])
    return found


def _read_torch(path: Path) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(path) as archive:
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
            raise UserError("its parts are compressed, which torch.save does not do")
        (pickled,) = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        folder = pickled.removesuffix("data.pkl")
        if f"{folder}byteorder" in archive.namelist():
            order = archive.read(f"{folder}byteorder").decode()
            if order != "little":
                raise UserError(f"its numbers are '{order}' endian; save it on another computer")
        state = follow(archive.read(pickled))
        if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
            raise UserError("not the state of a network: save `model.state_dict()` alone")
        return {
            name: _array(archive.read(f"{folder}data/{tensor.key}"), tensor)
            for name, tensor in state.items()
        }


def _array(data: bytes, tensor: Tensor) -> np.ndarray:
    numbers = np.frombuffer(data, tensor.dtype)
    last = tensor.offset + sum(
        (size - 1) * step for size, step in zip(tensor.shape, tensor.strides, strict=True)
    )
    if math.prod(tensor.shape) and not 0 <= tensor.offset <= last < len(numbers):
        raise UserError("a tensor lies outside of its numbers")
    strides = [step * numbers.itemsize for step in tensor.strides]
    view = np.lib.stride_tricks.as_strided(numbers[tensor.offset :], tensor.shape, strides)
    return view.copy()


def follow(pickled: bytes) -> Any:
    """Follow the instructions of a pickle, as far as a network's state needs them.

    Raises
    ------
    UserError
        If the pickle has another instruction, or names a class or function not in `ALLOWED`.
    """
    stack: list[Any] = []
    marks: list[int] = []
    memo: dict[int, Any] = {}

    def since_mark() -> list[Any]:
        start = marks.pop()
        items = stack[start:]
        del stack[start:]
        return items

    def last(count: int) -> list[Any]:
        items = stack[len(stack) - count :]
        del stack[len(stack) - count :]
        return items

    for instruction, value, _ in pickletools.genops(pickled):
        match instruction.name:
            case "PROTO" | "FRAME":
                pass
            case "STOP":
                (result,) = stack
                return result
            case kind if kind in CONSTANTS:
                stack.append(CONSTANTS[kind]())
            case kind if kind in VALUES:
                stack.append(value)
            case "GLOBAL":
                stack.append(_allowed(value.replace(" ", ".", 1)))
            case "STACK_GLOBAL":
                stack.append(_allowed(".".join(last(2))))
            case "MARK":
                marks.append(len(stack))
            case "TUPLE":
                stack.append(tuple(since_mark()))
            case "TUPLE1" | "TUPLE2" | "TUPLE3" as kind:
                stack.append(tuple(last(int(kind[-1]))))
            case "BINPUT" | "LONG_BINPUT":
                memo[value] = stack[-1]
            case "MEMOIZE":
                memo[len(memo)] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(memo[value])
            case "BINPERSID":  # ("storage", type, key, device, count)
                _, kind, key, *_ = stack.pop()
                stack.append((TYPES[kind.name], key))
            case "REDUCE":
                called, given = last(2)
                stack.append(_made(called, given))
            case "SETITEM":
                key, content = last(2)
                stack[-1][key] = content
            case "SETITEMS":
                items = since_mark()
                stack[-1].update(zip(items[::2], items[1::2], strict=True))
            case "BUILD":  # attributes of the dictionary, which say nothing about weights
                stack.pop()
            case kind:
                raise UserError(f"its pickle has the instruction {kind}, which weights do not need")
    raise UserError("its pickle has no end")


def _allowed(name: str) -> Name:
    if name not in ALLOWED:
        raise UserError(
            f"its pickle names '{name}', which weights do not need, and which could do anything; "
            "nothing was run. Save the network's `state_dict()`, or use safetensors"
        )
    return Name(name)


def _made(called: Name, given: tuple[Any, ...]) -> Mapping[str, Any] | Tensor:
    """Make what a call would give."""
    if called.name == MAPPING and given == ():
        return {}
    if called.name == REBUILD:
        (dtype, key), offset, shape, strides, *_ = given
        return Tensor(dtype, key, offset, shape, strides)
    raise UserError(f"its pickle calls '{called.name}' in another way than weights need")
