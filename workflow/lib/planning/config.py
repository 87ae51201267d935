"""The configuration's own checks: one clear line that names the key.

Parsed by every job, so nothing heavy is imported here.
"""

import difflib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from workflow.lib.common.errors import UserError
from workflow.lib.planning.grid import SCRATCH

SCHEMA = Path(__file__).parents[2] / "schemas" / "config.schema.yaml"
BASE = Path(__file__).parents[3] / "config" / "config.yaml"


def read_config(overlays: Iterable[str | Path]) -> dict[str, Any]:
    """Read and check the configuration outside of Snakemake, merged as Snakemake merges it.

    Parameters
    ----------
    overlays
        Files to lay over ``config/config.yaml``, in order.

    Raises
    ------
    UserError
        If a file is missing, is not YAML, or as `check_config`.
    """
    config: dict[str, Any] = {}
    for path in (BASE, *overlays):
        try:
            over = yaml.safe_load(Path(path).read_text())
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            reason = " ".join(str(error).split())
            raise UserError(f"{path}: not a configuration ({reason})") from error
        if not isinstance(over, Mapping):
            raise UserError(f"{path}: not a configuration (no keys)")
        config = merged(config, over)
    check_config(config)
    return config


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one configuration over another: what it says replaces, what it leaves out stays."""
    both = dict(base)
    for key, value in over.items():
        inner = isinstance(value, Mapping) and isinstance(both.get(key), Mapping)
        both[key] = merged(both[key], value) if inner else value
    return both


def check_config(config: Mapping[str, Any]) -> None:
    """Check a configuration against the schema, then for contradictions between its keys.

    Parameters
    ----------
    config
        The merged configuration.

    Raises
    ------
    UserError
        On the first misspelt or missing key, wrong type, value out of range or contradiction.
    """
    error = best_match(_validator().iter_errors(config))
    if error is not None:
        raise UserError(f"config: {_describe(error)}")
    for problem in _contradictions(config):
        raise UserError(f"config: {problem}")


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(yaml.safe_load(SCHEMA.read_text()))


def _describe(error: ValidationError) -> str:
    key = ".".join(map(str, error.absolute_path))
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        unknown = next(name for name in error.instance if name not in known)
        close = difflib.get_close_matches(str(unknown), known, n=1)
        hint = f"did you mean '{close[0]}'?" if close else f"known here: {', '.join(known)}"
        return f"unknown key '{f'{key}.{unknown}' if key else unknown}'; {hint}"
    if error.validator == "required":
        missing = next(name for name in error.validator_value if name not in error.instance)
        return f"missing key '{f'{key}.{missing}' if key else missing}'"
    return f"'{key}': {_expectation(error)}, not {json.dumps(error.instance, default=str)}"


def _expectation(error: ValidationError) -> str:
    value = error.validator_value
    words = {
        "type": lambda: f"must be {' or '.join([value] if isinstance(value, str) else value)}",
        "minimum": lambda: f"must be at least {value}",
        "maximum": lambda: f"must be at most {value}",
        "exclusiveMinimum": lambda: f"must be above {value}",
        "exclusiveMaximum": lambda: f"must be below {value}",
        "enum": lambda: f"must be one of {', '.join(map(str, value))}",
        "pattern": lambda: f"must match {value}",
        "minItems": lambda: f"must have at least {value} entries",
        "uniqueItems": lambda: "must have no entry twice",
    }
    return words[error.validator]() if error.validator in words else error.message


def _not_finite(value: Any, key: str) -> Iterator[str]:
    """JSON schema lets YAML's .nan and .inf pass every bound."""
    if isinstance(value, float) and not math.isfinite(value):
        yield f"'{key}': must be a finite number, not {value}"
    elif isinstance(value, Mapping):
        for name, below in value.items():
            yield from _not_finite(below, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list):
        for place, below in enumerate(value):
            yield from _not_finite(below, f"{key}.{place}")


def _contradictions(config: Mapping[str, Any]) -> Iterator[str]:
    yield from _not_finite(config, "")
    crop, network = config["representation"]["crop_size"], config["cutouts"]["network_size"]
    if crop > network:
        yield (
            f"'representation.crop_size' ({crop}) must not be larger than "
            f"'cutouts.network_size' ({network})"
        )
    thumbnail = config["cutouts"]["thumbnail_size"]
    if network > thumbnail:
        yield (
            f"'cutouts.network_size' ({network}) must not be larger than "
            f"'cutouts.thumbnail_size' ({thumbnail})"
        )
    for figure in ("representation", "neighbours"):
        if 2 * config["figures"][figure]["crop"] >= thumbnail:
            yield (
                f"'figures.{figure}.crop' must leave something of a thumbnail: "
                f"less than {thumbnail // 2}, half of 'cutouts.thumbnail_size'"
            )
    yield from _colour_contradictions("cutouts.colour", config["cutouts"]["colour"])
    if config["umap"]["components"] not in config["pca"]["components"]:
        yield (
            f"'umap.components' ({config['umap']['components']}) must be one of "
            f"'pca.components' {config['pca']['components']}"
        )
    yield from _pretraining_contradictions(config)
    yield from _similarity_contradictions(config)
    yield from _anomaly_contradictions(config)
    yield from _finetune_contradictions(config)
    if config["pca"]["batch_size"] < max(config["pca"]["components"]):
        yield "'pca.batch_size' must be at least the largest of 'pca.components'"
    figures = config["figures"]
    shown = {
        "figures.survey": [figures["survey"]],
        "figures.pca.surveys": figures["pca"]["surveys"],
    }
    for key, names in shown.items():
        for name in names:
            if name not in config["surveys"]:
                known = ", ".join(config["surveys"])
                yield f"'{key}' ({name}) must be one of the surveys: {known}"
    for name, survey in config["surveys"].items():
        yield from _survey_contradictions(f"surveys.{name}", survey)


