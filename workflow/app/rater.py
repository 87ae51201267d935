"""The element of the page in which a user rates a batch of galaxies, by keyboard or mouse."""

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
    """A JPEG; None if the galaxy has none."""
    answer: str
    """Its rating or ``skipped``, as text; empty if it has no answer."""
    facts: str
    """What is measured of it."""
    links: Mapping[str, str]
    """Addresses of pages about it, by the links' texts."""


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
    """Show a batch, and pass on the user's answers.

    Parameters
    ----------
    cards
        The galaxies of the batch.
    answered
        The galaxies answered most recently, the latest last: those that can be undone.
    answer
        Called with a galaxy's iauname and its rating, or None if it is skipped.
    undo
        Called with the iauname of the galaxy answered last.
    status
        Text to show when no galaxy is waiting for an answer.
    poll
        Interval after which the browser reruns the fragment around this element [s]; None: never.
    keys
        Whether keys rate galaxies, whichever element has the focus (text fields excepted).
    key
        Key of this element, and of its state in the session.
    """
    calls: Mapping[str, Callable[[str], None]] = {
        **{name: lambda iauname, rating=rating: answer(iauname, rating)
           for name, rating in RATINGS.items()},
        SKIP: lambda iauname: answer(iauname, None),
        UNDO: undo,
    }  # fmt: skip
    done = f"{key} done"
    st.session_state.setdefault(done, 0)

    def process() -> bool:
        """Process the presses that are new; return whether there were any."""
        # The browser sends each press again until the server confirms it.
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
                "facts": card.facts,
                "links": card.links,
            }
            for card in cards
        ],
        "answered": list(answered),
        "done": st.session_state[done],
        "status": status,
        "poll": poll,
        # Confirms to the browser that its last poll was answered.
        "polls": st.session_state.get(key, {}).get("polls") or 0,
        "keys": keys,
    }
    _rater(key=key, data=data, on_presses_change=process, on_polls_change=lambda: None)
    # A server that has just started sees presses sent to its predecessor as the initial state, not
    # as a change, so it does not call `process` by itself.
    if process():
        st.rerun()
