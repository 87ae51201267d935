"""A real browser, and the page as its users start it."""

import os
import re
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

CHROMIUM = next(
    filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None
)
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
"""What Chromium needs in a container, and what keeps it from asking anybody for anything."""

SETTLED = """() => {
    const hosts = [...document.querySelectorAll('[data-testid="stBidiComponentIsolated"]')];
    const galleries = hosts.map(host => host.shadowRoot).filter(root => root);
    const images = [document, ...galleries].flatMap(root => [...root.querySelectorAll('img')]);
    return document.querySelector('[data-test-script-state="notRunning"]')
        && !document.querySelector('[data-stale="true"], [data-testid="stSkeleton"]')
        && galleries.length == hosts.length
        && images.every(image => image.complete && image.naturalWidth > 0);
}"""
"""Whether nothing of the page is about to change, in JavaScript."""


def free_port() -> int:
    """Give a port at which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextmanager
def served(
    command: Sequence[str], folder: Path, end: signal.Signals = signal.SIGTERM, **environment: str
) -> Iterator[tuple[str, list[str]]]:
    """Start the page by a command in a folder, at a free port, and stop it in the `end`.

    Yields
    ------
    address : str
    lines : list of str
        What the server has said so far.
    """
    lines: list[str] = []
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=os.environ | {"PORT": str(free_port())} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        for line in process.stdout:
            lines.append(line)
            if found := re.search(r"URL: (\S+)", line):
                break
        else:
            raise AssertionError("the page did not start:\n" + "".join(lines))
        threading.Thread(target=lines.extend, args=[process.stdout], daemon=True).start()
        yield found[1], lines
    finally:
        os.killpg(process.pid, end)
        process.wait()


def need(browser, environment):
    """Skip a test where there is no browser; where a skip is forbidden, let it fail."""
    if browser is None:
        missing = "no Chromium on this machine: `apt-get install --no-install-recommends chromium`"
        (pytest.fail if "NO_SKIPPED_BROWSER" in environment else pytest.skip)(missing)
