"""Escaping and style: Streamlit interprets labels and messages as Markdown and HTML."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from workflow.lib.common.errors import UserError

PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")

STYLE = """<style>
h1 { font-size: 2rem !important; }
h2 { font-size: 1.4rem !important; }
h3 { font-size: 1.15rem !important; }
/* The theme's blue suits the background of white text; as a text colour it is too dark. */
[data-testid="stSliderThumbValue"] { color: inherit; }
button:focus-visible, a:focus-visible, input:focus-visible {
  outline: 3px solid #ffd166 !important; outline-offset: 2px;
}
.stMainBlockContainer { padding: 1rem clamp(1rem, 3vw, 3rem) 3rem; }
@media (max-width: 40rem) { h1 { font-size: 1.5rem !important; } }
</style>"""
"""The page's own style, on top of Streamlit's."""


NO_MARKUP = re.compile(r"(?:[\w .,/%\[-]|\](?![(:])|(?<!\])\(|\)|:(?= ))*")
"""Text that means the same with and without Markdown."""


def plain(text: str) -> str:
    """Escape text for Streamlit's labels and messages."""
    return PUNCTUATION.sub(r"\\\1", " ".join(text.split()))


def label(text: str) -> str:
    """Escape a label, but only if it must be: screen readers get it unchanged."""
    return text if NO_MARKUP.fullmatch(text) else plain(text)


@contextmanager
def in_a_sentence() -> Iterator[None]:
    """Show a `UserError` that the block raises as a message on the page."""
    try:
        yield
    except UserError as error:
        st.error(plain(str(error)))
