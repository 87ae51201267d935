"""A batch of galaxies that a person rates by keys or by mouse, as one element of the page."""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import streamlit as st

FOLDER = Path(__file__).parent

SKIP, UNDO = "skip", "undo"
RATINGS = {str(rating): rating for rating in range(6)}

_rater = st.components.v2.component(
    "rater",
    html=(FOLDER / "rater.html").read_text(),
    css=(FOLDER / "rater.css").read_text(),
    js=(FOLDER / "rater.js").read_text(),
)


class Card(NamedTuple):
    """A galaxy to rate."""

    iauname: str
    picture: bytes | None
    """A JPEG; None if it is lost."""
    answer: str
    """What has been said of it; empty if nothing."""


def show_rater(
    cards: Sequence[Card],
    answered: Sequence[str],
    answer: Callable[[str, int | None], None],
    undo: Callable[[str], None],
    *,
    status: str,
    poll: float | None,
    keys: bool,
    key: str,
) -> None:
    """Show a batch, and take what is said of it.

    Parameters
    ----------
    cards
        The batch.
    answered
        The galaxies that were answered last, in order: what can be undone.
    answer
        Called with a galaxy's iauname and its rating; None to skip it.
    undo
        Called with the iauname of the galaxy that was answered last.
    status
        What is said when no galaxy waits.
    poll
        After how long the browser runs the fragment around this again [s]; None: not by itself.
    keys
        Whether keys rate, wherever the keyboard's focus is.
    key
        Of this element, and of what the session remembers of it.
    """
    calls: Mapping[str, Callable[[str], None]] = {
        **{name: lambda iauname, rating=rating: answer(iauname, rating)
           for name, rating in RATINGS.items()},
        SKIP: lambda iauname: answer(iauname, None),
        UNDO: undo,
    }  # fmt: skip
    done = f"{key} done"
    st.session_state.setdefault(done, 0)

    def take() -> bool:
        """Do what was pressed and is not done yet; say whether there was anything."""
        # The browser sends each press until it hears that it is done.
        pressed = st.session_state[key].get("presses") or []
        waiting = [press for press in pressed if press["number"] > st.session_state[done]]
        for press in waiting:
            st.session_state[done] = press["number"]
            calls[press["action"]](press["galaxy"])
        return bool(waiting)

    data = {
        "hunt": key,
        "cards": [
            {
                "name": card.iauname,
                "picture": b64encode(card.picture).decode() if card.picture else None,
                "answer": card.answer,
            }
            for card in cards
        ],
        "answered": list(answered),
        "done": st.session_state[done],
        "status": status,
        "poll": poll,
        # Tells the browser that its last poll was answered.
        "polls": st.session_state.get(key, {}).get("polls") or 0,
        "keys": keys,
    }
    _rater(key=key, data=data, on_presses_change=take, on_polls_change=lambda: None)
    # To a server that has just started, presses for the one before are no change: it is not called.
    if take():
        st.rerun()
