"""Image files to decode, and the reason for which one is refused."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from workflow.lib.common.errors import FetchError
from workflow.lib.common.images import decode_image

PNG = b"\x89PNG\r\n\x1a\n"


def encode(rgb: np.ndarray, picture_format: str, **options) -> bytes:
    buffer = BytesIO()
    Image.fromarray(rgb).save(buffer, format=picture_format, **options)
    return buffer.getvalue()


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(0.1, 0.02, shape).astype(np.float32)


def reason_of(data: bytes, **options) -> str:
    with pytest.raises(FetchError) as caught:
        decode_image(data, "a galaxy", **options)
    assert "a galaxy" in caught.value.detail
    return caught.value.reason


def block(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_bomb(width: int, height: int) -> bytes:
    """Give a small PNG that announces a large picture."""
    head = block(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    body = block(b"IDAT", zlib.compress(bytes(10**6)))
    return PNG + head + body + block(b"IEND", b"")


def png_16(pixels: np.ndarray) -> bytes:
    """Give a PNG of 16 bits a channel, which Pillow writes in grey only."""
    height, width = pixels.shape[:2]
    colour = 2 if pixels.ndim == 3 else 0
    rows = pixels.astype(">u2").reshape(height, -1)
    body = b"".join(b"\0" + row.tobytes() for row in rows)
    head = block(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0))
    return PNG + head + block(b"IDAT", zlib.compress(body)) + block(b"IEND", b"")
