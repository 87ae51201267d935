"""The survey that the page shows: its galaxies, catalogue, pictures and representations."""

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from workflow.app.thumbnails import Thumbnails, reading
from workflow.lib.common.checksums import check
from workflow.lib.common.columns import possible
from workflow.lib.common.errors import UserError
from workflow.lib.common.joins import map_array
from workflow.lib.network.encoder import description_path, parse_description
from workflow.lib.planning.config import read_config
from workflow.lib.planning.grid import has_network
from workflow.lib.represent.vector_files import read_representation

COLUMNS_HELD = 64
"""Number of catalogue columns that stay in memory: 2.4 MB each for 305,657 galaxies."""


class Galaxies:
    """The galaxies of a survey that have a representation, numbered by their row in it.

    Catalogue columns are read when they are first used.

    Parameters
    ----------
    config
        The whole configuration.
    name
        Name of the survey.
    iaunames
        The galaxies, in the order of the representation.

    Raises
    ------
    UserError
        If the catalogue is missing, or lacks some of these galaxies.
    """

    def __init__(self, config: Mapping[str, Any], name: str, iaunames: Sequence[str]) -> None:
        self.config, self.name, self.iaunames = config, name, iaunames
        results = Path(config["pathvars"]["results"])
        self.catalogue = catalogue_path(config, name)
        need(self.catalogue)
        self._by_name = {iauname: row for row, iauname in enumerate(iaunames)}
        self._places, self._listed = self._find_in_catalogue()
        shards = config["surveys"][name]["shards"]
        self._thumbnails = Thumbnails(results / "2_cutouts" / name, shards, self._listed)
        self.units = self._numeric_columns()
        self.column = lru_cache(COLUMNS_HELD)(self._read_column)
        self.ra, self.dec = (self._coordinate(name) for name in ("ra", "dec"))

    def __len__(self) -> int:
        return len(self.iaunames)

    def about(self) -> str:
        """Describe the galaxies in a few words."""
        galaxies = f"{len(self):,} galaxies of {self.name}"
        return f"{galaxies} · simulated galaxies" if self.simulated else galaxies

    @property
    def simulated(self) -> bool:
        """Whether the galaxies are simulated, so that nothing else is known about them."""
        return "simulation" in self.config["surveys"][self.name]

    def row(self, iauname: str) -> int | None:
        """Return the row of a galaxy; None if no galaxy has this name."""
        return self._by_name.get(iauname)

    def thumbnails(self, rows: Sequence[int]) -> list[bytes | None]:
        """Return the pictures of galaxies as JPEG files; None for a galaxy without one."""
        iaunames = [self.iaunames[row] for row in rows]
        found = self._thumbnails.read(
            list(zip(self._places[np.array(rows, int)], iaunames, strict=True))
        )
        return [found.get(iauname) for iauname in iaunames]

    def table(self, rows: Sequence[int], columns: Sequence[str]) -> pd.DataFrame:
        """Return the galaxies' iaunames and those of these columns that the catalogue has."""
        values = {name: self.column(name)[rows] for name in columns if name in self.units}
        return pd.DataFrame({"iauname": [self.iaunames[row] for row in rows], **values})

    def values(self, row: int, columns: Iterable[str]) -> dict[str, float]:
        """Return a galaxy's values in those of these columns that the catalogue has.

        Only the part of the catalogue around the galaxy is read.
        """
        names = [name for name in columns if name in self.units]
        place = int(self._places[row])
        with reading(self.catalogue), pq.ParquetFile(self.catalogue) as file:
            for group in range(file.num_row_groups):
                rows = file.metadata.row_group(group).num_rows
                if place < rows:
                    table = file.read_row_group(group, columns=names).slice(place, 1)
                    return {name: _number(table[name][0].as_py()) for name in names}
                place -= rows
        raise UserError(f"{self.catalogue}: has other galaxies than before; restart the page")

    def pixel_scale(self, row: int) -> float:
        """Return the pixel scale of a galaxy's picture [arcsec/pixel]; NaN if it is not known.

        The catalogue has the scale at which pictures are drawn. Pictures of a folder are drawn
        already: only those of Galaxy Zoo DECaLS, whose galaxies are of the NSA, have that scale.
        """
        survey = self.config["surveys"][self.name]
        if survey["images"]["source"] == "directory" and "nsa" not in survey["catalogue"]:
            return math.nan
        return self.values(row, ["pixel_scale"]).get("pixel_scale", math.nan)

    def within(self, ranges: Mapping[str, tuple[float, float]]) -> np.ndarray:
        """Return which galaxies have values within these ranges; shape (n,), bool.

        Parameters
        ----------
        ranges
            Columns, with the smallest and the largest value allowed. Missing values never pass.
        """
        passes = np.ones(len(self), bool)
        for name, (low, high) in ranges.items():
            passes &= (self.column(name) >= low) & (self.column(name) <= high)
        return passes

    def _read_column(self, name: str) -> np.ndarray:
        """Read a column of numbers, in the order of the representation."""
        with reading(self.catalogue):
            values = pq.read_table(self.catalogue, columns=[name])[name]
        if len(values) != self._listed:
            raise UserError(f"{self.catalogue}: has other galaxies than before; restart the page")
        # Numbers of 18 digits lose the last ones; `controls` does not offer them as filters.
        return values.cast(pa.float64(), safe=False).to_numpy()[self._places]

    def _coordinate(self, name: str) -> np.ndarray:
        """Return a column of coordinates; NaN if the catalogue has none."""
        if name not in self.units:
            return np.full(len(self), np.nan)
        return possible(self.column(name), name)

    def _numeric_columns(self) -> dict[str, str]:
        """Return the unit of each column of numbers; empty if it has none."""
        fields = pq.read_schema(self.catalogue)
        numbers = [f for f in fields if pa.types.is_integer(f.type) or pa.types.is_floating(f.type)]
        return {f.name: (f.metadata or {}).get(b"unit", b"").decode() for f in numbers}

    def _find_in_catalogue(self) -> tuple[np.ndarray, int]:
        """Return each galaxy's row in the catalogue, and the catalogue's number of galaxies."""
        names = pq.read_table(self.catalogue, columns=["iauname"])["iauname"]
        places = pc.index_in(pa.array(self.iaunames, names.type), names)
        if places.null_count:
            raise UserError(
                f"{self.catalogue}: does not have all galaxies of the representation; rerun"
            )
        return places.to_numpy(), len(names)


