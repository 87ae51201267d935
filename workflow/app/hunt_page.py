"""The page of hunts: galaxies to rate, and those that the model predicts to be interesting."""

from collections.abc import Callable
from functools import lru_cache, partial

import numpy as np
import pandas as pd
import streamlit as st

from workflow.app.closeup import close, enlarge, facts, show_enlarged
from workflow.app.downloads import labels_csv, ratings_csv
from workflow.app.gallery import show_gallery
from workflow.app.hunt import Hunt, Hunts, Learned, describe, word
from workflow.app.links import links_to, similar_link
from workflow.app.rater import Card, show_rater
from workflow.app.survey import Galaxies
from workflow.app.table import show_table
from workflow.app.text import STYLE, in_a_sentence, plain
from workflow.app.thumbnails import middle
from workflow.lib.anomaly.active_learning import HIGHEST
from workflow.lib.catalogue.selection import UNITS
from workflow.lib.common.errors import UserError

SURVEY, HUNT = ADDRESS = ("survey", "hunt")
"""Keys in the page's address, so that a hunt can be bookmarked and resumed."""

TYPED, SUBJECT, PROBLEM = "hunt name", "hunt subject", "hunt problem"
"""Keys in the visitor's session."""

UNDOS = 30
"""Number of latest answers sent to the browser, so that it can undo several without waiting."""

BEST = "Most interesting so far"

FACTS = ("mag_r", "petro_theta", "petro_th50")
"""Catalogue columns shown with the galaxy to rate."""

POLL = 0.25
"""Interval at which a page checks whether the model is done [s]."""


def show(hunts: Hunts) -> None:
    """Show the page."""
    st.html(STYLE)
    st.title("Hunt for galaxies that interest you", anchor=False)
    try:
        problem, hunt = "", _asked_for(hunts)
    except UserError as error:
        problem, hunt = str(error), None
    _alert(problem)
    if hunt is None:
        _ask(hunts)
    else:
        _show_hunt(hunt)


def _alert(problem: str) -> None:
    """Show an error message, if there is one, without redrawing the elements below it."""
    # The container is there even without a message: otherwise the browser would recreate all
    # elements below, and the visitor would lose what was being typed.
    with st.container():
        if problem:
            st.error(plain(problem))


def _asked_for(hunts: Hunts) -> Hunt | None:
    """Open the hunt named in the page's address; None if there is none."""
    survey, name = (st.query_params.get(key, "") for key in ADDRESS)
    begun = st.session_state.pop(SUBJECT, None)
    return hunts.open(survey, name, begun) if survey or name else None


def _ask(hunts: Hunts) -> None:
    """Ask which hunt to start or to resume."""
    subjects = hunts.subjects()
    if not subjects:
        st.info("No survey has a representation yet; run the workflow first, as README.md says.")
        return
    st.write(
        "Rate galaxies from 0 (not interesting) to 5 (most interesting). After each batch a model "
        "learns from your ratings and chooses the galaxies to show you next."
    )
    survey = st.selectbox("Survey", dict.fromkeys(subject.survey for subject in subjects))
    choices = [subject for subject in subjects if subject.survey == survey]
    subject = st.selectbox("The model learns from", choices, format_func=describe)
    # In a form Enter starts the hunt, and a text that is not submitted yet is not lost.
    with st.form("hunt"), st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            "Name of the hunt",
            key=TYPED,
            max_chars=40,
            placeholder="rings",
            help="A new name starts a hunt; the name of an existing hunt resumes it.",
        )
        st.form_submit_button(
            "Hunt",
            type="primary",
            on_click=lambda: _enter(survey, st.session_state[TYPED], subject),
        )
    if names := hunts.names(survey):
        st.header("Or resume a hunt", anchor=False)
        with st.container(horizontal=True):
            for name in names:
                st.button(name, key=f"resume {survey} {name}", on_click=_enter, args=(survey, name))


def _enter(survey: str, name: str, subject: object = None) -> None:
    st.query_params.update({SURVEY: survey, HUNT: name.strip()})
    st.session_state[SUBJECT] = subject


