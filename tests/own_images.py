"""A user's images, listed and opened as the workflow does."""

from pathlib import Path

from workflow.lib.cutouts.image_index import index_images
from workflow.lib.cutouts.image_sources import DirectorySource


def open_images(images: Path, shard: Path) -> DirectorySource:
    """List the images in a folder or zip, beside `shard`, and open them for its galaxies."""
    index = shard.with_name("index.parquet")
    index_images([images], index)
    return DirectorySource(index, shard)
