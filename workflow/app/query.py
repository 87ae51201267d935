"""What is typed to say which galaxy is meant: coordinates, a link or a name.

Nothing is looked up here, and of what is typed nothing is kept but numbers and a name.
"""

import re
import unicodedata
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from workflow.lib.common.errors import UserError

MAX_LENGTH = 500
"""Characters of the longest query; a link to the viewer has about 100."""

FORMS = "184.5923 14.4160, 12:18:22.2 +14:24:58, a link to the survey's viewer, or a name"

_NUMBER = r"[+-]?(?:\d+\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?|nan|inf(?:inity)?)"
_APART = r"(?:\s*[,;]\s*|\s+|(?=[+-]))"
DEGREES = re.compile(
    rf"(?:ra\s*[=:]?\s*)?({_NUMBER})(?:\s*d(?:eg)?)?{_APART}"
    rf"(?:dec\s*[=:]?\s*)?({_NUMBER})(?:\s*d(?:eg)?)?",
    re.ASCII | re.IGNORECASE,
)
_PARTS = r"(\d+)\s*[:{}\s]\s*(\d+)\s*[:m'\s]\s*(\d+\.?\d*)\s*[s\"']*"
SEXAGESIMAL = re.compile(
    _PARTS.format("h") + _APART + "([+-]?)" + _PARTS.format("d"), re.ASCII | re.IGNORECASE
)
WITHIN_NAME = re.compile(
    r".*J(\d\d)(\d\d)(\d\d(?:\.\d*)?)([+-])(\d\d)(\d\d)(\d\d(?:\.\d*)?)", re.ASCII
)
"""A name that carries coordinates, as J121822.2+142458 does."""

KEYBOARD = str.maketrans({"\u2212": "-", "\u2013": "-", "\u00b0": "d", "\u2032": "'"})
"""Signs of typeset coordinates, as a keyboard has them."""


class Position(NamedTuple):
    """A place on the sky, J2000."""

    ra: float
    """Degrees, from 0 to less than 360."""
    dec: float
    """Degrees, from -90 to 90."""


class Name(NamedTuple):
    """A name, whatever it is the name of."""

    text: str
    position: Position | None
    """The place that the name itself tells, if it does."""


def parse_query(text: str) -> Position | Name:
    """Make out which galaxy is meant.

    Parameters
    ----------
    text
        RA and Dec in degrees, or RA in hours, minutes and seconds and Dec in degrees, minutes and
        seconds; or a link with ``ra`` and ``dec`` in it, such as those of the Legacy Survey's
        viewer. All else is a name.

    Returns
    -------
    Position or Name

    Raises
    ------
    UserError
        If there is nothing, too much, or coordinates that are not on the sky. The message never
        repeats the query.
    """
    if len(text) > MAX_LENGTH:
        raise UserError(f"more than {MAX_LENGTH} characters are no query; give {FORMS}")
    text = unicodedata.normalize("NFKC", text).translate(KEYBOARD).strip()
    if not text:
        raise UserError(f"nothing to look for; give {FORMS}")
    if "://" in text or text.lower().startswith("www."):
        return _parse_link(text)
    if found := DEGREES.fullmatch(text):
        return _on_sky(*map(float, found.groups()))
    if found := SEXAGESIMAL.fullmatch(text):
        return _from_parts(found.groups())
    found = WITHIN_NAME.fullmatch(text)
    return Name(text, _from_parts(found.groups()) if found else None)


def _parse_link(link: str) -> Position:
    try:
        values = parse_qs(urlsplit(link).query)
        ra, dec = float(values["ra"][0]), float(values["dec"][0])
    except (ValueError, KeyError):
        raise UserError(
            "no ra and dec in this link; give one such as "
            "https://www.legacysurvey.org/viewer?ra=184.5923&dec=14.4160"
        ) from None
    return _on_sky(ra, dec)


def _from_parts(parts: tuple[str, ...]) -> Position:
    """Give the place of hours, minutes, seconds, a sign, degrees, minutes and seconds."""
    hours, ra_minutes, ra_seconds = map(float, parts[:3])
    degrees, dec_minutes, dec_seconds = map(float, parts[4:])
    if max(ra_minutes, ra_seconds, dec_minutes, dec_seconds) >= 60:
        raise UserError("minutes and seconds must be less than 60")
    ra = 15 * (hours + ra_minutes / 60 + ra_seconds / 3600)
    dec = degrees + dec_minutes / 60 + dec_seconds / 3600
    return _on_sky(ra, -dec if parts[3] == "-" else dec)


def _on_sky(ra: float, dec: float) -> Position:
    # Written so that what is not a number is refused too.
    if not 0 <= ra <= 360:
        raise UserError("RA must be between 0 and 360 degrees, or 0 and 24 hours")
    if not -90 <= dec <= 90:
        raise UserError("Dec must be between -90 and 90 degrees")
    return Position(ra % 360, dec)
