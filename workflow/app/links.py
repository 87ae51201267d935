"""Links to what others know of a galaxy; made from numbers alone."""

from urllib.parse import urlencode

SIMBAD_RADIUS = 20
"""Of the search about a galaxy [arcsec]."""

ZOOM = 14
"""Of the survey's viewer: about as much sky as a thumbnail shows."""


def viewer_link(ra: float, dec: float, layer: str) -> str:
    """Link to a place [deg] in the Legacy Survey's viewer."""
    place = {"ra": f"{ra:.6f}", "dec": f"{dec:.6f}", "layer": layer, "zoom": ZOOM}
    return f"https://www.legacysurvey.org/viewer?{urlencode(place)}"


def simbad_link(ra: float, dec: float) -> str:
    """Link to what SIMBAD knows about a place [deg]."""
    place = {
        "Coord": f"{ra:.6f} {dec:+.6f}",
        "CooFrame": "ICRS",
        "Radius": SIMBAD_RADIUS,
        "Radius.unit": "arcsec",
    }
    return f"https://simbad.cds.unistra.fr/simbad/sim-coo?{urlencode(place)}"
