"""Links to the galaxies similar to one, and to its position in other services."""

import math
from urllib.parse import urlencode

from workflow.app.survey import Galaxies

SIMBAD_RADIUS = 20
"""Radius of the search around a galaxy [arcsec]."""

ZOOM = 14
"""Zoom level of the viewer: shows about as much sky as a thumbnail."""


def viewer_link(ra: float, dec: float, layer: str) -> str:
    """Link to a position [deg] in the Legacy Survey's viewer."""
    position = {"ra": f"{ra:.6f}", "dec": f"{dec:.6f}", "layer": layer, "zoom": ZOOM}
    return f"https://www.legacysurvey.org/viewer?{urlencode(position)}"


def simbad_link(ra: float, dec: float) -> str:
    """Link to SIMBAD's objects near a position [deg]."""
    position = {
        "Coord": f"{ra:.6f} {dec:+.6f}",
        "CooFrame": "ICRS",
        "Radius": SIMBAD_RADIUS,
        "Radius.unit": "arcsec",
    }
    return f"https://simbad.cds.unistra.fr/simbad/sim-coo?{urlencode(position)}"


def links_to(galaxies: Galaxies, row: int) -> dict[str, str]:
    """Return links to a galaxy's position and their texts; none to where it is not on the sky."""
    ra, dec = float(galaxies.ra[row]), float(galaxies.dec[row])
    if galaxies.simulated or not (math.isfinite(ra) and math.isfinite(dec)):
        return {}
    layer = galaxies.config["legacysurvey"]["layer"]
    return {"Legacy Survey viewer": viewer_link(ra, dec, layer), "SIMBAD": simbad_link(ra, dec)}


def similar_link(iauname: str) -> str:
    """Link from the page of hunts to the galaxies similar to this one."""
    return f"./?{urlencode({'galaxy': iauname})}"