def _pretraining_contradictions(config: Mapping[str, Any]) -> Iterator[str]:
    pretraining, probe = config["pretraining"], config["probe"]
    if "random" in {*pretraining["weights"], *pretraining["tasks"]}:
        yield "'pretraining': random weights come from no file or task; choose another name"
    known = ["random", *pretraining["tasks"], *pretraining["weights"]]
    wanted = {
        "pretraining.shown": [pretraining["shown"]],
        "pretraining.made": pretraining["made"],
        "probe.pretrainings": probe["pretrainings"],
    }
    for key, names in wanted.items():
        for name in names:
            if name not in known:
                yield (
                    f"'{key}' ({name}) must be random, or one of 'pretraining.tasks' or "
                    f"'pretraining.weights': {', '.join(known)}"
                )
    for name in pretraining["epochs_of"]:
        if name not in known:
            yield f"'pretraining.epochs_of.{name}': no such pretraining; known: {', '.join(known)}"
    if pretraining["survey"] not in config["surveys"]:
        yield (
            f"'pretraining.survey' ({pretraining['survey']}) must be one of the surveys: "
            f"{', '.join(config['surveys'])}"
        )
    for task, questions in pretraining["tasks"].items():
        for question in questions:
            if question not in pretraining["questions"]:
                yield f"'pretraining.tasks.{task}': no '{question}' in 'pretraining.questions'"
    for question in pretraining["questions"]:
        # The labels of later experiments: a network must never have learned them.
        if "rare-features" in question:
            yield f"'pretraining.questions.{question}': rare features must never be learned"
    if pretraining["split"]["validation_share"] + pretraining["split"]["test_share"] >= 1:
        yield "'pretraining.split': the shares leave no galaxy to train on"
    low, high = pretraining["concentrations"]
    if low >= high:
        yield f"'pretraining.concentrations': {low} must be below {high}"
    batch = pretraining["recipe"]["batch_size"]
    for gpus in pretraining["gpus"]:
        if batch % max(gpus, 1):
            yield (
                f"'pretraining.gpus' ({gpus}) must divide 'pretraining.recipe.batch_size' ({batch})"
            )
    if probe["components"] not in config["pca"]["components"]:
        yield (
            f"'probe.components' ({probe['components']}) must be one of 'pca.components' "
            f"{config['pca']['components']}"
        )
    labelled = {rule["survey"] for rule in probe["labels"].values()}
    for survey in probe["surveys"]:
        if survey not in labelled & {*config["surveys"]}:
            yield f"'probe.surveys' ({survey}) must be one of 'surveys' and have 'probe.labels'"
    for label, rule in probe["labels"].items():
        if rule["below"] > rule["above"]:
            yield (
                f"'probe.labels.{label}': below ({rule['below']}) must not be larger than "
                f"above ({rule['above']})"
            )


def _similarity_contradictions(config: Mapping[str, Any]) -> Iterator[str]:
    similarity, made = config["similarity"], config["pca"]["components"]
    wanted = {
        "similarity.components": [similarity["components"]],
        "similarity.retrieval.components": similarity["retrieval"]["components"],
    }
    for key, components in wanted.items():
        for count in components:
            if count not in made:
                yield f"'{key}' ({count}) must be one of 'pca.components' {made}"
    figures, listed = config["figures"], similarity["neighbours"]
    if max(similarity["retrieval"]["first"]) > listed:
        yield f"'similarity.retrieval.first' must not be over 'similarity.neighbours' ({listed})"
    if figures["neighbours"]["per_row"] > listed + 1:
        yield (
            f"'figures.neighbours.per_row' must not be over {listed + 1}, the query and its "
            "'similarity.neighbours'"
        )
    survey = config["surveys"].get(figures["survey"], {"tags": {}})
    if "figure_2" in figures["show"] and "tags" not in survey:
        yield f"'figures.show' (figure_2) needs 'surveys.{figures['survey']}.tags'"


