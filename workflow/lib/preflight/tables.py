"""Columns that jobs will read, checked in the tables that they come from, without reading these."""

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from workflow.lib.catalogue.fractions import fraction_column
from workflow.lib.catalogue.selection import (
    asked_of_automated,
    automated_columns,
    label_columns,
    table_columns,
    vote_columns,
)
from workflow.lib.common.columns import MEASURED, numbers
from workflow.lib.common.errors import UserError
from workflow.lib.common.tables import column_names, read_table
from workflow.lib.cutouts.image_sources import SOURCES
from workflow.lib.planning.anomaly_tasks import Task, deciding_columns
from workflow.lib.planning.grid import task_of
from workflow.lib.planning.plan import Job
from workflow.lib.planning.rare_votes import PREFIX, lacking_votes
from workflow.lib.preflight.lines import NOTE
from workflow.lib.pretrain.votes import answer_columns
from workflow.lib.represent.given_table import read_given
from workflow.lib.similarity.tags import TAG_COLUMNS
from workflow.lib.sources.nsa import NSA_COLUMNS, nsa_columns

ROWS = 100
"""Rows at a table's beginning in which a column of text must have numbers."""

NAMED = 4
"""Maximum number of missing columns that a line names."""

NAME, ID, NUMBER = "names", "names or numbers", "numbers"
"""What a column holds."""


class Table(NamedTuple):
    """A table to look into."""

    path: str
    """Its name in messages."""
    file: str
    """The file to read: the table itself, or its beginning and end (`files.fetch_ends`)."""
    rows: int
    """Number of rows that can be read."""

    @property
    def whole(self) -> bool:
        """Whether the table is here; of a part that cannot be read nothing can be said."""
        return self.file == self.path

    def told(self, error: UserError) -> str:
        """Give the line of an error in reading it."""
        line = str(error).replace(self.file, self.path)
        return line if self.whole else f"{NOTE}not checked before it is downloaded: {line}"


class Need(NamedTuple):
    """Columns of a survey's catalogue that a job will read."""

    survey: str
    user: str
    """What needs them, such as "task 'decals-ring'"."""
    columns: Sequence[str]
    answers: Sequence[str] = ()
    """Answers whose fraction is read, from whichever column has it."""


class Column(NamedTuple):
    """A column that a table must have."""

    table: str
    """The table's key in `surveys.<name>.catalogue`."""
    name: str
    user: str
    holds: str = NUMBER


def needs_of(job: Job, config: Mapping[str, Any], tasks: Mapping[str, Task]) -> Iterator[Need]:
    """List what a job will read of a catalogue."""
    wildcards, survey = job.wildcards, job.wildcards.get("survey", "")
    if job.rule == "fetch_cutouts":
        source = config["surveys"][survey]["images"]["source"]
        yield Need(survey, f"images of survey '{survey}'", SOURCES[source].needs)
    elif job.rule == "pretrain_encoder":
        pretraining, name = config["pretraining"], wildcards["pretraining"]
        # The first question tells how many volunteers saw a galaxy.
        task = task_of(pretraining, name)
        asked = [*pretraining["tasks"][task], next(iter(pretraining["questions"]))]
        questions = {question: pretraining["questions"][question] for question in asked}
        yield Need(pretraining["survey"], f"pretraining '{name}'", answer_columns(questions))
    elif job.rule == "project_representation":
        # Without an automated table, the fractions are those that the encoder predicts.
        if "automated" in config["surveys"][survey]["catalogue"]:
            fractions = config["umap"]["samples"][wildcards["sample"]]["fractions"]
            yield Need(survey, f"sample '{wildcards['sample']}' of 'umap'", [], fractions)
    elif job.rule == "derive_tags":
        for tag, fractions in config["surveys"][survey]["tags"]["fractions"].items():
            yield Need(survey, f"tag '{tag}'", [], fractions)
    elif job.rule == "select_candidates":
        task = tasks[wildcards["task"]]
        columns = deciding_columns(task.label, task.votes)
        yield Need(task.survey, f"task '{wildcards['task']}'", columns, [*task.filters])
    elif job.rule == "label_galaxies":
        label = config["finetune"]["labels"][wildcards["label"]]
        columns = label_columns(label["column"], label["cuts"], label.get("table"))
        yield Need(label["survey"], f"label '{wildcards['label']}'", columns)
    elif job.rule == "probe_representations":
        for name, label in config["probe"]["labels"].items():
            if label["survey"] == survey:
                columns = label_columns(label["column"], label.get("cuts", {}))
                yield Need(survey, f"label '{name}' of 'probe'", columns)


