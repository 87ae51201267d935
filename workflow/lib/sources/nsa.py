"""The NASA-Sloan Atlas: its columns, bands and magnitudes (paper Sec. 2.1)."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from workflow.lib.common.files import atomic_path
from workflow.lib.common.tables import read_table

NSA_COLUMNS = {
    "IAUNAME": "iauname",
    "RA": "ra",
    "DEC": "dec",
    "PETRO_THETA": "petro_theta",
    "PETRO_TH50": "petro_th50",
    "PETRO_TH90": "petro_th90",
}
"""The columns that are read from the atlas, and their names in a catalogue."""

NSA_BANDS = "FNugriz"
"""The order of the atlas's fluxes."""


def write_atlas(sky: pd.DataFrame, path: str | Path, flux_column: str, zero_point: float) -> None:
    """Write a sky in the format of the NASA-Sloan Atlas; bands that are not simulated are 0."""
    from astropy.table import Table

    table = Table({ours: sky[theirs].to_numpy() for ours, theirs in NSA_COLUMNS.items()})
    flux = np.zeros((len(sky), len(NSA_BANDS)), np.float32)
    for band in "grz":
        flux[:, NSA_BANDS.index(band)] = 10 ** ((zero_point - sky[f"mag_{band}"]) / 2.5)
    table[flux_column] = flux
    table["IAUNAME"] = sky["iauname"].to_numpy(str)
    with atomic_path(path) as temporary:
        table.write(temporary, format="fits")


def nsa_columns(flux_column: str, flux_index: int) -> list[str]:
    """Name what is read of the atlas; the flux comes last, as ``COLUMN[index]``."""
    return [*NSA_COLUMNS, f"{flux_column}[{flux_index}]"]


def read_nsa(
    path: str | Path,
    flux_column: str,
    flux_index: int,
    zero_point: float,
    missing: Sequence[float] = (),
) -> pd.DataFrame:
    """Read the NASA-Sloan Atlas (paper Sec. 2.1).

    Parameters
    ----------
    path
        The atlas, a FITS table.
    flux_column, flux_index
        Column, and index in it, of the r-band flux [nanomaggies].
    zero_point
        Magnitude of one nanomaggie.
    missing
        Numbers that mean that there is no value.

    Returns
    -------
    pandas.DataFrame
        iauname, ra, dec [deg], petro_theta, petro_th50, petro_th90 [arcsec], mag_r [mag]; mag_r
        is NaN where the flux is not a positive finite number.

    Raises
    ------
    UserError
        If the file is missing, not a FITS table or without one of these columns.
    """
    *_, flux = columns = nsa_columns(flux_column, flux_index)
    frame = read_table(path, text=["IAUNAME"], columns=columns, missing=missing)
    return (
        frame.drop(columns=flux)
        .rename(columns=NSA_COLUMNS)
        .assign(mag_r=magnitude(frame[flux].to_numpy(), zero_point))
    )


def magnitude(flux: np.ndarray, zero_point: float) -> np.ndarray:
    """Turn fluxes [nanomaggies] into magnitudes; NaN where the flux is not positive and finite."""
    flux = np.asarray(flux, dtype=np.float64)
    usable = np.isfinite(flux) & (flux > 0)
    return zero_point - 2.5 * np.log10(flux, out=np.full_like(flux, np.nan), where=usable)
