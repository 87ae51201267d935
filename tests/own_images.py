"""A user's images, listed and opened as the workflow does."""

from pathlib import Path

from workflow.lib.cutouts.image_index import index_images
from workflow.lib.cutouts.image_sources import DirectorySource

COLOUR = {
    "scales": {"g": 0.008, "r": 0.014, "z": 0.019},
    "arcsinh_range": [-0.5, 300.0],
    "desaturation": 2.5,
}
"""The paper's colours."""

CUTOUTS = {"colour": COLOUR, "jpeg_quality": 90, "max_missing_share": 0.2}
"""Settings of `shards.make_shard` that tests leave as they are."""


def open_images(images: Path, shard: Path) -> DirectorySource:
    """List the images in a folder or zip, beside `shard`, and open them for its galaxies."""
    index = shard.with_name("index.parquet")
    index_images([images], index)
    return DirectorySource(index, shard)
