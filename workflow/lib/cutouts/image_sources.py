"""Where images come from: the survey's cutout service, a folder or zip, or the simulated sky.

A source gives the bytes of one galaxy's image file. The fetcher has no idea which source it is.
"""

import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path, PurePath
from typing import Any, Protocol

from workflow.lib.common.errors import FetchError, UserError
from workflow.lib.common.images import decode_image, native_size
from workflow.lib.common.tables import need_columns, read_table
from workflow.lib.planning.code_hash import digest
from workflow.lib.sources.http import PoliteClient

ENDINGS = (".jpg", ".jpeg", ".png", ".fits", ".fit")


class Source(Protocol):
    """What every source offers."""

    identity: dict[str, Any]
    """What determines the pixels, as JSON types: a change makes earlier images worthless."""
    needs: Sequence[str]
    """The columns of the catalogue that it reads, besides iauname."""

    def read(self, galaxy: Mapping[str, Any]) -> bytes:
        """Give the image file of a galaxy.

        Parameters
        ----------
        galaxy
            A row of the catalogue.

        Raises
        ------
        FetchError
            With the reason, if there is none.
        """


class LegacySurveySource:
    """FITS cutouts in nanomaggies from the Legacy Survey's viewer (Sec. 2.1).

    Parameters
    ----------
    client
        Makes the requests.
    url
        The service's address, such as ``https://www.legacysurvey.org/viewer/fits-cutout``.
    layer
        The data release, such as ``decals-dr5``.
    pixel_scale
        The telescope's resolution, which is asked for [arcsec/pixel].
    thumbnail_size
        Side of the thumbnail whose sky the cutout covers [pixel].
    bands
        The bands asked for, one letter each.
    largest_size
        The service silently cuts larger requests down to this [pixel]. Galaxies that need more
        are asked for at a coarser scale instead, so that they are shown whole.
    """

    needs = ("ra", "dec", "pixel_scale")

    def __init__(
        self,
        client: PoliteClient,
        *,
        url: str,
        layer: str,
        pixel_scale: float,
        thumbnail_size: int,
        bands: str = "grz",
        largest_size: int = 3000,
    ) -> None:
        self.client = client
        self.url = url
        self.layer = layer
        self.pixel_scale = pixel_scale
        self.thumbnail_size = thumbnail_size
        self.bands = bands
        self.largest_size = largest_size
        # The size asked for follows from the galaxy and the thumbnail, which the fetcher knows.
        self.identity = {
            "url": url,
            "layer": layer,
            "pixel_scale": pixel_scale,
            "bands": bands,
            "largest_size": largest_size,
        }

    def read(self, galaxy: Mapping[str, Any]) -> bytes:
        """Fetch the FITS file; one that arrives damaged is asked for again."""
        size = native_size(galaxy["pixel_scale"], self.thumbnail_size, self.pixel_scale)
        shown = min(size, self.largest_size)
        query = {
            "ra": f"{galaxy['ra']:.7f}",
            "dec": f"{galaxy['dec']:.7f}",
            "size": shown,
            "layer": self.layer,
            "pixscale": self.pixel_scale * size / shown,
            "bands": self.bands,
        }
        check = partial(decode_image, name=f"the cutout of {galaxy['iauname']}", bands=self.bands)
        return self.client.get(self.url, query, check=check)


class DirectorySource:
    """Image files named by galaxy, anywhere in a folder or in a zip.

    Parameters
    ----------
    path
        The folder or zip that holds ``{iauname}.jpg``, ``.png`` or ``.fits``.
    max_bytes
        The largest file read.

    Raises
    ------
    UserError
        If there is no such folder or zip, it holds no image, or two images of one galaxy.
    """

    needs = ()

    def __init__(self, path: str | Path, max_bytes: int = 2**28) -> None:
        self.path = Path(path)
        self.max_bytes = max_bytes
        if self.path.is_dir():
            sizes, self._open = _list_folder(self.path), partial(open, mode="rb")
        else:
            sizes, self._open = _list_zip(self.path)
        self.identity = {"path": str(path)} | ({} if self.path.is_dir() else stamp(self.path))
        self._files: dict[str, tuple[str, int]] = {}
        for file, size in sizes:
            stem, ending = PurePath(file).stem, PurePath(file).suffix
            if ending.lower() not in ENDINGS or stem.startswith("."):
                continue
            if stem in self._files:
                raise UserError(
                    f"{self.path}: two images of galaxy {stem}: {self._files[stem][0]} and {file}; "
                    "remove one"
                )
            self._files[stem] = file, size
        if not self._files:
            raise UserError(f"{self.path}: no {', '.join(ENDINGS)} file in it")

    def read(self, galaxy: Mapping[str, Any]) -> bytes:
        """Read the file. Names are only looked up, so an id with a path in it finds nothing."""
        iauname = str(galaxy["iauname"])
        # Some tables name the galaxy, some the file.
        ending = PurePath(iauname).suffix
        name = iauname.removesuffix(ending) if ending.lower() in ENDINGS else iauname
        if name not in self._files:
            raise FetchError("not-found", f"no image named {iauname} in {self.path}")
        file, size = self._files[name]
        if size > self.max_bytes:
            raise FetchError("too-large", f"{file} has {size} bytes, over {self.max_bytes}")
        try:
            with self._open(file) as stream:
                return stream.read()
        except (OSError, zipfile.BadZipFile, zlib.error) as error:
            raise FetchError("truncated", f"{file} in {self.path}: {error}") from error


