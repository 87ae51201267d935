"""The light of one galaxy before the atmosphere: surface brightness on the sky in g, r and z."""

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from scipy.special import gamma, i0

from workflow.lib.sources.sky.profiles import (
    EDGE_ON,
    OUTER_SCALE,
    fluxes,
    projected_axis_ratio,
    sersic_b,
    sersic_flux,
)

BANDS = "grz"
ARM_CONTRAST = (1.2, 1.0, 0.7)
"""Contrast of the arms in g, r and z relative to that in r: arms are young and blue."""
EXTINCTION = (1.3, 1.0, 0.55)
"""Optical depth of dust in g, r and z relative to that in r."""
TEXTURE_SIZE = 512
"""Side of the textures that make discs patchy [cells]."""
FAINTEST = 3e-4
"""Fainter light is not drawn: a hundredth of DECaLS' noise in a pixel [nanomaggies/arcsec^2]."""


class Galaxy:
    """Gives the surface brightness of a galaxy anywhere around it.

    Parameters
    ----------
    truth
        A row of `draw_population`.
    rng
        The random stream of the galaxy's structure: irregularities of arms, clumps, tails.
    """

    def __init__(self, truth: Mapping, rng: np.random.Generator) -> None:
        self.truth = truth
        self.rng = rng
        total = float(truth["flux_r"])
        self.flux = {
            part: np.array([float(light[band]) for band in BANDS]) * total
            for part, light in fluxes(truth).items()
        }
        self.edge_on = truth["inclination"] > EDGE_ON
        self.axis_ratio = projected_axis_ratio(truth["inclination"], truth["thickness"])
        self.scale = float(truth["disc_scale"])
        # As Python's numbers: those of NumPy would turn float32 arrays into slow float64 ones.
        self.shifts = rng.integers(0, TEXTURE_SIZE, (8, 2)).tolist()
        self.textures = rng.integers(0, 6, 8).tolist()
        self.phases = rng.uniform(0, 2 * np.pi, 8).tolist()
        self.amplitudes = rng.normal(size=8).tolist()
        self.has_disc = bool(self.flux["disc"][1] > 1e-6 * total)
        self.disturbed = truth["disturbance"] > 0.15
        tails = truth["tail_strength"] * rng.uniform(0.03, 0.09, 2) * [1, rng.random() < 0.55]
        self.tails = tails * (truth["tail_strength"] > 0.2)
        for part in self.flux:
            if part != "companion":
                self.flux[part] *= 1 - self.tails.sum()
        self.bulge_norm = self._bulge_norm() if self.disturbed else 1.0
        self.norm = self._disc_norm() if self.has_disc else None
        self.lane_norm = self._lane_norm() if truth["dust_lane"] else None

    def brightness(self, x: np.ndarray, y: np.ndarray, pixel: float) -> np.ndarray:
        """Give the light of bulge, bar, disc and ring.

        Parameters
        ----------
        x, y
            Offsets from the galaxy to the west, shape (w,), and to the north, shape (h,) [arcsec].
        pixel
            Their spacing [arcsec].

        Returns
        -------
        numpy.ndarray of float32, shape (3, h, w)
            Nanomaggies per square arcsecond in g, r, z.
        """
        light = np.zeros((3, len(y), len(x)), np.float32)
        if self.has_disc:
            rows, columns = self._box(x, y, *self._disc_reach())
            disc = self._disc(*self._grid_axes(x[columns], y[rows]))
            light[:, rows, columns] += disc * self.norm[:, None, None]
        if self.flux["bulge"][1] > 0:
            reach = max(self._bulge_reach(), 4 * pixel)
            rows, columns = self._box(x, y, reach, reach)
            bulge = self._bulge(*self._grid_axes(x[columns], y[rows]))
            self._resolve_core(bulge, x[columns], y[rows], pixel)
            for band, flux in zip(light, self.flux["bulge"], strict=True):
                band[rows, columns] += bulge * np.float32(flux)
        if self.truth["dust_lane"]:
            light *= self._lane(*self._grid_axes(x, y)) * self.lane_norm[:, None, None]
        return light

    def knots(self) -> dict[str, np.ndarray]:
        """Give small Gaussian patches of light: star-forming clumps and tidal tails.

        Returns
        -------
        dict
            `x`, `y` [arcsec to the west and north], `sigma` [arcsec], each of shape (k,), and
            `flux` [nanomaggies], of shape (k, 3).
        """
        parts = [part for part in (self._clumps(), self._tails()) if part]
        if not parts:
            return {
                "x": np.empty(0),
                "y": np.empty(0),
                "sigma": np.empty(0),
                "flux": np.empty((0, 3)),
            }
        a, b, sigma, flux = (np.concatenate(column) for column in zip(*parts, strict=True))
        x, y = self._sky(a, b)
        return {"x": x, "y": y, "sigma": sigma, "flux": flux}

    def _box(
        self, x: np.ndarray, y: np.ndarray, along: float, across: float
    ) -> tuple[slice, slice]:
        """Give the rows and columns around an ellipse with these half axes [arcsec]."""
        angle = np.radians(self.truth["position_angle"])
        width = np.hypot(along * np.sin(angle), across * np.cos(angle))
        height = np.hypot(along * np.cos(angle), across * np.sin(angle))
        rows = slice(*np.searchsorted(y, [-height, height]))
        return rows, slice(*np.searchsorted(x, [-width, width]))

    def _disc_reach(self) -> tuple[float, float]:
        """Give the half axes of the ellipse outside which the disc is too faint to draw."""
        truth = self.truth
        whole = (self.flux["disc"] + self.flux["bar"] + self.flux["ring"]).max()
        centre = whole / (2 * np.pi * self.axis_ratio * self.scale**2)
        # Arms, clouds and the light added up along an edge-on disc are brighter than the mean.
        fall = np.log(max(5 * centre / FAINTEST, 1))
        slope = 1 / OUTER_SCALE
        beyond = (fall + (slope - 1) * truth["disc_break"]) / slope
        radius = self.scale * min(fall, beyond) + 0.3 * self.scale
        radius = max(radius, 1.1 * truth["ring_radius"] + 5 * truth["ring_width"])
        lopsided = max(truth["disturbance"], 0.7 * truth["irregularity"])
        radius /= 1 - 0.5 * lopsided * (lopsided > 0.15)
        return radius, radius * max(self.axis_ratio, 0.15)

    def _bulge_reach(self) -> float:
        """Give the radius outside which the bulge is too faint to draw."""
        truth = self.truth
        n, size = truth["bulge_sersic"], truth["bulge_radius"]
        edge = self.flux["bulge"].max() / (sersic_flux(n, size) * truth["bulge_axis_ratio"])
        fall = np.log(max(edge / FAINTEST, 1))
        # The isophotes of a boxy or disturbed bulge reach a little further.
        return 1.25 * size * (1 + fall / sersic_b(n)) ** n

    def _grid_axes(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self._axes(x.astype(np.float32)[None, :], y.astype(np.float32)[:, None])

    # The position angle is measured from north to east; x points west.
    def _axes(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        angle = np.radians(self.truth["position_angle"])
        cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        return y * cosine - x * sine, x * cosine + y * sine

    def _sky(self, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        angle = np.radians(self.truth["position_angle"])
        return b * np.cos(angle) - a * np.sin(angle), a * np.cos(angle) + b * np.sin(angle)

    def _bulge(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Give a Sersic profile of unit flux."""
        truth = self.truth
        n, size = truth["bulge_sersic"], truth["bulge_radius"]
        axis_ratio, boxiness = truth["bulge_axis_ratio"], truth["boxiness"]
        radius = _superellipse(a, b / np.float32(axis_ratio), boxiness)
        if self.disturbed:
            lopsided = 0.18 * truth["disturbance"] * np.sin(np.arctan2(b, a) + self.phases[0])
            radius = radius * (1 + lopsided)
        b_n = sersic_b(n)
        total = sersic_flux(n, size) * axis_ratio * _superellipse_area(boxiness) / self.bulge_norm
        profile = np.exp(np.float32(-b_n) * ((radius / np.float32(size)) ** np.float32(1 / n) - 1))
        if self.disturbed and truth["bulge_fraction"] > 0.9:
            profile = profile * (1 + self._shells(a, b, radius / size))
        return profile / np.float32(total)

    def _resolve_core(self, bulge: np.ndarray, x: np.ndarray, y: np.ndarray, pixel: float) -> None:
        """Average the bulge over each pixel near its cusp; at pixel centres it is too bright."""
        fine = 9
        i, j = np.searchsorted(y, -2.6 * pixel), np.searchsorted(x, -2.6 * pixel)
        rows, columns = y[i : i + 6], x[j : j + 6]
        if not (len(rows) and len(columns)) or max(abs(rows[0]), abs(columns[0])) > 4 * pixel:
            return
        steps = (np.arange(fine) - (fine - 1) / 2) * pixel / fine
        fine_y, fine_x = (rows[:, None] + steps).ravel(), (columns[:, None] + steps).ravel()
        values = self._bulge(*self._grid_axes(fine_x, fine_y))
        values = values.reshape(len(rows), fine, len(columns), fine).mean(axis=(1, 3))
        bulge[i : i + 6, j : j + 6] = values

    def _shells(self, a: np.ndarray, b: np.ndarray, radius: np.ndarray) -> np.ndarray:
        angle = np.arctan2(b, a)
        shells = 0
        for k in range(3):
            edge = 1.3 + 0.9 * k + 0.3 * self.amplitudes[k]
            inside = np.exp(-np.clip(edge - radius, 0, None) / 0.35) * (radius < edge)
            shells = shells + inside * np.clip(np.cos(angle - self.phases[k + 1]), 0, 1) ** 2
        return np.float32(self.truth["disturbance"]) * shells

    def _grid(self) -> tuple[np.ndarray, np.ndarray, float]:
        """Give a grid that covers the whole galaxy, unlike a cutout: a, b and a cell's area."""
        size = self.scale if self.has_disc else self.truth["bulge_radius"]
        reach = 7 * max(size, 0.4 * self.truth["ring_radius"])
        flat = max(self.axis_ratio, 0.25) if self.edge_on else self.axis_ratio
        across = reach * (flat if self.has_disc else 1)
        steps = ((np.arange(96) + 0.5) / 48 - 1).astype(np.float32)
        return steps[None, :] * reach, steps[:, None] * across, reach * across / 48**2

    def _bulge_norm(self) -> float:
        self.bulge_norm = 1.0
        a, b, _ = self._grid()
        disturbed = self._bulge(a, b).sum()
        self.disturbed = False
        whole = self._bulge(a, b).sum()
        self.disturbed = True
        return whole / disturbed

    def _disc_norm(self) -> np.ndarray:
        a, b, cell = self._grid()
        wanted = self.flux["disc"] + self.flux["bar"] + self.flux["ring"]
        return np.float32(wanted / (self._disc(a, b).sum(axis=(1, 2)) * cell))

    def _lane_norm(self) -> np.ndarray:
        """Give the factor in each band that makes up for the light lost in the dust lane."""
        a, b, _ = self._grid()
        light = self._bulge(a, b) * np.float32(self.flux["bulge"])[:, None, None]
        if self.has_disc:
            light = light + self._disc(a, b) * self.norm[:, None, None]
        return light.sum(axis=(1, 2)) / (light * self._lane(a, b)).sum(axis=(1, 2))

    def _disc(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Give disc, bar and ring together, up to a factor in each band."""
        truth, scale = self.truth, np.float32(self.scale)
        lopsided = max(truth["disturbance"], 0.7 * truth["irregularity"])
        if lopsided > 0.15:
            a, b = self._disturbed(a, b, np.float32(lopsided))
        if self.edge_on:
            return self._edge_on_disc(a, b)
        up = b / np.float32(self.axis_ratio)
        radius = np.hypot(a, up) / scale
        angle = np.arctan2(up, a)
        beyond = np.maximum(radius - np.float32(truth["disc_break"]), 0)
        disc = np.exp(-radius - beyond * np.float32(1 / OUTER_SCALE - 1))
        if truth["irregularity"]:
            disc = np.exp(-0.5 * (radius / 1.5) ** 2) + 0.25 * disc
        log_radius = np.log(radius + np.float32(0.08))
        light = disc[None] * self._arms(radius, log_radius, angle)
        total = 2 * np.pi * self.axis_ratio * scale**2
        light *= np.float32(self.flux["disc"] / total)[:, None, None]
        if truth["bar_strength"]:
            # There is less disc around a bar.
            swept = np.exp(-((radius * scale / np.float32(truth["bar_length"])) ** 4))
            light *= 1 - np.float32(0.4 * truth["bar_strength"]) * swept
            light += self._bar(a, up)
        if truth["ring_strength"]:
            light = self._ring(light, radius * scale, log_radius, angle)
        return light

    def _arms(self, radius: np.ndarray, log_radius: np.ndarray, angle: np.ndarray) -> np.ndarray:
        truth = self.truth
        twist = np.float32(1 / np.tan(np.radians(truth["arm_pitch"]))) * truth["arm_handedness"]
        wound = angle - twist * log_radius
        lanes = self._texture(1, log_radius * 0.35, wound / (2 * np.pi))
        fine = self._texture(2, radius * 0.12, wound / (2 * np.pi) + 0.5)
        patchy = truth["flocculence"] * (0.55 * lanes + 0.35 * fine)
        if truth["irregularity"]:
            cartesian = self._texture(3, radius * np.cos(angle) / 20, radius * np.sin(angle) / 20)
            patchy = patchy + truth["irregularity"] * 0.9 * cartesian
        light = np.empty((3, *radius.shape), np.float32)
        strength = truth["arm_strength"]
        if strength > 0.01:
            m = truth["arm_count"]
            wobble = self._texture(0, log_radius * 0.25, angle / (2 * np.pi))
            broken = self._texture(6, log_radius * 0.2, angle / (2 * np.pi))
            phase = m * wound + self.phases[0] + (0.45 + 0.9 * truth["flocculence"]) * wobble
            sharpness = np.float32(truth["arm_sharpness"])
            crest = np.exp(sharpness * np.cos(phase)) / np.float32(i0(sharpness)) - 1
            start = max(truth["bar_length"] / self.scale * 0.9, 0.45)
            reach = np.clip((radius - 0.7 * start) / (0.6 * start), 0, 1)
            reach = reach * np.exp(-np.clip(radius - 2.2, 0, None) * 0.9)
            unequal = 1 + 0.15 * np.sin(angle + self.phases[1]) * self.amplitudes[0] + 0.3 * broken
            modulation = strength * reach * crest * np.clip(unequal, 0.2, 2)
            # Dust is along the inner edge of the arms.
            edge = np.exp(3 * (np.cos(phase - 0.9 * truth["arm_handedness"]) - 1))
            dust = truth["dust"] * strength * reach * edge
        else:
            modulation, dust = np.float32(0), np.float32(0)
        for band in range(3):
            contrast = ARM_CONTRAST[band]
            bright = np.maximum(1 + 0.75 * contrast * modulation, 0.12)
            light[band] = bright * np.exp(contrast * patchy - EXTINCTION[band] * dust)
        return light

    def _bar(self, a: np.ndarray, up: np.ndarray) -> np.ndarray:
        truth = self.truth
        angle = np.radians(truth["bar_angle"])
        along = a * np.float32(np.cos(angle)) + up * np.float32(np.sin(angle))
        across = up * np.float32(np.cos(angle)) - a * np.float32(np.sin(angle))
        length, width = truth["bar_length"], truth["bar_length"] * truth["bar_axis_ratio"]
        along, across = np.abs(along) / np.float32(length), np.abs(across) / np.float32(width)
        radius2 = (along**3 + across**3) ** np.float32(2 / 3)
        profile = np.clip(1 - radius2, 0, None) * np.exp(-1.2 * np.sqrt(radius2))
        total = 0.92 * length * width * self.axis_ratio
        return profile[None] * np.float32(self.flux["bar"] / total)[:, None, None]

    def _ring(
        self, light: np.ndarray, radius: np.ndarray, log_radius: np.ndarray, angle: np.ndarray
    ) -> np.ndarray:
        truth = self.truth
        centre, width = truth["ring_radius"], truth["ring_width"]
        stretched = radius * (1 + 0.05 * np.cos(2 * angle + self.phases[2]))
        offset = (stretched - np.float32(centre)) / np.float32(width)
        knots = np.exp(0.35 * self._texture(4, log_radius * 0.4, angle / (2 * np.pi)))
        ring = np.exp(-0.5 * offset**2) * knots
        gap = np.exp(-0.5 * ((stretched - 0.68 * centre) / (0.2 * centre)) ** 2)
        total = (2 * np.pi) ** 1.5 * centre * width * self.axis_ratio
        gap = 1 - np.float32(0.55 * truth["ring_strength"]) * gap
        return light * gap[None] + ring[None] * np.float32(self.flux["ring"] / total)[:, None, None]

    def _edge_on_disc(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        truth, scale = self.truth, self.scale
        height = scale * np.hypot(
            truth["thickness"] * 0.8, 0.7 * np.cos(np.radians(truth["inclination"]))
        )
        radius = np.abs(a) / np.float32(scale)
        beyond = np.maximum(radius - np.float32(truth["disc_break"]), 0)
        # An approximation, to a few per cent, of (R/h) K_1(R/h), the projected exponential disc.
        column = np.exp(-radius - beyond * 1.2) * np.sqrt(1 + np.float32(np.pi / 2) * radius)
        flare = np.float32(1 / height) / (1 + 0.12 * radius)
        layer = 1 / np.cosh(np.clip(b * flare, -30, 30)) ** 2
        patchy = self._texture(2, a / np.float32(4 * scale), b / np.float32(4 * scale))
        light = column * layer * np.exp(np.float32(0.5 * truth["flocculence"]) * patchy)
        return light[None] * np.float32(self.flux["disc"] / self.flux["disc"][1])[:, None, None]

    def _lane(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        truth = self.truth
        scale = self.scale if self.has_disc else truth["bulge_radius"]
        thickness = np.float32(scale * (0.55 * truth["thickness"] if self.has_disc else 0.12))
        warp = 0.15 * np.sin(a / np.float32(1.5 * scale) + self.phases[3])
        offset = np.float32(self.amplitudes[1] * 0.25) + warp
        across = b / thickness - offset
        patchy = np.exp(0.5 * self._texture(5, a / np.float32(3 * scale), b / np.float32(scale)))
        along = np.exp(-((a / np.float32(2.2 * scale)) ** 2))
        depth = 2.8 * truth["dust"] * np.exp(-0.5 * across**2) * along * patchy
        return np.stack([np.exp(np.float32(-extinction) * depth) for extinction in EXTINCTION])

    def _disturbed(
        self, a: np.ndarray, b: np.ndarray, strength: np.float32
    ) -> tuple[np.ndarray, np.ndarray]:
        """Shift and bend the outer isophotes, for lopsided and warped discs."""
        distance = np.hypot(a, b / np.float32(max(self.axis_ratio, 0.3))) / np.float32(self.scale)
        pull = strength * 0.35 * self.scale * distance**2 / (1 + distance)
        bend = strength * 0.10 * self.scale * distance**2 / (1 + 0.3 * distance)
        across = 0.7 * pull * np.sin(self.phases[4]) + bend * np.sin(self.phases[5])
        return (
            a + pull * np.float32(np.cos(self.phases[4])),
            b + (across * self.axis_ratio).astype(np.float32),
        )

    def _clumps(self) -> tuple[np.ndarray, ...] | None:
        truth = self.truth
        if not truth["clump_fraction"]:
            return None
        rng = self.rng
        count = 3 + rng.poisson(18 * truth["clumpiness"])
        radius = rng.gamma(2.2, 0.75, count)
        radius = np.minimum(radius, 3.2 + 0.3 * rng.random(count))
        angle = rng.uniform(0, 2 * np.pi, count)
        if truth["arm_strength"] > 0.2:
            twist = truth["arm_handedness"] / np.tan(np.radians(truth["arm_pitch"]))
            arm = 2 * np.pi * rng.integers(0, truth["arm_count"], count) / truth["arm_count"]
            angle = twist * np.log(radius + 0.08) + arm - self.phases[0] / truth["arm_count"]
            angle = angle + 0.35 / truth["arm_count"] * rng.normal(size=count)
        a = self.scale * radius * np.cos(angle)
        b = self.scale * radius * np.sin(angle) * self.axis_ratio
        weight = np.exp(0.7 * rng.normal(size=count) - 0.4 * radius)
        sigma = self.scale * rng.uniform(0.03, 0.14, count)
        flux = self.flux["clumps"] * (weight / weight.sum())[:, None]
        return a, b, sigma, flux * 10 ** (rng.normal(0, [0.06, 0, 0.06], (count, 3)))

    def _tails(self) -> tuple[np.ndarray, ...] | None:
        """Give curved tidal tails, which become wider and fainter outwards."""
        if not self.tails.any():
            return None
        rng = self.rng
        size = self.scale if self.has_disc else 0.7 * self.truth["bulge_radius"]
        squash = max(self.axis_ratio, 0.4) if self.has_disc else 1.0
        parts = [flux for part, flux in self.flux.items() if part != "companion"]
        whole = sum(parts) / (1 - self.tails.sum())
        along = np.linspace(0, 1, 40)
        start = rng.uniform(0, 2 * np.pi)
        tails = []
        for share, opposite in zip(self.tails, (0, np.pi), strict=True):
            radius = size * (1.6 + rng.uniform(2.5, 5.5) * along)
            angle = start + opposite + rng.uniform(0.8, 2.2) * along * rng.choice([-1, 1])
            weight = np.exp(0.25 * rng.normal(size=along.size) - 1.3 * along)
            a, b = radius * np.cos(angle), radius * np.sin(angle) * squash
            flux = share * whole * (weight / weight.sum())[:, None]
            tails.append((a, b, size * (0.22 + 0.30 * along), flux))
        return tuple(np.concatenate(column) for column in zip(*tails, strict=True))

    def _texture(self, index: int, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Sample cloud-like noise, of mean 0, variance 1 and period 1, at (u, v)."""
        texture = _clouds(self.textures[index])
        shift_u, shift_v = self.shifts[index]
        i = (u * np.float32(TEXTURE_SIZE) + shift_u).astype(np.int32) & (TEXTURE_SIZE - 1)
        j = (v * np.float32(TEXTURE_SIZE) + shift_v).astype(np.int32) & (TEXTURE_SIZE - 1)
        return texture.ravel().take(i * TEXTURE_SIZE + j)


def _superellipse(a: np.ndarray, b: np.ndarray, boxiness: float) -> np.ndarray:
    """Give a radius with isophotes that are boxy (`boxiness` > 0), disky (< 0) or elliptical."""
    if abs(boxiness) < 0.03:
        return np.hypot(a, b)
    power = np.float32(2 + 1.2 * boxiness)
    return (np.abs(a) ** power + np.abs(b) ** power) ** (1 / power)


def _superellipse_area(boxiness: float) -> float:
    """Give the area of a superellipse relative to that of the ellipse with the same axes."""
    if abs(boxiness) < 0.03:
        return 1.0
    power = 2 + 1.2 * boxiness
    return 4 / np.pi * gamma(1 + 1 / power) ** 2 / gamma(1 + 2 / power)


@lru_cache(maxsize=8)
def _clouds(index: int) -> np.ndarray:
    """Make one of a few fixed textures; each galaxy samples them at other places."""
    rng = np.random.default_rng(index)
    frequency = np.hypot(*np.meshgrid(*[np.fft.fftfreq(TEXTURE_SIZE, 1 / TEXTURE_SIZE)] * 2))
    amplitude = (frequency**2 + 4.0) ** -0.85 * np.exp(-((frequency / 90) ** 2))
    amplitude[0, 0] = 0
    noise = np.fft.fft2(rng.normal(size=(TEXTURE_SIZE, TEXTURE_SIZE)))
    texture = np.fft.ifft2(noise * amplitude).real
    return (texture / texture.std()).astype(np.float32)
