"""What visitors ask for: the query, further examples, how to compare, what may be found.

The query and the examples stand in the page's address, so that a search can be kept and shared.
"""

from typing import NamedTuple

import numpy as np
import streamlit as st

from workflow.app.query import FORMS, MAX_LENGTH
from workflow.app.survey import Survey
from workflow.app.text import plain
from workflow.lib.similarity.nearest import METRICS

ASKED = "galaxy"
LIKE, UNLIKE = EXAMPLES = ("like", "unlike")
"""Names in the page's address: of the query, and of further examples."""

MAX_EXAMPLES = 12
"""Of each kind."""

FILTERED_AT_FIRST = ("mag_r", "petro_theta")


class Settings(NamedTuple):
    """How to compare, and what may be found."""

    whole: bool
    metric: str
    ranges: dict[str, tuple[float, float]]


def ask_settings(survey: Survey) -> Settings:
    """Ask how to compare, and for filters."""
    with st.sidebar:
        st.header("Compare", anchor=False)
        components = survey.config["similarity"]["components"]
        whole = st.radio(
            "Numbers of each galaxy",
            [False, True],
            format_func={
                False: f"{components} principal components",
                True: f"all {survey.vectors[True].shape[1]}",
            }.get,
        )
        usual = METRICS.index(survey.config["similarity"]["metric"])
        metric = st.radio("Distance", METRICS, usual, format_func=str.capitalize)
        st.header("Filter", anchor=False)
        chosen = st.multiselect(
            "By columns of the catalogue",
            list(survey.units),
            [name for name in FILTERED_AT_FIRST if name in survey.units],
            select_all=False,
        )
        return Settings(whole, metric, dict(filter(None, (_range(survey, c) for c in chosen))))


def _range(survey: Survey, column: str) -> tuple[str, tuple[float, float]] | None:
    """Ask for a range of a column; None if it is not narrowed."""
    values = survey.column(column)
    known = values[np.isfinite(values)]
    if not known.size or known.min() == known.max():
        st.caption(plain(f"{column} is the same for all galaxies"))
        return None
    # To two decimals, as the slider shows them.
    ends = float(np.floor(100 * known.min()) / 100), float(np.ceil(100 * known.max()) / 100)
    unit = survey.units[column]
    # Not escaped: a screen reader is given the label as it is here.
    chosen = st.slider(
        f"{column} [{unit}]" if unit else column, *ends, ends, key=f"filter-{column}"
    )
    return (column, chosen) if chosen != ends else None


def ask_query(survey: Survey) -> tuple[str, bytes | None]:
    """Ask for a galaxy or for an image; give what is typed, and the file if there is one."""
    typing, uploading = st.columns([3, 2], gap="medium")
    with typing, st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input(
            "Coordinates, link or name",
            key=ASKED,
            bind="query-params",
            max_chars=MAX_LENGTH,
            on_change=_start_anew,
            placeholder="184.5923 14.4160",
            help=f"Type {FORMS}.",
        )
        # Whatever is typed is taken when the field is left; a button shows where to go.
        st.button("Search", type="primary")
    with uploading:
        limit = survey.config["page"]["upload"]
        file = st.file_uploader(
            "Or an image of your own",
            ["jpg", "jpeg", "png", "fits"],
            key=f"upload-{st.session_state.setdefault('uploads', 0)}",
            max_upload_size=limit,
            on_change=_forget_query,
        )
    return text or "", file.getvalue() if file is not None else None


def examples(survey: Survey, kind: str) -> list[int]:
    """Give the examples in the page's address, as far as they are galaxies of the survey."""
    rows = map(survey.row, st.query_params.get_all(kind)[:MAX_EXAMPLES])
    return list(dict.fromkeys(row for row in rows if row is not None))


def add_example(kind: str, iauname: str) -> None:
    """Add a galaxy to the examples of a kind; it is no longer one of the other."""
    for other in EXAMPLES:
        drop_example(other, iauname)
    st.query_params[kind] = [*st.query_params.get_all(kind), iauname][-MAX_EXAMPLES:]


def drop_example(kind: str, iauname: str) -> None:
    """Take a galaxy out of the examples of a kind."""
    st.query_params[kind] = [name for name in st.query_params.get_all(kind) if name != iauname]


def choose(iauname: str) -> None:
    """Ask for another galaxy."""
    _start_anew()
    st.session_state[ASKED] = iauname


def _start_anew() -> None:
    """Forget all examples and the image, whose field becomes another, empty one."""
    _forget_examples()
    st.session_state["uploads"] += 1


def _forget_query() -> None:
    _forget_examples()
    st.session_state[ASKED] = ""


def _forget_examples() -> None:
    for kind in EXAMPLES:
        st.query_params[kind] = []
