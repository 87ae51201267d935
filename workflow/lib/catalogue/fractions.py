"""Vote fractions of a catalogue: those of volunteers, and automated ones."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from workflow.lib.common.columns import fractions as in_range
from workflow.lib.common.errors import UserError
from workflow.lib.common.joins import rows_of
from workflow.lib.common.tables import read_table


def sample_names(
    catalogue: str | Path, votes: str | Path | None, fractions: Sequence[str], threshold: float
) -> np.ndarray:
    """Select the galaxies for which the product of vote fractions is above a threshold.

    The fractions are read from `votes`, or from `catalogue` without it; see `fraction_product`.
    """
    names, product = fraction_product(votes or catalogue, fractions)
    return names[product > threshold]


def fraction_product(table: str | Path, fractions: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Multiply the vote fractions of each galaxy.

    If there is no automated fraction of an answer, that of the volunteers is taken.

    Returns
    -------
    iaunames : numpy.ndarray
        Shape (n,): all galaxies of the table.
    product : numpy.ndarray
        Shape (n,), float64: 1 if `fractions` is empty, NaN where a fraction is missing.

    Raises
    ------
    UserError
        If the table has no column for a fraction, or a fraction is not between 0 and 1.
    """
    have = pq.read_schema(table).names
    wanted = [fraction_column(answer, have, table) for answer in fractions]
    # Only these columns: the catalogue has a hundred more.
    galaxies = read_table(table, text=["iauname"], columns=["iauname", *dict.fromkeys(wanted)])
    product = np.ones(len(galaxies))
    for column in wanted:
        product = product * in_range(galaxies[column], table, galaxies["iauname"]).to_numpy()
    return galaxies["iauname"].to_numpy(), product


def fraction_column(answer: str, have: Collection[str], table: str | Path) -> str:
    """Name the column that has an answer's fraction; `UserError` if none of those in `have` does.

    The automated fraction comes first, then that of the volunteers, then a column of that name.
    """
    columns = [f"{answer}_automated-fraction", f"{answer}_fraction", answer]
    column = next((name for name in columns if name in have), None)
    if column is None:
        raise UserError(f"{table}: no column {' or '.join(map(repr, columns))}")
    return column


def read_vote_fractions(
    catalogue: str | Path,
    iaunames: Sequence[str],
    questions: Mapping[str, Sequence[str]],
    answers: Sequence[str],
    min_votes: int,
) -> pd.DataFrame:
    """Read the fractions of the volunteers' votes.

    Parameters
    ----------
    catalogue
        The survey's catalogue.
    iaunames
        The n galaxies wanted; all are in the catalogue.
    questions
        The answers of each question; those that are not in the catalogue are left out.
    answers
        Names of more columns of vote fractions.
    min_votes
        If a galaxy has fewer votes on a question, its fractions for that question become NaN.

    Returns
    -------
    pandas.DataFrame
        A float64 column for each answer, and n rows in the order of `iaunames`.

    Raises
    ------
    UserError
        If a galaxy is not in the catalogue, or a fraction is not between 0 and 1.
    """
    have = set(pq.read_schema(catalogue).names)
    columns = {
        f"{question}_{answer}_fraction": f"{question}_total-votes"
        for question, known in questions.items()
        for answer in known
    } | dict.fromkeys(answers)
    wanted = {column: total for column, total in columns.items() if column in have}
    totals = {total for total in wanted.values() if total in have}
    table = read_table(catalogue, text=["iauname"], columns=["iauname", *wanted, *totals])
    table = table.iloc[rows_of(iaunames, table["iauname"], catalogue)].set_index("iauname")
    names = table.index.to_series()
    checked = {name: in_range(table[name], catalogue, names) for name in wanted}
    fractions = pd.DataFrame(checked, index=table.index, dtype=np.float64)
    for column, total in wanted.items():
        if total in have:
            fractions[column] = fractions[column].where(table[total] >= min_votes)
    return fractions