class Survey(Galaxies):
    """The survey that is searched for similar galaxies, with their representations.

    The whole representation is memory-mapped, not loaded.

    Parameters
    ----------
    config
        The whole configuration; ``figures.survey`` and ``pretraining.shown`` choose what is shown.

    Raises
    ------
    UserError
        If the workflow has not made a required file, or the files are of different galaxies.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        survey, pretraining = config["figures"]["survey"], config["pretraining"]["shown"]
        represented = represented_folder(config, survey) / pretraining
        compressed = represented / f"pca{config['similarity']['components']}.parquet"
        whole = represented / "representation.npy"
        self.compressor = compressed.with_suffix(".npz")
        self.weights = weights_path(config, pretraining)
        catalogue = catalogue_path(config, survey)
        self.given = given_representation(config, pretraining)
        encoder = [] if self.given else [self.weights]
        need(catalogue, *encoder, compressed, self.compressor, whole)
        self.encoder_label: str = parse_description(description_path(self.weights))["label"]
        iaunames, components = read_representation(compressed)
        super().__init__(config, survey, iaunames)
        self.vectors = {False: components, True: map_array(whole, iaunames)}


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def need(*paths: Path) -> None:
    """Raise `UserError` if one of these files is missing or damaged."""
    for path in paths:
        if not path.exists():
            raise UserError(f"{path}: missing; run the workflow first, as README.md says")
        check(path)


def catalogue_path(config: Mapping[str, Any], survey: str) -> Path:
    """Return the path of a survey's catalogue."""
    return Path(config["pathvars"]["results"]) / "1_catalogue" / f"{survey}.parquet"


def represented_folder(config: Mapping[str, Any], survey: str) -> Path:
    """Return the folder of a survey's representations, with a subfolder for each encoder."""
    return Path(config["pathvars"]["results"]) / "4_represent" / survey


def weights_path(config: Mapping[str, Any], pretraining: str) -> Path:
    """Return the path of an encoder's weights."""
    return Path(config["pathvars"]["results"]) / "3_pretrain" / pretraining / "encoder.weights.h5"


def given_representation(config: Mapping[str, Any], pretraining: str) -> str:
    """Return the key of the table that gives the representations; empty if an encoder does."""
    given = config["pretraining"]["weights"].get(pretraining, "")
    return "" if has_network(given) else f"pretraining.weights.{pretraining}"


@cache
def open_survey(*configfiles: str) -> Survey:
    """Read the configuration and open its survey, once for all visitors."""
    return Survey(read_config(configfiles))
