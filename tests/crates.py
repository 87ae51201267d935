"""RO-Crates: what is in them, and what the standard's own validator says of them."""

import json
import subprocess
import sys
from importlib.resources import files
from zipfile import ZipFile

from tests.project import ROOT


def described(crate):
    """What a crate describes, by id."""
    with ZipFile(crate) as archive:
        found = json.loads(archive.read("ro-crate-metadata.json"))
    return {entity["@id"]: entity for entity in found["@graph"]}


def install_validator(folder):
    """Make an environment with the validator; return its Python."""
    python = folder / "venv/bin/python"
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    lock = ROOT / "tests/validator.lock"
    pip = [python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", lock]
    subprocess.run(pip, check=True)
    return python


def faults(validator, crate, folder):
    """What the validator finds wrong with a crate."""
    words = files("rocrate") / "data/ro-crate.jsonld"
    command = [validator, ROOT / "tests/validator.py", crate, words, folder]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()
