"""A small atlas with tables of votes, and functions that make a catalogue of them."""

import json

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits

from workflow.lib.catalogue.selection import select_atlas_galaxies, select_table_galaxies
from workflow.lib.common.tables import read_table

NSA = {"flux_column": "SERSIC_NMGY", "flux_index": 4, "zero_point": 22.5}
CUTS = {"petro_theta": {"above": 3.0}, "mag_r": {"above": 14.0, "below": 17.77}}
PIXEL_SCALE = {"per_th50": 0.04, "per_th90": 0.02, "minimum": 0.1}


def flux(mag):
    return 10 ** ((22.5 - mag) / 2.5)


ATLAS = pd.DataFrame(
    [
        ("kept", 5.0, flux(16.0), 2.0, 6.0),
        ("small", 3.0, flux(16.0), 2.0, 6.0),
        ("bright", 5.0, flux(13.5), 2.0, 6.0),
        ("faint", 5.0, flux(18.0), 2.0, 6.0),
        ("no-flux", 5.0, np.nan, 2.0, 6.0),
        ("negative", 5.0, -1.0, 2.0, 6.0),
        ("unobserved", 5.0, flux(16.0), 2.0, 6.0),
        ("wrong-size", 5.0, flux(16.0), 2.0, 6.0),
        ("kept", 9.0, flux(15.0), 2.0, 6.0),
        ("no-flag", 5.0, flux(17.0), 20.0, 30.0),
        ("no-size", np.nan, flux(17.0), 20.0, 30.0),
    ],
    columns=["iauname", "petro_theta", "flux", "petro_th50", "petro_th90"],
)


def write_atlas(path):
    fluxes = np.full((len(ATLAS), 7), 1e9)
    fluxes[:, 4] = ATLAS["flux"]
    columns = [
        fits.Column("IAUNAME", "20A", array=ATLAS["iauname"].to_numpy(str)),
        fits.Column("RA", "D", array=np.arange(len(ATLAS)) + 0.5),
        fits.Column("DEC", "D", array=-np.arange(len(ATLAS)) / 4),
        fits.Column("PETRO_THETA", "E", array=ATLAS["petro_theta"]),
        fits.Column("PETRO_TH50", "E", array=ATLAS["petro_th50"]),
        fits.Column("PETRO_TH90", "E", array=ATLAS["petro_th90"]),
        fits.Column("SERSIC_NMGY", "7E", array=fluxes),
    ]
    fits.BinTableHDU.from_columns(columns).writeto(path)


@pytest.fixture
def tables(tmp_path):
    """An atlas, automated fractions, votes and rare features, as the real ones look."""
    write_atlas(tmp_path / "nsa.fits")
    observed = [name for name in ATLAS["iauname"].unique() if name != "unobserved"]
    automated = pd.DataFrame({"iauname": [*observed[::-1], "elsewhere"]})
    automated["bar_strong_fraction"] = np.linspace(0, 1, len(automated))
    automated["bar_strong_concentration"] = 7.0
    automated["redshift"] = 0.05
    automated["wrong_size_warning"] = [name == "wrong-size" for name in automated["iauname"]]
    automated.to_parquet(tmp_path / "automated.parquet")
    pd.DataFrame(
        {
            "iauname": ["kept", "small"],
            "bar_strong": [3, 1],
            "bar_total-votes": [4, 2],
            "bar_strong_fraction": [0.75, 0.5],
            "bar_strong_debiased": [0.9, 0.9],
            "bar_prediction": ["strong", "strong"],
            "redshift": [0.1, 0.1],
        }
    ).to_parquet(tmp_path / "volunteers.parquet")
    pd.DataFrame({"iauname": ["no-flag"], "rare-features_ring_fraction": [0.6]}).to_parquet(
        tmp_path / "rare_features.parquet"
    )
    return tmp_path


def select_atlas(folder, **changes):
    options = {
        **{
            name: folder / f"{name}.parquet"
            for name in ["automated", "volunteers", "rare_features"]
        },
        **NSA,
        "cuts": CUTS,
        "exclude": ["wrong_size_warning"],
        **changes,
    }
    select_atlas_galaxies(
        folder / "nsa.fits",
        **options,
        pixel_scale=PIXEL_SCALE,
        catalogue=folder / "c.parquet",
        counts=folder / "c.json",
    )
    return read_table(folder / "c.parquet"), json.loads((folder / "c.json").read_text())


def select_table(
    folder, frame, id_column="id", cuts=None, exclude=(), missing_values=(), published=None
):
    frame.to_csv(folder / "labels.csv", index=False)
    select_table_galaxies(
        folder / "labels.csv",
        id_column=id_column,
        cuts=cuts or {},
        exclude=exclude,
        missing_values=missing_values,
        published=published,
        pixel_scale=PIXEL_SCALE,
        catalogue=folder / "c.parquet",
        counts=folder / "c.json",
    )
    return read_table(folder / "c.parquet", text=["iauname"])