def _anomaly_contradictions(config: Mapping[str, Any]) -> Iterator[str]:
    anomalies, made = config["anomalies"], config["pca"]["components"]
    if anomalies["components"] not in made:
        yield (
            f"'anomalies.components' ({anomalies['components']}) must be one of "
            f"'pca.components' {made}"
        )
    forest = anomalies["searches"]["isolation-forest"]
    if forest["floor"] + forest["slope"] >= 1:
        yield "'anomalies.searches.isolation-forest': floor and slope must be less than 1 together"
    thumbnail = config["cutouts"]["thumbnail_size"]
    if 2 * config["figures"]["anomalies"]["figure_6"]["crop"] >= thumbnail:
        yield (
            "'figures.anomalies.figure_6.crop' must leave something of a thumbnail: "
            f"less than {thumbnail // 2}, half of 'cutouts.thumbnail_size'"
        )


def _finetune_contradictions(config: Mapping[str, Any]) -> Iterator[str]:
    finetune, pretraining = config["finetune"], config["pretraining"]
    if finetune["task"] not in finetune["labels"]:
        known = ", ".join(finetune["labels"])
        yield f"'finetune.task' ({finetune['task']}) must be one of 'finetune.labels': {known}"
    for name, task in finetune["labels"].items():
        key = f"finetune.labels.{name}"
        if task["below"] > task["above"]:
            yield (
                f"'{key}': below ({task['below']}) must not be larger than above ({task['above']})"
            )
        yield from _cut_contradictions(f"{key}.cuts", task["cuts"])
        if task["survey"] not in config["surveys"]:
            yield (
                f"'{key}.survey' ({task['survey']}) must be one of the surveys: "
                f"{', '.join(config['surveys'])}"
            )
    known = [SCRATCH, "random", *pretraining["tasks"], *pretraining["weights"]]
    for name, depths in finetune["depths"].items():
        if name not in known:
            yield f"'finetune.depths.{name}': no such pretraining; known: {', '.join(known)}"
        if name == SCRATCH and set(depths) - {"all"}:
            yield f"'finetune.depths.{SCRATCH}' must be [all], or [] for none"
    if SCRATCH in {*pretraining["tasks"], *pretraining["weights"]}:
        yield f"'pretraining': {SCRATCH} is no pretraining; choose another name"
    split = finetune["split"]
    if split["validation_share"] + split["test_share"] >= 1:
        yield "'finetune.split': the shares leave no galaxy to train on"
    for stage, recipe in finetune["stages"].items():
        if recipe["patience"]["least"] > recipe["patience"]["most"]:
            yield f"'finetune.stages.{stage}.patience': least must not be larger than most"
    predict = finetune["predict"]
    if predict["pretraining"] not in known:
        yield (
            f"'finetune.predict.pretraining' ({predict['pretraining']}) must be one of "
            f"{', '.join(known)}"
        )
    for survey in predict["surveys"]:
        if survey not in config["surveys"]:
            yield (
                f"'finetune.predict.surveys' ({survey}) must be one of the surveys: "
                f"{', '.join(config['surveys'])}"
            )


def _cut_contradictions(key: str, cuts: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    for column, cut in cuts.items():
        if cut.get("above", float("-inf")) >= cut.get("below", float("inf")):
            yield (
                f"'{key}.{column}': above ({cut['above']}) must be smaller than "
                f"below ({cut['below']})"
            )


def _colour_contradictions(key: str, colour: Mapping[str, Any]) -> Iterator[str]:
    low, high = colour["arcsinh_range"]
    if low >= high:
        yield f"'{key}.arcsinh_range': {low} must be below {high}"


def _survey_contradictions(key: str, survey: Mapping[str, Any]) -> Iterator[str]:
    catalogue, source = survey["catalogue"], survey["images"]["source"]
    if ("nsa" in catalogue) == ("table" in catalogue):
        yield f"'{key}.catalogue' must have either 'nsa' (with 'automated') or 'table'"
    elif "nsa" in catalogue and "automated" not in catalogue:
        yield f"'{key}.catalogue.nsa' needs '{key}.catalogue.automated'"
    elif "table" in catalogue and "id_column" not in catalogue:
        yield f"'{key}.catalogue.table' needs '{key}.catalogue.id_column'"
    if len(survey.get("tags", {})) > 1:
        yield f"'{key}.tags' must have either 'table' or 'fractions'"
    if source == "directory" and "path" not in survey["images"]:
        yield f"'{key}.images.source' directory needs '{key}.images.path'"
    if source == "simulated" and "simulation" not in survey:
        yield f"'{key}.images.source' simulated needs '{key}.simulation'"
    if "pictures" in survey.get("simulation", {}):
        colour = survey["simulation"]["pictures"]["colour"]
        yield from _colour_contradictions(f"{key}.simulation.pictures.colour", colour)
    yield from _cut_contradictions(f"{key}.cuts", survey.get("cuts", {}))