def survey_problems(
    name: str,
    survey: Mapping[str, Any],
    nsa: Mapping[str, Any],
    needs: Iterable[Need],
    tables: Mapping[str, Table],
) -> Iterator[str]:
    """Check the tables from which a survey's catalogue will be made, or the catalogue itself.

    Parameters
    ----------
    name, survey
        The survey, and its part of the configuration.
    nsa
        `nsa` of the configuration.
    needs
        What later jobs read of the catalogue.
    tables
        The tables that can be looked into, by their keys in `survey["catalogue"]`; or the finished
        catalogue as `catalogue`.

    Yields
    ------
    str
        A line for each table that cannot be read, for each missing column, or several of one user,
        and for each column of another type.
    """
    have, settings = {}, survey["catalogue"]
    for key, table in tables.items():
        try:
            have[key] = column_names(table.file)
        except UserError as error:
            yield table.told(error)
    known = _known_columns(survey, nsa, have)
    wanted = [] if "catalogue" in tables else [*_wanted_by_selection(name, survey, nsa, known)]
    for need in needs:
        columns = [*need.columns, *(_column_of(one, known, settings) for one in need.answers)]
        if "pixel_scale" in columns and "pixel_scale" not in known:
            columns.remove("pixel_scale")
            columns += ["petro_th50", "petro_th90"]  # from which it would be made
        for column in columns:
            line = lacking_votes(name, settings, column, need.user)
            if line and "catalogue" not in tables:
                yield line
            else:
                place = known.get(column) or _home(column, settings, tables)
                wanted.append(Column(*place, need.user))
    yield from column_problems(wanted, tables, have)


def column_problems(
    wanted: Iterable[Column], tables: Mapping[str, Table], have: Mapping[str, Collection[str]]
) -> Iterator[str]:
    """Say which columns are missing or of another type; each is told once, with its first user.

    Parameters
    ----------
    wanted
        Columns of any tables; those of tables that are not in `have` are passed over.
    tables, have
        Tables, and the names of their columns.
    """
    missing: dict[tuple[str, str], list[str]] = {}
    checked = set()
    for column in wanted:
        place = column.table, column.name
        if column.table not in have or place in checked:
            continue
        checked.add(place)
        if column.name.partition("[")[0] not in have[column.table]:
            missing.setdefault((column.table, column.user), []).append(column.name)
        elif problem := _wrong_type(column, tables[column.table]):
            yield f"{problem} (needed by {column.user})"
    for (key, user), names in missing.items():
        others = [name for name in have[key] if (key, name) not in checked]
        listed = ", ".join(_with_hint(name, others) for name in names[:NAMED])
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        yield f"{tables[key].path}: no column {listed}{more} (needed by {user})"


def tag_problems(survey: str, table: Table, of_atlas: bool) -> Iterator[str]:
    """Check a survey's table of tags; galaxies that are not of the atlas may have a number."""
    wanted = [
        Column("tags", name, f"tags of survey '{survey}'", holds)
        for name, holds in zip(TAG_COLUMNS, (NAME if of_atlas else ID, NAME), strict=True)
    ]
    try:
        yield from column_problems(wanted, {"tags": table}, {"tags": column_names(table.file)})
    except UserError as error:
        yield table.told(error)


def representation_problem(table: str) -> str | None:
    """Say what is wrong with the first rows of a table of representations, if anything is."""
    try:
        read_given(table, rows=ROWS)
    except UserError as error:
        return str(error)
    return None


Place = tuple[str, str]
"""A table's key and the name of a column in it."""