class SimulatedSource:
    """FITS cutouts of the simulated sky, rendered when asked for.

    Parameters
    ----------
    truth
        The table of true properties, one galaxy a row, with `iauname`.
    instrument
        Of `sky.render.Instrument`: `pixel_scale` [arcsec/pixel], and of each band `seeing_fwhm`
        [arcsec] and `noise` [nanomaggies/pixel], such as ``{"g": 1.3, "r": 1.2, "z": 1.1}``.
    seed
        Decides the noise.
    thumbnail_size
        Side of the thumbnail whose sky the cutout covers [pixel].

    Raises
    ------
    UserError
        If the truth table is missing or has no `iauname`.
    """

    needs = ("pixel_scale",)

    def __init__(
        self,
        truth: str | Path,
        *,
        instrument: Mapping[str, Any],
        seed: int,
        thumbnail_size: int,
    ) -> None:
        # Only this source needs the renderer, and it loads a good deal.
        from workflow.lib.sources.sky.render import Instrument, cutout_fits

        frame = read_table(truth, text=["iauname"])
        need_columns(frame, ["iauname"], truth)
        self._truth = frame.set_index("iauname", drop=False)
        self._instrument = Instrument(**instrument)
        self._render: Callable[..., bytes] = cutout_fits
        self.seed = seed
        self.thumbnail_size = thumbnail_size
        self.identity = {
            "instrument": dict(instrument),
            "seed": seed,
            "renderer": digest("sources.sky.render"),
        } | stamp(truth)

    def read(self, galaxy: Mapping[str, Any]) -> bytes:
        """Render the galaxy of that name."""
        if galaxy["iauname"] not in self._truth.index:
            raise FetchError("not-found", f"no galaxy {galaxy['iauname']} in the simulated sky")
        size = native_size(galaxy["pixel_scale"], self.thumbnail_size, self._instrument.pixel_scale)
        truth = self._truth.loc[galaxy["iauname"]].to_dict()
        return self._render(truth, size, self._instrument, self.seed)


def open_source(kind: str, **options: Any) -> Source:
    """Open the source that the configuration names.

    Parameters
    ----------
    kind
        ``legacysurvey``, ``directory`` or ``simulated``.
    **options
        Of that source; for ``legacysurvey`` also those of `PoliteClient`, as `client`.
    """
    if kind == "legacysurvey":
        return LegacySurveySource(PoliteClient(**options.pop("client")), **options)
    sources = {"directory": DirectorySource, "simulated": SimulatedSource}
    if kind not in sources:
        raise UserError(f"no source of images '{kind}'; use legacysurvey, directory or simulated")
    return sources[kind](**options)


def stamp(path: str | Path) -> dict[str, int]:
    """Tell one state of a file from another without reading it."""
    status = Path(path).stat()
    return {"bytes": status.st_size, "modified_ns": status.st_mtime_ns}


def _list_folder(path: Path) -> Iterator[tuple[str, int]]:
    for file in sorted(path.rglob("*")):
        if file.is_file():
            yield str(file), file.stat().st_size


def _list_zip(path: Path) -> tuple[list[tuple[str, int]], Callable]:
    if not path.exists():
        raise UserError(f"{path}: no such folder or zip of images")
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise UserError(f"{path}: neither a folder nor a whole zip ({error})") from error
    return [(entry.filename, entry.file_size) for entry in archive.infolist()], archive.open
