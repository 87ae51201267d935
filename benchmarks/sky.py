"""The simulated sky: cutouts of galaxies with all that is around them, on one core."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace as Case

import numpy as np

from benchmarks.contest import Table, contest, instead, ours
from benchmarks.galaxies import draw_sky

SIZES = {
    "full": {"galaxies": 128, "side": 424},
    "small": {"galaxies": 16, "side": 424},
    "tiny": {"galaxies": 2, "side": 64},
}


def render(case: Case) -> Callable:
    """Render as stage 0 does: discs with arms, bars and dust, neighbours, stars, noise."""
    from workflow.lib.sources.sky.render import render_cutout

    sky = draw_sky(case.galaxies, case.side)

    def turn() -> None:
        for row in sky.rows:
            render_cutout(row, row["size"], sky.instrument, seed=1)

    return turn


def galsim_scene(case: Case) -> Callable:
    """Draw a bulge and a smooth disc, and the same neighbours and stars, with GalSim."""
    import galsim

    from workflow.lib.sources.sky.camera import draw_psfs
    from workflow.lib.sources.sky.field import SkyObject, field_objects
    from workflow.lib.sources.sky.profiles import fluxes

    sky = draw_sky(case.galaxies, case.side)
    scale, rng = sky.instrument.pixel_scale, np.random.default_rng(1)
    options = galsim.GSParams(maximum_fft_size=16384)
    noises = [galsim.GaussianNoise(galsim.BaseDeviate(1), rms) for rms in sky.instrument.noise]

    def sersic(n: float, radius: float, q: float, angle: float) -> galsim.GSObject:
        # Each further index costs GalSim a table, so they are rounded, as its manual advises.
        round_one = galsim.Sersic(np.clip(round(n, 1), 0.5, 6), half_light_radius=radius)
        return round_one.shear(q=max(q, 0.1), beta=(angle + 90) * galsim.degrees)

    def objects(row: dict) -> Iterator[tuple[galsim.GSObject, np.ndarray]]:
        """Give profiles of unit flux, and their fluxes in g, r, z."""
        angle, light = row["position_angle"], fluxes(row)
        by_part = {
            part: np.array([float(flux[band]) for band in "grz"]) * row["flux_r"]
            for part, flux in light.items()
        }
        if by_part["bulge"][1] > 0:
            bulge = row["bulge_sersic"], row["bulge_radius"], row["bulge_axis_ratio"], angle
            yield sersic(*bulge), by_part["bulge"]
        if by_part["disc"][1] > 0:
            q = np.cos(np.radians(row["inclination"]))
            disc = sersic(1, 1.68 * row["disc_scale"], q, angle)
            yield disc, by_part["disc"] + by_part["bar"] + by_part["ring"]
        edge = row["size"] * scale / 2
        columns = field_objects(row, 1)
        for values in zip(*(columns[name] for name in SkyObject._fields), strict=True):
            one = SkyObject(*values)
            if max(abs(one.east), abs(one.north)) > edge:
                continue
            shape = one.sersic, one.radius, one.axis_ratio, one.position_angle
            profile = galsim.DeltaFunction() if one.star else sersic(*shape)
            magnitudes = one.mag_r + np.array([one.g_r, 0, -one.r_z])
            yield profile.shift(-one.east, one.north), 10 ** ((22.5 - magnitudes) / 2.5)

    def turn() -> None:
        for row in sky.rows:
            found = list(objects(row))
            for band, psf in enumerate(draw_psfs(sky.instrument, rng)):
                scene = galsim.Sum([profile * light[band] for profile, light in found])
                seen = galsim.Convolve(scene, psf, gsparams=options)
                image = seen.drawImage(
                    nx=row["size"], ny=row["size"], scale=scale, method="no_pixel"
                )
                image.addNoise(noises[band])

    return turn


def run(folder: Path, size: dict, turns: int) -> Iterator[Table]:
    """Compare galaxies per second of one core."""
    yield contest(
        f"Simulate the sky, thumbnails of {size['side']} pixels, one core",
        [ours(render), instead(galsim_scene, 3)], size, turns,
        items=size["galaxies"], unit="galaxies", cores=1,
    )  # fmt: skip
