"""The page of similar galaxies: the query, the galaxy that matches it, those similar to it."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
import streamlit as st

from workflow.app.closeup import enlarge, facts, show_enlarged
from workflow.app.controls import (
    EXAMPLES,
    LIKE,
    UNLIKE,
    Settings,
    add_example,
    ask_query,
    ask_settings,
    choose,
    count_shown,
    drop_example,
    examples,
    offer_more,
)
from workflow.app.gallery import show_gallery
from workflow.app.links import links_to
from workflow.app.query import Position
from workflow.app.search import Match, Similar, find_galaxy, find_similar
from workflow.app.sky_map import draw_sky_map
from workflow.app.survey import Survey
from workflow.app.table import show_table
from workflow.app.text import STYLE, in_a_sentence, plain
from workflow.app.thumbnails import middle
from workflow.app.upload import draw_upload, represent_upload
from workflow.lib.catalogue.selection import UNITS
from workflow.lib.common.images import to_jpeg

NONE_PASSES = "No galaxy passes the filters."
SMALLER = "The smaller the distance, the more similar."
RELATIVE = f"{SMALLER} It is relative here: 0 at what you like, 1 at what you do not."


def show(survey: Survey) -> None:
    """Show the page."""
    st.html(STYLE)
    st.title("Find galaxies like this one", anchor=False)
    st.caption(plain(" · ".join(filter(None, [survey.about(), survey.encoder_label]))))
    with in_a_sentence():
        text, uploaded = ask_query(survey)
        settings = ask_settings(survey)
        if uploaded is not None:
            _answer(survey, settings, None, uploaded)
        elif text.strip():
            resolver = survey.config["page"]["name_resolver"]
            _answer(survey, settings, find_galaxy(survey, text, resolver), None)
        else:
            _show_first_choices(survey, settings)
        show_enlarged(survey)


def _show_first_choices(survey: Survey, settings: Settings) -> None:
    """Show galaxies to start from, evenly spaced in the catalogue."""
    st.header("Or start from one of these", anchor=False)
    rows = np.flatnonzero(survey.within(settings.ranges))
    if not len(rows):
        st.info(NONE_PASSES)
        return
    count = count_shown(survey, len(rows))
    places = np.linspace(0, len(rows) - 1, count).astype(int)
    _galaxies(survey, rows[places], label="Galaxies to start from")
    offer_more(survey, len(rows))


def _answer(
    survey: Survey, settings: Settings, match: Match | None, uploaded: bytes | None
) -> None:
    """Show the query and the galaxies similar to it."""
    if match is not None:
        _warn(survey, match)
    like, unlike = (examples(survey, name) for name in EXAMPLES)
    asked, found = st.columns([1, 3], gap="medium")
    with asked:
        if match is not None:
            _show_match(survey, match)
            like = [row for row in like if row != match.row]
        if uploaded is not None:
            st.header("Your image", anchor=False)
            st.image(_picture(survey, uploaded), alt="Your image", width="stretch")
        _show_examples(survey, like, "And like these", LIKE)
        _show_examples(survey, unlike, "Not like these", UNLIKE)
    with found:
        liked: list[int | np.ndarray] = [*like]
        if match is not None:
            liked.append(match.row)
        if uploaded is not None:
            with st.spinner("Calculating the representation of your image"):
                liked.append(_represent(survey, uploaded, settings.whole))
        page = survey.config["page"]
        similar = find_similar(
            survey,
            liked,
            unlike,
            max(page["gallery"], page["table"]),
            whole=settings.whole,
            metric=settings.metric,
            allowed=survey.within(settings.ranges),
            same_within=page["same_within"],
        )
        st.header("Most similar galaxies", anchor=False)
        if not len(similar.rows):
            st.info(NONE_PASSES)
            return
        _show_similar(survey, similar, relative=bool(unlike))
        _show_table(survey, similar, page["table"], settings)


def _show_examples(survey: Survey, rows: Sequence[int], heading: str, kind: str) -> None:
    if rows:
        st.subheader(heading, anchor=False)
        actions = {"remove": partial(drop_example, kind)}
        _galaxies(survey, rows, actions=actions, label=heading, mark=kind)


def _show_match(survey: Survey, match: Match) -> None:
    """Show the galaxy that matches the query."""
    st.header("Matched galaxy", anchor=False)
    _galaxies(survey, [match.row], label="Matched galaxy", mark=LIKE)
    lines = [plain(fact) for fact in facts(survey, match.row)]
    if match.position is not None:
        lines.insert(0, f"**{_angle(match.separation)}** from the requested position")
    st.caption("  \n".join(lines))
    with st.container(horizontal=True):
        for text, link in links_to(survey, match.row).items():
            st.link_button(text, link)


def _warn(survey: Survey, match: Match) -> None:
    """Warn if the galaxy is far from the requested position; if very far, show a map too."""
    page = survey.config["page"]
    if match.position is None or match.separation <= page["far"]:
        return
    st.warning(
        f"The nearest galaxy of the survey is {_angle(match.separation)} from the position you "
        "gave. It is probably a different galaxy."
    )
    if match.separation > page["outside"]:
        matched = Position(survey.ra[match.row], survey.dec[match.row])
        st.image(
            _sky_map(survey, match.position, matched),
            alt="Map of the sky: the survey's galaxies, the requested position, and the nearest "
            "galaxy",
            width=640,
        )


def _show_similar(survey: Survey, similar: Similar, *, relative: bool) -> None:
    """Show the first galaxies; their distances are `relative` if some are to be unlike others."""
    st.caption(RELATIVE if relative else SMALLER)
    count = count_shown(survey, len(similar.rows))
    rows, distances = similar.rows[:count], similar.distances[:count]
    captions = [f"{rank}: distance {value:.3g}" for rank, value in enumerate(distances, 1)]
    actions = {
        "+ like": partial(add_example, LIKE),
        "\u2212 unlike": partial(add_example, UNLIKE),
    }
    _galaxies(survey, rows, captions, actions, label="Most similar galaxies")
    offer_more(survey, len(similar.rows))


def _show_table(survey: Survey, similar: Similar, count: int, settings: Settings) -> None:
    """Show the galaxies as a table that can be downloaded."""
    rows, distances = similar.rows[:count], similar.distances[:count]
    ours = {*UNITS, "rank", "distance"}
    columns = [*UNITS, *(name for name in settings.ranges if name not in ours)]
    table = survey.table(rows, columns)
    table.insert(0, "rank", np.arange(1, len(rows) + 1))
    table.insert(2, "distance", distances)
    st.header("Table", anchor=False)
    alt = f"The {len(rows)} most similar galaxies"
    show_table(survey, table, stem="similar", measures=["distance"], alt=alt)


def _galaxies(
    survey: Survey,
    rows: Sequence[int],
    captions: Sequence[str] | None = None,
    actions: Mapping[str, Callable[[str], None]] | None = None,
    *,
    label: str,
    mark: str = "",
) -> None:
    """Show galaxies of the survey; a click on one makes it the query."""
    # Cropped to the galaxy, without most of the sky around it.
    cut = survey.config["figures"]["neighbours"]["crop"]
    show_gallery(
        [survey.iaunames[row] for row in rows],
        [picture and middle(picture, cut) for picture in survey.thumbnails(rows)],
        captions or [""] * len(rows),
        choose,
        {**(actions or {}), "enlarge": enlarge},
        label=label,
        mark=mark,
    )


@st.cache_data(max_entries=64, show_spinner=False)
def _draw(_survey: Survey, data: bytes) -> np.ndarray:
    images = _survey.config["surveys"][_survey.name]["images"]
    return draw_upload(data, _survey.config["cutouts"], images)


@st.cache_data(max_entries=64, show_spinner=False)
def _picture(_survey: Survey, data: bytes) -> bytes:
    return to_jpeg(_draw(_survey, data), _survey.config["cutouts"]["jpeg_quality"])


@st.cache_data(max_entries=64, show_spinner=False)
def _represent(_survey: Survey, data: bytes, whole: bool) -> np.ndarray:
    return represent_upload(_survey, _draw(_survey, data), whole)


@st.cache_data(max_entries=64, show_spinner=False)
def _sky_map(_survey: Survey, asked: Position, matched: Position) -> bytes:
    return draw_sky_map(_survey.ra, _survey.dec, asked, matched)


def _angle(arcsec: float) -> str:
    return f"{arcsec / 3600:.2f} deg" if arcsec >= 3600 else f"{arcsec:.1f} arcsec"
