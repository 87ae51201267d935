"""Images of a simulated galaxy and the sky around it, as an instrument sees them."""

import math
from bisect import bisect_left
from collections.abc import Mapping
from functools import lru_cache

import galsim
import numpy as np
from astropy.io import fits
from scipy import fft
from scipy.ndimage import map_coordinates

from workflow.lib.sources.sky.camera import (
    MOFFAT_BETA,
    Instrument,
    draw_background,
    draw_noise,
    draw_psfs,
    moffat,
)
from workflow.lib.sources.sky.field import SkyObject, field_objects
from workflow.lib.sources.sky.light import BANDS, Galaxy
from workflow.lib.sources.sky.profiles import Numbers, sersic_b, sersic_flux
from workflow.lib.sources.sky.streams import stream

PADDING = 24
"""Width of the sky simulated around a cutout, whose light the seeing spreads into it [pixel]."""
GLARE = 16.5
"""Stars brighter than this magnitude have a halo and spikes."""
STAR_REACH = 10.0
"""The light of other stars reaches this far [arcsec]."""
FAR_GLARE = 14.0
"""The halo and spikes of stars brighter than this can reach a cutout from outside."""
DISC_HALF_LIGHT = 1.68
"""Half-light radius of an exponential disc, in scale lengths."""


def render_cutout(
    galaxy: Mapping,
    size: int,
    instrument: Instrument,
    seed: int,
    pixel_scale: float | None = None,
) -> np.ndarray:
    """Render the cutout of one galaxy.

    Parameters
    ----------
    galaxy
        A row of `draw_population`, as a mapping.
    size
        Width and height [pixel].
    instrument
        Sets the pixels, the seeing and the noise.
    seed
        The sky's seed. The surroundings depend only on it and the iauname; seeing and noise also
        on the instrument. They do not depend on other cutouts, their order, or the process.
    pixel_scale
        Pixel scale of the output, to which the image is interpolated [arcsec/pixel]; by default
        the instrument's.

    Returns
    -------
    numpy.ndarray of float32, shape (3, size, size)
        Nanomaggies per pixel in g, r, z. Row 0 is the southernmost, column 0 the easternmost.

    Raises
    ------
    ValueError
        If `size` or `pixel_scale` is not positive.
    """
    if size < 1 or (pixel_scale is not None and pixel_scale <= 0):
        raise ValueError(f"size and pixel scale must be positive, got {size}, {pixel_scale}")
    # NumPy scalars would turn float32 arrays into float64, and change the last digits.
    galaxy = {
        name: value.item() if isinstance(value, np.generic) else value
        for name, value in galaxy.items()
    }
    if pixel_scale is None:
        return _exposure(galaxy, size, instrument, seed)
    ratio = pixel_scale / instrument.pixel_scale
    native = _exposure(galaxy, int(np.ceil(size * ratio)) + 4, instrument, seed)
    centre = (native.shape[1] - 1) / 2
    position = (np.arange(size) - (size - 1) / 2) * ratio + centre
    grid = np.meshgrid(position, position, indexing="ij")
    bands = [map_coordinates(band, grid, order=1) for band in native]
    return np.stack(bands).astype(np.float32) * np.float32(ratio**2)


def cutout_fits(galaxy: Mapping, size: int, instrument: Instrument, seed: int) -> bytes:
    """Render a cutout as a FITS file like those of the Legacy Survey's cutout service.

    Parameters
    ----------
    galaxy, size, instrument, seed
        As for `render_cutout`.

    Returns
    -------
    bytes
        A FITS file: float32 (3, size, size) in nanomaggies, with the bands and a tangent-plane
        WCS in the header.
    """
    degrees = instrument.pixel_scale / 3600
    cards = {
        "SIMPLE": True, "BITPIX": -32, "NAXIS": 3, "NAXIS1": size, "NAXIS2": size, "NAXIS3": 3,
        "SURVEY": "SIMULATED", "VERSION": "1", "IMAGETYP": "image", "BANDS": BANDS,
        **{f"BAND{index}": band for index, band in enumerate(BANDS)},
        "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN",
        "CRVAL1": float(galaxy["ra"]), "CRVAL2": float(galaxy["dec"]),
        "CRPIX1": (size + 1) / 2, "CRPIX2": (size + 1) / 2,
        "CD1_1": -degrees, "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": degrees,
        "IMAGEW": float(size), "IMAGEH": float(size),
    }  # fmt: skip
    header = "".join(_card(*card) for card in cards.items()) + "END"
    pixels = render_cutout(galaxy, size, instrument, seed).astype(">f4").tobytes()
    return _block(header.encode("ascii"), b" ") + _block(pixels, b"\0")


