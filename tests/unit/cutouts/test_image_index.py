"""Images in folders and zips: listed once, then read by their galaxies' names."""

import os
import zipfile
from io import BytesIO

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tests.cutout_service import cutout_fits
from workflow.lib.common.errors import FetchError, UserError
from workflow.lib.cutouts.image_index import index_images
from workflow.lib.cutouts.image_sources import open_source


def jpeg(seed: int = 0) -> bytes:
    rgb = np.random.default_rng(seed).integers(0, 255, (20, 20, 3), np.uint8)
    buffer = BytesIO()
    Image.fromarray(rgb).save(buffer, format="JPEG")
    return buffer.getvalue()


class Opened:
    """Archives, of which any galaxy is read as a job for its shard reads it."""

    def __init__(self, *archives, **options):
        self.archives, self.options = archives, options
        self.index = archives[0].parent / "index.parquet"
        index_images(archives, self.index)
        self.identity = self.source().identity

    def source(self, iauname="1"):
        shard = self.index.with_name("shard.csv")
        pd.DataFrame({"iauname": [iauname]}).to_csv(shard, index=False)
        return open_source("directory", index=self.index, shard=shard, **self.options)

    def read(self, iauname):
        return self.source(iauname).read({"iauname": iauname})


def write(path, files):
    """Write files into a folder, or into a zip if the path ends so."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in files.items():
                archive.writestr(name, data)
    else:
        path.mkdir()
        for name, data in files.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(data)
    return path


@pytest.fixture(params=["images", "images.zip"])
def store(request, tmp_path):
    """Write files to a folder or zip, and open it."""
    return lambda files, **options: Opened(write(tmp_path / request.param, files), **options)


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
        assert source.read(iauname) == files[name]
    for missing in ("7", "readme", "J002658", "._007"):
        with pytest.raises(FetchError, match=f"not-found: no image named {missing} in"):
            source.read(missing)


def test_a_table_can_give_file_names_with_their_endings(store):
    source = store({"007.jpg": jpeg(1), "J002658.19-014709.9.jpg": jpeg(2)})
    assert source.read("007.jpg") == jpeg(1)
    assert source.read("J002658.19-014709.9.JPG") == jpeg(2)


@pytest.mark.parametrize("iauname", ["../secret", "/etc/hostname", "deep/1", ".."])
def test_names_with_a_path_in_them_find_nothing(store, tmp_path, iauname):
    (tmp_path / "secret.jpg").write_bytes(jpeg())
    with pytest.raises(FetchError, match="not-found"):
        store({"deep/1.jpg": jpeg()}).read(iauname)


def test_two_images_of_one_galaxy_are_refused(store):
    with pytest.raises(UserError, match=r"galaxy 1: a/1\.jpg in .* and b/1\.png in"):
        store({"a/1.jpg": jpeg(), "b/1.png": jpeg()})


def test_a_source_without_images_is_refused(store):
    with pytest.raises(UserError, match=r"no \.jpg"):
        store({"readme.txt": b"hello"})


def test_a_file_over_the_limit_is_not_read(store):
    source = store({"1.jpg": jpeg()}, max_bytes=100)
    with pytest.raises(FetchError, match="too-large"):
        source.read("1")


def test_a_missing_or_broken_zip_is_named(tmp_path):
    with pytest.raises(UserError, match=r"images\.zip: no such"):
        Opened(tmp_path / "images.zip")
    (tmp_path / "images.zip").write_bytes(b"half a zip")
    with pytest.raises(UserError, match=r"images\.zip: neither a folder nor a complete zip"):
        Opened(tmp_path / "images.zip")


def test_damage_inside_a_zip_has_a_reason(tmp_path):
    path = tmp_path / "images.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("1.jpg", bytes(range(256)) * 100)
    data = bytearray(path.read_bytes())
    data[100:140] = bytes(40)
    path.write_bytes(data)
    with pytest.raises(FetchError, match=r"truncated: 1\.jpg"):
        Opened(path).read("1")


@pytest.mark.parametrize("change", ["replaced", "added", "removed", "renamed", "older", "inside"])
def test_changed_files_have_another_identity(store, tmp_path, change):
    files = {"1.jpg": jpeg(1), "deep/2.jpg": jpeg(2)}
    source = store(files)
    (path,) = source.archives
    if path.is_dir():
        first = Opened(path).identity
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
    assert Opened(path).identity != source.identity


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
        assert source.read(iauname) == files[name]
    with pytest.raises(FetchError, match="not-found"):
        source.read("g0")


def test_an_id_that_can_be_two_files_costs_that_galaxy_alone(store):
    source = store({"g0.fits": jpeg(1), "g0.fits.jpg": jpeg(2), "g1.jpg": jpeg(3)})
    both = r"g0\.fits can be g0\.fits in .* and g0\.fits\.jpg in .*; rename"
    with pytest.raises(FetchError, match=both):
        source.read("g0.fits")
    assert source.read("g0") == jpeg(1)
    assert source.read("g1") == jpeg(3)


@pytest.mark.parametrize(
    "name", ["1.JPG", "1.Fits.GZ", "1.fits.fz", "1.FIT", "1.fit.gz", "a\\b\\1.jpg", "\\1.png"]
)
def test_endings_in_capitals_compressed_files_and_backslashes_are_known(store, name):
    assert store({name: jpeg()}).read("1") == jpeg()


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
    source = Opened(folder)
    assert source.read("1") == jpeg(1)
    assert source.read("2") == jpeg(2)


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
    return Opened(path)


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
        source.read("odd")
    assert "\n" not in caught.value.detail
    assert source.read("good") == jpeg(1)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_every_method_that_python_knows_is_unpacked(tmp_path, method):
    source = zip_with(tmp_path / "a.zip", method)
    assert source.read("odd") == bytes(range(256)) * 9


def test_a_survey_can_be_in_several_zips_and_folders(tmp_path):
    """As the images of Galaxy Zoo DECaLS at Zenodo, of which some may be unpacked."""
    names = ["J000000.00+000000.0", "J012345.67-012345.6", "J235959.99+001122.3"]
    parts = [tmp_path / "part1.zip", tmp_path / "part2", tmp_path / "part3.zip"]
    for seed, (part, name) in enumerate(zip(parts, names, strict=True)):
        write(part, {f"{name[:4]}/{name}.png": jpeg(seed)})
    source = Opened(*parts[::-1])
    for seed, name in enumerate(names):
        assert source.read(name) == jpeg(seed)
    rows = pq.read_table(source.index).to_pandas()
    assert rows["iauname"].tolist() == names
    assert rows["archive"].tolist() == [str(part) for part in parts]
    with pytest.raises(FetchError, match=r"J1 in .*part3\.zip, .*part2, .*part1\.zip"):
        source.read("J1")


def test_one_galaxy_in_two_archives_is_refused_and_both_are_named(tmp_path):
    parts = [write(tmp_path / name, {"J000/1.png": jpeg()}) for name in ("a.zip", "b")]
    with pytest.raises(
        UserError, match=r"galaxy 1: J000/1\.png in .*a\.zip and J000/1\.png in .*b;"
    ):
        Opened(*parts)


def test_an_archive_without_images_is_named(tmp_path):
    parts = [write(tmp_path / "a", {"1.png": jpeg()}), write(tmp_path / "b.zip", {"notes": b""})]
    with pytest.raises(UserError, match=r"b\.zip: no \.jpg"):
        Opened(*parts)


def test_a_zips_list_of_entries_is_read_only_once(tmp_path):
    source = Opened(write(tmp_path / "a.zip", {"J000/1.png": jpeg(1), "J001/2.png": jpeg(2)}))
    (path,) = source.archives
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"PK\1\2")])
    assert source.read("1") == jpeg(1)
    assert source.read("2") == jpeg(2)


def test_an_archive_that_changes_while_jobs_run_costs_its_galaxies(store):
    source = store({"1.jpg": jpeg(1)})
    (path,) = source.archives
    if path.is_dir():
        (path / "1.jpg").unlink()
    else:
        path.write_bytes(b"another" * 99)
    with pytest.raises(FetchError, match=r"truncated: 1\.jpg in .*images"):
        source.read("1")


def test_names_of_files_and_folders_need_not_be_unicode(tmp_path):
    folder = write(tmp_path / "images", {"1.jpg": jpeg(1)})
    strange = folder / os.fsdecode(b"caf\xe9")
    write(strange, {"2.jpg": jpeg(2), os.fsdecode(b"\xe9.jpg"): jpeg(3)})
    source = Opened(folder)
    assert source.read("2") == jpeg(2)
    assert pq.read_table(source.index)["iauname"].to_pylist() == ["1", "2"]
