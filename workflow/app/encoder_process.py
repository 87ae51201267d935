"""The encoder, in a process of its own, so that the page's process loads no network.

Streamlit would clear Keras after every run of the page, for seconds, while all visitors wait.
``python -m workflow.app.encoder_process DESCRIPTOR SETTINGS`` is the process: it loads the encoder,
answers each image with its representation, and ends when the page ends.
"""

import json
import os
import queue
import subprocess
import sys
import threading
from functools import cache
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from workflow.app.survey import Survey
from workflow.lib.common.errors import UserError, first_line

NAME = "the uploaded file"
"""Used instead of the file's own name. The crops that the encoder sees are drawn from this name."""

ROOT = Path(__file__).parents[2]

PATIENCE = 300
"""Longest wait for an answer, which may have to load the network first [s]."""

GONE = (
    "the image could not be represented: the network's process ended, as when memory runs out; "
    "try again"
)
LATE = "the image could not be represented: the network takes too long; try again later"


class EncoderProcess:
    """The page's end of the process, which is started at once and again whenever it has ended.

    Safe to use from several threads; images are represented one after the other.

    Parameters
    ----------
    settings
        The keyword arguments of `serve`.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._start()

    @property
    def pid(self) -> int:
        """Id of the process."""
        return self._process.pid

    def represent(self, rgb: np.ndarray) -> np.ndarray:
        """Calculate the whole representation of a thumbnail.

        Parameters
        ----------
        rgb
            uint8 (H, H, 3).

        Returns
        -------
        numpy.ndarray
            Shape (1280,), float32.

        Raises
        ------
        UserError
            If the encoder cannot be used, or its process ends or takes too long.
        """
        with self._lock:
            if self._process.poll() is not None:
                self._start()
            try:
                self._pipe.send_bytes(np.ascontiguousarray(rgb).data.cast("B"))
                if not self._pipe.poll(PATIENCE):
                    self._stop()  # its answer, if it ever came, would be taken for a later one
                    raise UserError(LATE)
                answer = self._pipe.recv_bytes()
            except (OSError, EOFError):
                self._stop()
                raise UserError(GONE) from None
            kind, content = answer[:1], answer[1:]
            if kind == _PROBLEM:
                self._stop()  # the next image starts it anew: the weights may be right by then
                raise UserError(content.decode())
            return np.frombuffer(content, np.float32)

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._stop()

    def _start(self) -> None:
        self._pipe, theirs = Pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(theirs.fileno()), json.dumps(self._settings)],
            cwd=ROOT,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,  # TensorFlow's messages; problems come through the pipe
            start_new_session=True,  # Ctrl-C is for the page
        )
        theirs.close()

    def _stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._pipe.close()


@cache
def encoder_of(survey: Survey) -> EncoderProcess:
    """Start the process for a survey's encoder; the same one for all visitors."""
    cutouts, representation = survey.config["cutouts"], survey.config["representation"]
    return EncoderProcess(
        {
            "weights": str(survey.weights),
            "crop_size": representation["crop_size"],
            "thumbnail_size": cutouts["thumbnail_size"],
            "network_size": cutouts["network_size"],
            "network_field": cutouts["network_field"],
            "seed": representation["seed"],
            "views": representation["views"],
        }
    )


_VECTOR, _PROBLEM = b"v", b"p"


def serve(
    pipe: Connection, *, weights: str, crop_size: int, thumbnail_size: int, **settings: Any
) -> None:
    """Answer images until the page ends.

    Parameters
    ----------
    pipe
        Thumbnails come from here, as bytes; their representations are sent back.
    weights, crop_size
        As for `encoder.load_encoder`.
    thumbnail_size
        Side of the thumbnails [pixel].
    settings
        As for `embed.represent_thumbnail`.
    """
    images = _received(pipe)
    # Imported here, since the page imports this module and must not load TensorFlow.
    from workflow.lib.network.encoder import load_encoder
    from workflow.lib.represent.embed import represent_thumbnail

    shape = thumbnail_size, thumbnail_size, 3
    try:
        encoder, _ = load_encoder(weights, crop_size)

        def represent(rgb: np.ndarray) -> bytes:
            return represent_thumbnail(rgb, NAME, encoder, None, **settings).tobytes()

        represent(np.zeros(shape, np.uint8))  # compiles the network
        while True:
            rgb = np.frombuffer(images.get(), np.uint8).reshape(shape)
            pipe.send_bytes(_VECTOR + represent(rgb))
    except Exception as error:
        known = isinstance(error, UserError)
        problem = str(error) if known else f"the network failed ({first_line(error)})"
        pipe.send_bytes(_PROBLEM + problem.encode())
        threading.Event().wait()  # the page reads this, and ends this process


def _received(pipe: Connection) -> queue.SimpleQueue[bytes]:
    """Receive images in the background, and end this process as soon as the page ends.

    A page that is killed cannot say so; its end of the pipe closes, even while the network loads.
    """
    images: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def receive() -> None:
        try:
            while True:
                images.put(pipe.recv_bytes())
        except (EOFError, OSError):
            os._exit(0)

    threading.Thread(target=receive, daemon=True).start()
    return images


if __name__ == "__main__":
    serve(Connection(int(sys.argv[1])), **json.loads(sys.argv[2]))
