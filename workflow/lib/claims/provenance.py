"""What made the results of a run: configuration, code, packages, machine and input files."""

import hashlib
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workflow.lib.common.checksums import checksum
from workflow.lib.common.files import write_json
from workflow.lib.planning.claims import flatten

ROOT = Path(__file__).parents[3]


def record_provenance(
    config: Mapping[str, Any], rules: Mapping[str, str], provenance: str | Path
) -> None:
    """Write down what made the results.

    Parameters
    ----------
    config
        The whole configuration. The contact address in it is not written.
    rules
        The hash of each rule's code.
    provenance
        JSON to write: configuration (its values, and their SHA-256), seeds, code (git's commit, and
        whether files differ from it; and the hash of each rule's code), packages, machine (that of
        this job; the logs name those of others), inputs (SHA-256 of each file that config names).
    """
    values = flatten(without_contact(config))
    text = json.dumps(values, sort_keys=True)
    write_json(
        {
            "configuration": {"sha256": hashlib.sha256(text.encode()).hexdigest(), **values},
            "seeds": {key: value for key, value in values.items() if key.endswith("seed")},
            "code": {**_commit(), "rules": dict(rules)},
            "packages": _packages(),
            "machine": _machine(),
            "inputs": _inputs(values, config["pathvars"]),
        },
        provenance,
    )


def without_contact(config: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out the user's address from a configuration, since what is written may be published."""
    return {**config, "legacysurvey": {**config["legacysurvey"], "contact": None}}


def _commit() -> dict[str, Any]:
    """Give git's commit, and whether tracked files differ from it; unknown without git."""
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        return {"commit": None, "changed": None}
    commit, changes = (
        subprocess.run(["git", *command], cwd=ROOT, capture_output=True, text=True).stdout.strip()
        for command in (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])
    )
    return {"commit": commit or None, "changed": bool(changes)}


def _packages() -> dict[str, str]:
    found = {one.metadata["Name"]: one.version for one in importlib.metadata.distributions()}
    return {"python": platform.python_version(), **dict(sorted(found.items()))}


def _machine() -> dict[str, Any]:
    models = Path("/proc/cpuinfo")
    lines = models.read_text().splitlines() if models.exists() else []
    model = next((line.split(":")[1].strip() for line in lines if "model name" in line), None)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    gpus = []
    if shutil.which("nvidia-smi"):
        command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
        gpus = subprocess.run(command, capture_output=True, text=True).stdout.splitlines()
    return {
        "system": platform.platform(),
        "processor": model,
        "cores": os.cpu_count(),
        "memory_gb": round(memory / 1e9, 1),
        "gpus": gpus,
    }


def _inputs(values: Mapping[str, Any], folders: Mapping[str, str]) -> dict[str, str]:
    """Hash the files that the configuration names, and those that the workflow does not make."""
    named = {value for value in values.values() if isinstance(value, str)}
    paths = {Path(value.replace("<downloads>", folders["downloads"])) for value in named}
    return {str(path): checksum(path) for path in sorted(paths) if path.is_file()}
