"""Which code made a result. Every job imports this module, so it imports nothing heavy.

Syntax trees are hashed: comments, docstrings and layout do not count, and every Python version
gives the same hash. `REMEMBERED` keeps what was found for each file's bytes, since parsing all
files would take longer than reading the rest of the workflow.
"""

import ast
import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from workflow.lib.common.checksums import checksum
from workflow.lib.common.files import write_text

LIB = Path(__file__).parents[1]
SCRIPTS = Path(__file__).parents[3] / "scripts"
PACKAGE = "workflow.lib."
REMEMBERED = Path(".snakemake/code_hashes.json")
"""For the hash of a file's bytes, the hash of its syntax tree and what the file imports."""
UNHASHED = {
    "common.checksums",
    "common.errors",
    "common.jobs",
    "common.logs",
    "common.owner",
    "planning.code_hash",
}
"""Modules that hash, report problems and lock jobs: an edit there changes no result."""


@cache
def script_digest(script: str, without: tuple[str, ...] = ()) -> str:
    """Hash a rule's script and every module that it can reach.

    Parameters
    ----------
    script
        Name of a file in a folder of ``scripts``, without its ending.
    without
        Modules that this use of the script does not reach, such as ``sources.sky.render``;
        what they alone import is left out too.
    """
    (path,) = SCRIPTS.glob(f"*/{script}.py")
    reached = _reached(_imports_of(path), frozenset(without))
    return _joined([path, *map(file_of, sorted(reached))])


@cache
def digest(*names: str) -> str:
    """Hash modules such as ``sources.sky.render``, and every module that they import."""
    return _joined(map(file_of, sorted(modules(*names))))


def modules(*names: str) -> frozenset[str]:
    """Name modules and all that they import from this package, also inside functions."""
    return _reached(frozenset(names))


def fingerprint(settings: Any, inputs: Iterable[str | Path], *names: str) -> str:
    """Hash everything that a partial result depends on, so that a stale one is never reused.

    Parameters
    ----------
    settings
        Anything that JSON can hold; the order of mappings counts.
    inputs
        Files: their contents count.
    names
        Modules that do the work; what they import is hashed too.
    """
    hashed = hashlib.sha256(f"{json.dumps(settings)}\0{digest(*names)}".encode())
    for path in inputs:
        hashed.update(f"\0{checksum(path)}".encode())
    return hashed.hexdigest()[:12]


def file_of(name: str) -> Path:
    """Give the file of a module such as ``sources.sky.render``."""
    return LIB / f"{name.replace('.', '/')}.py"


def _reached(names: frozenset[str], without: frozenset[str] = frozenset()) -> frozenset[str]:
    found, waiting = frozenset(), names - UNHASHED - without
    while waiting:
        found |= waiting
        imported = frozenset().union(*(_imports_of(file_of(name)) for name in waiting))
        waiting = imported - found - UNHASHED - without
    return found


def _joined(paths: Iterable[Path]) -> str:
    hashes = "".join(_facts_of(path)[0] for path in paths)
    return hashlib.sha256(hashes.encode()).hexdigest()[:12]


@cache
def _imports_of(path: Path) -> frozenset[str]:
    """Name the modules of this package that a file imports."""
    inner = (name.removeprefix(PACKAGE) for name in _facts_of(path)[1] if name.startswith(PACKAGE))
    return frozenset(name for name in inner if file_of(name).exists())


@cache
def _facts_of(path: Path) -> list[Any]:
    text = path.read_bytes()
    key = hashlib.sha256(Path(__file__).read_bytes() + text).hexdigest()
    facts = _remembered()
    if key not in facts:
        tree = ast.parse(text, path)
        tree_hash = hashlib.sha256(repr(_plain(tree)).encode()).hexdigest()
        facts[key] = [tree_hash, sorted(set(_imports(tree)))]
        with suppress(OSError):  # where nothing may be written, files are parsed each time
            write_text(json.dumps(facts), REMEMBERED)
    return facts[key]


@cache
def _remembered() -> dict[str, list[Any]]:
    try:
        return json.loads(REMEMBERED.read_text())
    except (OSError, ValueError):
        return {}


def _imports(node: ast.AST) -> Iterator[str]:
    """Name everything that a piece of code imports, except under TYPE_CHECKING."""
    if isinstance(node, ast.ImportFrom):
        yield from [f"{node.module}", *(f"{node.module}.{alias.name}" for alias in node.names)]
    elif isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
        for field in ("body", "orelse", "finalbody", "handlers", "cases"):
            for inner in getattr(node, field, ()):
                yield from _imports(inner)


def _plain(node: Any) -> Any:
    """Give a syntax tree as nested lists, without positions in the text and without docstrings.

    Empty fields are left out, since newer Python versions add some.
    """
    if isinstance(node, ast.AST):
        fields = [(name, getattr(node, name, None)) for name in node._fields]
        kept = [(name, _plain(value)) for name, value in fields if value is not None]
        return [type(node).__name__, *(field for field in kept if field[1] != [])]
    if isinstance(node, list):
        return [_plain(value) for value in node if not _is_docstring(value)]
    return node


def _is_docstring(node: Any) -> bool:
    """Whether a statement is a bare string: a docstring, or the description below an attribute."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
