"""Draw an image that is not trusted, in a process with limits on memory and time.

``python -m workflow.app.draw_untrusted SETTINGS NAME`` reads the image from standard input, and
writes the pixels of its thumbnail to standard output. Without a usable image it writes why to
standard error, and exits with `REFUSED`.
"""

import json
import resource
import sys
import warnings

from workflow.lib.common.errors import FetchError
from workflow.lib.common.images import thumbnail_of

MAX_PIXELS = 2**24
"""Largest image that is decoded: a small file can declare an image that would fill the memory."""

MEMORY = 2**31
"""Memory that it may ask for [byte]: enough for an image of `MAX_PIXELS` in three bands."""

SECONDS = 60
"""Time of a core that it may take [s]."""

REFUSED = 3
"""Exit status if there is no usable image."""


def in_words(error: FetchError, name: str) -> str:
    """Say what is wrong with an image, without a file's bytes and what libraries say of them."""
    said = error.detail
    if error.reason == "not-an-image" and "starts with" in said:
        return f"{name} is neither FITS, JPEG nor PNG"
    if error.reason == "too-large" and ("(" in said or ": " in said):
        return f"{name} has more than {MAX_PIXELS:,} pixels"
    if error.reason == "truncated" and ": " in said:
        return f"{name} is damaged or incomplete"
    return said


def main() -> None:
    """Draw the image."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.simplefilter("ignore")
    data = sys.stdin.buffer.read()
    try:
        rgb, _ = thumbnail_of(data, sys.argv[2], max_pixels=MAX_PIXELS, **json.loads(sys.argv[1]))
    except FetchError as error:
        print(in_words(error, sys.argv[2]), file=sys.stderr)
        sys.exit(REFUSED)
    sys.stdout.buffer.write(rgb.tobytes())


if __name__ == "__main__":
    main()
