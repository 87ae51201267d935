"""Parse a query for a galaxy: coordinates, a link or a name.

Nothing is looked up here. The result holds only numbers and a name.
"""

import re
import unicodedata
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from workflow.lib.common.errors import UserError

MAX_LENGTH = 500
"""Largest number of characters of a query; a link to the viewer has about 100."""

FORMS = "184.5923 14.4160, 12:18:22.2 +14:24:58, a link to the survey's viewer, or a name"

# Between two numbers there must be something that is part of neither, so a number can be taken in
# one way only, and no query of `MAX_LENGTH` takes long. (Possessive repetitions would say so too,
# but match wrongly in Python 3.11.2, that of Debian 12.)
_NUMBER = r"[+-]?(?:\d+(?:\.\d*)?(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?|nan|inf(?:inity)?)"
_UNIT = r"(?: ?d(?!ec)(?:eg)?)?"
_APART = r"(?: ?[,;] ?| |(?=[+-]))"
DEGREES = re.compile(
    rf"(?:ra ?[=:]? ?)?({_NUMBER}){_UNIT}{_APART}(?:dec ?[=:]? ?)?({_NUMBER}){_UNIT}",
    re.ASCII | re.IGNORECASE,
)
_PARTS = r"(\d+)(?: ?[:{}] ?| )(\d+)(?: ?[:m'] ?| )(\d+(?:\.\d*)?)(?: ?[s\"']+)?"
SEXAGESIMAL = re.compile(
    _PARTS.format("h") + _APART + "([+-]?) ?" + _PARTS.format("d"), re.ASCII | re.IGNORECASE
)
AFTER_J = re.compile(r"(\d\d)(\d\d)(\d\d(?:\.\d*)?)([+-])(\d\d)(\d\d)(\d\d(?:\.\d*)?)", re.ASCII)
"""What follows the J in a name that contains coordinates, such as J121822.2+142458."""

KEYBOARD = str.maketrans({"\u2212": "-", "\u2013": "-", "\u00b0": "d", "\u2032": "'"})
"""Typographic characters in coordinates, and the ASCII characters that replace them."""


class Position(NamedTuple):
    """A position on the sky, J2000."""

    ra: float
    """Degrees, from 0 to less than 360."""
    dec: float
    """Degrees, from -90 to 90."""


class Name(NamedTuple):
    """The name of an object."""

    text: str
    position: Position | None
    """The position that the name itself contains; None if it contains none."""


def parse_query(text: str) -> Position | Name:
    """Parse a query.

    Parameters
    ----------
    text
        RA and Dec in degrees, or RA in hours, minutes and seconds and Dec in degrees, minutes and
        seconds; or a link with ``ra`` and ``dec`` in it, such as those of the Legacy Survey's
        viewer. Anything else is a name.

    Returns
    -------
    Position or Name

    Raises
    ------
    UserError
        If the query is empty, too long, or has coordinates outside the sky. The message never
        repeats the query.
    """
    if len(text) > MAX_LENGTH:
        raise UserError(f"a query has at most {MAX_LENGTH} characters; give {FORMS}")
    text = unicodedata.normalize("NFKC", text).translate(KEYBOARD).strip()
    if not text:
        raise UserError(f"the query is empty; give {FORMS}")
    if "://" in text or text.lower().startswith("www."):
        return _parse_link(text)
    spaced = " ".join(text.split())
    if found := DEGREES.fullmatch(spaced):
        return _on_sky(*map(float, found.groups()))
    if found := SEXAGESIMAL.fullmatch(spaced):
        return _from_parts(found.groups())
    _, j, after = spaced.rpartition("J")
    found = AFTER_J.fullmatch(after) if j else None
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
    """Convert hours, minutes, seconds, a sign, degrees, minutes and seconds to a position."""
    hours, ra_minutes, ra_seconds = map(float, parts[:3])
    degrees, dec_minutes, dec_seconds = map(float, parts[4:])
    if max(ra_minutes, ra_seconds, dec_minutes, dec_seconds) >= 60:
        raise UserError("minutes and seconds must be less than 60")
    ra = 15 * (hours + ra_minutes / 60 + ra_seconds / 3600)
    dec = degrees + dec_minutes / 60 + dec_seconds / 3600
    return _on_sky(ra, -dec if parts[3] == "-" else dec)


def _on_sky(ra: float, dec: float) -> Position:
    # Written so that NaN is refused too.
    if not 0 <= ra <= 360:
        raise UserError("RA must be between 0 and 360 degrees, or 0 and 24 hours")
    if not -90 <= dec <= 90:
        raise UserError("Dec must be between -90 and 90 degrees")
    return Position(ra % 360, dec)
