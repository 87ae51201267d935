"""The page of similar galaxies: what is asked for, the galaxy that is meant, those like it.

What is asked for stands in the page's address, so that it can be kept and shared.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
import streamlit as st

from workflow.app.downloads import FORMATS
from workflow.app.gallery import show_gallery
from workflow.app.links import simbad_link, viewer_link
from workflow.app.query import FORMS, MAX_LENGTH, Position
from workflow.app.search import Match, Similar, find_galaxy, find_similar
from workflow.app.sky_map import draw_sky_map
from workflow.app.survey import Survey
from workflow.app.text import STYLE, plain
from workflow.app.upload import draw_upload, represent_upload
from workflow.lib.catalogue import UNITS
from workflow.lib.errors import UserError
from workflow.lib.similarity import METRICS

ASKED = "galaxy"
EXAMPLES = ("like", "unlike")
"""What the page's address says: the query, and names of further examples."""

MAX_EXAMPLES = 12
"""Of each kind."""

FILTERED_AT_FIRST = ("mag_r", "petro_theta")


class Settings(NamedTuple):
    """How to compare, and what may be found."""

    whole: bool
    metric: str
    ranges: dict[str, tuple[float, float]]


def show(survey: Survey) -> None:
    """Show the page."""
    st.html(STYLE)
    st.title("Find galaxies like this one", anchor=False)
    st.caption(plain(_about(survey)))
    settings = _settings(survey)
    text, uploaded = _query(survey)
    try:
        if uploaded is not None:
            _answer(survey, settings, None, uploaded)
        elif text.strip():
            resolver = survey.config["page"]["name_resolver"]
            _answer(survey, settings, find_galaxy(survey, text, resolver), None)
        else:
            _beginnings(survey)
    except UserError as error:
        st.error(plain(str(error)))


def _about(survey: Survey) -> str:
    simulated = "simulation" in survey.config["surveys"][survey.name]
    parts = [
        f"{len(survey):,} galaxies of {survey.name}",
        "simulated galaxies" if simulated else "",
        survey.encoder_label,
    ]
    return " · ".join(filter(None, parts))


def _settings(survey: Survey) -> Settings:
    """Ask how to compare, and for filters."""
    with st.sidebar:
        st.header("Compare", anchor=False)
        components = survey.config["similarity"]["components"]
        whole = st.radio(
            "Numbers of each galaxy",
            [False, True],
            format_func={
                False: f"{components} principal components, as the paper",
                True: f"all {survey.vectors[True].shape[1]}",
            }.get,
        )
        usual = METRICS.index(survey.config["similarity"]["metric"])
        metric = st.radio("Distance", METRICS, usual, format_func=str.capitalize)
        st.header("Filter", anchor=False)
        chosen = st.multiselect(
            "By columns of the catalogue",
            list(survey.units),
            [name for name in FILTERED_AT_FIRST if name in survey.units],
            select_all=False,
        )
        return Settings(whole, metric, dict(filter(None, (_range(survey, c) for c in chosen))))


def _range(survey: Survey, column: str) -> tuple[str, tuple[float, float]] | None:
    """Ask for a range of a column; None if it is not narrowed."""
    values = survey.column(column)
    known = values[np.isfinite(values)]
    if not known.size or known.min() == known.max():
        st.caption(plain(f"{column} is the same for all galaxies"))
        return None
    # To two decimals, as the slider shows them.
    ends = float(np.floor(100 * known.min()) / 100), float(np.ceil(100 * known.max()) / 100)
    unit = survey.units[column]
    # Not escaped: a screen reader is given the label as it is here.
    chosen = st.slider(
        f"{column} [{unit}]" if unit else column, *ends, ends, key=f"filter-{column}"
    )
    return (column, chosen) if chosen != ends else None


def _query(survey: Survey) -> tuple[str, bytes | None]:
    """Ask for a galaxy, or for an image."""
    typing, uploading = st.columns([3, 2], gap="medium")
    with typing, st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input(
            "Coordinates, link or name",
            key=ASKED,
            bind="query-params",
            max_chars=MAX_LENGTH,
            on_change=_start_anew,
            placeholder="184.5923 14.4160",
            help=f"Type {FORMS}.",
        )
        # Whatever is typed is taken when the field is left; a button shows where to go.
        st.button("Search", type="primary")
    with uploading:
        limit = survey.config["page"]["upload"]
        file = st.file_uploader(
            "Or an image of your own",
            ["jpg", "jpeg", "png", "fits"],
            key=f"upload-{st.session_state.setdefault('uploads', 0)}",
            max_upload_size=limit,
            on_change=_forget_query,
        )
    return text or "", file.getvalue() if file is not None else None


