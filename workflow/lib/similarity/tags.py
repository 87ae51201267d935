"""Tags of galaxies: from a forum, with synonyms merged, or made from votes (paper Sec. 2.4)."""

import logging
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from workflow.lib.catalogue.fractions import fraction_product
from workflow.lib.common.errors import UserError
from workflow.lib.common.tables import BLANKS, read_table, write_parquet
from workflow.lib.similarity.tag_rules import TagRules, read_tag_rules

log = logging.getLogger(__name__)

TAG_COLUMNS = ["iauname", "tag"]
"""The columns of a table of tags."""


def gather_tags(
    tags: str | Path, rules: str | Path, catalogue: str | Path, gathered: str | Path
) -> None:
    """Count how often each galaxy was given each tag, with synonyms merged (paper Sec. 2.4).

    Parameters
    ----------
    tags
        A table of iauname and tag, one row for each time that a galaxy was given a tag. Upper or
        lower case and a ``#`` before a tag do not matter.
    rules
        config/tags.tsv.
    catalogue
        The survey's catalogue; tags of other galaxies are left out.
    gathered
        Parquet to write: tag, iauname, uses (how often the galaxy was given the tag).

    Raises
    ------
    UserError
        If no galaxy of the catalogue has a tag that is not left out.
    """
    uses = read_table(tags, text=TAG_COLUMNS, columns=TAG_COLUMNS)
    merged = merge_tags(uses["tag"], read_tag_rules(rules))
    known = read_table(catalogue, text=["iauname"], columns=["iauname"])["iauname"]
    counted = uses.assign(tag=merged)[merged.notna() & uses["iauname"].isin(known)]
    if counted.empty:
        raise UserError(f"{tags}: none of its {len(uses)} rows tags a galaxy of {catalogue}")
    log.info(
        "%d rows: %d with tags that are left out, %d with galaxies not in the catalogue",
        len(uses), merged.isna().sum(), (~uses["iauname"].isin(known)).sum(),
    )  # fmt: skip
    _write(counted.groupby(["tag", "iauname"], as_index=False).size(), "size", gathered)


def merge_tags(tags: pd.Series, rules: TagRules) -> pd.Series:
    """Replace each tag by the one name for its synonyms; missing if the tag is left out."""
    plain = tags.str.strip().str.lstrip("#").str.lower()
    merged = plain.replace(rules.synonyms)
    return merged.where(~merged.isin([*rules.excluded, *map(str.lower, BLANKS)]))


def derive_tags(
    catalogue: str | Path,
    fractions: Mapping[str, Sequence[str]],
    above: float,
    gathered: str | Path,
) -> None:
    """Make tags from votes, for surveys without tags.

    Parameters
    ----------
    catalogue
        The survey's catalogue.
    fractions
        For each tag the vote fractions that are multiplied.
    above
        A galaxy has the tag if this product is larger.
    gathered
        Parquet to write: tag, iauname, uses (the product).

    Raises
    ------
    UserError
        If the catalogue has no column for a fraction, or no galaxy has a tag.
    """
    parts = []
    for tag, answers in fractions.items():
        names, product = fraction_product(catalogue, answers)
        part = pd.DataFrame({"tag": tag, "iauname": names, "uses": product})
        parts.append(part[product > above])
        log.info("%s: %d galaxies", tag, len(parts[-1]))
    tagged = pd.concat(parts)
    if tagged.empty:
        raise UserError(f"{catalogue}: no galaxy has a vote fraction over {above} for any tag")
    _write(tagged, "uses", gathered)


def query_galaxies(tags: pd.DataFrame, iaunames: Collection[str], count: int) -> pd.DataFrame:
    """Choose the most common tags, and for each the galaxy most often given it (Sec. 2.4).

    Parameters
    ----------
    tags
        Columns tag, iauname, uses.
    iaunames
        Galaxies that can be searched from; tags of others are ignored.
    count
        Maximum number of tags.

    Returns
    -------
    pandas.DataFrame
        Columns tag and query (a galaxy), the most common tag first. Ties between tags, and between
        galaxies, are broken by name.
    """
    tags = tags[tags["iauname"].isin(iaunames)]
    total = tags.groupby("tag")["uses"].transform("sum")
    ordered = tags.assign(total=-total, uses=-tags["uses"]).sort_values(
        ["total", "tag", "uses", "iauname"]
    )
    chosen = ordered.drop_duplicates("tag").head(count)
    return chosen[["tag", "iauname"]].rename(columns={"iauname": "query"}).reset_index(drop=True)


def _write(counted: pd.DataFrame, uses: str, path: str | Path) -> None:
    table = counted.rename(columns={uses: "uses"}).sort_values(["tag", "iauname"])
    write_parquet(table.astype({"uses": np.float64}), path)
