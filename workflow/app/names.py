"""Columns as people call them, and values to three digits with their unit."""

import re
from collections import Counter
from collections.abc import Collection, Mapping

MEASURED = {
    "ra": "RA",
    "dec": "Dec",
    "petro_theta": "Petrosian radius",
    "petro_th50": "half-light radius",
    "petro_th90": "90% light radius",
    "mag_r": "r magnitude",
    "pixel_scale": "pixel scale",
}
"""The measured columns of a catalogue."""

VOTES = re.compile(r"([^_]+)_([^_]+)_(fraction|automated-fraction|debiased)")
KINDS = {"fraction": "", "automated-fraction": " (automated)", "debiased": " (debiased)"}
"""Columns of vote fractions, and what follows the question and the answer in their names."""

TOTAL = "_total-votes"
"""Ending of the columns that count a question's votes."""

POSITIONS = {"ra", "dec"}
"""Columns of which three digits would be too few."""


def name_of(column: str, columns: Collection[str] = ()) -> str:
    """Name a column as people do, without its unit.

    Parameters
    ----------
    column
        Name of the column in the catalogue.
    columns
        All columns; those of a question that has a total are counts of its answers.

    Examples
    --------
    >>> name_of("mag_r")
    'r magnitude'
    >>> name_of("smooth-or-featured_featured-or-disk_fraction")
    'Smooth or featured: featured or disk'
    """
    if column in MEASURED:
        return MEASURED[column]
    if found := split_votes(column):
        question, answer, kind = found
        return f"{question}: {answer}{KINDS[kind]}"
    question, _, answer = column.partition("_")
    if question and question + TOTAL == column:
        return f"{_question(question)}: all votes"
    if answer and question + TOTAL in columns:
        return f"{_question(question)}: {_words(answer)} (votes)"
    return column


def split_votes(column: str) -> tuple[str, str, str] | None:
    """Return the question and the answer of a column of vote fractions, in words, and its kind.

    None if it is no such column. The kind is one of `KINDS`.
    """
    found = VOTES.fullmatch(column)
    return (_question(found[1]), _words(found[2]), found[3]) if found else None


def titles(units: Mapping[str, str]) -> dict[str, str]:
    """Give each column a title of its own, such as ``r magnitude [mag]``.

    Columns that people would call the same keep the names that they have in the catalogue.
    """
    names = {column: name_of(column, units) for column in units}
    used = Counter(names.values())
    return {
        column: _with_unit(name if used[name] == 1 else column, units[column])
        for column, name in names.items()
    }


def value_of(column: str, value: float, unit: str) -> str:
    """Write a value with its unit: to three digits, positions to five decimals.

    Examples
    --------
    >>> value_of("mag_r", 16.2345, "mag")
    '16.2 mag'
    """
    return f"{value:{'.5f' if column in POSITIONS else '.3g'}} {unit}".strip()


def _with_unit(name: str, unit: str) -> str:
    return f"{name} [{unit}]" if unit else name


def _question(part: str) -> str:
    words = _words(part)
    return words[:1].upper() + words[1:]


def _words(part: str) -> str:
    return part.replace("-", " ")
