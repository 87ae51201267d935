"""Unfinished training beside the file that it is to give, so that a killed job can resume it."""

import shutil
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from workflow.lib.common.errors import UserError, first_line
from workflow.lib.common.files import atomic_path
from workflow.lib.common.owner import orphaned
from workflow.lib.planning.code_hash import fingerprint


def unfinished_folder(
    result: str | Path, settings: Any, inputs: Iterable[str | Path], module: str
) -> Path:
    """Make the folder of unfinished training, named by everything that the training depends on.

    Settings, inputs or code that have changed give another name, so stale partial results are
    never reused.

    Parameters
    ----------
    result
        The file that training is to write; the folder is next to it.
    settings, inputs
        As for `code_hash.fingerprint`.
    module
        The module that trains, such as ``pretrain.train_on_votes``.
    """
    name = f"{_stem(result)}.training-{fingerprint(settings, inputs, module)}"
    folder = Path(result).with_name(name)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def remove_unfinished(result: str | Path) -> None:
    """Remove the unfinished training of a result, also that of earlier settings, inputs or code.

    An orphaned job leaves it: Snakemake does not know that the result is finished, removes it, and
    starts the job again, which then only has to read the end of the training.
    """
    if orphaned():
        return
    for folder in Path(result).parent.glob(f"{_stem(result)}.training-*"):
        shutil.rmtree(folder)


def save_arrays(groups: Mapping[str, Any], path: str | Path) -> None:
    """Write named arrays, numbers and lists of arrays as a NumPy archive, atomically."""
    arrays = {}
    for name, group in groups.items():
        if isinstance(group, list):
            arrays |= {f"{name}/{place:04d}": np.asarray(one) for place, one in enumerate(group)}
        else:
            arrays[name] = np.asarray(group)
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)


def load_arrays(path: str | Path) -> dict[str, Any]:
    """Read what `save_arrays` wrote; a list that was empty is missing.

    Raises
    ------
    UserError
        If the file is damaged.
    """
    groups: dict[str, Any] = {}
    try:
        with np.load(path) as file:
            for name in sorted(file.files):
                group, _, place = name.partition("/")
                if place:
                    groups.setdefault(group, []).append(file[name])
                else:
                    groups[group] = file[name]
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(
            f"{path}: this unfinished training is damaged ({first_line(error)}); delete the folder "
            f"{Path(path).parent}, and the training starts anew"
        ) from error
    return groups


def _stem(result: str | Path) -> str:
    return Path(result).name.partition(".")[0]
