"""A run in one file for others: a Workflow Run RO-Crate, a standard that archives read.

https://w3id.org/ro/wfrun/workflow/0.5
"""

import json
import mimetypes
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from rocrate.model import ContextEntity, Entity
from rocrate.rocrate import ROCrate

from workflow.lib.claims.provenance import without_contact
from workflow.lib.common.checksums import checksum
from workflow.lib.common.errors import UserError
from workflow.lib.common.files import atomic_path, write_json, write_text
from workflow.lib.sources.downloads import Download, read_downloads

ROOT = Path(__file__).parents[3]

VERSION = "1.1"
"""Of RO-Crate: that of the profiles."""

PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}
"""What the crate conforms to."""

FOLDERS = {"workflow": "Rules and library", "scripts": "Scripts of the rules", "envs": "Packages"}
FILES = [
    "LICENSE", "CITATION.cff", "config/config.yaml", "config/downloads.tsv", "config/tags.tsv",
]  # fmt: skip
"""What the workflow needs besides its Snakefile and the tables that its configuration names."""

CONTENTS = """
- `results/`: figures with their source data, tables, the paper's claims beside ours, and
  `provenance.json`, which says what made them;
- `configuration.json`: all settings, as `snakemake --configfile configuration.json` takes them;
- `Snakefile`, `workflow/`, `scripts/`, `envs/`, `config/`: the code, its packages, and its tables;
- `ro-crate-metadata.json`: all this for programs, by the standard of https://w3id.org/ro/wfrun.
"""


def write_crate(
    provenance: str | Path,
    outputs: Iterable[str | Path],
    crate: str | Path,
    *,
    config: Mapping[str, Any],
    results: str | Path,
    benchmarks: str | Path,
    downloads: str | Path,
) -> None:
    """Pack a run: the workflow, its configuration and tables, figures, and claims.

    Tables that users edit, such as `config/claims.tsv`, are in the crate. Other input files may be
    large or not to be shared: they are named, with their checksum, and their address if known.

    Parameters
    ----------
    provenance
        By `provenance.record_provenance`.
    outputs
        Files in `results` that go into the crate, besides `provenance`; among them `summary.txt`.
    crate
        Zip to write.
    config
        The whole configuration. The contact address in it is not written.
    results
        The folder of results.
    benchmarks
        As for `times_of`.
    downloads
        The table of files to download.

    Raises
    ------
    UserError
        As `times_of`.
    """
    known, listed = json.loads(Path(provenance).read_text()), read_downloads(downloads)
    started, ended = times_of(benchmarks)
    made = _describe(Path(results) / "9_claims/summary.txt", ended)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        workflow = _add_workflow(made, folder / "code", known)
        write_json(without_contact(config), folder / "configuration.json")
        settings = _add_file(made, folder / "configuration.json", "configuration.json")
        write_text(f"# {made.name}\n\n{made.description}\n{CONTENTS}", folder / "README.md")
        _add_file(made, folder / "README.md", "README.md")["about"] = made.root_dataset
        made.root_dataset["mentions"] = made.add_action(
            workflow,
            identifier="#run",
            object=[settings, *(_add_input(made, *one, listed) for one in known["inputs"].items())],
            result=[
                _add_file(made, path, f"results/{Path(path).relative_to(results)}")
                for path in [*outputs, provenance]
            ],
            properties={
                "name": made.name,
                "description": "From the start of its first job to the end of its last one",
                "startTime": started,
                "endTime": ended,
                "actionStatus": "http://schema.org/CompletedActionStatus",
            },
        )
        made.write(folder / "crate")
        with atomic_path(crate) as temporary:
            # The library's own zip lacks entries for folders, which the standard asks for.
            shutil.make_archive(str(temporary.with_suffix("")), "zip", folder / "crate")


