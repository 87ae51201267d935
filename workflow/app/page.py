"""The web page, as Streamlit runs it for each visitor and each click; `__main__.py` starts it."""

import sys

import streamlit as st

from workflow.app import similarity_page
from workflow.app.survey import open_survey

st.set_page_config(page_title="morphoflow", layout="wide")
survey = open_survey(*sys.argv[1:])


def similar_galaxies() -> None:
    """Show the galaxies that look like one, or like several."""
    similarity_page.show(survey)


PAGES = [st.Page(similar_galaxies, title="Similar galaxies", default=True)]

st.navigation(PAGES, position="top").run()