def _beginnings(survey: Survey) -> None:
    """Show galaxies to begin with, from all over the catalogue."""
    st.header("Or begin with one of these", anchor=False)
    count = min(survey.config["page"]["gallery"], len(survey))
    rows = np.linspace(0, len(survey) - 1, count).astype(int)
    _galaxies(survey, rows, label="To begin with")


def _answer(
    survey: Survey, settings: Settings, match: Match | None, uploaded: bytes | None
) -> None:
    """Show what was asked for, and the galaxies like it."""
    like, unlike = (_examples(survey, name) for name in EXAMPLES)
    if match is not None:
        _warn(survey, match)
    asked, found = st.columns([1, 3], gap="medium")
    with asked:
        if match is not None:
            st.header("Matched galaxy", anchor=False)
            _show_match(survey, match)
            like = [match.row, *(row for row in like if row != match.row)]
        if uploaded is not None:
            st.header("Your image", anchor=False)
            st.image(
                draw_upload(uploaded, survey.config["cutouts"]), alt="Your image", width="stretch"
            )
        for name, rows in zip(EXAMPLES, (like[match is not None :], unlike), strict=True):
            if rows:
                heading = {"like": "And like these", "unlike": "Not like these"}[name]
                st.subheader(heading, anchor=False)
                actions = {"remove": partial(_drop_example, name)}
                _galaxies(survey, rows, actions=actions, label=heading, mark=name)
    examples: list[int | np.ndarray] = [*like]
    if uploaded is not None:
        with found, st.spinner("Looking at your image"):
            examples.append(_represent(survey, uploaded, settings.whole))
    page = survey.config["page"]
    similar = find_similar(
        survey,
        examples,
        unlike,
        max(page["gallery"], page["table"]),
        whole=settings.whole,
        metric=settings.metric,
        allowed=survey.within(settings.ranges),
        same_within=survey.config["similarity"]["same_within"],
    )
    with found:
        st.header("Most similar galaxies", anchor=False)
        if not len(similar.rows):
            st.info("No galaxy passes the filters.")
            return
        _show_gallery(survey, similar, page["gallery"])
        _show_table(survey, similar, page["table"], settings)


def _show_match(survey: Survey, match: Match) -> None:
    """Show the galaxy that is meant."""
    _galaxies(survey, [match.row], label="Matched galaxy", mark="like")
    ra, dec = survey.ra[match.row], survey.dec[match.row]
    facts = survey.table([match.row], UNITS).iloc[0, 1:]
    lines = [plain(f"{name} {value:.7g} {survey.units[name]}") for name, value in facts.items()]
    if match.position is not None:
        lines.insert(0, f"**{_angle(match.separation)}** from what was asked for")
    st.caption("  \n".join(lines))
    if np.isfinite(ra) and np.isfinite(dec):
        layer = survey.config["legacysurvey"]["layer"]
        with st.container(horizontal=True):
            st.link_button("Legacy Survey viewer", viewer_link(ra, dec, layer))
            st.link_button("SIMBAD", simbad_link(ra, dec))


def _warn(survey: Survey, match: Match) -> None:
    """Say so if the galaxy is not what was asked for, and show where the survey has galaxies."""
    page = survey.config["page"]
    if match.position is None or match.separation <= page["far"]:
        return
    st.warning(
        f"The nearest galaxy of the survey is {_angle(match.separation)} from what you asked for. "
        "It is probably another one."
    )
    if match.separation > page["outside"]:
        matched = Position(survey.ra[match.row], survey.dec[match.row])
        st.image(
            _sky_map(survey, match.position, matched),
            alt="Map of the sky: the survey's galaxies, the place that was asked for, and the "
            "nearest galaxy",
            width=640,
        )


