"""Which modules a rule depends on. Parsed by every job, so nothing heavy is imported here."""

import hashlib
import json
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

LIB = Path(__file__).parent
PLUMBING = {"code", "errors", "files", "logs"}
"""How things are written and reported; an edit there changes no result."""


def file_of(name: str) -> str:
    """Give the file of a module such as ``sky.render``, relative to this folder."""
    return f"{name.replace('.', '/')}.py"


@cache
def modules(name: str) -> frozenset[str]:
    """Name a module of this folder, such as ``sky.render``, and all that it imports from here.

    Imports inside functions are left out: what they serve depends on how the function is called,
    which a rule knows.
    """
    text = (LIB / file_of(name)).read_text()
    found = set(re.findall(r"^from workflow\.lib\.([\w.]+) import", text, re.M))
    return frozenset({name}).union(*(modules(other) for other in found - PLUMBING))


@cache
def digest(*names: str) -> str:
    """Hash modules and all that they import from here: what a result was made by."""
    found = frozenset().union(*map(modules, names))
    texts = [(LIB / file_of(name)).read_bytes() for name in sorted(found)]
    return hashlib.sha256(b"\0".join(texts)).hexdigest()


def fingerprint(settings: Any, inputs: Iterable[str | Path], *names: str) -> str:
    """Hash all that unfinished work depends on, so that what is of another time is never reused.

    Parameters
    ----------
    settings
        What can be written as JSON; mappings in their order, which may matter.
    inputs
        Files.
    names
        Modules that do the work, with what they import.
    """
    hashed = hashlib.sha256(f"{json.dumps(settings)}\0{digest(*names)}".encode())
    for path in inputs:
        hashed.update(b"\0" + Path(path).read_bytes())
    return hashed.hexdigest()[:12]
