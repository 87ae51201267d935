"""The table of the paper's claims. Every job imports this module: no heavy imports."""

import csv
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from workflow.lib.common.errors import UserError

KINDS = ("ordering", "number", "setting", "statement")
"""What a claim is: one of two is more, a number of galaxies, one of the method, or words."""

READINGS = ("value", "mean", "count", "distinct", "ratio", "more", "most")
"""How ours is read from a file; docs/claims.md explains each."""

ORDERINGS = ("more", "most")
"""The readings of orderings."""

CONFIG = "config"
"""Written instead of a file: the run's own configuration, with its tasks as `tasks`."""

SHOWN = "{shown}"
"""Stands in a file for the pretraining that the figures show."""

RELATIVE = ("median", "max")
"""Written instead of a number in a condition: that of the column."""

_CONDITION = re.compile(r"([^=<>]+?)(>=|<=|=|>|<)(.+)")
_TOLERANCE = re.compile(r"exact|errors|above|below|(within|percent) ([0-9.]+)")
_BY = re.compile(r"(every|mean) (\S+)")


class Condition(NamedTuple):
    """What a row's value in a column must be."""

    column: str
    sign: str
    """``=``, ``<``, ``>``, ``<=`` or ``>=``."""
    values: tuple[str, ...]
    """One, or for ``=`` any of several."""

    def __str__(self) -> str:
        return f"{self.column}{self.sign}{'|'.join(self.values)}"


class Side(NamedTuple):
    """Rows whose mean counts; or that mean minus the mean of other rows."""

    rows: tuple[Condition, ...]
    minus: tuple[Condition, ...] | None = None


class Claim(NamedTuple):
    """One claim of the paper: a row of the table, in its columns' order."""

    id: str
    section: str
    kind: str
    """One of `KINDS`."""
    claim: str
    """What the paper says, in our words."""
    value: str
    """The paper's number or word; empty for orderings, and for statements without one."""
    uncertainty: str
    unit: str
    """If it is %, ours is multiplied by 100."""
    survey: str
    """The survey whose galaxies the claim is about; empty if no galaxies matter."""
    file: str
    """Relative to the results; `CONFIG`; or empty if no result shows it."""
    read: str
    """One of `READINGS`."""
    rows: str
    """Which rows count, by `parse_side`; empty for all."""
    column: str
    than: str
    """Of orderings and ratios: other rows; ``column NAME``; or a number."""
    by: str
    """``every COLUMN``: the ordering must hold for each value; ``mean COLUMN``: for their mean."""
    tolerance: str
    figure: str
    """The figure or table that shows it."""
    contradicts: str
    """Ids of the paper's other claims that this one contradicts, separated by blanks."""
    note: str

    @property
    def other_column(self) -> str:
        """The column that `than` names; empty if it names none."""
        return self.than.removeprefix("column ") if self.than.startswith("column ") else ""

    @property
    def expression(self) -> str:
        """How ours is read, in one line for the reader."""
        if not self.file:
            return ""
        of = f" of {self.column}" if self.column else ""
        where = f" where {self.rows}" if self.rows else ""
        than = f", than {self.than}" if self.than else ""
        by = f", by {self.by}" if self.by else ""
        return f"{self.read}{of}{where}{than}{by}"


def read_claims(path: str | Path, shown: str = SHOWN) -> list[Claim]:
    """Read the table of claims.

    Parameters
    ----------
    path
        Tab-separated, with the fields of `Claim` as columns.
    shown
        The pretraining that the figures show.

    Raises
    ------
    UserError
        If the table is missing, or a row of it is wrong: the message names its line and id.
    """
    try:
        with Path(path).open(newline="", encoding="utf-8") as file:
            lines = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not text in UTF-8; save it as such") from error
    except OSError as error:
        raise UserError(f"{path}: no such table of claims (claims.table)") from error
    if not lines or lines[0] != list(Claim._fields):
        raise UserError(f"{path}: line 1 must name the columns {', '.join(Claim._fields)}")
    claims: dict[str, Claim] = {}
    for number, cells in enumerate(lines[1:], 2):
        where = f"{path}: line {number} ({cells[0] if cells else 'empty'})"
        if len(cells) != len(Claim._fields):
            raise UserError(f"{where}: {len(cells)} columns, not {len(Claim._fields)}")
        claim = Claim(*cells)
        if claim.id in claims:
            raise UserError(f"{where}: the id is in the table twice")
        for problem in _problems(claim):
            raise UserError(f"{where}: {problem}")
        claims[claim.id] = claim._replace(file=claim.file.replace(SHOWN, shown))
    for claim in claims.values():
        for other in set(claim.contradicts.split()) - claims.keys():
            raise UserError(f"{path}: ({claim.id}): contradicts '{other}', which is no id here")
    return list(claims.values())


