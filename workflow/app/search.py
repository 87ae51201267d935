"""Find the galaxy that a query means, and the galaxies similar to it."""

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
    """From the requested position [arcsec]; 0 for a galaxy found by its name."""
    position: Position | None
    """The requested position; None for a galaxy found by its name."""


class Similar(NamedTuple):
    """Galaxies ranked by similarity, the most similar first."""

    rows: np.ndarray
    """Shape (k,), int64: rows of the survey."""
    distances: np.ndarray
    """Shape (k,), float32: by `rank_examples`, the smallest first."""


def find_galaxy(survey: Survey, text: str, name_resolver: str | None) -> Match:
    """Find the galaxy with the given name, or the one nearest on the sky to the given position.

    Parameters
    ----------
    survey
        The survey to search.
    text
        As for `query.parse_query`.
    name_resolver
        Address of a Sesame service, asked for the coordinates of names without any; None for none.

    Raises
    ------
    UserError
        If the query cannot be parsed, or no galaxy matches it.
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
    """Rank galaxies by similarity to some examples and dissimilarity to others (paper Sec. 2.4).

    Parameters
    ----------
    survey
        The survey to search.
    like, unlike
        Examples: rows of the survey, or the representation of an image, shape (d,).
    count
        Number of galaxies to find.
    whole
        Whether to compare whole representations rather than their principal components.
    metric
        One of `nearest.METRICS`.
    allowed
        Shape (n,), bool: the galaxies that may be found.
    same_within
        Galaxies nearer to an example than this on the sky are left out, since they may be the same
        galaxy listed twice [arcsec].
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
    """Return the rows of the galaxies closer than `within` [arcsec] to a galaxy on the sky."""
    ra, dec = survey.ra[row], survey.dec[row]
    # Only galaxies at about its declination: all separations would take as long as the search.
    level = np.flatnonzero(np.abs(survey.dec - dec) * 3600 <= within)
    if not len(level):
        return level
    return level[separations(survey.ra[level], survey.dec[level], ra, dec) < within]
