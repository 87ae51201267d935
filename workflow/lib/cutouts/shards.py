"""Image shards: each galaxy's colour thumbnail and the grey image for the network (Sec. 2.1).

A shard is made in parts of a few galaxies, so that a killed job can resume after the last part.
"""

import logging
import os
import shutil
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from workflow.lib.common.checksums import intact
from workflow.lib.common.columns import numbers
from workflow.lib.common.errors import FetchError, UserError
from workflow.lib.common.files import atomic_path, write_text
from workflow.lib.common.images import (
    colour_image,
    from_jpeg,
    grey,
    is_jpeg,
    thumbnail_of,
    to_jpeg,
)
from workflow.lib.common.owner import orphaned
from workflow.lib.common.tables import need_columns, read_table
from workflow.lib.planning.code_hash import fingerprint

if TYPE_CHECKING:
    # Code that only reads shards, such as the figures, does not depend on how images are fetched.
    from workflow.lib.cutouts.image_sources import Source

log = logging.getLogger(__name__)

Row = dict[str, Any]
"""A galaxy in a part: iauname with thumbnail and grey, or with reason, detail and transient."""


def make_shard(
    shard_csv: str | Path,
    source: "Source",
    shard: str | Path,
    failed: str | Path,
    *,
    thumbnail_size: int,
    network_size: int,
    network_field: float,
    colour: Mapping[str, Any],
    jpeg_quality: int,
    max_missing_share: float,
    order: str = "",
    units: str | float | None = None,
    max_failed_share: float,
    chunk: int,
    parallel: int = 1,
) -> None:
    """Fetch and draw the galaxies of one shard.

    Finished parts are kept in ``{shard}.parts-{fingerprint}`` until the shard is complete. A later
    call with the same inputs resumes there, and tries again the galaxies whose failure may be
    temporary. The same inputs give the same bytes. An orphaned job leaves its parts: Snakemake does
    not know that the shard is complete, removes it, and starts the job again.

    Parameters
    ----------
    shard_csv
        The shard's galaxies: iauname, and those of ra, dec [deg] and pixel_scale [arcsec/pixel]
        that the source needs.
    source
        Where the image files come from.
    shard
        Parquet to write, in the order of `shard_csv`: iauname, thumbnail (JPEG,
        `thumbnail_size` x `thumbnail_size`), grey (`network_size` x `network_size` bytes, row by
        row). Galaxies without an image are left out.
    failed
        CSV to write: iauname, reason and detail of the galaxies left out.
    thumbnail_size, network_size
        Sides of the two images [pixel].
    network_field
        Share of the thumbnail's side that the grey image shows, around the middle.
    colour
        Keyword arguments of `images.rescale_to_rgb`.
    jpeg_quality
        Quality of the thumbnails, 1 to 95. A JPEG that already has the right size is not changed.
    max_missing_share
        Largest share of a band's pixels that may be missing.
    order, units
        The bands and unit of FITS images, as for `images.decode_image`.
    max_failed_share
        Largest share of the galaxies that may be left out.
    chunk
        Number of galaxies in a part, and in a row group of the shard.
    parallel
        Number of galaxies fetched at the same time.

    Raises
    ------
    UserError
        If more than `max_failed_share` of the galaxies have no image. The finished parts are kept.
    """
    shard, failed = Path(shard), Path(failed)
    galaxies = read_table(shard_csv, text=["iauname"])
    need_columns(galaxies, ["iauname", *source.needs], shard_csv)
    for name in source.needs:
        galaxies[name] = numbers(galaxies[name], shard_csv, galaxies["iauname"])
    drawing = {
        "thumbnail_size": thumbnail_size,
        "network_size": network_size,
        "network_field": network_field,
        "colour": dict(colour),
        "jpeg_quality": jpeg_quality,
        "max_missing_share": max_missing_share,
        "order": order,
        "units": units,
    }
    settings = [type(source).__name__, source.identity, drawing | {"chunk": chunk}]
    mark = fingerprint(settings, [shard_csv], "common.images")
    folder = shard.with_name(f"{shard.name}.parts-{mark}")
    finished = len(list(folder.glob("part-*.parquet")))
    if finished:
        log.info("resuming after %d finished parts", finished)
    make = partial(make_cutout, source=source, **drawing)
    rows = galaxies.to_dict("records")
    chunks = [rows[first : first + chunk] for first in range(0, len(rows), chunk)]
    parts = [folder / f"part-{number:05d}.parquet" for number in range(len(chunks))]
    with ThreadPoolExecutor(parallel) as pool:
        _make_parts(parts, chunks, make, pool, max_failed_share, shard_csv)
    _write_failed(parts, failed)
    shown = {
        "thumbnail_size": thumbnail_size,
        "network_size": network_size,
        "network_field": network_field,
    }
    _assemble(parts, shard, shown)
    if not orphaned():
        for leftover in shard.parent.glob(f"{shard.name}.parts-*"):
            shutil.rmtree(leftover)


