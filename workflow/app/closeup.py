"""A galaxy enlarged: its full field with a scale bar, the votes about it, its measurements."""

from collections.abc import Callable, Iterable
from io import BytesIO
from typing import NamedTuple

import numpy as np
import streamlit as st
from PIL import Image, ImageDraw, ImageFont

from workflow.app.links import links_to
from workflow.app.names import name_of, split_votes, value_of
from workflow.app.survey import Galaxies
from workflow.app.text import plain
from workflow.app.thumbnails import QUALITY
from workflow.lib.catalogue.selection import UNITS

ENLARGED = "enlarged"
"""Key in the visitor's session: the galaxy to enlarge."""

LENGTHS = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600)
"""Lengths that a scale bar may have [arcsec]."""

LARGEST_SHARE = 1 / 3
"""Largest share of the picture's side that the bar takes."""


class Bar(NamedTuple):
    """A scale bar."""

    length: int
    """arcsec"""
    pixels: float


def bar_for(pixel_scale: float, size: int) -> Bar | None:
    """Choose the longest bar that is at most a third of a picture; None if the scale is unknown.

    Parameters
    ----------
    pixel_scale
        Of the picture [arcsec/pixel].
    size
        Side of the picture [pixel].
    """
    if not (np.isfinite(pixel_scale) and pixel_scale > 0):
        return None
    fitting = [length for length in LENGTHS if length <= LARGEST_SHARE * size * pixel_scale]
    return Bar(fitting[-1], fitting[-1] / pixel_scale) if fitting else None


def draw_scale(jpeg: bytes, bar: Bar) -> bytes:
    """Draw a scale bar on the lower left of a picture, and north and east on the lower right."""
    picture = Image.open(BytesIO(jpeg)).convert("RGB")
    draw, side = ImageDraw.Draw(picture), picture.height
    edge, thick = side // 20, max(1, side // 200)
    font = ImageFont.load_default(max(10, side // 24))
    options = {"font": font, "fill": "white", "stroke_width": thick, "stroke_fill": "black"}
    low, arm = side - edge, side // 12

    def line(*ends: tuple[float, float]) -> None:
        for colour, width in (("black", 3 * thick), ("white", thick)):
            draw.line(ends, colour, width)

    line((edge, low), (edge + bar.pixels, low))
    draw.text((edge, low - thick), f'{bar.length}"', anchor="lb", **options)
    corner = side - edge - arm // 3
    line((corner, low), (corner, low - arm))
    line((corner, low), (corner - arm, low))
    draw.text((corner, low - arm - thick), "N", anchor="mb", **options)
    draw.text((corner - arm - 2 * thick, low), "E", anchor="rm", **options)
    buffer = BytesIO()
    picture.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def facts(galaxies: Galaxies, row: int, columns: Iterable[str] = tuple(UNITS)) -> list[str]:
    """Return what is measured of a galaxy, in words: ``r magnitude 16.2 mag``."""
    values = galaxies.values(row, columns)
    return [
        f"{name_of(column)} {value_of(column, value, galaxies.units[column])}"
        for column, value in values.items()
        if np.isfinite(value)
    ]


def votes(galaxies: Galaxies, row: int) -> dict[str, dict[str, float]]:
    """Return the fraction of votes for each answer, by question; empty if there are none.

    Predicted ones are given only where no volunteer has voted.
    """
    kinds: dict[str, dict[str, dict[str, float]]] = {"fraction": {}, "automated-fraction": {}}
    columns = {column: split_votes(column) for column in galaxies.units}
    for column, value in galaxies.values(row, [c for c, found in columns.items() if found]).items():
        question, answer, kind = columns[column]
        if kind in kinds and np.isfinite(value):
            kinds[kind].setdefault(question, {})[answer] = value
    return kinds["automated-fraction"] | kinds["fraction"]


def enlarge(iauname: str) -> None:
    """Have a galaxy enlarged, until the dialog is closed."""
    st.session_state[ENLARGED] = iauname


def close() -> None:
    """Have no galaxy enlarged."""
    st.session_state.pop(ENLARGED, None)


def show_enlarged(galaxies: Galaxies, more: Callable[[str], None] | None = None) -> None:
    """Show the galaxy of the last `enlarge` in a dialog, if it has not been closed.

    Parameters
    ----------
    galaxies
        The galaxies that the page shows.
    more
        Shows further elements in the dialog, for a galaxy's iauname.
    """
    row = galaxies.row(st.session_state.get(ENLARGED, ""))
    if row is not None:
        dialog = st.dialog("A closer look", width="large", on_dismiss=close)
        dialog(_show)(galaxies, row, more)


def _show(galaxies: Galaxies, row: int, more: Callable[[str], None] | None) -> None:
    iauname = galaxies.iaunames[row]
    st.subheader(plain(iauname), anchor=False)
    pictured, described = st.columns([3, 2], gap="medium")
    with pictured:
        _show_picture(galaxies, row)
        for text, link in links_to(galaxies, row).items():
            st.link_button(text, link)
    with described:
        if more is not None:
            more(iauname)
        st.markdown("  \n".join(map(plain, facts(galaxies, row))))
        asked = votes(galaxies, row)
        if asked:
            st.caption("Fractions of the votes, predicted where nobody voted")
        for question, answers in asked.items():
            shares = ", ".join(f"{answer} {share:.2f}" for answer, share in answers.items())
            st.markdown(f"**{plain(question)}**  \n{plain(shares)}")


def _show_picture(galaxies: Galaxies, row: int) -> None:
    (jpeg,) = galaxies.thumbnails([row])
    if jpeg is None:
        st.info("This galaxy has no picture.")
        return
    alt, size = f"{galaxies.iaunames[row]} in its full field", Image.open(BytesIO(jpeg)).height
    scale = galaxies.pixel_scale(row)
    if bar := bar_for(scale, size):
        jpeg = draw_scale(jpeg, bar)
        alt += f", {value_of('', size * scale, 'arcsec')} across; north is up, east is left"
    st.image(jpeg, alt=alt, width="stretch")
    if bar:
        st.caption(plain(f"{alt}; the bar is {bar.length} arcsec"))
