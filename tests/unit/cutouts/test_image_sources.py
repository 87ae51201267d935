"""Each source gives the bytes of one galaxy's image, or a reason."""

import os
import zipfile
from dataclasses import asdict
from io import BytesIO
from types import SimpleNamespace

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image

from tests.cutout_service import CutoutService, cutout_fits
from tests.instruments import DECALS
from workflow.lib.common.errors import FetchError, UserError
from workflow.lib.common.images import decode_image
from workflow.lib.cutouts.image_sources import DirectorySource, SimulatedSource, open_source
from workflow.lib.sources.sky.population import draw_population


def jpeg(seed: int = 0) -> bytes:
    rgb = np.random.default_rng(seed).integers(0, 255, (20, 20, 3), np.uint8)
    buffer = BytesIO()
    Image.fromarray(rgb).save(buffer, format="JPEG")
    return buffer.getvalue()


def galaxy(iauname: str, **values) -> dict:
    return {"iauname": iauname, "ra": 10.0, "dec": -1.5, "pixel_scale": 0.2} | values


# The survey's service


@pytest.fixture
def service():
    with CutoutService() as service:
        yield service


def survey(service, **options):
    client = {"user_agent": "test", "attempts": 3, "sleep": lambda seconds: None}
    values = {"url": service.url, "layer": "decals-dr5", "pixel_scale": 0.262, "largest_size": 512}
    return open_source("legacysurvey", client=client, thumbnail_size=424, **values | options)


def test_cutouts_are_requested_at_native_resolution(service):
    data = survey(service).read(galaxy("J1"))
    assert decode_image(data, "J1").shape == (3, 324, 324)
    assert service.requests[0]["query"] == {
        "ra": "10.0000000",
        "dec": "-1.5000000",
        "size": "324",
        "layer": "decals-dr5",
        "pixscale": "0.262",
        "bands": "grz",
    }


def test_a_galaxy_too_large_for_the_service_is_shown_whole_at_a_coarser_scale(service):
    survey(service, largest_size=100).read(galaxy("J1"))
    query = service.requests[0]["query"]
    assert query["size"] == "100"
    assert float(query["pixscale"]) * 100 == pytest.approx(324 * 0.262)


def test_a_damaged_cutout_is_fetched_again(service):
    service.faults["10.0000000"] = ["cut-file", "html"]
    assert decode_image(survey(service).read(galaxy("J1")), "J1").shape == (3, 324, 324)
    service.faults["10.0000000"] = ["missing-band"]
    with pytest.raises(FetchError, match="missing-band: the cutout of J1"):
        survey(service).read(galaxy("J1"))


# A folder or zip


@pytest.fixture(params=["folder", "zip"])
def store(request, tmp_path):
    """Write files to a folder or zip, and open it."""

    def write(files: dict[str, bytes], **options):
        if request.param == "zip":
            path = tmp_path / "images.zip"
            with zipfile.ZipFile(path, "w") as archive:
                for name, data in files.items():
                    archive.writestr(name, data)
        else:
            path = tmp_path / "images"
            path.mkdir()
            for name, data in files.items():
                (path / name).parent.mkdir(parents=True, exist_ok=True)
                (path / name).write_bytes(data)
        return open_source("directory", path=path, **options)

    return write


def test_images_are_found_by_name_at_any_depth(store):
    files = {
        "007.jpg": jpeg(1),
        "deep/er/J002658.19-014709.9.JPG": jpeg(2),
        "a.fits": cutout_fits(),
        "__MACOSX/._007.jpg": b"no image",
        "readme.txt": b"hello",
    }
    source = store(files)
    for name in ("007.jpg", "deep/er/J002658.19-014709.9.JPG", "a.fits"):
        iauname = name.rpartition("/")[2].rpartition(".")[0]
        assert source.read(galaxy(iauname)) == files[name]
    for missing in ("7", "readme", "J002658", "._007"):
        with pytest.raises(FetchError, match=f"not-found: no image named {missing} in"):
            source.read(galaxy(missing))


def test_a_table_can_give_file_names_with_their_endings(store):
    source = store({"007.jpg": jpeg(1), "J002658.19-014709.9.jpg": jpeg(2)})
    assert source.read(galaxy("007.jpg")) == jpeg(1)
    assert source.read(galaxy("J002658.19-014709.9.JPG")) == jpeg(2)


