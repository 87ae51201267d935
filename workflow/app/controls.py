"""The search form: the query, further examples, how to compare.

All of it is part of the page's address, as are the filters, so that a search can be bookmarked and
shared.
"""

from typing import NamedTuple

import streamlit as st

from workflow.app.filters import ask_filters
from workflow.app.query import FORMS, MAX_LENGTH
from workflow.app.survey import Survey
from workflow.lib.similarity.nearest import METRICS

ASKED = "galaxy"
LIKE, UNLIKE = EXAMPLES = ("like", "unlike")
"""Keys in the page's address: the query (ASKED), and further examples of both kinds."""

SHOWN = "show"
"""Key in the page's address: the number of galaxies shown."""

MAX_EXAMPLES = 12
"""Largest number of examples of each kind."""


class Settings(NamedTuple):
    """How to compare galaxies, and which may be found."""

    whole: bool
    """Whether to compare whole representations rather than their principal components."""
    metric: str
    """One of `nearest.METRICS`."""
    ranges: dict[str, tuple[float, float]]
    """Catalogue columns, with the smallest and the largest value allowed."""


def ask_settings(survey: Survey) -> Settings:
    """Show filters, and how to compare."""
    filtering, comparing = st.columns(2, gap="medium")
    with filtering:
        ranges = ask_filters(survey)
    with comparing, st.expander("Distance"):
        components = survey.config["similarity"]["components"]
        whole = st.radio(
            "Representation",
            [False, True],
            format_func={
                False: f"{components} principal components",
                True: f"all {survey.vectors[True].shape[1]} dimensions",
            }.get,
            key="representation",
            bind="query-params",
        )
        usual = METRICS.index(survey.config["similarity"]["metric"])
        metric = st.radio(
            "Distance",
            METRICS,
            usual,
            format_func=str.capitalize,
            key="distance",
            bind="query-params",
        )
    return Settings(whole, metric, ranges)


def ask_query(survey: Survey) -> tuple[str, bytes | None]:
    """Ask for a galaxy or an image; return the typed text, and the file's content or None."""
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
        # Text is submitted when the field loses focus, so the button needs no action of its own.
        st.button("Search", type="primary")
    with uploading:
        limit = survey.config["page"]["upload"]
        file = st.file_uploader(
            "Or upload your own image",
            ["jpg", "jpeg", "png", "fits"],
            key=f"upload-{st.session_state.setdefault('uploads', 0)}",
            max_upload_size=limit,
            on_change=_forget_query,
            disabled=bool(survey.given),
            help=f"Needs a network, and '{survey.given}' is a table." if survey.given else None,
        )
    return text or "", file.getvalue() if file is not None else None


def examples(survey: Survey, kind: str) -> list[int]:
    """Return the rows of the examples in the page's address; unknown names are ignored."""
    rows = map(survey.row, st.query_params.get_all(kind)[:MAX_EXAMPLES])
    return list(dict.fromkeys(row for row in rows if row is not None))


def add_example(kind: str, iauname: str) -> None:
    """Add a galaxy to the examples of one kind, and remove it from those of the other."""
    for other in EXAMPLES:
        drop_example(other, iauname)
    st.query_params[kind] = [*st.query_params.get_all(kind), iauname][-MAX_EXAMPLES:]


def drop_example(kind: str, iauname: str) -> None:
    """Remove a galaxy from the examples of a kind."""
    st.query_params[kind] = [name for name in st.query_params.get_all(kind) if name != iauname]


def count_shown(survey: Survey, found: int) -> int:
    """Return how many of the galaxies found are shown: those asked for in the page's address."""
    page, asked = survey.config["page"], st.query_params.get(SHOWN, "")
    wanted = int(asked) if asked.isdecimal() and len(asked) < 9 else 0
    return min(found, max(page["gallery"], min(wanted, page["table"])))


def offer_more(survey: Survey, found: int) -> None:
    """Offer to show more galaxies, if there are more."""
    page, shown = survey.config["page"], count_shown(survey, found)
    more = min(found, max(page["gallery"], page["table"]), shown + page["gallery"]) - shown
    if more > 0:
        st.button(f"Show {more} more", on_click=_show_more, args=(shown + more,))


def _show_more(count: int) -> None:
    st.query_params[SHOWN] = str(count)


def choose(iauname: str) -> None:
    """Make a galaxy the new query."""
    _start_anew()
    st.session_state[ASKED] = iauname


def _start_anew() -> None:
    """Remove all examples and the uploaded image (by replacing the upload field)."""
    _forget_search()
    st.session_state["uploads"] += 1


def _forget_query() -> None:
    """Remove the text and all examples, once an image is uploaded."""
    _forget_search()
    st.session_state[ASKED] = ""


def _forget_search() -> None:
    """Forget the examples, and that more galaxies were asked for."""
    for key in (*EXAMPLES, SHOWN):
        st.query_params[key] = []