def parse_side(text: str) -> Side:
    """Parse which rows count: ``method=cnn-gp, metric=a|b``, maybe ``minus`` other rows.

    Raises
    ------
    ValueError
        If a condition is not of the form ``column=value``, ``column>number`` ....
    """
    plus, found, minus = text.partition(" minus ")
    return Side(_conditions(plus), _conditions(minus) if found else None)


def flatten(value: Any, path: str = "") -> dict[str, Any]:
    """Give the values of nested mappings and lists by their path of keys.

    Examples
    --------
    >>> flatten({"pca": {"components": [10, 15]}})
    {'pca.components.0': 10, 'pca.components.1': 15}
    """
    if isinstance(value, list):
        value = dict(enumerate(value))
    if not isinstance(value, Mapping):
        return {path: value}
    return {
        below: found
        for key, one in value.items()
        for below, found in flatten(one, f"{path}.{key}" if path else str(key)).items()
    }


def settings_read(claims: Iterable[Claim], config: Mapping[str, Any]) -> dict[str, Any]:
    """Give the values of the configuration that claims are read from, by their path of keys."""
    of_config = [claim for claim in claims if claim.file == CONFIG]
    names = {name for claim in of_config for name in (claim.column, claim.other_column) if name}
    flat = flatten(config)
    return {name: flat[name] for name in sorted(names & flat.keys())}


def is_number(text: str) -> bool:
    """Tell whether a text is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _conditions(text: str) -> tuple[Condition, ...]:
    return tuple(_condition(part) for part in text.split(", ")) if text else ()


def _condition(text: str) -> Condition:
    parts = _CONDITION.fullmatch(text)
    if not parts:
        raise ValueError(f"'{text}' is not like column=value")
    column, sign, value = parts.groups()
    if sign != "=" and value not in RELATIVE and not is_number(value):
        raise ValueError(f"'{text}' does not compare with a number")
    return Condition(column, sign, tuple(value.split("|") if sign == "=" else [value]))


def _problems(claim: Claim) -> Iterable[str]:
    """Say what is wrong with a row."""
    if not re.fullmatch(r"[a-z0-9-]+", claim.id):
        yield "an id has lower-case letters, digits and - only"
    if not (claim.section and claim.claim):
        yield "section and claim must not be empty"
    if claim.kind not in KINDS:
        yield f"kind '{claim.kind}' must be one of {', '.join(KINDS)}"
    if claim.uncertainty and not is_number(claim.uncertainty):
        yield f"uncertainty '{claim.uncertainty}' is not a number"
    if not claim.file:
        if not claim.note:
            yield "without a file, note must say why it is not tested"
        if left := [name for name in ("read", "rows", "column", "than", "by") if claim[_AT[name]]]:
            yield f"without a file, {left[0]} must be empty"
        return
    if claim.read not in READINGS:
        yield f"read '{claim.read}' must be one of {', '.join(READINGS)}"
    if (claim.kind == "ordering") != (claim.read in ORDERINGS):
        yield f"a claim of kind {claim.kind} cannot be read by '{claim.read}'"
    if (claim.kind == "setting") != (not claim.survey):
        yield "survey must name the galaxies, except for a setting"
    if claim.read != "count" and not claim.column:
        yield "column must not be empty"
    if (claim.read in (*ORDERINGS, "ratio")) != bool(claim.than):
        yield "than must be given for orderings and ratios, and for no others"
    if claim.read == "most" and not claim.other_column:
        yield "than must be 'column NAME' for 'most'"
    if " minus " in claim.rows + claim.than and claim.read not in ("mean", "more"):
        yield f"'{claim.read}' cannot be read with 'minus'"
    if claim.by and (claim.read != "more" or not _BY.fullmatch(claim.by)):
        yield f"by '{claim.by}' must be like 'every size' or 'mean size', and for 'more' only"
    if claim.kind == "ordering":
        if claim.value or claim.tolerance:
            yield "an ordering has no value and no tolerance"
    else:
        yield from _problems_of_value(claim)
    for text in (claim.rows, claim.than):
        if not (text.startswith("column ") or is_number(text)):
            try:
                parse_side(text)
            except ValueError as error:
                yield str(error)


def _problems_of_value(claim: Claim) -> Iterable[str]:
    if not _TOLERANCE.fullmatch(claim.tolerance):
        yield (
            f"tolerance '{claim.tolerance}' must be exact, errors, above, below, 'within NUMBER' "
            "or 'percent NUMBER'"
        )
    if not claim.value:
        yield "value must not be empty"
    if claim.tolerance != "exact" and not is_number(claim.value):
        yield f"value '{claim.value}' is not a number"
    if claim.tolerance == "errors" and claim.read != "mean":
        yield "only a mean has errors of ours"


_AT = {name: place for place, name in enumerate(Claim._fields)}