def make_cutout(
    galaxy: Mapping[str, Any],
    *,
    source: "Source",
    thumbnail_size: int,
    network_size: int,
    network_field: float,
    colour: Mapping[str, Any],
    jpeg_quality: int,
    max_missing_share: float,
    order: str = "",
    units: str | float | None = None,
) -> Row:
    """Fetch and draw one galaxy; the parameters are those of `make_shard`.

    Returns
    -------
    dict
        iauname, thumbnail (JPEG) and grey (bytes); without an image iauname, reason, detail and
        transient.
    """
    iauname = galaxy["iauname"]
    try:
        _check_needs(galaxy, source.needs)
        data = source.read(galaxy)
        rgb, image = thumbnail_of(
            data,
            iauname,
            thumbnail_size=thumbnail_size,
            colour=colour,
            max_missing_share=max_missing_share,
            order=order,
            units=units,
        )
    except FetchError as error:
        return {
            "iauname": iauname,
            "reason": error.reason,
            "detail": error.detail,
            "transient": error.transient,
        }
    finished = is_jpeg(data) and image.shape == rgb.shape
    return {
        "iauname": iauname,
        "thumbnail": data if finished else to_jpeg(rgb, jpeg_quality),
        "grey": grey(rgb, network_size, network_field).tobytes(),
    }


def _check_needs(galaxy: Mapping[str, Any], needs: Sequence[str]) -> None:
    """Refuse a galaxy without a value that its source needs: it costs that galaxy, not the shard.

    The values themselves were checked when the catalogue was made.
    """
    unknown = [name for name in needs if not np.isfinite(galaxy[name])]
    if unknown:
        hint = " (it follows from petro_th50 and petro_th90)" * ("pixel_scale" in unknown)
        raise FetchError("no-value", f"{galaxy['iauname']} has no {', '.join(unknown)}{hint}")


def iter_images(
    shard: str | Path, batch: int, channels: int = 1
) -> Iterator[tuple[list[str], np.ndarray]]:
    """Stream a shard's images as the network reads them, in the shard's order, in constant memory.

    Parameters
    ----------
    shard
        Parquet file from `make_shard`.
    batch
        Number of galaxies in a batch; the last batch may be smaller.
    channels
        1 for the grey images; 3 for colour images, made from the thumbnails, which is slower.

    Yields
    ------
    iaunames : list of str
    images : numpy.ndarray
        uint8 (n, network_size, network_size, channels), read-only.
    """
    column = "grey" if channels == 1 else "thumbnail"
    # With pre-buffering the whole shard would end up in memory.
    with pq.ParquetFile(shard, pre_buffer=False) as file:
        size, field = network_frame(file.schema_arrow)
        for rows in file.iter_batches(batch, columns=["iauname", column]):
            values = rows.column(column)
            if channels == 1:
                pixels = np.frombuffer(values.buffers()[1], dtype=np.uint8)
                first, last = (
                    edge * size**2 for edge in (values.offset, values.offset + len(rows))
                )
                images = pixels[first:last].reshape(-1, size, size, 1)
            else:
                images = np.stack(
                    [colour_image(from_jpeg(jpeg.as_py()), size, field) for jpeg in values]
                )
            yield rows.column("iauname").to_pylist(), images


def network_frame(schema: pa.Schema) -> tuple[int, float]:
    """Give the side of a shard's grey images [pixel], and the share of the thumbnail they show."""
    return int(schema.metadata[b"network_size"]), float(schema.metadata[b"network_field"])


def gather_images(shards: Sequence[str | Path], images: str | Path, names: str | Path) -> None:
    """Put the grey images of all shards into one array, which training can read in any order.

    Parameters
    ----------
    shards
        Parquet files from `make_shard`.
    images
        NumPy file to write, in constant memory: uint8 (n, network_size, network_size, 1).
    names
        CSV to write: the iauname of each image.
    """
    rows = sum(pq.read_metadata(shard).num_rows for shard in shards)
    size, _ = network_frame(pq.read_schema(shards[0]))
    gathered: list[str] = []
    with atomic_path(images, rows=gathered) as temporary:
        array = create_array(temporary, (rows, size, size, 1))
        for shard in shards:
            for iaunames, pixels in iter_images(shard, 1024):
                array[len(gathered) : len(gathered) + len(iaunames)] = pixels
                gathered += iaunames
            log.info("%d of %d images", len(gathered), rows)
        array.flush()
    write_text(pd.DataFrame({"iauname": gathered}).to_csv(index=False), names)


def create_array(path: str | Path, shape: tuple[int, ...]) -> np.memmap:
    """Create a NumPy file of uint8, mapped into memory, whose space on the disk is set aside.

    Otherwise a full disk would end the process, by the signal SIGBUS and without a message.

    Raises
    ------
    OSError
        If the disk has not enough space.
    """
    array = np.lib.format.open_memmap(path, "w+", np.uint8, shape)
    with Path(path).open("r+b") as file:
        os.posix_fallocate(file.fileno(), 0, Path(path).stat().st_size)
    return array


