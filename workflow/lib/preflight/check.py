"""Everything that can be known to go wrong before the first job runs, all at once."""

import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from workflow.lib.planning.anomaly_tasks import every_task
from workflow.lib.planning.cost import Cost
from workflow.lib.planning.grid import (
    catalogue_tables,
    given_table,
    image_archives,
    weights_file,
)
from workflow.lib.planning.plan import Job
from workflow.lib.preflight.files import Answer, ask, fetch_ends
from workflow.lib.preflight.lines import NOTE, is_problem
from workflow.lib.preflight.machine import count_gpus, disk_problems, slurm_problems
from workflow.lib.preflight.weights import can_check, weights_problem
from workflow.lib.sources.downloads import Download, read_downloads

if TYPE_CHECKING:
    from workflow.lib.preflight.tables import Table

DOWNLOADS = "config/downloads.tsv"
ENDS_TELL = (".csv", ".parquet", ".fits")
"""Tables whose columns are known from their beginning and end."""


class Machine(NamedTuple):
    """Where jobs will run."""

    gpus: int = 0
    """GPUs of this machine that Snakemake may give to jobs."""
    accounts: Collection[str] = ()
    partitions: Collection[tuple[str, str]] = ()
    """On a cluster: as for `slurm_problems`."""


class Look(NamedTuple):
    """What is known of a file before it is downloaded."""

    path: str
    answer: Answer
    ends: str | None
    """A file with its beginning and end, for a table."""


def check(jobs: Sequence[Job], config: Mapping[str, Any], machine: Machine) -> list[str]:
    """Check all that jobs need; it takes less than a minute.

    Parameters
    ----------
    jobs
        The jobs that will run.
    config
        The whole configuration.
    machine
        Where the jobs will run.

    Returns
    -------
    list of str
        A line for each problem, and for each thing that could not be checked (a `NOTE`).
    """
    names = sorted({job.wildcards["file"] for job in jobs if job.rule == "download_file"})
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(32) as pool:
        weights = list(_weights(jobs, config))
        loading = [pool.submit(weights_problem, **one) for one in weights if can_check()]
        known = read_downloads(DOWNLOADS) if names else {}
        look = partial(_look, known=known, config=config, folder=Path(folder))
        looks = dict(zip(names, pool.map(look, names), strict=True))
        lines = [look.answer.problem for look in looks.values()]
        lines += _of_tables(jobs, config, looks)
        lines += _of_representations(jobs, config)
        lines += [future.result() for future in loading]
    if weights and not can_check():
        lines.append(f"{NOTE}not checked: whether weights fit the network, for Keras is not here")
    lines += disk_problems(_space(jobs, config, looks.values()))
    lines += _of_gpus(jobs, machine)
    lines += _of_contact(jobs, config)
    return list(dict.fromkeys(filter(None, lines)))


def resolved(path: str, config: Mapping[str, Any]) -> str:
    """Put the folders of 'pathvars' into a path such as ``<downloads>/tags.csv``."""
    for name, folder in config["pathvars"].items():
        path = path.replace(f"<{name}>", folder)
    return path


def _look(
    name: str, known: Mapping[str, Download], config: Mapping[str, Any], folder: Path
) -> Look:
    """Ask for a file to download, and fetch the ends of a table."""
    path = resolved(f"<downloads>/{name}", config)
    if name not in known:
        return Look(path, Answer(None, f"{DOWNLOADS}: no '{name}', which the run needs"), None)
    contact = config["legacysurvey"]["contact"]
    answer = ask(known[name], path, contact)
    ends = str(folder / name)
    if answer.problem or not answer.size or not name.endswith(ENDS_TELL):
        return Look(path, answer, None)
    fetched = fetch_ends(known[name].url, answer.size, ends, contact)
    return Look(path, answer, ends if fetched else None)