@pytest.mark.parametrize("iauname", ["../secret", "/etc/hostname", "deep/1", ".."])
def test_names_with_a_path_in_them_find_nothing(store, tmp_path, iauname):
    (tmp_path / "secret.jpg").write_bytes(jpeg())
    with pytest.raises(FetchError, match="not-found"):
        store({"deep/1.jpg": jpeg()}).read(galaxy(iauname))


def test_two_images_of_one_galaxy_are_refused(store):
    with pytest.raises(UserError, match=r"galaxy 1: .*1\.jpg and .*1\.png"):
        store({"a/1.jpg": jpeg(), "b/1.png": jpeg()})


def test_a_source_without_images_is_refused(store):
    with pytest.raises(UserError, match=r"no \.jpg"):
        store({"readme.txt": b"hello"})


def test_a_file_over_the_limit_is_not_read(store):
    source = store({"1.jpg": jpeg()}, max_bytes=100)
    with pytest.raises(FetchError, match="too-large"):
        source.read(galaxy("1"))


def test_a_missing_or_broken_zip_is_named(tmp_path):
    with pytest.raises(UserError, match=r"images\.zip: no such"):
        DirectorySource(tmp_path / "images.zip")
    (tmp_path / "images.zip").write_bytes(b"half a zip")
    with pytest.raises(UserError, match=r"images\.zip: neither a folder nor a complete zip"):
        DirectorySource(tmp_path / "images.zip")


def test_damage_inside_a_zip_has_a_reason(tmp_path):
    path = tmp_path / "images.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("1.jpg", bytes(range(256)) * 100)
    data = bytearray(path.read_bytes())
    data[100:140] = bytes(40)
    path.write_bytes(data)
    with pytest.raises(FetchError, match=r"truncated: 1\.jpg"):
        DirectorySource(path).read(galaxy("1"))


@pytest.mark.parametrize("change", ["replaced", "added", "removed", "renamed", "older", "inside"])
def test_changed_files_have_another_identity(store, tmp_path, change):
    files = {"1.jpg": jpeg(1), "deep/2.jpg": jpeg(2)}
    source = store(files)
    path = source.path
    if path.is_dir():
        first = DirectorySource(path).identity
        assert first == source.identity
        if change == "added":
            (path / "3.jpg").write_bytes(jpeg(3))
        elif change == "removed":
            (path / "1.jpg").unlink()
        elif change == "renamed":
            (path / "1.jpg").rename(path / "3.jpg")
        elif change == "older":
            os.utime(path / "1.jpg", (1, 1))
        else:
            (path / ("1.jpg" if change == "replaced" else "deep/2.jpg")).write_bytes(jpeg(4))
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("1.jpg", jpeg(5))
    assert DirectorySource(path).identity != source.identity


def test_an_id_that_ends_like_a_file_finds_its_own_file(store):
    files = {"g0.fits.jpg": jpeg(1), "g1.fits": cutout_fits(), "g2.jpg.png": jpeg(3)}
    source = store(files)
    for iauname, name in {
        "g0.fits": "g0.fits.jpg",
        "g0.fits.jpg": "g0.fits.jpg",
        "g1.fits": "g1.fits",
        "g1": "g1.fits",
        "g2.jpg": "g2.jpg.png",
    }.items():
        assert source.read(galaxy(iauname)) == files[name]
    with pytest.raises(FetchError, match="not-found"):
        source.read(galaxy("g0"))


def test_an_id_that_can_be_two_files_costs_that_galaxy_alone(store):
    source = store({"g0.fits": jpeg(1), "g0.fits.jpg": jpeg(2), "g1.jpg": jpeg(3)})
    with pytest.raises(FetchError, match=r"g0\.fits can be .*g0\.fits and .*g0\.fits\.jpg; rename"):
        source.read(galaxy("g0.fits"))
    assert source.read(galaxy("g0")) == jpeg(1)
    assert source.read(galaxy("g1")) == jpeg(3)


@pytest.mark.parametrize(
    "name", ["1.JPG", "1.Fits.GZ", "1.fits.fz", "1.FIT", "1.fit.gz", "a\\b\\1.jpg", "\\1.png"]
)
def test_endings_in_capitals_compressed_files_and_backslashes_are_known(store, name):
    assert store({name: jpeg()}).read(galaxy("1")) == jpeg()


