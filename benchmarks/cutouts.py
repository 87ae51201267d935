"""Cutouts: from FITS files to thumbnails and grey images, on one core."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace as Case

import numpy as np

from benchmarks.contest import Table, call, contest, instead, limit, ours
from benchmarks.galaxies import draw_sky, write_images, write_shard

SIZES = {
    "full": {"galaxies": 512, "side": 424, "network": 300},
    "small": {"galaxies": 64, "side": 424, "network": 300},
    "tiny": {"galaxies": 3, "side": 64, "network": 48},
}


def prepare(case: Case) -> None:
    """Write FITS files as the Legacy Survey sends them."""
    write_images(Path(case.folder, "images"), case.galaxies, case.side, "fits")


def make_shard(case: Case) -> Callable:
    """Make a shard, as stage 2 does."""
    return lambda: write_shard(Path(case.folder), case.side, case.network) and None


def astropy_and_pillow(case: Case) -> Callable:
    """Open, resample, colour and save each galaxy in the obvious way, by the same formulas."""
    from astropy.io import fits
    from PIL import Image

    colour = draw_sky(1, case.side).cutouts["colour"]
    scales = np.array(list(colour["scales"].values()))[:, None, None]
    low, high = np.arcsinh(colour["arcsinh_range"])
    out = Path(case.folder, "obvious")
    out.mkdir()

    def resize(image: np.ndarray, side: int) -> np.ndarray:
        return np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC))

    def turn() -> None:
        for path in sorted(Path(case.folder, "images").iterdir()):
            cube = fits.getdata(path).astype(np.float32)[:, ::-1]
            small = np.stack([resize(band, case.side) for band in cube])
            scaled = (np.arcsinh(small / scales) - low) / (high - low)
            mean = scaled.mean(axis=0)
            ratio = scaled.max(axis=0) / np.where(mean > 0, mean, 1e-9)
            kept = np.sin(np.pi / 2 * (1 - np.minimum(1, ratio / colour["desaturation"])))
            vivid = scaled * kept + mean * (1 - kept) + mean * (1 - kept) ** 2 * scaled
            rgb = (255 * np.clip(vivid[::-1], 0, 1)).astype(np.uint8).transpose(1, 2, 0)
            Image.fromarray(np.ascontiguousarray(rgb)).save(out / f"{path.stem}.jpg", quality=90)
            grey = resize(rgb.mean(axis=2).astype(np.float32), case.network)
            np.save(out / f"{path.stem}.npy", np.clip(grey, 0, 255).astype(np.uint8))

    return turn


def decode_and_resample(case: Case) -> Callable:
    """Read the pixels of each file where they are known to be, and resample them once."""
    from PIL import Image

    header = 2880
    sizes = {row["size"] for row in draw_sky(64, case.side).rows}

    def turn() -> None:
        for path in Path(case.folder, "images").iterdir():
            data = path.read_bytes()[header:]
            size = max(side for side in sizes if 12 * side**2 <= len(data))
            cube = np.frombuffer(data, ">f4", 3 * size**2).reshape(3, size, size)
            for band in cube.astype(np.float32):
                Image.fromarray(band).resize((case.side,) * 2, Image.Resampling.BICUBIC)

    return turn


def run(folder: Path, size: dict, turns: int) -> Iterator[Table]:
    """Compare galaxies per second of one core."""
    case = {"folder": str(folder), **size}
    call(prepare, case)
    yield contest(
        f"Cutouts of {size['side']} and {size['network']} pixels, one core",
        [ours(make_shard), instead(astropy_and_pillow, 3), limit(decode_and_resample)],
        case, turns, items=size["galaxies"], unit="galaxies", cores=1,
    )  # fmt: skip
