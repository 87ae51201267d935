"""Whether the votes on rare features that a job needs will be in its survey's catalogue.

Every job imports this module, so it imports nothing heavy.
"""

from collections.abc import Mapping
from typing import Any

PREFIX = "rare-features_"
"""Start of columns with votes on the last question. The released tables have none of them."""


def lacking_votes(survey: str, catalogue: Mapping[str, Any], column: str, user: str) -> str | None:
    """Say what to do if a column of votes on rare features will be missing.

    Parameters
    ----------
    survey
        The survey's name.
    catalogue
        Its `surveys.<survey>.catalogue`. Nothing can be said of a `table`, or of rare features
        without a choice of columns, before the table is read.
    column
        The column of the catalogue that is needed.
    user
        What needs it, for the message, such as "task 'decals-ring'".

    Returns
    -------
    str or None
        One line; None if the column will be there, or nothing can be said.
    """
    if "nsa" not in catalogue or not column.startswith(PREFIX):
        return None
    chosen = catalogue.get("rare_columns") if "rare_features" in catalogue else []
    if chosen is None or column in chosen:
        return None
    key = f"surveys.{survey}.catalogue"
    return (
        f"config: {user} needs '{column}', which is in no released table; name a table that has it "
        f"as '{key}.rare_features' and list it in '{key}.rare_columns', or leave out {user} "
        "(docs/paper.md, Data)"
    )
