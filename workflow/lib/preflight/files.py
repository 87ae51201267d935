"""Files that a run needs: those to download, asked for by HEAD requests, and the user's own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry
from urllib3.exceptions import HTTPError

from workflow.lib.planning.grid import STAND_IN, catalogue_tables, has_network, weights_file
from workflow.lib.sources.downloads import Download
from workflow.lib.sources.http import user_agent

TIMEOUT = 10
"""Longest time without an answer from a server [s]; it is asked twice."""

REFUSES_HEAD = (403, 405, 501)
"""Answers of servers that may yet give the file itself."""


ENDS = 2**20
"""Bytes of a table's beginning, and of its end, that are fetched to look into it."""


class Answer(NamedTuple):
    """What a server says of a file."""

    size: int | None
    """Bytes; None if the server does not say."""
    problem: str | None


def ask(download: Download, path: str, contact: str | None = None) -> Answer:
    """Ask a server whether it has a file, and how large it is, without downloading it.

    Parameters
    ----------
    download
        A row of config/downloads.tsv.
    path
        Where the file will be.
    contact
        The user's address, for the server's operators.

    Returns
    -------
    Answer
        The problem, if there is one, is a line that says what to do.
    """
    url, remedy = download.url, f"put the file at {path} yourself, or correct config/downloads.tsv"
    with _session(contact) as session:
        try:
            found = session.head(url, timeout=TIMEOUT, allow_redirects=True)
            if found.status_code in REFUSES_HEAD:
                found = session.get(url, timeout=TIMEOUT, stream=True)
        except requests.RequestException as error:
            return Answer(None, f"{path}: {url} does not answer ({type(error).__name__}); {remedy}")
    if not found.ok:
        return Answer(None, f"{path}: {url} answers {found.status_code} {found.reason}; {remedy}")
    if found.headers.get("Content-Type", "").startswith("text/html"):
        return Answer(None, f"{path}: {url} is a web page, perhaps a login; {remedy}")
    length = found.headers.get("Content-Length", "")
    size = int(length) if length.isdecimal() else None
    if None not in (size, download.bytes) and size != download.bytes:
        return Answer(
            size,
            f"{path}: {url} has {size} bytes, but config/downloads.tsv says {download.bytes}; "
            "correct the table if the file has changed",
        )
    return Answer(size, None)


def fetch_ends(url: str, size: int, path: str | Path, contact: str | None = None) -> bool:
    """Write a file of the right size with only the beginning and the end of one to download.

    That is where tables have the names of their columns: FITS and CSV at the beginning, Parquet at
    the end.

    Parameters
    ----------
    url, size
        The file, and its number of bytes.
    path
        The file to write; between both ends it has no blocks on the disk.
    contact
        As for `ask`.

    Returns
    -------
    bool
        Whether the server gave both ends.
    """
    with _session(contact) as session, Path(path).open("wb") as file:
        for first in dict.fromkeys((0, max(0, size - ENDS))):
            last = min(first + ENDS, size) - 1
            place = {"Range": f"bytes={first}-{last}"}
            try:
                found = session.get(url, headers=place, timeout=TIMEOUT, stream=True)
                if found.status_code != requests.codes.partial_content:
                    return False
                file.seek(first)
                file.write(found.raw.read(ENDS))
            except (requests.RequestException, HTTPError):
                return False
        file.truncate(size)
    return True


def _session(contact: str | None) -> requests.Session:
    """Open a session that asks twice where a server is busy."""
    session = requests.Session()
    retry = Retry(
        1,
        status_forcelist=[429, 500, 502, 503, 504],
        raise_on_status=False,
        respect_retry_after_header=False,
    )
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry))
    # The size is that of the file, not of its packed form.
    session.headers.update({"User-Agent": user_agent(contact), "Accept-Encoding": "identity"})
    return session


def named_files(config: Mapping[str, Any]) -> dict[tuple[str | int, ...], str]:
    """Name the files that the configuration gives, as jobs need them.

    Returns
    -------
    dict
        By the parts of their keys: tables of catalogues, tags and labels; images; weights; tables
        of representations, in whose paths `{survey}` stands for any survey.
    """
    named: dict[tuple[str | int, ...], str] = {}
    for name, survey in config["surveys"].items():
        tables = catalogue_tables(survey["catalogue"])
        named |= {("surveys", name, "catalogue", key): path for key, path in tables.items()}
        for part, key in (("images", "path"), ("tags", "table")):
            given = survey.get(part, {}).get(key, [])
            if isinstance(given, str):
                named["surveys", name, part, key] = given
            else:
                keys = [("surveys", name, part, key, place) for place in range(len(given))]
                named |= dict(zip(keys, given, strict=True))
    for name, label in config["finetune"]["labels"].items():
        if "table" in label:
            named["finetune", "labels", name, "table"] = label["table"]
    for name, given in config["pretraining"]["weights"].items():
        if not has_network(given):
            named["pretraining", "weights", name, "representation"] = given["representation"]
        elif given != STAND_IN:
            named["pretraining", "weights", name] = weights_file(given)
    return named
