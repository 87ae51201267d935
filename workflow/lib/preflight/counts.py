"""Rows, images and labels of a survey's own table, counted before the first job."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from workflow.lib.catalogue.selection import label_columns, select, table_columns
from workflow.lib.common.errors import UserError
from workflow.lib.common.tables import column_names, read_table
from workflow.lib.cutouts.image_index import image_names, without_ending
from workflow.lib.finetune.labels import label_values
from workflow.lib.finetune.splits import set_sizes
from workflow.lib.planning.plan import Job
from workflow.lib.preflight.lines import NOTE


def count_problems(
    name: str, config: Mapping[str, Any], table: str, archives: Collection[str], jobs: Iterable[Job]
) -> Iterator[str]:
    """Compare a survey's rows with its images, and its labels with the training sets.

    Parameters
    ----------
    name, config
        The survey, and the whole configuration.
    table
        The survey's table, which must have the columns that the jobs read.
    archives
        Its folders and zips of images; none if they come from elsewhere.
    jobs
        The jobs that will run.

    Yields
    ------
    str
        A note on rows without an image and images without a row; a problem if no row has an image,
        or if a training set is larger than the labels allow.
    """
    finetune, jobs = config["finetune"], list(jobs)
    labels = _planned_labels(name, finetune, jobs)
    try:
        galaxies = _selected(table, config["surveys"][name], finetune["labels"], labels)
        imaged = pd.Series(True, galaxies.index)
        if archives:
            images = set().union(*map(image_names, archives))
            imaged = _imaged(galaxies["iauname"], images)
            yield from _compared(name, table, galaxies["iauname"], imaged, images)
        for label in labels if imaged.any() else []:
            _check_label(label, finetune, galaxies[imaged], table, jobs)
    except UserError as error:
        yield str(error)


def label_problems(
    name: str, config: Mapping[str, Any], catalogue: str, jobs: Iterable[Job]
) -> Iterator[str]:
    """Compare labels with the training sets, if a survey's catalogue is made already.

    Parameters and what is yielded are those of `count_problems`, but images are not counted again.
    """
    finetune, jobs = config["finetune"], list(jobs)
    try:
        for label in _planned_labels(name, finetune, jobs):
            decided = finetune["labels"][label]
            columns = label_columns(decided["column"], decided["cuts"], decided.get("table"))
            galaxies = read_table(catalogue, text=["iauname"], columns=["iauname", *columns])
            _check_label(label, finetune, galaxies, catalogue, jobs)
    except UserError as error:
        yield str(error)


def _planned_labels(name: str, finetune: Mapping[str, Any], jobs: Iterable[Job]) -> list[str]:
    """List the labels of a survey that the run will count."""
    labels = {job.wildcards["label"] for job in jobs if job.rule == "label_galaxies"}
    return sorted(label for label in labels if finetune["labels"][label]["survey"] == name)


def _selected(
    table: str,
    survey: Mapping[str, Any],
    labels: Mapping[str, Mapping[str, Any]],
    used: Collection[str],
) -> pd.DataFrame:
    """Read the galaxies that pass the survey's cuts, with the columns that labels need."""
    cuts, exclude = survey.get("cuts", {}), survey.get("exclude", [])
    wanted = {"iauname", *cuts, *exclude}
    for label in map(labels.__getitem__, used):
        wanted |= {*label_columns(label["column"], label["cuts"], label.get("table"))}
    identity = survey["catalogue"]["id_column"]
    ours = table_columns(column_names(table), identity)
    theirs = {column: ours[column] for column in ours if ours[column] in wanted}
    missing = survey.get("missing_values", ())
    frame = read_table(table, text=[identity], columns=[*theirs], missing=missing)
    return select(frame.rename(columns=theirs), cuts, exclude, table).galaxies


def _imaged(iaunames: pd.Series, images: Collection[str]) -> pd.Series:
    """Tell which galaxies have an image, under their name or it without an ending."""
    return iaunames.isin(images) | iaunames.map(without_ending).isin(images)


def _compared(
    name: str, table: str, iaunames: pd.Series, imaged: pd.Series, images: Collection[str]
) -> Iterator[str]:
    unseen = iaunames[~imaged].tolist()
    unlisted = sorted({*images} - {*iaunames} - {*iaunames.map(without_ending)})
    if not imaged.any():
        yield (
            f"{table}: none of the {len(images):,} images of survey '{name}' is named like a row "
            f"(a row: {unseen[0]}; an image: {unlisted[0]}); "
            f"set 'surveys.{name}.catalogue.id_column' to the column with their names"
        )
    if unseen and imaged.any():
        yield (
            f"{NOTE}survey '{name}': {len(unseen):,} of {len(iaunames):,} rows have no image, "
            f"such as {unseen[0]}"
        )
    if unlisted and imaged.any():
        yield (
            f"{NOTE}survey '{name}': {len(unlisted):,} of {len(images):,} images belong to no row "
            f"that passes the cuts, such as {unlisted[0]}"
        )


def _check_label(
    name: str,
    finetune: Mapping[str, Any],
    galaxies: pd.DataFrame,
    table: str,
    jobs: Iterable[Job],
) -> None:
    """Check that the labels suffice for the largest training set of the jobs, as `set_sizes`."""
    label = finetune["labels"][name]
    if "table" in label and not Path(label["table"]).exists():
        return  # another check tells
    sizes = {
        int(size)
        for job in jobs
        if job.rule in ("finetune_encoder", "keep_classifier") and job.wildcards["label"] == name
        # A job without a size runs them all.
        for size in ([job.wildcards["size"]] if "size" in job.wildcards else finetune["sizes"])
    }
    if not sizes:
        return
    chosen = select(galaxies, label["cuts"], [], table).galaxies
    source, values = label_values(label.get("table"), label["column"], chosen, table)
    have, have_not = (values > label["above"]).sum(), (values < label["below"]).sum()
    set_sizes(int(have), int(have_not), size=max(sizes), path=source, **finetune["split"])