def read_thumbnails(
    shards: Iterable[str | Path], iaunames: Collection[str]
) -> Iterator[tuple[str, np.ndarray]]:
    """Read the thumbnails of a few galaxies, and only the row groups that hold them.

    Parameters
    ----------
    shards
        Parquet files from `make_shard`.
    iaunames
        The galaxies wanted.

    Yields
    ------
    iauname : str
    thumbnail : numpy.ndarray
        uint8 (thumbnail_size, thumbnail_size, 3). Galaxies come in the shards' order; those that
        are in no shard are left out.
    """
    wanted = pa.array(sorted(set(iaunames)), pa.string())
    for shard in shards:
        with pq.ParquetFile(shard) as file:
            for group in range(file.num_row_groups):
                names = file.read_row_group(group, columns=["iauname"]).column("iauname")
                keep = pa.compute.is_in(names, wanted)
                if not pa.compute.any(keep).as_py():
                    continue
                jpegs = file.read_row_group(group, columns=["thumbnail"]).column("thumbnail")
                for name, jpeg in zip(names.filter(keep), jpegs.filter(keep), strict=True):
                    yield name.as_py(), from_jpeg(jpeg.as_py())


def _part_schema(network_size: int) -> pa.Schema:
    return pa.schema(
        {
            "iauname": pa.string(),
            "thumbnail": pa.binary(),
            "grey": pa.binary(network_size**2),
            "reason": pa.string(),
            "detail": pa.string(),
            "transient": pa.bool_(),
        }
    )


def _make_parts(
    parts: Sequence[Path],
    chunks: Sequence[Sequence[Row]],
    make: partial,
    pool: ThreadPoolExecutor,
    max_failed_share: float,
    shard_csv: str | Path,
) -> None:
    """Make all parts, one after the other; stop as soon as too many galaxies have failed."""
    total = sum(map(len, chunks))
    counts: Counter[str] = Counter()
    done, start = 0, time.monotonic()
    for number, (part, galaxies) in enumerate(zip(parts, chunks, strict=True), start=1):
        counts += Counter(_make_part(part, galaxies, make, pool))
        done += len(galaxies)
        log.info(
            "%d of %d galaxies, %d without an image, %.1f galaxies/s",
            done, total, counts.total(), done / (time.monotonic() - start),
        )  # fmt: skip
        # Checked after each part: a service that is down should not be asked for every galaxy.
        if counts.total() > max_failed_share * total:
            message = _too_many(counts, parts[:number], total, max_failed_share)
            raise UserError(f"{shard_csv}: {message}")


def _make_part(
    path: Path, galaxies: Sequence[Row], make: partial, pool: ThreadPoolExecutor
) -> list[str]:
    """Make a part, or try again the galaxies of an earlier run that failed for the time being.

    Returns the reason of each galaxy without an image.
    """
    if intact(path):
        rows = pq.read_table(path).to_pylist()
        again = [index for index, row in enumerate(rows) if row["transient"]]
    else:
        rows = [{} for _ in galaxies]
        again = list(range(len(galaxies)))
    if again:
        for index, row in zip(again, pool.map(make, [galaxies[i] for i in again]), strict=True):
            rows[index] = row
        table = pa.Table.from_pylist(rows, _part_schema(make.keywords["network_size"]))
        with atomic_path(path) as temporary:
            pq.write_table(table, temporary, compression="zstd", use_dictionary=False)
    return [row["reason"] for row in rows if row.get("reason")]


def _failures(parts: Iterable[Path]) -> Iterator[Row]:
    for part in parts:
        rows = pq.read_table(part, columns=["iauname", "reason", "detail"]).to_pylist()
        yield from (row for row in rows if row["reason"])


def _too_many(counts: Counter[str], parts: Iterable[Path], total: int, limit: float) -> str:
    reasons = ", ".join(f"{reason} {count}" for reason, count in counts.most_common())
    example = next(_failures(parts))
    return (
        f"{counts.total()} of {total} galaxies have no image, over "
        f"cutouts.max_failed_share = {limit:g} ({reasons}; for example {example['iauname']}: "
        f"{example['detail']}); put the source right and run again, or raise "
        "cutouts.max_failed_share"
    )


def _write_failed(parts: Iterable[Path], failed: Path) -> None:
    frame = pd.DataFrame(_failures(parts), columns=["iauname", "reason", "detail"])
    with atomic_path(failed) as temporary:
        frame.to_csv(temporary, index=False)


def _assemble(parts: Iterable[Path], shard: Path, shown: Mapping[str, float]) -> None:
    columns = ["iauname", "thumbnail", "grey"]
    whole = _part_schema(int(shown["network_size"]))
    metadata = {key: str(value) for key, value in shown.items()}
    schema = pa.schema([whole.field(name) for name in columns], metadata=metadata)
    with (
        atomic_path(shard) as temporary,
        # Statistics of the images would only make the file's footer larger.
        pq.ParquetWriter(
            temporary,
            schema,
            compression="zstd",
            use_dictionary=False,
            write_statistics=["iauname"],
        ) as writer,
    ):
        for part in parts:
            rows = pq.read_table(part)
            writer.write_table(rows.filter(rows["reason"].is_null()).select(columns).cast(schema))
