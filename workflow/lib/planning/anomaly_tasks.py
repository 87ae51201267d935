"""The table of anomalies to look for. Every job imports this module: no heavy imports."""

import csv
import math
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from workflow.lib.common.errors import UserError

EXPERIMENTS = "experiments"
"""The sample whose tasks are experiments."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


class Task(NamedTuple):
    """Anomalies of one kind in one survey: a row of the table."""

    survey: str
    methods: list[str]
    """Search methods: names of `anomalies.methods`."""
    label: str
    """Column of the catalogue, 0 to 1: how much a galaxy is what is sought."""
    above: float | None
    """Galaxies with a larger label are anomalies; None if `share` is given instead."""
    share: float | None
    """The share of galaxies with the largest labels are anomalies; None if `above` is given."""
    votes: str
    """Column with the number of votes behind the label; or empty."""
    min_votes: float
    filters: dict[str, float]
    """Vote fractions and the values that they must exceed."""


def read_tasks(
    path: str | Path, surveys: Collection[str], methods: Collection[str]
) -> dict[str, Task]:
    """Read the table of tasks.

    Parameters
    ----------
    path
        Tab-separated: task, survey, methods, label, one of above, at_least and share, votes,
        min_votes, filters such as ``smooth-or-featured_featured-or-disk>0.6``. Several methods or
        filters are separated by spaces.
    surveys, methods
        Known names, which rows may use.

    Returns
    -------
    dict
        Tasks by name.

    Raises
    ------
    UserError
        If the table is missing or a row of it is wrong.
    """
    try:
        with Path(path).open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not text in UTF-8; save it as such") from error
    except OSError as error:
        raise UserError(f"{path}: no such table of tasks (anomalies.tasks)") from error
    tasks: dict[str, Task] = {}
    for row in rows:
        name = row.get("task") or ""
        if name in tasks:
            raise UserError(f"{path}: task '{name}' is in the table twice")
        if not NAME.fullmatch(name):  # files and folders are named after it
            raise UserError(f"{path}: task {name!r}: a name has letters, digits, - and _ only")
        try:
            tasks[name] = _parse(row)
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise UserError(f"{path}: task '{name}': a row must have {_COLUMNS}") from error
        _check(f"{path}: task '{name}'", tasks[name], surveys, methods)
    if not tasks:
        raise UserError(f"{path}: no tasks")
    return tasks


def read_samples(
    tables: Mapping[str, str | Path],
    tasks: Mapping[str, Task],
    surveys: Collection[str],
    methods: Collection[str],
) -> dict[str, Task]:
    """Read tables of the same anomalies in other samples of galaxies.

    Parameters
    ----------
    tables
        Path of each sample's table, as for `read_tasks`, which may be the one of `tasks`.
    tasks
        From `read_tasks`: the tasks that the figures show.
    surveys, methods
        As for `read_tasks`.

    Returns
    -------
    dict
        All of `tasks`, and after each those of the same name in `tables` that differ from it, as
        ``{task}-{sample}``.

    Raises
    ------
    UserError
        As `read_tasks`, or if a new name is that of another task.
    """
    found = {sample: read_tasks(path, surveys, methods) for sample, path in tables.items()}
    every: dict[str, Task] = {}
    for name in dict.fromkeys([*tasks, *(name for table in found.values() for name in table)]):
        if name in tasks:
            every[name] = tasks[name]
        for sample, table in found.items():
            if name not in table or table[name] == tasks.get(name):
                continue
            if f"{name}-{sample}" in tasks:
                raise UserError(
                    f"{tables[sample]}: task '{name}' of sample '{sample}' needs the name "
                    f"'{name}-{sample}', which is a task of 'anomalies.tasks'; rename one"
                )
            every[f"{name}-{sample}"] = table[name]
    return every


def deciding_columns(label: str, votes: str) -> list[str]:
    """Name the columns of a catalogue that decide what is an anomaly; `votes` may be empty."""
    return list(dict.fromkeys([label, *filter(None, [votes])]))


def every_task(config: Mapping[str, Any]) -> dict[str, Task]:
    """Read the tasks of a configuration: those shown, those of other samples, and experiments.

    Raises
    ------
    UserError
        As `read_tasks` and `read_samples`.
    """
    anomalies, known = config["anomalies"], (config["surveys"], config["anomalies"]["methods"])
    others = anomalies["compared"] | {EXPERIMENTS: anomalies[EXPERIMENTS]}
    return read_samples(others, read_tasks(anomalies["tasks"], *known), *known)


def experiments(tasks: Collection[str], shown: Collection[str]) -> list[str]:
    """Name those of all `tasks` that are experiments on the `shown` ones."""
    return [f"{name}-{EXPERIMENTS}" for name in shown if f"{name}-{EXPERIMENTS}" in tasks]


def check_shown(
    tasks: Mapping[str, Task], figures: Mapping[str, Any], show: Collection[str]
) -> None:
    """Check that the figures to make show only known tasks and methods.

    Parameters
    ----------
    tasks
        From `read_tasks`.
    figures, show
        `figures.anomalies` and `figures.show` of the configuration.

    Raises
    ------
    UserError
        If one of these figures names an unknown task or method.
    """
    both, finds = figures["figure_4"], figures["figure_6"]
    wanted = {
        "figure_3": [(task, []) for task in figures["figure_3"]],
        "figure_4": [(both["task"], both["methods"])],
        "figure_5": [(task, []) for task in figures["figure_5"]],
        "figure_6": [(task, [finds["method"]]) for task in finds["tasks"]],
    }
    for figure in show:
        for task, methods in wanted.get(figure, []):
            if task not in tasks:
                raise UserError(
                    f"config: 'figures.anomalies.{figure}' ({task}) must be one of the tasks of "
                    f"'anomalies.tasks': {', '.join(tasks)}"
                )
            for method in methods:
                if method not in tasks[task].methods:
                    raise UserError(
                        f"config: 'figures.anomalies.{figure}' ({method}) must be one of the "
                        f"methods of task '{task}': {', '.join(tasks[task].methods)}"
                    )


_COLUMNS = (
    "task, survey, methods, label, one of above, at_least and share, votes, min_votes, filters, "
    "tab-separated"
)


def _parse(row: Mapping[str, Any]) -> Task:
    filters = (one.split(">") for one in row["filters"].split())
    above, at_least, share = (
        float(row[name]) if row.get(name) else None for name in ("above", "at_least", "share")
    )
    if [above, at_least, share].count(None) != 2:
        raise ValueError
    if at_least is not None:
        # The number just below, so that `above` needs no second meaning.
        above = math.nextafter(at_least, -math.inf)
    return Task(
        survey=row["survey"],
        methods=row["methods"].split(),
        label=row["label"],
        above=above,
        share=share,
        votes=row["votes"],
        min_votes=float(row["min_votes"] or 0),
        filters={column: float(value) for column, value in filters},
    )


def _check(where: str, task: Task, surveys: Collection[str], methods: Collection[str]) -> None:
    if task.survey not in surveys:
        raise UserError(f"{where}: no survey '{task.survey}'; known: {', '.join(surveys)}")
    for method in task.methods:
        if method not in methods:
            known = ", ".join(methods)
            raise UserError(f"{where}: no '{method}' in 'anomalies.methods': {known}")
    if not task.methods:
        raise UserError(f"{where}: no methods; known: {', '.join(methods)}")
    if task.share is not None and not 0 < task.share < 1:
        raise UserError(f"{where}: share {task.share} must be between 0 and 1")
