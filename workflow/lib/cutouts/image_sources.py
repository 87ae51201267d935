"""Sources of images: the survey's cutout service, folders and zips, or the simulated sky.

A source gives the bytes of one galaxy's image file. `shards` treats all sources alike.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from workflow.lib.common.errors import FetchError, UserError, first_line
from workflow.lib.common.images import decode_image, native_size
from workflow.lib.common.tables import need_columns, read_table
from workflow.lib.cutouts.image_index import (
    UNREADABLE,
    read_image,
    read_index,
    where,
    without_ending,
)
from workflow.lib.planning.code_hash import digest
from workflow.lib.planning.file_stamps import stamp
from workflow.lib.sources.http import PoliteClient


class Source(Protocol):
    """What all sources offer."""

    identity: dict[str, Any]
    """All that determines the pixels, as JSON types: if it changes, images are fetched again."""
    needs: Sequence[str]
    """The columns of the catalogue that the source reads, besides iauname."""

    def read(self, galaxy: Mapping[str, Any]) -> bytes:
        """Give the image file of a galaxy.

        Parameters
        ----------
        galaxy
            A row of the catalogue.

        Raises
        ------
        FetchError
            If there is none, with the reason.
        """


@dataclass(eq=False)
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
        The telescope's pixel scale, at which cutouts are requested [arcsec/pixel].
    thumbnail_size
        Side of the thumbnail [pixel]; the cutout covers the same sky.
    bands
        The bands to request, one letter each.
    largest_size
        Side of the largest image to request, at most 3000, to which the service crops without
        notice [pixel]. Larger galaxies are requested at a coarser scale, and so shown whole.
    """

    needs = ("ra", "dec", "pixel_scale")

    client: PoliteClient
    _: KW_ONLY
    url: str
    layer: str
    pixel_scale: float
    thumbnail_size: int
    largest_size: int
    bands: str = "grz"

    @property
    def identity(self) -> dict[str, Any]:
        """All that determines the pixels, except the size, which follows from the thumbnail's."""
        return {
            "url": self.url,
            "layer": self.layer,
            "pixel_scale": self.pixel_scale,
            "bands": self.bands,
            "largest_size": self.largest_size,
        }

    def read(self, galaxy: Mapping[str, Any]) -> bytes:
        """Fetch the FITS file; if it arrives damaged, it is requested again."""
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
    """Image files in folders and zips, named after their galaxies.

    Parameters
    ----------
    index
        Where the files are, from `index_images`.
    shard
        The table of the galaxies that will be asked for, with `iauname`.
    max_bytes
        Size of the largest file that is read.
    """

    needs = ()

    def __init__(self, index: str | Path, shard: str | Path, max_bytes: int = 2**28) -> None:
        self.max_bytes = max_bytes
        asked = read_table(shard, text=["iauname"], columns=["iauname"])["iauname"]
        self._images, stamps = read_index(index, {*asked, *map(without_ending, asked)})
        self.identity = {"stamps": stamps}

    def read(self, galaxy: Mapping[str, Any]) -> bytes:
        """Read the galaxy's file. An iauname that contains a path finds no file."""
        iauname = str(galaxy["iauname"])
        # Some tables give the galaxy's name, others the file's; a name can end as a file's does.
        names = {iauname, without_ending(iauname)} & self._images.keys()
        if not names:
            archives = ", ".join(self.identity["stamps"])
            raise FetchError("not-found", f"no image named {iauname} in {archives}")
        if len(names) > 1:
            both = " and ".join(where(self._images[name]) for name in sorted(names))
            raise FetchError("unreadable", f"{iauname} can be {both}; rename one of them")
        image = self._images[names.pop()]
        if image["file_size"] > self.max_bytes:
            size = f"{image['file_size']} bytes, over {self.max_bytes}"
            raise FetchError("too-large", f"{where(image)} has {size}")
        try:
            return read_image(image)
        except UNREADABLE as error:
            reason = "unreadable" if isinstance(error, RuntimeError) else "truncated"
            raise FetchError(reason, f"{where(image)}: {_in_words(error)}") from error


class SimulatedSource:
    """FITS cutouts of the simulated sky, rendered on request.

    Parameters
    ----------
    truth
        The table of true properties: one row for each galaxy, with `iauname`.
    instrument
        The arguments of `sky.render.Instrument`, such as `pixel_scale` [arcsec/pixel] and, for g,
        r and z, `seeing_fwhm` [arcsec] and `noise` [nanomaggies/pixel].
    seed
        The sky's seed: it determines the surroundings of the galaxy and the noise.
    thumbnail_size
        Side of the thumbnail [pixel]; the cutout covers the same sky.

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
        # Only this source needs the renderer, which is slow to import.
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
            "stamp": stamp(truth),
        }

    def read(self, galaxy: Mapping[str, Any]) -> bytes:
        """Render the galaxy of that name."""
        if galaxy["iauname"] not in self._truth.index:
            raise FetchError("not-found", f"no galaxy {galaxy['iauname']} in the simulated sky")
        size = native_size(galaxy["pixel_scale"], self.thumbnail_size, self._instrument.pixel_scale)
        truth = self._truth.loc[galaxy["iauname"]].to_dict()
        return self._render(truth, size, self._instrument, self.seed)


SOURCES: dict[str, type[Source]] = {
    "legacysurvey": LegacySurveySource,
    "directory": DirectorySource,
    "simulated": SimulatedSource,
}
"""By the name in the configuration, `surveys.<name>.images.source`."""


def open_source(kind: str, **options: Any) -> Source:
    """Open the source that the configuration names.

    Parameters
    ----------
    kind
        ``legacysurvey``, ``directory`` or ``simulated``.
    **options
        Arguments of that source; for ``legacysurvey``, `client` holds those of `PoliteClient`.
    """
    if kind == "legacysurvey":
        return LegacySurveySource(PoliteClient(**options.pop("client")), **options)
    if kind not in SOURCES:
        raise UserError(f"no source of images '{kind}'; use legacysurvey, directory or simulated")
    return SOURCES[kind](**options)


def _in_words(error: Exception) -> str:
    if isinstance(error, NotImplementedError):
        return f"{error}; unpack the zip, and name the folder instead"
    if isinstance(error, RuntimeError):  # Python's message has the password's option
        return "it is encrypted; unpack the zip, and name the folder instead"
    return first_line(error)