def _weights(jobs: Sequence[Job], config: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """List the arguments of `weights_problem` for the weights that are there."""
    pretraining = config["pretraining"]
    for job in jobs:
        if job.rule == "copy_encoder":
            named = pretraining["weights"][job.wildcards["pretraining"]]
            given = resolved(weights_file(named), config)
            if Path(given).exists():
                yield {
                    "given": given,
                    "size": config["representation"]["crop_size"],
                    "survey": pretraining["survey"],
                    "questions": pretraining["questions"],
                }


def _of_tables(
    jobs: Sequence[Job], config: Mapping[str, Any], looks: Mapping[str, Look]
) -> Iterator[str]:
    """Check the tables of all surveys but those that are simulated."""
    surveys = {
        name: survey
        for name, survey in config["surveys"].items()
        if not any(map(_is_made, catalogue_tables(survey["catalogue"]).values()))
    }
    if not surveys:
        return
    from workflow.lib.preflight.counts import count_problems, label_problems
    from workflow.lib.preflight.tables import Table, needs_of, survey_problems, tag_problems

    tasks = every_task(config)
    needs = {
        (need.survey, need.user): need for job in jobs for need in needs_of(job, config, tasks)
    }
    planned = {(job.rule, job.wildcards.get("survey")) for job in jobs}
    for name, survey in surveys.items():
        given = {}
        if ("select_galaxies", name) in planned:
            given = catalogue_tables(survey["catalogue"])
        elif any(need.survey == name for need in needs.values()):
            given = {"catalogue": f"<results>/1_catalogue/{name}.parquet"}
        tables = {key: _table(path, config, looks) for key, path in given.items()}
        yield from (f"{NOTE}{table}" for table in tables.values() if isinstance(table, str))
        problems = [
            *survey_problems(
                name,
                survey,
                config["nsa"],
                [need for need in needs.values() if need.survey == name],
                {key: table for key, table in tables.items() if not isinstance(table, str)},
            )
        ]
        yield from problems
        table, catalogue = tables.get("table"), tables.get("catalogue")
        sound = not any(map(is_problem, problems))
        if sound and isinstance(table, Table) and table.whole:
            yield from count_problems(name, config, table.path, _archives(survey, config), jobs)
        if sound and isinstance(catalogue, Table):
            yield from label_problems(name, config, catalogue.path, jobs)
        if ("gather_tags", name) in planned:
            table = _table(survey["tags"]["table"], config, looks)
            if isinstance(table, str):
                yield f"{NOTE}{table}"
            else:
                yield from tag_problems(name, table, "nsa" in survey["catalogue"])


def _of_representations(jobs: Sequence[Job], config: Mapping[str, Any]) -> Iterator[str]:
    """Check the users' tables of representations: their columns, and the first rows."""
    for job in jobs:
        if job.rule == "import_representation":
            given = config["pretraining"]["weights"][job.wildcards["pretraining"]]
            path = given_table(given, job.wildcards["survey"])
            if not _is_made(path) and Path(resolved(path, config)).exists():
                from workflow.lib.preflight.tables import representation_problem

                yield representation_problem(resolved(path, config))


def _table(path: str, config: Mapping[str, Any], looks: Mapping[str, Look]) -> "Table | str":
    """Give a table that can be looked into, or say why it cannot."""
    from workflow.lib.preflight.tables import ROWS, Table

    path = resolved(path, config)
    look = next((look for look in looks.values() if look.path == path), None)
    if look and look.ends:
        return Table(path, look.ends, 0 if path.endswith(".parquet") else ROWS)
    if Path(path).exists():
        return Table(path, path, ROWS)
    return f"not checked: the columns of {path}, which is not here yet"


def _archives(survey: Mapping[str, Any], config: Mapping[str, Any]) -> list[str]:
    """List a survey's folders and zips of images, if all are here."""
    paths = [resolved(path, config) for path in image_archives(survey["images"])]
    return paths if all(Path(path).exists() for path in paths) else []


def _is_made(path: str) -> bool:
    """Tell whether a rule makes this file."""
    return path.startswith("<results>")


def _space(
    jobs: Sequence[Job], config: Mapping[str, Any], looks: Collection[Look]
) -> dict[str, float]:
    """Estimate the space that the run needs, in bytes by folder.

    Left out are jobs whose number of galaxies is not known.
    """
    cost = Cost(config)
    counted = {*config["cost"]["galaxies_of"]} | {
        name for name, survey in config["surveys"].items() if "simulation" in survey
    }
    made = [job for job in jobs if job.wildcards.get("survey") in counted]

    def size(look: Look) -> float:
        usual = 1000 * cost.kilobytes("download_file", {"file": Path(look.path).name})
        return max(0, (look.answer.size or usual) - _size(f"{look.path}.part"))

    return {
        resolved("<results>", config): sum(
            1000 * cost.kilobytes(job.rule, job.wildcards) for job in made
        ),
        resolved("<downloads>", config): sum(map(size, looks)),
    }


def _size(path: str) -> int:
    return Path(path).stat().st_size if Path(path).exists() else 0


def _of_gpus(jobs: Sequence[Job], machine: Machine) -> Iterator[str]:
    if machine.partitions:
        if shutil.which("sinfo"):
            yield from slurm_problems(machine.accounts, machine.partitions)
        else:
            yield f"{NOTE}not checked: partitions and GPUs, for there is no 'sinfo' here"
        return
    able = sum(job.gpus > 0 for job in jobs)
    seen = count_gpus() if able else 0
    if able and machine.gpus > seen:
        yield (
            f"--resources gpu={machine.gpus}: 'nvidia-smi -L' lists {seen} GPUs here; lower the "
            "number, or mend the driver"
        )
    elif able and not seen:
        yield f"{NOTE}no GPU is seen here; {able:,} jobs that could use one will use CPU cores"


def _of_contact(jobs: Sequence[Job], config: Mapping[str, Any]) -> Iterator[str]:
    fetched = {job.wildcards["survey"] for job in jobs if job.rule == "fetch_cutouts"}
    sources = {config["surveys"][survey]["images"]["source"] for survey in fetched}
    if "legacysurvey" in sources and "@" not in (config["legacysurvey"]["contact"] or ""):
        yield (
            "config: 'legacysurvey.contact' is not set; give your e-mail address, so that the "
            "operators of the Legacy Survey can write to you"
        )
