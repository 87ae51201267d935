"""A gallery of galaxies as a single element of the page, so that it is drawn quickly."""

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
    links: Mapping[str, Callable[[str], str]] | None = None,
) -> None:
    """Show galaxies in a grid, as many per row as fit.

    Parameters
    ----------
    iaunames, pictures, captions
        For each galaxy its name, its picture (a JPEG; None if it has none) and the text below it.
    choose
        Called with the iauname of a galaxy that is clicked; None if they cannot be clicked.
    actions
        Further buttons of each galaxy: labels, and functions called with its iauname.
    label
        Name of the gallery for screen readers; unique on the page.
    mark
        ``like`` or ``unlike`` for examples, which get a coloured frame.
    links
        Links of each galaxy: labels, and functions that return the address for its iauname.
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
            "links": {text: address(iauname) for text, address in (links or {}).items()},
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
