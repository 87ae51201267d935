"""A real browser, and a server of the page started as users start it."""

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
"""Options to run in a container, and to send no requests of its own."""

SETTLED = """() => {
    const hosts = [...document.querySelectorAll('[data-testid="stBidiComponentIsolated"]')];
    const galleries = hosts.map(host => host.shadowRoot).filter(root => root);
    const images = [document, ...galleries].flatMap(root => [...root.querySelectorAll('img')]);
    return document.querySelector('[data-test-script-state="notRunning"]')
        && !document.querySelector('[data-stale="true"], [data-testid="stSkeleton"]')
        && galleries.length == hosts.length
        && images.every(image => image.complete && image.naturalWidth > 0);
}"""
"""JavaScript: whether the page is drawn completely, with all its pictures."""


def free_port() -> int:
    """Return a free TCP port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextmanager
def served(
    command: Sequence[str], folder: Path, end: signal.Signals = signal.SIGTERM, **environment: str
) -> Iterator[tuple[str, list[str]]]:
    """Start the page with a command in a folder, on a free port; stop it with the signal `end`.

    Yields
    ------
    address : str
    lines : list of str
        The server's output so far.
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
    """Skip a test if there is no browser, or fail it if the environment forbids skipping."""
    if browser is None:
        missing = "no Chromium on this machine: `apt-get install --no-install-recommends chromium`"
        (pytest.fail if "NO_SKIPPED_BROWSER" in environment else pytest.skip)(missing)
