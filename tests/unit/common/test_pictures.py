"""JPEG and PNG files: kinds, depth and transparency."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from tests.unit.common.image_files import encode, png_16, reason_of
from workflow.lib.common.images import decode_image


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "1"])
def test_every_kind_of_picture_becomes_rgb(mode):
    rgb = np.random.default_rng(0).integers(0, 255, (10, 12, 3), np.uint8)
    data = BytesIO()
    Image.fromarray(rgb).convert(mode).save(data, format="PNG")
    assert decode_image(data.getvalue(), "a").shape == (10, 12, 3)


@pytest.mark.parametrize("shape", [(10, 10), (10, 10, 3)])
@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_16_bits_are_read_if_they_are_used(shape, bits):
    values = np.random.default_rng(0).integers(0, 2**bits, shape).astype(np.uint16)
    if bits < 15:
        assert reason_of(png_16(values)) == "no-contrast"
        return
    decoded = decode_image(png_16(values), "a").astype(int)
    expected = values / 257 if values.ndim == 3 else np.repeat(values[..., None] / 257, 3, axis=2)
    assert np.abs(decoded - expected).max() <= 1


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_pixels_are_missing_and_become_black(mode):
    rgb = np.random.default_rng(0).integers(9, 255, (10, 12, 3), np.uint8)
    alpha = np.full((10, 12), 255, np.uint8)
    alpha[:3] = 0
    picture = Image.fromarray(np.dstack([rgb, alpha])).convert("RGBA")
    picture = picture.quantize() if mode == "P" else picture.convert(mode)
    data = BytesIO()
    picture.save(data, format="PNG")
    decoded = decode_image(data.getvalue(), "a", max_missing_share=0.3)
    assert (decoded[:3] == 0).all()
    assert (decoded[3:] > 0).any(axis=2).all()
    assert reason_of(data.getvalue(), max_missing_share=0.29) == "missing-pixels"


def test_half_transparent_pixels_are_laid_on_black():
    rgba = np.full((4, 4, 4), 128, np.uint8)
    rgba[0] = 255
    assert decode_image(encode(rgba, "PNG"), "a")[3, 3].tolist() == [64] * 3
