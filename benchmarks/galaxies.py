"""Images of simulated galaxies, for the benchmarks that read images."""

from itertools import cycle, islice
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.contest import ROOT

DRAWN = 64
"""Number of galaxies that are rendered. More are copies of them, which take as long to read."""


class Sky(NamedTuple):
    """Some galaxies of the toy's sky, and what they are drawn with."""

    rows: list[dict[str, Any]]
    """True properties, with `size`: the side of the cutout [pixel]."""
    instrument: Any
    cutouts: dict[str, Any]
    """Keyword arguments of `shards.make_shard`."""


def draw_sky(count: int, thumbnail_size: int) -> Sky:
    """Draw galaxies without defects."""
    from workflow.lib.common.images import native_size, thumbnail_pixel_scale
    from workflow.lib.planning.config import read_config
    from workflow.lib.sources.sky.population import draw_population
    from workflow.lib.sources.sky.render import Instrument

    toy = read_config([ROOT / "config/toy.yaml"])
    instrument = Instrument(**toy["surveys"]["decals"]["simulation"]["instrument"])
    cutouts = read_config([])["cutouts"] | {"thumbnail_size": thumbnail_size}
    radii = cutouts.pop("pixel_scale")
    truth = draw_population(2 * count + 20, seed=1, merging_share=0.2)
    truth = truth[(truth["missing"] == "none") & (truth["defect"] == "none")][:count]
    scales = thumbnail_pixel_scale(truth["petro_th50"], truth["petro_th90"], **radii)
    sizes = [native_size(scale, thumbnail_size, instrument.pixel_scale) for scale in scales]
    return Sky(truth.assign(size=sizes).to_dict("records"), instrument, cutouts)


def write_images(folder: Path, count: int, size: int, kind: str) -> None:
    """Write images g000000, g000001, ... as `kind`, fits or jpg, of thumbnails of `size` pixels.

    Their names are in galaxies.csv, beside the folder.
    """
    from workflow.lib.common.images import thumbnail_of, to_jpeg
    from workflow.lib.sources.sky.render import cutout_fits

    sky = draw_sky(min(count, DRAWN), size)
    files = [cutout_fits(row, row["size"], sky.instrument, seed=1) for row in sky.rows]
    if kind == "jpg":
        how = {"colour": sky.cutouts["colour"], "max_missing_share": 1}
        files = [
            to_jpeg(thumbnail_of(file, "", thumbnail_size=size, **how)[0], 90) for file in files
        ]
    folder.mkdir()
    names = [f"g{number:06d}" for number in range(count)]
    for name, file in zip(names, islice(cycle(files), count), strict=True):
        (folder / f"{name}.{kind}").write_bytes(file)
    (folder.parent / "galaxies.csv").write_text("\n".join(["iauname", *names, ""]))


def write_shard(folder: Path, size: int, network_size: int) -> Path:
    """Make the cutout shard of the images in folder/images, as stage 2 does; give its path."""
    from tests.own_images import open_images
    from workflow.lib.cutouts.shards import make_shard

    drawing = draw_sky(1, size).cutouts | {"network_size": network_size}
    shard = folder / "shard.parquet"
    source = open_images(folder / "images", folder / "galaxies.csv")
    make_shard(folder / "galaxies.csv", source, shard, folder / "failed.csv", **drawing)
    return shard


def read_grey(folder: Path, size: int) -> Any:
    """Read the JPEGs of a folder as grey images: uint8 (n, size, size, 1)."""
    import numpy as np
    from PIL import Image

    pictures = (Image.open(path).convert("L") for path in sorted(folder.glob("*.jpg")))
    return np.stack([np.asarray(picture.resize((size, size))) for picture in pictures])[..., None]