def _wanted_by_selection(
    name: str, survey: Mapping[str, Any], nsa: Mapping[str, Any], known: Mapping[str, Place]
) -> Iterator[Column]:
    """List the columns that the selection of galaxies reads."""
    catalogue, user = survey["catalogue"], f"survey '{name}'"
    cuts, exclude = survey.get("cuts", {}), survey.get("exclude", [])
    if "table" in catalogue:
        yield Column("table", catalogue["id_column"], user, ID)
        for column in [*cuts, *exclude, *(known.keys() & MEASURED)]:
            yield Column(*known.get(column, ("table", column)), user)
        return
    identity, *measured = nsa_columns(nsa["flux_column"], nsa["flux_index"])
    yield Column("nsa", identity, user, NAME)
    for column in measured:
        yield Column("nsa", column, user)
    for key in ("automated", "volunteers", "rare_features"):
        yield Column(key, "iauname", user, NAME)
    for column in asked_of_automated(cuts, exclude):
        yield Column("automated", column, user)
    for column in catalogue.get("rare_columns") or ():
        yield Column("rare_features", column, user)


def _known_columns(
    survey: Mapping[str, Any], nsa: Mapping[str, Any], have: Mapping[str, Collection[str]]
) -> dict[str, Place]:
    """Give the place of each column that the catalogue will have."""
    catalogue = survey["catalogue"]
    flux = nsa_columns(nsa["flux_column"], nsa["flux_index"])[-1]
    asked = asked_of_automated(survey.get("cuts", {}), survey.get("exclude", []))
    names = {
        "catalogue": lambda found: dict(zip(found, found, strict=True)),
        "table": lambda found: table_columns(found, catalogue["id_column"]),
        "nsa": lambda found: NSA_COLUMNS | {flux: "mag_r"},
        "automated": lambda found: dict(zip(asked, asked, strict=True)) | automated_columns(found),
        "volunteers": lambda found: {one: one for one in vote_columns(found)},
        "rare_features": lambda found: {
            one: one for one in vote_columns(found, catalogue.get("rare_columns"))
        },
    }
    known = {
        ours: (key, theirs)
        for key, found in have.items()
        for theirs, ours in names[key](found).items()
        if theirs.partition("[")[0] in found
    }
    if {"petro_th50", "petro_th90"} <= known.keys():
        known.setdefault("pixel_scale", known["petro_th50"])
    return known


def _column_of(answer: str, known: Collection[str], catalogue: Mapping[str, Any]) -> str:
    """Name the column of an answer's fraction; if there is none, the one that there should be.

    Volunteers' fractions are no substitute where there is a table of automated ones: a job would
    take them and say nothing.
    """
    if "automated" in catalogue and not answer.startswith(PREFIX) | answer.endswith("fraction"):
        return f"{answer}_automated-fraction"
    try:
        return fraction_column(answer, known, "")
    except UserError:
        return answer


def _home(column: str, catalogue: Mapping[str, Any], tables: Collection[str]) -> Place:
    """Say in which table a column of the catalogue is missing."""
    if "catalogue" in tables:
        return "catalogue", column
    if "table" in catalogue:
        return "table", column
    for theirs, ours in NSA_COLUMNS.items():
        if column == ours:
            return "nsa", theirs
    if column.endswith("_automated-fraction"):
        return "automated", column.replace("_automated-fraction", "_fraction")
    if column.startswith(PREFIX):
        return "rare_features", column
    return "volunteers" if "volunteers" in catalogue else "automated", column


def _wrong_type(column: Column, table: Table) -> str | None:
    """Say what is wrong with the first values of a column, if anything is."""
    try:
        values = read_table(table.file, columns=[column.name], rows=table.rows)[column.name]
    except UserError as error:
        return table.told(error)
    if any(np.ndim(value) for value in values):
        return f"{table.path}: column '{column.name}' has several values in each row"
    if column.holds == NAME and values.dtype.kind in "biufcmM":
        return f"{table.path}: column '{column.name}' is {values.dtype}, not {NAME}"
    if column.holds == NUMBER:
        try:
            numbers(values, table.path)
        except UserError as error:
            return str(error)
    return None


def _with_hint(name: str, others: Collection[str]) -> str:
    """Give a missing column's name, and the most similar one that nothing else needs."""
    by_letters = {other.lower(): other for other in others}
    close = difflib.get_close_matches(name.partition("[")[0].lower(), by_letters, n=1, cutoff=0.7)
    return f"'{name}'" + (f" (it has '{by_letters[close[0]]}')" if close else "")
