"""Which galaxies have a label, which do not, and their images (paper Sec. 4.2)."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from workflow.lib.catalogue.selection import label_columns, select
from workflow.lib.common.columns import fractions, numbers
from workflow.lib.common.errors import UserError
from workflow.lib.common.files import atomic_path, write_json, write_text
from workflow.lib.common.images import colour_image
from workflow.lib.common.joins import rows_of
from workflow.lib.common.tables import read_table
from workflow.lib.cutouts.shards import create_array, iter_images, network_frame, read_thumbnails
from workflow.lib.finetune.splits import read_labels
from workflow.lib.represent.vector_files import read_names

log = logging.getLogger(__name__)


def label_galaxies(
    catalogue: str | Path,
    shards: Sequence[str | Path],
    table: str | Path | None = None,
    *,
    column: str,
    above: float,
    below: float,
    cuts: Mapping[str, Mapping[str, float]],
    missing: str,
    labels: str | Path,
    counts: str | Path,
) -> None:
    """Write which galaxies have a label, and which clearly do not (Sec. 4.2).

    Parameters
    ----------
    catalogue
        The survey's catalogue.
    shards
        Its cutout shards; a galaxy without an image is left out.
    table
        A table of labels with iauname and `column`, such as the ratings of a hunt; else `column` is
        one of the catalogue. Galaxies that are not in it have no value.
    column
        Column that decides: a fraction, or 0 and 1, or false and true; in a table of labels also
        another number, such as a rating.
    above, below
        A galaxy with more than `above` has the label, one with less than `below` does not have it;
        those between are left out.
    cuts
        As for `selection.select`: other galaxies are left out.
    missing
        What to do if a galaxy has no value: "drop" it, or "refuse".
    labels
        CSV to write: iauname, label (0 or 1), in catalogue order.
    counts
        JSON to write: how many galaxies each step removed and left.

    Raises
    ------
    UserError
        If a column does not exist or is not a number, a value of the catalogue does not lie between
        0 and 1 or is missing where none may be, a table of labels has a galaxy twice or none of the
        catalogue, or there is no galaxy with the label or none without.
    """
    wanted = list(dict.fromkeys(["iauname", *label_columns(column, cuts, table)]))
    listed = read_table(catalogue, text=["iauname"], columns=wanted)
    steps: list[dict[str, Any]] = [{"cut": "in the catalogue", "removed": 0, "left": len(listed)}]
    selection = select(listed, cuts, [], catalogue)
    steps += selection.counts
    galaxies = selection.galaxies
    source, values = label_values(table, column, galaxies, catalogue)
    if missing == "refuse" and values.isna().any():
        name = galaxies["iauname"][values.isna()].iloc[0]
        raise UserError(
            f"{source}: galaxy {name} has no {column} ({values.isna().sum()} galaxies have "
            "none); fill it in, or set 'missing: drop' for it in 'finetune.labels'"
        )
    imaged = {name for shard in shards for name in read_names(shard)}
    for cut, passes in {
        f"{column} unknown": values.notna(),
        f"{column} neither above {above} nor below {below}": (values > above) | (values < below),
        "no image": galaxies["iauname"].isin(imaged),
    }.items():
        passes = passes[galaxies.index]
        steps.append({"cut": cut, "removed": int((~passes).sum()), "left": int(passes.sum())})
        galaxies = galaxies[passes]
    label = (values[galaxies.index] > above).astype(int)
    for has, words in ((1, f"above {above}"), (0, f"below {below}")):
        if not (label == has).any():
            raise UserError(f"{source}: no galaxy with an image has {column} {words}")
    steps += [
        {"cut": f"label {has}", "removed": 0, "left": int((label == has).sum())} for has in (1, 0)
    ]
    log.info("%d galaxies with the label, %d without", label.sum(), (1 - label).sum())
    write_json(steps, counts)
    table = pd.DataFrame({"iauname": galaxies["iauname"], "label": label})
    write_text(table.to_csv(index=False), labels)


def keep_represented(
    labels: str | Path, representations: Sequence[str | Path], kept: str | Path
) -> None:
    """Write the labelled galaxies that are in each of several representations.

    Parameters
    ----------
    labels
        By `label_galaxies`.
    representations
        Parquet files.
    kept
        CSV to write, like `labels`.
    """
    table = read_table(labels, text=["iauname"])
    have = [table["iauname"].isin(read_names(path)) for path in representations]
    represented = np.logical_and.reduce(have)
    log.info("%d of %d labelled galaxies have all representations", sum(represented), len(table))
    write_text(table[represented].to_csv(index=False), kept)


def gather_labelled(
    shards: Sequence[str | Path], labels: str | Path, images: str | Path, *, channels: int
) -> None:
    """Write the images of labelled galaxies to one array.

    Parameters
    ----------
    shards
        Parquet files by `shards.make_shard`.
    labels
        By `label_galaxies`.
    images
        NumPy file to write, in constant memory: uint8 (n, size, size, channels), in the order of
        `labels`.
    channels
        1 for grey images, 3 for colour.

    Raises
    ------
    UserError
        If a labelled galaxy has no image.
    """
    place = {name: row for row, name in enumerate(read_labels(labels)[0])}
    imaged = [name for shard in shards for name in read_names(shard)]
    rows_of(list(place), imaged, Path(shards[0]).parent)
    size, field = network_frame(pq.read_schema(shards[0]))
    with atomic_path(images, rows=place) as temporary:
        array = create_array(temporary, (len(place), size, size, channels))
        if channels == 3:
            for name, thumbnail in read_thumbnails(shards, place):
                array[place[name]] = colour_image(thumbnail, size, field)
        else:
            for shard in shards:
                for iaunames, pixels in iter_images(shard, 1024):
                    for name, picture in zip(iaunames, pixels, strict=True):
                        if name in place:
                            array[place[name]] = picture
        array.flush()


def label_values(
    table: str | Path | None, column: str, galaxies: pd.DataFrame, catalogue: str | Path
) -> tuple[str | Path, pd.Series]:
    """Give the file that decides on a label, and its number for each galaxy, or a missing value.

    Parameters and errors are those of `label_galaxies`; `galaxies` are rows of the catalogue.
    """
    if table is None:
        return catalogue, fractions(galaxies[column], catalogue, galaxies["iauname"])
    labels = read_table(table, text=["iauname"], columns=["iauname", column])
    twice = labels["iauname"].duplicated()
    if twice.any():
        name = labels["iauname"][twice].iloc[0]
        raise UserError(f"{table}: iauname {name} occurs more than once; keep one of its rows")
    values = numbers(labels[column], table, labels["iauname"])
    if not labels["iauname"].isin(galaxies["iauname"]).any():
        raise UserError(f"{table}: none of its iaunames is a galaxy that can be labelled")
    return table, galaxies["iauname"].map(pd.Series(values.to_numpy(), labels["iauname"]))