def _show_gallery(survey: Survey, similar: Similar, count: int) -> None:
    rows, distances = similar.rows[:count], similar.distances[:count]
    captions = [f"{rank}: distance {d:.3g}" for rank, d in enumerate(distances, 1)]
    actions = {
        "+ like": partial(_add_example, "like"),
        "\u2212 unlike": partial(_add_example, "unlike"),
    }
    _galaxies(survey, rows, captions, actions, label="Most similar galaxies")


def _show_table(survey: Survey, similar: Similar, count: int, settings: Settings) -> None:
    """Show the galaxies as a table, to look at and to download."""
    rows, distances = similar.rows[:count], similar.distances[:count]
    columns = [*UNITS, *(name for name in settings.ranges if name not in UNITS)]
    table = survey.table(rows, columns)
    table.insert(0, "rank", np.arange(1, len(rows) + 1))
    table.insert(2, "distance", distances)
    st.header("Table", anchor=False)
    with st.container(horizontal=True):
        for kind in FORMATS:
            st.download_button(
                f"Download {kind.label}",
                partial(kind.write, table, survey.units),
                file_name=f"similar{kind.ending}",
                mime=kind.mime,
                on_click="ignore",
            )
    st.dataframe(
        _with_links(table, survey.config["legacysurvey"]["layer"]),
        hide_index=True,
        column_config={
            "viewer": st.column_config.LinkColumn("viewer", display_text="viewer"),
            "SIMBAD": st.column_config.LinkColumn("SIMBAD", display_text="SIMBAD"),
        },
        alt=f"The {len(rows)} most similar galaxies",
    )


def _with_links(table: pd.DataFrame, layer: str) -> pd.DataFrame:
    if not {"ra", "dec"} <= set(table):
        return table
    places = list(zip(table["ra"], table["dec"], strict=True))
    return table.assign(
        viewer=[viewer_link(*place, layer) for place in places],
        SIMBAD=[simbad_link(*place) for place in places],
    )


def _galaxies(
    survey: Survey,
    rows: Sequence[int],
    captions: Sequence[str] | None = None,
    actions: Mapping[str, Callable[[str], None]] | None = None,
    *,
    label: str,
    mark: str = "",
) -> None:
    """Show galaxies of the survey; a click asks for those like it."""
    config = survey.config
    cut = config["figures"]["neighbours"]["crop"] / config["cutouts"]["thumbnail_size"]
    show_gallery(
        [survey.iaunames[row] for row in rows],
        survey.thumbnails(rows),
        captions or [""] * len(rows),
        _choose,
        actions or {},
        label=label,
        cut=cut,
        mark=mark,
    )


@st.cache_data(max_entries=64, show_spinner=False)
def _represent(_survey: Survey, data: bytes, whole: bool) -> np.ndarray:
    return represent_upload(_survey, data, whole)


@st.cache_data(max_entries=64, show_spinner=False)
def _sky_map(_survey: Survey, asked: Position, matched: Position) -> bytes:
    return draw_sky_map(_survey.ra, _survey.dec, asked, matched)


def _angle(arcsec: float) -> str:
    return f"{arcsec / 3600:.2f} deg" if arcsec >= 3600 else f"{arcsec:.1f} arcsec"


def _examples(survey: Survey, name: str) -> list[int]:
    """Give the examples in the page's address, as far as they are galaxies of the survey."""
    rows = (survey.row(iauname) for iauname in st.query_params.get_all(name)[:MAX_EXAMPLES])
    return list(dict.fromkeys(row for row in rows if row is not None))


def _add_example(name: str, iauname: str) -> None:
    for other in EXAMPLES:
        _drop_example(other, iauname)
    st.query_params[name] = [*st.query_params.get_all(name), iauname][-MAX_EXAMPLES:]


def _drop_example(name: str, iauname: str) -> None:
    st.query_params[name] = [other for other in st.query_params.get_all(name) if other != iauname]


def _start_anew() -> None:
    """Forget all examples, and the image; its field becomes another, empty one."""
    for name in EXAMPLES:
        st.query_params[name] = []
    st.session_state["uploads"] += 1


def _forget_query() -> None:
    for name in EXAMPLES:
        st.query_params[name] = []
    st.session_state[ASKED] = ""


def _choose(iauname: str) -> None:
    """Ask for another galaxy."""
    _start_anew()
    st.session_state[ASKED] = iauname
