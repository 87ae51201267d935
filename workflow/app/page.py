"""The web page, as Streamlit runs it for each visitor and each click; `__main__.py` starts it."""

import sys

import streamlit as st

from workflow.app import hunt_page, similarity_page
from workflow.app.hunt import open_hunts
from workflow.app.survey import open_survey

st.set_page_config(page_title="morphoflow", layout="wide")
survey = open_survey(*sys.argv[1:])


def similar_galaxies() -> None:
    """Show the galaxies that look like one, or like several."""
    similarity_page.show(survey)


def hunt() -> None:
    """Let somebody rate galaxies, and show what they may be looking for."""
    hunt_page.show(open_hunts(*sys.argv[1:]))


PAGES = [
    st.Page(similar_galaxies, title="Similar galaxies", default=True),
    st.Page(hunt, title="The hunt"),
]

st.navigation(PAGES, position="top").run()
