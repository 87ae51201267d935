"""A map of the survey's galaxies on the sky."""

from io import BytesIO

import numpy as np

from workflow.app.query import Position

CELL = 2
"""Side of a cell of the map [deg]."""


def draw_sky_map(ra: np.ndarray, dec: np.ndarray, asked: Position, matched: Position) -> bytes:
    """Draw the survey's galaxies, the requested position, and the galaxy nearest to it.

    Parameters
    ----------
    ra, dec
        Shape (n,): coordinates of the galaxies [deg].
    asked, matched
        The requested position, and that of the nearest galaxy.

    Returns
    -------
    bytes
        A PNG.
    """
    # Imported here because it is slow to load, and the map is seldom drawn.
    from matplotlib.figure import Figure

    edges = np.arange(0, 360 + CELL, CELL), np.arange(-90, 90 + CELL, CELL)
    counts, *_ = np.histogram2d(ra, dec, edges)
    figure = Figure(figsize=(8, 4.2), layout="constrained", dpi=120)
    axes = figure.add_subplot()
    depth = np.where(counts > 0, np.log10(counts + 1), np.nan).T
    axes.pcolormesh(*edges, depth, cmap="Blues", vmin=-1)
    axes.plot(*asked, "X", color="#b00020", ms=11, mec="white", label="requested position")
    axes.plot(*matched, "o", color="none", ms=11, mec="black", mew=2, label="nearest galaxy")
    axes.set(xlim=(360, 0), ylim=(-90, 90), xlabel="RA [deg]", ylabel="Dec [deg]")
    axes.set_xticks(range(0, 361, 60))
    axes.set_yticks(range(-90, 91, 30))
    axes.grid(color="0.85", lw=0.5)
    axes.set_axisbelow(True)
    axes.legend(loc="lower left", framealpha=0.9)
    buffer = BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
