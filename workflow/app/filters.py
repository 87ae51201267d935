"""Filters by catalogue columns: a form, so that nothing is searched before they are applied.

Those that are applied are part of the page's address, such as ``filter=mag_r:14.0:16.5``.
"""

import math
from collections.abc import Mapping

import numpy as np
import streamlit as st

from workflow.app.names import titles
from workflow.app.survey import Galaxies
from workflow.app.text import label, plain

FILTER = "filter"
"""Key in the page's address: a column, its smallest and its largest value; may be repeated."""

CHOSEN = "filtered columns"
"""Key in the visitor's session: the columns that have a slider."""

FILTERED_AT_FIRST = ("mag_r", "petro_theta")
"""Catalogue columns with a slider when the page opens."""

LARGEST = 2**53 / 100
"""Numbers from here on have digits that a slider does not keep: two of them are decimals."""

Range = tuple[float, float]
"""The smallest and the largest value."""


def read_filters(galaxies: Galaxies) -> dict[str, Range]:
    """Return the filters in the page's address; those that mean nothing here are ignored."""
    parts = (text.rsplit(":", 2) for text in st.query_params.get_all(FILTER))
    found = {part[0]: _numbers(part[1:]) for part in parts if len(part) == 3}
    return {
        column: chosen
        for column, chosen in found.items()
        if chosen and isinstance(_ends(galaxies, column), tuple)
    }


def ask_filters(galaxies: Galaxies) -> dict[str, Range]:
    """Show the form; return the filters that are applied.

    Returns
    -------
    dict
        Columns, with the smallest and the largest value allowed.
    """
    applied = read_filters(galaxies)
    named = titles(galaxies.units)
    usual = [column for column in FILTERED_AT_FIRST if column in galaxies.units]
    with st.expander("Filters", expanded=bool(applied)):
        columns = st.multiselect(
            "Catalogue columns",
            list(named),
            list(dict.fromkeys([*usual, *applied])),
            format_func=named.get,
            key=CHOSEN,
            select_all=False,
            on_change=_apply,
            args=(galaxies,),
        )
        with st.form("filters", border=False):
            for column in columns:
                _slider(galaxies, column, named[column], applied)
            st.form_submit_button("Apply", type="primary", on_click=_apply, args=(galaxies,))
        if applied:
            passing = np.count_nonzero(galaxies.within(applied))
            st.caption(f"{passing:,} of {len(galaxies):,} galaxies pass the filters")
            st.button("Remove all filters", on_click=_remove, args=(galaxies, applied))
    return applied


def _slider(galaxies: Galaxies, column: str, title: str, applied: Mapping[str, Range]) -> None:
    """Show the slider of a column, or say why it has none."""
    ends = _ends(galaxies, column)
    if isinstance(ends, str):
        st.caption(plain(f"{title} {ends}"))
        return
    low, high = np.clip(applied.get(column, ends), *ends)
    st.slider(label(title), *ends, (float(low), float(high)), key=_key(column))


def _apply(galaxies: Galaxies) -> None:
    """Put the sliders that were moved into the page's address."""
    st.query_params[FILTER] = [
        f"{column}:{low}:{high}"
        for column in st.session_state[CHOSEN]
        if (chosen := st.session_state.get(_key(column))) and chosen != _ends(galaxies, column)
        for low, high in [chosen]
    ]


def _remove(galaxies: Galaxies, columns: Mapping[str, Range]) -> None:
    st.query_params[FILTER] = []
    for column in columns:
        st.session_state[_key(column)] = _ends(galaxies, column)


def _ends(galaxies: Galaxies, column: str) -> Range | str:
    """Return the ends of a column's slider, or why it can have none."""
    if column not in galaxies.units:
        return "is not in the catalogue"
    values = galaxies.column(column)
    known = values[np.isfinite(values)]
    if not known.size or known.min() == known.max():
        return "is the same for all galaxies"
    if np.abs(known).max() >= LARGEST:
        return "has numbers with too many digits for a filter"
    # Rounded outwards to two decimals, as the slider shows them.
    return float(np.floor(100 * known.min()) / 100), float(np.ceil(100 * known.max()) / 100)


def _numbers(texts: list[str]) -> Range | None:
    """Parse the two numbers of a filter; None if they are none."""
    try:
        low, high = map(float, texts)
    except ValueError:
        return None
    return (low, high) if math.isfinite(low) and math.isfinite(high) and low <= high else None


def _key(column: str) -> str:
    return f"filter-{column}"
