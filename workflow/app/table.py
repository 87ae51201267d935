"""A table of galaxies with links, and buttons to download it."""

from functools import partial

import pandas as pd
import streamlit as st

from workflow.app.downloads import FORMATS
from workflow.app.links import simbad_link, viewer_link
from workflow.app.names import POSITIONS, titles
from workflow.app.survey import Galaxies

LINKS = ["viewer", "SIMBAD"]
"""Columns of links, in the table as shown but not in the downloads."""


def show_table(
    galaxies: Galaxies, table: pd.DataFrame, *, stem: str, measures: list[str], alt: str
) -> None:
    """Show a table of galaxies, with links if they are on the sky, and offer it for download.

    Parameters
    ----------
    galaxies
        The survey's galaxies, of which the table lists some.
    table
        Its first two columns are rank and iauname; the measures follow.
    stem
        File name of the downloads, without its ending.
    measures
        Columns that the galaxies were ranked by, such as ``distance``.
    alt
        Description of the table for screen readers.
    """
    with st.container(horizontal=True):
        for kind in FORMATS:
            st.download_button(
                f"Download {kind.label}",
                partial(kind.write, table, galaxies.units),
                file_name=f"{stem}{kind.ending}",
                mime=kind.mime,
                on_click="ignore",
            )
    named = titles(galaxies.units)
    numbers = table.select_dtypes("number").columns.drop("rank")
    st.dataframe(
        _with_links(galaxies, table, 2 + len(measures)),
        hide_index=True,
        column_config={
            **{
                name: st.column_config.NumberColumn(named.get(name), format=_digits(table[name]))
                for name in numbers
            },
            **{name: st.column_config.LinkColumn(display_text=name) for name in LINKS},
        },
        alt=alt,
    )


def _digits(column: pd.Series) -> str | None:
    """Return the format of a column of numbers: of three digits, if that loses nothing much."""
    if column.name in POSITIONS:
        return "%.5f"
    return "%.3g" if column.abs().max() < 1000 else None


def _with_links(galaxies: Galaxies, table: pd.DataFrame, place: int) -> pd.DataFrame:
    if galaxies.simulated or not {"ra", "dec"} <= set(table):
        return table
    layer = galaxies.config["legacysurvey"]["layer"]
    places = list(zip(table["ra"], table["dec"], strict=True))
    links = pd.DataFrame(
        [(viewer_link(*position, layer), simbad_link(*position)) for position in places],
        columns=LINKS,
    )
    return pd.concat([table.iloc[:, :place], links, table.iloc[:, place:]], axis=1)
