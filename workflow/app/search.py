"""From what is asked for to galaxies that look like it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from workflow.app.query import Position, parse_query
from workflow.app.resolver import resolve_name
from workflow.app.survey import Survey
from workflow.lib.similarity.nearest import rank_examples
from workflow.lib.similarity.sky_match import nearest_on_sky, separations


class Match(NamedTuple):
    """The galaxy of the survey that a query means."""

    row: int
    separation: float
    """From the place that was asked for [arcsec]; 0 for a galaxy called by its name."""
    position: Position | None
    """That place; None for a galaxy called by its name."""


class Similar(NamedTuple):
    """Galaxies in order of their likeness."""

    rows: np.ndarray
    """Shape (k,), int64."""
    distances: np.ndarray
    """Shape (k,), float32: distances to the one example, or scores by `rank_examples`."""


def find_galaxy(survey: Survey, text: str, name_resolver: str | None) -> Match:
    """Find the galaxy that a query means: that of the name, or the nearest one on the sky.

    Parameters
    ----------
    survey
        Where to look.
    text
        As for `query.parse_query`.
    name_resolver
        Address of a Sesame service, which is asked for names that tell no place; None for none.

    Raises
    ------
    UserError
        If the query is not understood, or leads to no galaxy.
    """
    row = survey.row(text.strip())
    if row is not None:
        return Match(row, 0.0, None)
    query = parse_query(text)
    if isinstance(query, Position):
        position = query
    else:
        position = query.position or resolve_name(query.text, name_resolver)
    return Match(*nearest_on_sky(survey.ra, survey.dec, *position), position)


def find_similar(
    survey: Survey,
    like: Sequence[int | np.ndarray],
    unlike: Sequence[int],
    count: int,
    *,
    whole: bool,
    metric: str,
    allowed: np.ndarray,
    same_within: float,
) -> Similar:
    """Rank the galaxies that are like some and unlike others (paper Sec. 2.4).

    Parameters
    ----------
    survey
        Where to look.
    like, unlike
        Examples: rows of the survey, or the representation of an image, shape (d,).
    count
        How many galaxies.
    whole
        Whether to compare whole representations rather than their principal components.
    metric
        One of `nearest.METRICS`.
    allowed
        Shape (n,), bool: the galaxies that may be found.
    same_within
        Galaxies nearer to an example than this on the sky are not found: they may be the same
        galaxy, listed twice [arcsec].
    """
    vectors = survey.vectors[whole]
    rows = [example for example in (*like, *unlike) if not isinstance(example, np.ndarray)]
    allowed = allowed.copy()
    allowed[rows] = False
    for row in rows:
        allowed[_close(survey, row, same_within)] = False
    if not allowed.any():
        return Similar(np.empty(0, np.int64), np.empty(0, np.float32))
    liked, unliked = (
        np.array([vectors[e] if not isinstance(e, np.ndarray) else e for e in examples])
        for examples in (like, unlike)
    )
    return Similar(*rank_examples(vectors, liked, unliked, count, metric=metric, allowed=allowed))


def _close(survey: Survey, row: int, within: float) -> np.ndarray:
    """Give the rows of the galaxies nearer to a galaxy than this on the sky [arcsec]."""
    ra, dec = survey.ra[row], survey.dec[row]
    # Of the few at about its declination: the separations of all take as long as the search.
    level = np.flatnonzero(np.abs(survey.dec - dec) * 3600 <= within)
    if not len(level):
        return level
    return level[separations(survey.ra[level], survey.dec[level], ra, dec) < within]