@lru_cache(maxsize=256)
def _card(keyword: str, value: bool | int | float | str) -> str:
    # Remembered, since Astropy takes longer for a header than the drawing of a small galaxy.
    return str(fits.Card(keyword, value))


def _block(content: bytes, filling: bytes) -> bytes:
    """Fill up to a whole number of FITS blocks."""
    return content + filling * (-len(content) % 2880)


def _exposure(galaxy: Mapping, size: int, instrument: Instrument, seed: int) -> np.ndarray:
    name = galaxy["iauname"]
    exposure = stream(seed, name, f"exposure {instrument}")
    scale = instrument.pixel_scale
    psfs = draw_psfs(instrument, exposure)
    depth = np.exp(instrument.depth_scatter * exposure.normal())

    total = fft.next_fast_len(size + 2 * PADDING, real=True)
    offsets = (np.arange(total) - PADDING - (size - 1) / 2) * scale
    scene = np.zeros((3, total, total), np.float32)
    if galaxy["defect"] != "star":
        _add_galaxy(scene, galaxy, stream(seed, name, "structure"), offsets)
    near = _near(field_objects(galaxy, seed), offsets[-1])
    for neighbour in near:
        if not neighbour.star:
            _add_neighbour(scene, neighbour, offsets)
    scene *= np.float32(scale**2)
    image = _convolved(scene, psfs, scale, size)

    offsets = offsets[PADDING : PADDING + size]
    for star in near:
        if star.star:
            _add_star(image, star, psfs, offsets, instrument)
    if galaxy["defect"] != "none":
        _add_defect(image, galaxy, psfs, offsets, instrument, stream(seed, name, "defect"))
    image = np.minimum(image, np.float32(instrument.saturation)[:, None, None])
    image += draw_noise(image, instrument, depth, exposure)
    image += draw_background(instrument, depth, exposure).astype(np.float32)[:, None, None]
    return _with_missing(image, galaxy["missing"], exposure)


def _near(objects: Mapping[str, np.ndarray], edge: float) -> list[SkyObject]:
    """Choose the objects whose light can reach a scene that ends at `edge` [arcsec]."""
    distance = np.maximum(np.abs(objects["east"]), np.abs(objects["north"]))
    star, sersic, radius = (np.asarray(objects[name]) for name in ("star", "sersic", "radius"))
    reach = np.where(star, STAR_REACH, _reach(sersic, radius))
    near = (distance < edge + reach) | (star & (objects["mag_r"] < FAR_GLARE))
    columns = (np.asarray(objects[name])[near].tolist() for name in SkyObject._fields)
    return [SkyObject(*row) for row in zip(*columns, strict=True)]


def _reach(sersic: Numbers, radius: Numbers) -> Numbers:
    """Give the radius outside which a neighbour is too faint to draw [arcsec]."""
    return (5 + 4 * (sersic > 1)) * radius


def _convolved(
    scene: np.ndarray, psfs: list[galsim.GSObject], scale: float, size: int
) -> np.ndarray:
    """Blur the scene, and give the cutout in it, of shape (3, size, size)."""
    total = scene.shape[1]
    half = PADDING - 1
    steps = np.arange(-half, half + 1) * scale
    transform = fft.rfft2(scene)
    for band, psf in enumerate(psfs):
        # The seeing includes the pixel, so the profile is not integrated over pixels again.
        kernel = moffat(psf, steps, steps[:, None]).astype(np.float32)
        # Most rows of the kernel are 0, and need no transform.
        rows = fft.rfft(kernel / kernel.sum(), total, axis=1)
        transform[band] *= fft.fft(rows, total, axis=0)
    # The kernel's centre is not at pixel 0 but at `half`, which shifts the image.
    cutout = slice(PADDING + half, PADDING + half + size)
    rows = fft.ifft(transform, axis=1, overwrite_x=True)[:, cutout]
    return np.ascontiguousarray(fft.irfft(rows, total, axis=2)[:, :, cutout])


def _add_galaxy(
    scene: np.ndarray, truth: Mapping, rng: np.random.Generator, offsets: np.ndarray
) -> None:
    galaxy = Galaxy(truth, rng)
    pixel = offsets[1] - offsets[0]
    x, y = offsets + truth["offset_east"], offsets - truth["offset_north"]
    scene += galaxy.brightness(x, y, pixel)
    _add_knots(scene, galaxy.knots(), x, y)
    if truth["companion_fraction"]:
        angle = np.radians(truth["companion_angle"])
        west, north = -np.sin(angle), np.cos(angle)
        distance = truth["companion_separation"]
        companion = Galaxy(_companion(truth, galaxy.flux["companion"]), rng)
        beside_x, beside_y = x - distance * west, y - distance * north
        scene += companion.brightness(beside_x, beside_y, pixel)
        _add_knots(scene, companion.knots(), beside_x, beside_y)
    if truth["lensed"]:
        _add_knots(scene, _arc(truth, rng), x, y)