def test_linked_subfolders_are_read_once_and_links_in_a_circle_end(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/1.jpg").write_bytes(jpeg(1))
    folder = tmp_path / "images"
    folder.mkdir()
    (folder / "2.jpg").write_bytes(jpeg(2))
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    (folder / "again").symlink_to(tmp_path / "elsewhere")
    (folder / "circle").symlink_to(folder)
    (folder / "broken.jpg").symlink_to(tmp_path / "nothing.jpg")
    source = DirectorySource(folder)
    assert source.read(galaxy("1")) == jpeg(1)
    assert source.read(galaxy("2")) == jpeg(2)


def zip_with(path, method, flags=0, told=None):
    """Write a zip with a good file, and one that is marked as encrypted or packed otherwise."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("good.jpg", jpeg(1))
        archive.writestr("odd.jpg", bytes(range(256)) * 9, compress_type=method)
    data = bytearray(path.read_bytes())
    for signature, flag, kind in ((b"PK\3\4", 6, 8), (b"PK\1\2", 8, 10)):
        start = data.index(signature, data.index(signature) + 1)
        data[start + flag] |= flags
        if told is not None:
            data[start + kind] = told
    path.write_bytes(data)
    return DirectorySource(path)


@pytest.mark.parametrize(
    ("method", "flags", "told", "words"),
    [
        (zipfile.ZIP_STORED, 0, 9, "unreadable: .*unpack the zip"),  # Deflate64
        (zipfile.ZIP_STORED, 0, 97, "unreadable: .*unpack the zip"),
        (zipfile.ZIP_STORED, 1, None, "unreadable: .*encrypted; unpack the zip"),
        (zipfile.ZIP_STORED, 0, 14, "truncated: odd"),  # said to be LZMA
        (zipfile.ZIP_STORED, 0, 12, "truncated: odd"),  # said to be bzip2
        (zipfile.ZIP_STORED, 0, 8, "truncated: odd"),
    ],
)
def test_an_entry_that_cannot_be_unpacked_costs_one_galaxy(tmp_path, method, flags, told, words):
    source = zip_with(tmp_path / "a.zip", method, flags, told)
    with pytest.raises(FetchError, match=words) as caught:
        source.read(galaxy("odd"))
    assert "\n" not in caught.value.detail
    assert source.read(galaxy("good")) == jpeg(1)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_every_method_that_python_knows_is_unpacked(tmp_path, method):
    source = zip_with(tmp_path / "a.zip", method)
    assert source.read(galaxy("odd")) == bytes(range(256)) * 9


# The simulated sky


@pytest.fixture(scope="module")
def sky(tmp_path_factory):
    truth = tmp_path_factory.mktemp("sky") / "truth.parquet"
    frame = draw_population(3, seed=1, merging_share=0.1)
    frame.to_parquet(truth)
    instrument = asdict(DECALS)
    return SimpleNamespace(truth=truth, names=list(frame.iauname), instrument=instrument)


def simulated(sky, seed: int = 1, **changes) -> SimulatedSource:
    instrument = sky.instrument | changes
    return open_source(
        "simulated", truth=sky.truth, instrument=instrument, seed=seed, thumbnail_size=100
    )


def test_the_simulated_sky_gives_cutouts_like_the_surveys(sky):
    data = simulated(sky).read(galaxy(sky.names[0]))
    with fits.open(BytesIO(data)) as hdus:
        assert hdus[0].shape == (3, 76, 76)
        assert hdus[0].header["BANDS"] == "grz"
    cube = decode_image(data, sky.names[0])
    assert np.isfinite(cube).all()


def test_a_simulated_cutout_depends_only_on_the_seed_and_the_instrument(sky):
    data = simulated(sky).read(galaxy(sky.names[1]))
    again = simulated(sky)
    again.read(galaxy(sky.names[0]))
    assert again.read(galaxy(sky.names[1])) == data
    for other in (simulated(sky, seed=2), simulated(sky, noise=(1, 1, 1))):
        assert other.read(galaxy(sky.names[1])) != data
        assert other.identity != simulated(sky).identity


def test_a_galaxy_that_is_not_in_the_sky_is_not_found(sky):
    with pytest.raises(FetchError, match="not-found"):
        simulated(sky).read(galaxy("J9"))


def test_a_missing_truth_table_is_named(tmp_path, sky):
    with pytest.raises(UserError, match=r"nothing\.parquet"):
        open_source(
            "simulated", truth=tmp_path / "nothing.parquet", instrument=sky.instrument, seed=1,
            thumbnail_size=100,
        )  # fmt: skip


def test_an_unknown_source_is_named():
    with pytest.raises(UserError, match="no source of images 'hubble'"):
        open_source("hubble")
