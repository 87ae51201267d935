"""Parsing of queries: all forms of coordinates, links and names, and invalid input."""

import math
import resource
import subprocess
import sys

import astropy.units as u
import pytest
from astropy.coordinates import SkyCoord
from hypothesis import given
from hypothesis import strategies as st

from workflow.app.query import MAX_LENGTH, Name, Position, parse_query
from workflow.lib.common.errors import UserError

M99 = (184.5923, 14.416)
RAS = st.floats(0, 359.99)
DECS = st.floats(-90, 90)


def complaint(text):
    with pytest.raises(UserError) as caught:
        parse_query(text)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    "text",
    [
        "184.5923 14.416",
        " 184.5923,14.416 ",
        "184.5923;+14.416",
        "184.5923+14.416",
        "184.5923d 14.416d",
        "184.5923° +14.416°",
        "184.5923 deg, 14.416 deg",
        "RA=184.5923 Dec=14.416",
        "ra: 184.5923, dec: 14.416",
        "ra 184.5923 dec 14.416",
        "184.5923 \t\n  14.416",
        "\uff11\uff18\uff14.5923 14.416",  # as wide as Chinese characters
        "12:18:22.152 +14:24:57.6",
        "12 18 22.152 14 24 57.6",
        "12h18m22.152s +14d24m57.6s",
        "12h 18m 22.152s, 14° 24\u2032 57.6\u2033",
        "12:18:22.152+14:24:57.6",
        "https://www.legacysurvey.org/viewer?ra=184.5923&dec=14.4160&layer=ls-dr9&zoom=14",
        "http://legacysurvey.org/viewer/?layer=decals-dr5&dec=14.4160&ra=184.5923#M99",
        "www.legacysurvey.org/viewer?ra=184.5923&dec=14.4160",
    ],
)
def test_all_forms_of_a_position_give_the_same_coordinates(text):
    assert parse_query(text) == pytest.approx(M99, abs=1e-9)


@given(ra=RAS, dec=DECS)
def test_degrees_are_parsed_exactly(ra, dec):
    for text in [f"{ra!r} {dec!r}", f"{ra!r},{dec:+}", f"https://a.example/?ra={ra!r}&dec={dec!r}"]:
        assert parse_query(text) == Position(ra, dec)


@given(ra=RAS, dec=DECS, separator=st.sampled_from([":", " ", "hmsdms"]))
def test_sexagesimal_coordinates_written_by_astropy_are_parsed(ra, dec, separator):
    written = SkyCoord(ra * u.deg, dec * u.deg)
    style = {} if separator == "hmsdms" else {"sep": separator}
    found = parse_query(written.to_string("hmsdms", precision=6, **style))
    apart = written.separation(SkyCoord(*found, unit="deg"))
    assert apart.arcsec < 1e-4


@given(ra=RAS, dec=DECS)
def test_a_name_with_coordinates_gives_their_position(ra, dec):
    written = SkyCoord(ra * u.deg, dec * u.deg)
    name = "J" + written.to_string("hmsdms", sep="", precision=2).replace(" ", "")
    for text in [name, f"SDSS {name}"]:
        found = parse_query(text)
        assert found.text == text
        assert written.separation(SkyCoord(*found.position, unit="deg")).arcsec < 0.1


def test_a_declination_between_minus_one_and_zero_degrees_keeps_its_sign():
    assert parse_query("00:00:00 -00:30:00") == Position(0, -0.5)


def test_a_right_ascension_of_360_degrees_is_0():
    assert parse_query("360 0") == Position(0, 0)


@pytest.mark.parametrize(
    "text", ["M 99", "NGC 4254", "100008", "12 34 56", "J1218", "a-b", "..", "1:2"]
)
def test_anything_else_is_a_name(text):
    assert parse_query(text) == Name(text, None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the query is empty"),
        (" \t\n", "the query is empty"),
        ("1" * (MAX_LENGTH + 1), f"at most {MAX_LENGTH} characters"),
        ("361 0", "RA"),
        ("-1 0", "RA"),
        ("0 91", "Dec"),
        ("nan nan", "RA"),
        ("0 NaN", "Dec"),
        ("inf -inf", "RA"),
        ("1e308 1e308", "RA"),
        ("1e999 0", "RA"),
        ("24:00:01 +00:00:00", "RA"),
        ("12:60:00 +00:00:00", "60"),
        ("12:00:00 +90:00:01", "Dec"),
        ("J126000.0+000000.0", "60"),
        ("https://www.legacysurvey.org/viewer", "no ra and dec"),
        ("https://www.legacysurvey.org/viewer?ra=1", "no ra and dec"),
        ("https://www.legacysurvey.org/viewer?ra=<b>&dec=1", "no ra and dec"),
        ("https://www.legacysurvey.org/viewer?ra=nan&dec=nan", "RA"),
        ("http://[broken", "no ra and dec"),
    ],
)
def test_an_invalid_query_gives_a_one_line_error(text, message):
    assert message in complaint(text)


@given(st.text(max_size=2 * MAX_LENGTH))
def test_any_text_gives_a_position_a_name_or_an_error_that_does_not_repeat_it(text):
    try:
        found = parse_query(text)
    except UserError as error:
        assert "<" not in str(error)
        return
    if isinstance(found, Position):
        assert 0 <= found.ra < 360
        assert -90 <= found.dec <= 90
    else:
        assert found.text


@given(
    st.lists(
        st.sampled_from(
            ["1", "12.5", "-", "+", ":", " ", "e9", "nan", "h", "d", "J", ",", "?ra=", "http://"]
        )
    )
)
def test_fragments_of_coordinates_never_give_a_position_outside_the_sky(scraps):
    try:
        found = parse_query("".join(scraps))
    except UserError:
        return
    position = found if isinstance(found, Position) else found.position
    assert position is None or all(map(math.isfinite, position))


SLOW = [
    "1" * MAX_LENGTH,
    "1 " * (MAX_LENGTH // 2),
    "1" + " " * (MAX_LENGTH - 2) + "x",
    "1:" + " " * 100 + "1" + " " * 100 + "1 1" + " " * 100 + "1" + " " * 100 + "1x",
    "1" * 80 + " " + "1" * 80 + " " + "1" * 80 + "+" + "1" * 80 + " " + "1" * 80 + ":1x",
    "1 1 1" + "s" * 200 + "'" * 200 + "x",
    "J12" * (MAX_LENGTH // 3),
    "ra" + " " * 200 + "=" + " " * 200 + "1",
    "e1" * (MAX_LENGTH // 2),
]


def test_the_longest_queries_cost_next_to_nothing():
    code = "import sys; from workflow.app.query import parse_query\n"
    code += "for text in eval(sys.argv[1]):\n"
    code += "    for end in range(0, len(text), 5):\n"
    code += "        try: parse_query(text[end:])\n"
    code += "        except Exception as error: assert type(error).__name__ == 'UserError'\n"
    # The old patterns took hours of it.
    limit = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_CPU, (20, 20))}
    done = subprocess.run([sys.executable, "-c", code, repr(SLOW)], check=False, **limit)
    assert done.returncode == 0