def times_of(benchmarks: str | Path) -> tuple[str, str]:
    """Give when the first job of a run started and the last one ended (ISO 8601, UTC).

    Parameters
    ----------
    benchmarks
        The folder of the tables that Snakemake writes when a job ends: first in the second line are
        the seconds that it took.

    Raises
    ------
    UserError
        If there are none.
    """
    spans = []
    for path in Path(benchmarks).rglob("*.tsv"):
        end = path.stat().st_mtime
        spans.append((end - float(path.read_text().splitlines()[1].split("\t")[0]), end))
    if not spans:
        raise UserError(
            f"{benchmarks}: no times of jobs, so nothing says when the run was; make a result again"
        )
    starts, ends = zip(*spans, strict=True)
    return _written(min(starts)), _written(max(ends))


def _written(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")


def _describe(summary: Path, ended: str) -> ROCrate:
    """Make a crate that has nothing yet but a description of the whole."""
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    crate = ROCrate(version=VERSION)
    crate.metadata.extra_terms["sha256"] = "http://schema.org/sha256"
    crate.name = f"A run of {cited['title']}"
    crate.description = summary.read_text().strip()
    crate.datePublished = ended
    address = f"https://spdx.org/licenses/{cited['license']}"
    crate.license = _described(crate, address, "CreativeWork", name=cited["license"])
    crate.root_dataset["conformsTo"] = [
        _described(crate, profile, "CreativeWork", name=name, version=profile.rpartition("/")[2])
        for profile, name in PROFILES.items()
    ]
    for place, author in enumerate(cited["authors"]):
        person = _described(crate, f"#author-{place}", "Organization", **author)
        crate.root_dataset.append_to("author", person, compact=True)
    return crate


def _add_workflow(crate: ROCrate, folder: Path, known: Mapping[str, Any]) -> Entity:
    """Add the workflow, from copies in `folder` that lack what Python leaves behind."""
    parts = [_add_file(crate, ROOT / name, name) for name in FILES]
    for name, described in FOLDERS.items():
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        parts.append(crate.add_dataset(folder / name, name, properties={"name": described}))
    packages = dict(known["packages"])
    python = packages.pop("python")
    workflow = crate.add_workflow(
        ROOT / "Snakefile", "Snakefile", main=True, lang="snakemake",
        lang_version=packages["snakemake"],
        properties={"name": "morphoflow", "encodingFormat": "text/plain"},
    )  # fmt: skip
    workflow["hasPart"] = parts
    for shared in ("author", "license"):
        workflow[shared] = crate.root_dataset[shared]
    if commit := known["code"]["commit"]:
        workflow["version"] = f"{commit}, changed" if known["code"]["changed"] else commit
    used = {("generic", "python"): python} | {("pypi", name): packages[name] for name in packages}
    workflow["softwareRequirements"] = [
        # Package URLs, the standard for naming packages (https://github.com/package-url).
        _described(
            crate, f"pkg:{kind}/{name}@{version}", "SoftwareApplication",
            name=name, softwareVersion=version,
        )
        for (kind, name), version in used.items()
    ]  # fmt: skip
    return workflow


def _add_input(crate: ROCrate, path: str, sha256: str, listed: Mapping[str, Download]) -> Entity:
    """Add a file that the run was given, or only what is known of it."""
    described, place = {"name": path, "sha256": sha256}, Path(path)
    if place.suffix == ".tsv" and not place.is_absolute() and ".." not in place.parts:
        return _add_file(crate, path, path)
    if known := listed.get(place.name):
        return crate.add_file(known.url, properties=described)
    return _described(crate, f"#{path}", "CreativeWork", **described)


def _add_file(crate: ROCrate, source: str | Path, place: str) -> Entity:
    """Add a file to the crate, with its format and checksum."""
    form = mimetypes.guess_type(place)[0] or "text/plain"
    described = {"name": Path(place).name, "encodingFormat": form, "sha256": checksum(source)}
    return crate.add_file(source, place, properties=described, record_size=True)


def _described(crate: ROCrate, identifier: str, kind: str, **properties: Any) -> Entity:
    """Add something that is no file of the crate."""
    return crate.add(ContextEntity(crate, identifier, {"@type": kind, **properties}))
