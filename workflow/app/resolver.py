"""Coordinates of names that the survey itself does not know, such as `M 99`."""

import logging

from workflow.app.query import FORMS, Position
from workflow.lib.common.errors import UserError

TIMEOUT = 5
"""How long an answer may take [s]."""

log = logging.getLogger(__name__)


def resolve_name(name: str, url: str | None) -> Position:
    """Ask a name resolver for the coordinates of an object.

    Parameters
    ----------
    name
        As SIMBAD, NED or VizieR may know it.
    url
        Address of a Sesame service; None to ask nobody.

    Raises
    ------
    UserError
        If the name is not known, or the service does not answer.
    """
    unknown = f"no galaxy of this survey has this name; give {FORMS}"
    if url is None:
        raise UserError(unknown)
    # Half a second to load, for the few queries that come this far.
    from astropy.coordinates.name_resolve import (
        NameResolveError,
        get_icrs_coordinates,
        sesame_url,
    )
    from astropy.utils.data import conf

    try:
        with conf.set_temp("remote_timeout", TIMEOUT), sesame_url.set([url]):
            found = get_icrs_coordinates(name)
    except (NameResolveError, OSError, ValueError) as error:
        log.info("name resolver: %s", error)
        raise UserError(
            f"{unknown} (a name resolver was asked too: it does not know the name either, or "
            "cannot be reached)"
        ) from error
    return Position(float(found.ra.deg), float(found.dec.deg))
