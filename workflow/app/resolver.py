"""Coordinates of objects by names that are not in the survey, such as `M 99`."""

import logging

from workflow.app.query import FORMS, Position
from workflow.lib.common.errors import UserError

TIMEOUT = 5
"""Longest wait for an answer [s]."""

log = logging.getLogger(__name__)


def resolve_name(name: str, url: str | None) -> Position:
    """Ask a name resolver for the coordinates of an object.

    Parameters
    ----------
    name
        A name that SIMBAD, NED or VizieR may know.
    url
        Address of a Sesame service; None to ask no service.

    Raises
    ------
    UserError
        If the name is not known, or the service does not answer.
    """
    unknown = f"no galaxy of this survey has this name; give {FORMS}"
    if url is None:
        raise UserError(unknown)
    # Imported here because it takes half a second, and few queries need it.
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
