"""Galaxies side by side, as one element of the page: drawn and answered within a moment."""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import streamlit as st

FOLDER = Path(__file__).parent

_gallery = st.components.v2.component(
    "gallery",
    html="<ul></ul>",
    css=(FOLDER / "gallery.css").read_text(),
    js=(FOLDER / "gallery.js").read_text(),
)


def show_gallery(
    iaunames: Sequence[str],
    pictures: Sequence[bytes | None],
    captions: Sequence[str],
    choose: Callable[[str], None] | None,
    actions: Mapping[str, Callable[[str], None]],
    *,
    label: str,
    mark: str = "",
) -> None:
    """Show galaxies side by side, as many as there is room for.

    Parameters
    ----------
    iaunames, pictures, captions
        Of each galaxy its name, its picture (a JPEG; None if it is lost), and what is said of it.
    choose
        Called with the iauname of a galaxy that is chosen; None if they are only looked at.
    actions
        Further buttons of each galaxy: labels, and what is called with its iauname.
    label
        What these galaxies are, for those who do not see them; of each gallery another.
    mark
        ``like`` or ``unlike``, for examples.
    """
    calls = {"choose": choose, **actions}

    def answer() -> None:
        event = st.session_state[label]["event"]
        calls[event["action"]](event["name"])

    cards = [
        {
            "name": iauname,
            "picture": b64encode(picture).decode() if picture else None,
            "caption": caption,
        }
        for iauname, picture, caption in zip(iaunames, pictures, captions, strict=True)
    ]
    data = {
        "cards": cards,
        "choice": choose is not None,
        "actions": list(actions),
        "label": label,
        "mark": mark,
    }
    _gallery(key=label, data=data, on_event_change=answer)
