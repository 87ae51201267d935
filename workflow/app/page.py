"""The script that Streamlit runs for each visitor and each click; `__main__` starts the server."""

import sys

import streamlit as st

from workflow.app import hunt_page, similarity_page
from workflow.app.hunt import open_hunts
from workflow.app.survey import open_survey

st.set_page_config(page_title="morphoflow", layout="wide")
survey = open_survey(*sys.argv[1:])


def similar_galaxies() -> None:
    """Show the galaxies most similar to one or several others."""
    similarity_page.show(survey)


def hunt() -> None:
    """Let a user rate galaxies, and rank the survey by the ratings that a model predicts."""
    hunt_page.show(open_hunts(*sys.argv[1:]))


PAGES = [
    st.Page(similar_galaxies, title="Similar galaxies", default=True),
    st.Page(hunt, title="Anomaly hunt"),
]

# Streamlit's own menu would hide the pages behind an icon on a phone.
shown = st.navigation(PAGES, position="hidden")
with st.container(horizontal=True):
    for page in PAGES:
        st.page_link(page)
shown.run()
