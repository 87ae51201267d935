"""The index of a survey's images: which file, in which folder or zip, shows which galaxy.

It is made once, since listing a hundred thousand files takes seconds, on a cluster's shared disk
minutes: too long for each of hundreds of jobs.
"""

import json
import lzma
import os
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from workflow.lib.common.errors import UserError
from workflow.lib.common.tables import write_parquet
from workflow.lib.planning.file_stamps import list_files, stamp, stamp_of_files

ENDINGS = (".jpg", ".jpeg", ".png", ".fits", ".fit", ".fits.gz", ".fit.gz", ".fits.fz")

UNREADABLE = (OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error, lzma.LZMAError)
"""What a damaged or encrypted file in a zip raises, or one packed by an unknown method."""

IN_ZIP = ("header_offset", "compress_size", "compress_type", "flag_bits", "CRC")
"""Attributes of `zipfile.ZipInfo`, besides the size, by which an entry of a zip is read."""

SCHEMA = pa.schema(
    {
        "iauname": pa.string(),
        "archive": pa.string(),
        "entry": pa.binary(),  # the names of files need not be text
        "file_size": pa.int64(),
        **dict.fromkeys(IN_ZIP, pa.int64()),
    }
)

Image = dict[str, Any]
"""A row of the index: the columns of `SCHEMA`, those of `IN_ZIP` empty for a file in a folder."""


def index_images(archives: Sequence[str | Path], index: str | Path) -> None:
    """List the images in folders and zips, and write where each galaxy's is.

    Parameters
    ----------
    archives
        Folders and zips that hold ``{iauname}.jpg``, ``.png`` or ``.fits`` at any depth. Subfolders
        may be links.
    index
        Parquet to write, in the order of the names: iauname; archive, one of `archives`; entry, the
        file's path inside it; file_size [byte]; and for an entry of a zip the columns `IN_ZIP`. Its
        metadata has the archives and their stamps: another if any file has changed.

    Raises
    ------
    UserError
        If an archive does not exist or has no image, or if there are two images of one galaxy.
    """
    images: dict[str, Image] = {}
    stamps = {}
    for archive in map(str, archives):
        stamps[archive], shown = _list_images(archive)
        for name, entry, facts in shown:
            image = {"archive": archive, "entry": os.fsencode(entry), **facts}
            if name in images:
                both = f"{where(images[name])} and {where(image)}"
                raise UserError(f"two images of galaxy {name}: {both}; remove one")
            images[name] = image
    rows = [{"iauname": name, **image} for name, image in sorted(images.items())]
    schema = SCHEMA.with_metadata({"stamps": json.dumps(stamps)})
    write_parquet(pa.Table.from_pylist(rows, schema), index, row_group_size=2**14)


def image_names(archive: str | Path) -> set[str]:
    """Name the galaxies in a folder or zip; raises the errors of `index_images`."""
    return {name for name, *_ in _list_images(archive)[1]}


def read_index(
    index: str | Path, iaunames: Collection[str]
) -> tuple[dict[str, Image], dict[str, str]]:
    """Read the rows of a few galaxies, and only the row groups that may hold them.

    Returns
    -------
    images : dict of str to Image
        By iauname; galaxies that are not in the index are left out.
    stamps : dict of str to str
        The stamp of each archive.
    """
    wanted = pc.field("iauname").isin(pa.array(sorted(iaunames), pa.string()))
    rows = pq.read_table(index, filters=wanted).to_pylist()
    stamps = json.loads(pq.read_schema(index).metadata[b"stamps"])
    return {row["iauname"]: row for row in rows}, stamps


def read_image(image: Image) -> bytes:
    """Read the file of a row of the index; raise one of `UNREADABLE` if that fails."""
    entry = os.fsdecode(image["entry"])
    if image["header_offset"] is None:
        return Path(image["archive"], entry).read_bytes()
    info = zipfile.ZipInfo(entry)
    for name in ("file_size", *IN_ZIP):
        setattr(info, name, image[name])
    with _IndexedZip(image["archive"]) as archive:
        return archive.read(info)


def where(image: Image) -> str:
    """Say where a row's file is, for messages."""
    return f"{os.fsdecode(image['entry'])} in {image['archive']}"


def without_ending(name: str) -> str:
    """Give the name of a file without its ending, if that is one of an image file."""
    low = name.lower()
    endings = [ending for ending in ENDINGS if low.endswith(ending) and low != ending]
    return name[: len(name) - max(map(len, endings))] if endings else name


class _IndexedZip(zipfile.ZipFile):
    """A zip opened without reading the list of its entries, which takes a second for 100,000."""

    def _RealGetContents(self) -> None:
        # Were this hook of Python's zipfile renamed, zips would be read as before, only slower.
        pass


def _galaxy_of(entry: str) -> str | None:
    """Name the galaxy that a file shows; None if it is no image, or not named in Unicode."""
    # Some programs on Windows separate the folders in a zip by backslashes.
    name = PurePosixPath(entry.replace("\\", "/")).name
    stem = without_ending(name)
    other = stem == name or name.startswith(".") or stem.encode(errors="ignore").decode() != stem
    return None if other else stem


def _list_images(archive: str | Path) -> tuple[str, list[tuple[str, str, Mapping[str, int]]]]:
    """Give the stamp of a folder or zip; and galaxy, path inside it, size etc. of each image."""
    stamp, entries = _list(Path(archive))
    shown = [(_galaxy_of(entry), entry, facts) for entry, facts in entries]
    images = [(name, entry, facts) for name, entry, facts in shown if name is not None]
    if not images:
        raise UserError(f"{archive}: no {', '.join(ENDINGS)} file in it")
    return stamp, images


def _list(archive: Path) -> tuple[str, Iterator[tuple[str, Mapping[str, int]]]]:
    """Give the stamp of a folder or zip; and the path inside it, size etc. of each file."""
    if archive.is_dir():
        files = list(list_files(archive))
        return stamp_of_files(archive, files), (
            (str(Path(file).relative_to(archive)), {"file_size": status.st_size})
            for file, status in files
        )
    if not archive.exists():
        raise UserError(f"{archive}: no such folder or zip of images")
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = opened.infolist()
    except UNREADABLE as error:
        raise UserError(f"{archive}: neither a folder nor a complete zip ({error})") from error
    return stamp(archive), (
        (entry.orig_filename, {name: getattr(entry, name) for name in ("file_size", *IN_ZIP)})
        for entry in entries
    )