def _companion(truth: Mapping, flux: np.ndarray) -> dict:
    """Give the properties of the galaxy that merges with `truth`: a spheroid or a disc."""
    spheroid, bulge = truth["companion_spheroid"], truth["bulge_fraction"]
    half_light = bulge * truth["bulge_radius"] + (1 - bulge) * DISC_HALF_LIGHT * truth["disc_scale"]
    size = half_light * np.sqrt(np.clip(flux[1] / truth["flux_r"], 0.1, 1))
    return {
        **truth,
        "flux_r": flux[1],
        "bulge_fraction": 1.0 if spheroid else 0.15,
        "bulge_radius": size if spheroid else 0.2 * size,
        "bulge_axis_ratio": 1 - 0.4 * truth["companion_inclination"] / 90 if spheroid else 0.8,
        "disc_scale": size / DISC_HALF_LIGHT,
        "inclination": 0.0 if spheroid else truth["companion_inclination"],
        "position_angle": truth["companion_position_angle"],
        "companion_fraction": 0.0,
        "bar_strength": 0.0,
        "bar_fraction": 0.0,
        "ring_strength": 0.0,
        "ring_fraction": 0.0,
        "dust_lane": False,
        "lensed": False,
    }


def _arc(truth: Mapping, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Give a blue gravitational arc around an elliptical, with a counter-image."""
    radius = rng.uniform(2.0, 3.5)
    middle, length = rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 1.4)
    angle = np.append(middle + length * np.linspace(-0.5, 0.5, 24), middle + np.pi)
    weight = np.append(np.full(24, 0.8 / 24), 0.2)
    radius = np.append(np.full(24, radius), 0.7 * radius)
    flux = 0.02 * truth["flux_r"] * np.array([0.8, 1.0, 1.2])
    return {
        "x": radius * np.cos(angle),
        "y": radius * np.sin(angle),
        "sigma": np.full(25, 0.22),
        "flux": weight[:, None] * flux,
    }


def _add_knots(
    scene: np.ndarray, knots: dict[str, np.ndarray], x: np.ndarray, y: np.ndarray
) -> None:
    smallest = 0.6 * (x[1] - x[0])
    for west, north, sigma, flux in zip(
        knots["x"], knots["y"], np.maximum(knots["sigma"], smallest), knots["flux"], strict=True
    ):
        rows, columns = _patch(y, north, 4 * sigma), _patch(x, west, 4 * sigma)
        along_y = np.exp(-0.5 * ((y[rows] - north) / sigma) ** 2)
        along_x = np.exp(-0.5 * ((x[columns] - west) / sigma) ** 2)
        profile = along_y[:, None] * along_x / (2 * np.pi * sigma**2)
        scene[:, rows, columns] += flux[:, None, None] * profile


def _patch(offsets: np.ndarray, centre: float, reach: float) -> slice:
    return slice(bisect_left(offsets, centre - reach), bisect_left(offsets, centre + reach))


def _band_fluxes(source: SkyObject) -> np.ndarray:
    magnitudes = source.mag_r + np.array([source.g_r, 0.0, -source.r_z])
    return 10 ** ((22.5 - magnitudes) / 2.5)


def _add_neighbour(scene: np.ndarray, source: SkyObject, offsets: np.ndarray) -> None:
    n, size, axis_ratio = source.sersic, source.radius, source.axis_ratio
    reach = _reach(n, size)
    rows, columns = _patch(offsets, source.north, reach), _patch(offsets, -source.east, reach)
    if rows.start == rows.stop or columns.start == columns.stop:
        return
    x = (offsets[columns] + source.east).astype(np.float32)
    y = (offsets[rows][:, None] - source.north).astype(np.float32)
    angle = math.radians(source.position_angle)
    cosine, sine = math.cos(angle), math.sin(angle)
    a, b = y * cosine - x * sine, x * (cosine / axis_ratio) + y * (sine / axis_ratio)
    # Softened by a part of a pixel, so that a small source's flux does not depend on its place.
    radius = np.sqrt(a * a + b * b + np.float32(0.012)) / np.float32(size)
    b_n = sersic_b(n)
    total = sersic_flux(n, size) * axis_ratio
    profile = np.exp(b_n - b_n * (radius if n == 1 else radius ** np.float32(1 / n)))
    scene[:, rows, columns] += np.float32(_band_fluxes(source) / total)[:, None, None] * profile


def _add_star(
    image: np.ndarray,
    star: SkyObject,
    psfs: list[galsim.GSObject],
    offsets: np.ndarray,
    instrument: Instrument,
) -> None:
    flux = _band_fluxes(star) * instrument.pixel_scale**2
    for band, psf in enumerate(psfs):
        # As far out as the profile is above a fraction of the noise.
        contrast = 1 + 0.3 * flux[band] / max(instrument.noise[band], 1e-4)
        reach = 1 + 1.6 * psf.original.half_light_radius * contrast ** (0.5 / MOFFAT_BETA)
        rows, columns = _patch(offsets, star.north, reach), _patch(offsets, -star.east, reach)
        if rows.start == rows.stop or columns.start == columns.stop:
            continue
        x, y = offsets[columns] + star.east, offsets[rows][:, None] - star.north
        image[band, rows, columns] += flux[band] * moffat(psf, x, y)
    if star.mag_r < GLARE:
        _add_glare(image, star, flux, offsets, instrument)


def _add_glare(
    image: np.ndarray,
    star: SkyObject,
    flux: np.ndarray,
    offsets: np.ndarray,
    instrument: Instrument,
) -> None:
    """Add the halo, the diffraction spikes and the bleeding of a bright star."""
    x = (offsets + star.east).astype(np.float32)
    y = (offsets[:, None] - star.north).astype(np.float32)
    halo = 1 + (x * x + y * y) / 16
    halo = 0.0005 / (halo * np.sqrt(np.sqrt(halo)))
    tilt = math.radians(45 + 6 * math.sin(1e3 * star.east))
    cosine, sine = math.cos(tilt), math.sin(tilt)
    along2, across2 = (x * cosine + y * sine) ** 2, (y * cosine - x * sine) ** 2
    for p2, q2 in ((along2, across2), (across2, along2)):
        halo += 0.0012 * np.exp(q2 * (-0.5 / 0.35**2)) / (1 + p2 / 4)
    for band, light in zip(image, flux.tolist(), strict=True):
        band += light * halo
    for band, full in enumerate(instrument.saturation):
        excess = flux[band] * 0.3 / full
        if excess > 3:
            length = min(2.5 * np.sqrt(excess), 80)
            bleed = (np.abs(y) < 0.25 + 0.02 * length) & (np.abs(x) < length)
            image[band][bleed] = full


def _add_defect(
    image: np.ndarray,
    galaxy: Mapping,
    psfs: list[galsim.GSObject],
    offsets: np.ndarray,
    instrument: Instrument,
    rng: np.random.Generator,
) -> None:
    """Add the defect that `galaxy["defect"]` names."""
    x, y = offsets, offsets[:, None]
    noise = np.maximum(instrument.noise, 1e-3)
    kind = galaxy["defect"]
    if kind in ("star", "saturated"):
        bright = 10.5 if kind == "saturated" else 13.0
        east, north = rng.normal(0, 4, 2) * (kind == "saturated")
        star = SkyObject(east, north, True, bright + rng.uniform(0, 2), 0.6, 0.3)
        _add_star(image, star, psfs, offsets, instrument)
    elif kind == "satellite":
        angle = rng.uniform(0, np.pi)
        across = x * np.cos(angle) + y * np.sin(angle) - rng.normal(0, 2)
        trail = np.exp(-0.5 * (across / rng.uniform(0.45, 0.8)) ** 2)
        # A trail crosses one exposure, of one band; a satellite's glint may be in several.
        bands = np.where(rng.random(3) < 0.4, rng.uniform(20, 150, 3), 0)
        bands[rng.integers(3)] = 10 ** rng.uniform(1.0, 2.3)
        image += (bands * noise)[:, None, None].astype(np.float32) * trail.astype(np.float32)
    elif kind == "ghost":
        centre = rng.normal(0, 15, 2)
        radius = np.hypot(x - centre[0], y - centre[1]) / rng.uniform(20, 40)
        ghost = (0.4 + 0.6 * radius**4) / (1 + np.exp((radius - 1) / 0.03))
        image += (rng.uniform(1, 8, 3) * noise)[:, None, None].astype(np.float32) * ghost
    else:
        slope = rng.normal(size=2) / 30
        plane = slope[0] * x + slope[1] * y + rng.normal()
        step = rng.normal(0, 2) * (y > rng.normal(0, 8))
        image += (rng.uniform(0.5, 4, 3) * noise)[:, None, None] * (plane + step)


def _with_missing(image: np.ndarray, missing: str, rng: np.random.Generator) -> np.ndarray:
    """Set to 0 a band or a strip that no exposure covered."""
    size = image.shape[1]
    band, first, width = rng.integers(3), rng.random(), rng.uniform(0.1, 0.35)
    if missing == "band":
        image[band] = 0
    elif missing == "strip":
        start = int(first * (1 - width) * size)
        image[:, :, start : start + int(np.ceil(width * size))] = 0
    return image