def _leave() -> None:
    st.query_params.clear()


def _show_hunt(hunt: Hunt) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        name, subject = hunt.file.path.stem, describe(hunt.file.subject)
        st.caption(plain(f"{name} · {hunt.galaxies.about()} · {subject}"))
        st.button("Another hunt", on_click=_leave)
    if hunt.file.dropped:
        st.warning(
            plain(
                f"{hunt.file.path}: the last line was incomplete, as after a crash, and was "
                f"removed: {hunt.file.dropped[:200]}"
            )
        )
    learned, learning, outdated = drawn = _state(hunt)

    def rate() -> None:
        """Show the batch; redraw the whole page once the model has started or is done."""
        if _state(hunt) != drawn:
            st.rerun()
        with in_a_sentence():
            _show_batch(hunt, POLL if learning else None)

    st.fragment(rate)()
    with in_a_sentence():
        if learned is None:
            st.header(BEST, anchor=False)
            st.info("The list begins once you have rated a first batch.")
        else:
            _show_best(hunt, learned, outdated)
        show_enlarged(hunt.galaxies, partial(_offer_change, hunt))
    _offer_ratings(hunt)


def _state(hunt: Hunt) -> tuple[Learned | None, bool, bool]:
    """Return what the whole page depends on: the predictions, and whether new ones are due."""
    return hunt.learned, hunt.learning, hunt.outdated


def _show_batch(hunt: Hunt, poll: float | None) -> None:
    """Show the progress of the hunt, and the galaxies to rate."""
    _alert(_problem(hunt))
    history, goal = hunt.history, hunt.galaxies.config["anomalies"]["ratings"]
    rated = len(history.rated)
    skipped = len(history.answers) - rated
    done = f"{rated} rated, {skipped} skipped · batch {len(history.batches)}"
    st.progress(min(rated / goal, 1.0), f"{done} · {goal} ratings make a full hunt")
    answers = {answer.iauname: answer.rating for answer in history.answers}
    batch = history.batches[-1] if history.batches else ()
    rows = tuple(map(hunt.galaxies.row, batch))
    pictures, described = _pictures(hunt.galaxies, rows, 0), _described(hunt.galaxies, rows)
    cards = [
        Card(
            iauname,
            picture,
            word(answers[iauname]) if iauname in answers else "",
            measured,
            {text: address(iauname) for text, address in _searched(hunt).items()} | links,
        )
        for iauname, picture, (measured, links) in zip(batch, pictures, described, strict=True)
    ]
    keys = st.toggle("Rate with the keyboard", value=True)
    show_rater(
        cards,
        [answer.iauname for answer in history.answers[-UNDOS:]],
        lambda iauname, rating: _try(hunt, hunt.answer, iauname, rating),
        lambda iauname: _try(hunt, hunt.undo, iauname),
        status=_status(hunt),
        poll=poll,
        keys=keys,
        key=f"rater {hunt.file.path}",
    )


def _try(hunt: Hunt, call: Callable[..., None], *arguments: object) -> None:
    """Answer, undo or change; keep the message if it fails, until a later call succeeds."""
    try:
        call(*arguments)
    except UserError as error:
        st.session_state[PROBLEM] = hunt, str(error)
    else:
        st.session_state.pop(PROBLEM, None)


def _problem(hunt: Hunt) -> str:
    """Return the error message of this hunt, not of another or of an earlier one by this name."""
    whose, problem = st.session_state.get(PROBLEM, (None, ""))
    return problem if whose is hunt else hunt.problem


def _status(hunt: Hunt) -> str:
    if hunt.learning:
        return "The next galaxies are being chosen"
    return "Every galaxy has been shown" if hunt.finished else ""


