"""Parts that the page is put together from."""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import streamlit as st

PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")


def plain(text: str) -> str:
    """Escape text for Streamlit's labels and messages, which take Markdown and more."""
    return PUNCTUATION.sub(r"\\\1", " ".join(text.split()))


class Action(NamedTuple):
    """A button under a galaxy's picture."""

    label: str
    run: Callable[[str], None]
    """Called with the galaxy's iauname."""


class Card(NamedTuple):
    """A galaxy's picture with what is said of it."""

    iauname: str
    picture: bytes | None
    caption: str


def show_cards(
    cards: Sequence[Card], group: str, choose: Callable[[str], None], actions: Sequence[Action]
) -> None:
    """Show galaxies side by side, as many as there is room for.

    Parameters
    ----------
    cards
        The galaxies.
    group
        A word that tells these cards from others on the page, also to the style.
    choose
        Called with the iauname of a galaxy whose picture or name is chosen.
    actions
        Further buttons under each picture.
    """
    with st.container(horizontal=True, key=f"cards-{group}", gap="small"):
        for card in cards:
            with st.container(key=f"card-{group}-{card.iauname}", width=160, gap=None):
                _show_card(card, group, choose, actions)


def _show_card(
    card: Card, group: str, choose: Callable[[str], None], actions: Sequence[Action]
) -> None:
    with st.container(key=f"pick-{group}-{card.iauname}", gap=None):
        if card.picture is None:
            st.caption("no picture")
        else:
            st.image(card.picture, alt=f"{card.iauname}, {card.caption}", width="stretch")
        st.button(
            plain(card.iauname),
            key=f"choose-{group}-{card.iauname}",
            on_click=choose,
            args=(card.iauname,),
            type="tertiary",
            width="stretch",
        )
    st.caption(plain(card.caption))
    with st.container(horizontal=True, gap="small"):
        for action in actions:
            st.button(
                action.label,
                key=f"{action.label}-{group}-{card.iauname}",
                on_click=action.run,
                args=(card.iauname,),
                type="tertiary",
            )