def _show_best(hunt: Hunt, learned: Learned, outdated: bool) -> None:
    """Show the galaxies with the highest ratings, given by the user or predicted by the model."""
    config = hunt.galaxies.config
    rows = hunt.ranking(learned)[: config["page"]["table"]]
    ratings = {answer.iauname: answer.rating for answer in hunt.history.rated}
    table = hunt.galaxies.table(rows, UNITS)
    table.insert(0, "rank", np.arange(1, len(rows) + 1))
    table.insert(2, "interest", np.nan if learned.says_nothing else learned.interest[rows])
    table.insert(3, "rating", table["iauname"].map(ratings).astype("Int64"))
    count = config["hunt"]["top"]
    st.header(BEST, anchor=False)
    st.caption(_about(learned, outdated))
    top = table[:count]
    show_gallery(
        list(top["iauname"]),
        _pictures(hunt.galaxies, tuple(rows[:count]), config["figures"]["neighbours"]["crop"]),
        [_caption(*row) for row in zip(top["rank"], top["rating"], top["interest"], strict=True)],
        enlarge,
        {},
        label=BEST,
        links=_searched(hunt),
    )
    st.header("Table", anchor=False)
    stem = f"{hunt.file.path.stem}-ranking"
    alt = f"The {len(rows)} most interesting galaxies"
    show_table(hunt.galaxies, table, stem=stem, measures=["interest", "rating"], alt=alt)


def _about(learned: Learned, outdated: bool) -> str:
    """Say what the list is."""
    done = f"After {len(learned.ratings)} ratings: "
    if learned.says_nothing:
        return done + (
            "all are the same, so the model knows nothing yet and predicts nothing; rate on until "
            "one differs"
        )
    later = " One was undone or changed since; the model will learn again." if outdated else ""
    return done + (
        "galaxies that you rated are ranked by your rating, all others by the rating that the "
        f"model predicts.{later} Click one to see it closer, or to change its rating."
    )


def _searched(hunt: Hunt) -> dict[str, Callable[[str], str]]:
    """Return the link to similar galaxies, if this survey can be searched for them."""
    found = hunt.galaxies.name == hunt.galaxies.config["figures"]["survey"]
    return {"find similar": similar_link} if found else {}


def _offer_change(hunt: Hunt, iauname: str) -> None:
    """Offer to change the answer for a galaxy, if it has one, and to find similar ones."""
    answers = {answer.iauname: answer.rating for answer in hunt.history.answers}
    if iauname in answers:
        with st.form(f"change {iauname}", border=False):
            choices = [*range(HIGHEST + 1), None]
            rating = st.radio(
                "Your rating",
                choices,
                choices.index(answers[iauname]),
                format_func=word,
                horizontal=True,
            )
            if st.form_submit_button("Change the rating"):
                _try(hunt, hunt.change, iauname, rating)
                close()
                st.rerun()
    for text, address in _searched(hunt).items():
        st.link_button(text.capitalize(), address(iauname))


def _caption(rank: int, rating: object, interest: float) -> str:
    if rating is not pd.NA:
        return f"{rank}: rated {rating}"
    return f"{rank}: " + (
        "no prediction yet" if np.isnan(interest) else f"predicted {interest:.1f}"
    )


def _offer_ratings(hunt: Hunt) -> None:
    """Offer all answers for download, and the ratings as labels for the workflow."""
    stem = hunt.file.path.stem
    with st.container(horizontal=True):
        for text, write, name in (
            ("Download your ratings as CSV", ratings_csv, f"{stem}-ratings.csv"),
            ("Download them as labels for the workflow", labels_csv, f"{stem}-labels.csv"),
        ):
            st.download_button(
                text,
                lambda write=write: write(hunt.history),  # as it is when this is clicked
                file_name=name,
                mime="text/csv",
                on_click="ignore",
            )


@lru_cache(64)
def _described(galaxies: Galaxies, rows: tuple[int, ...]) -> list[tuple[str, dict[str, str]]]:
    """Return what is measured of galaxies, and links to their places on the sky."""
    return [(" · ".join(facts(galaxies, row, FACTS)), links_to(galaxies, row)) for row in rows]


@lru_cache(64)
def _pictures(galaxies: Galaxies, rows: tuple[int, ...], cut: int) -> list[bytes | None]:
    """Return the pictures of galaxies, cropped by `cut` pixels on each side."""
    pictures = galaxies.thumbnails(rows)
    return [picture and middle(picture, cut) for picture in pictures] if cut else pictures
