"""Contradictions between keys of the configuration, each one line that names the keys.

Every job imports this module, so it imports nothing heavy.
"""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from workflow.lib.planning.grid import FROZEN, SCRATCH, has_network

MOST = 2**53
"""Largest whole number, of which all are exact as floats too."""

LONGEST = 1000
"""Longest text [characters]."""


def contradictions(config: Mapping[str, Any]) -> Iterator[str]:
    """Find what the schema cannot express.

    Parameters
    ----------
    config
        A configuration that the schema allows.

    Yields
    ------
    str
        What is wrong, with the keys and their values.
    """
    yield from _unusable(config, "")
    yield from _of_sizes(config)
    yield from _of_components(config)
    yield from _of_surveys(config)
    yield from _of_pretraining(config)
    yield from _of_probe(config)
    yield from _of_similarity(config)
    yield from _of_anomalies(config)
    yield from _of_finetune(config)
    yield from _of_compare(config)
    for name, survey in config["surveys"].items():
        yield from _of_survey(f"surveys.{name}", survey)


def _unusable(value: Any, key: str) -> Iterator[str]:
    """Find what JSON schema lets pass: YAML's .nan and .inf, long numbers, control characters."""
    if isinstance(value, float) and not math.isfinite(value):
        yield f"'{key}': must be a finite number, not {value}"
    elif isinstance(value, int) and abs(value) > MOST:
        yield f"'{key}': must be at most {MOST}"
    elif isinstance(value, str) and not (value.isprintable() and len(value) <= LONGEST):
        yield f"'{key}': must be at most {LONGEST} characters that can be printed"
    elif isinstance(value, Mapping):
        for name, below in value.items():
            yield from _unusable(below, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list):
        for place, below in enumerate(value):
            yield from _unusable(below, f"{key}.{place}")


def _unknown(wanted: Mapping[str, Iterable], known: Collection, expected: str) -> Iterator[str]:
    """Name values that are not among the known ones; `wanted` has the values of each key."""
    for key, values in wanted.items():
        for value in values:
            if value not in known:
                yield f"'{key}' ({value}) must be {expected}"


def _not_rising(key: str, pair: Iterable[float]) -> Iterator[str]:
    low, high = pair
    if low >= high:
        yield f"'{key}': {low} must be below {high}"


def _overlapping(key: str, rule: Mapping[str, Any]) -> Iterator[str]:
    """Check a label: a value must not both have it (above) and not have it (below)."""
    if rule["below"] > rule["above"]:
        yield f"'{key}': below ({rule['below']}) must not be larger than above ({rule['above']})"


def _no_training_set(key: str, split: Mapping[str, Any]) -> Iterator[str]:
    if split["validation_share"] + split["test_share"] >= 1:
        yield f"'{key}': the shares leave no galaxy to train on"


def _of_sizes(config: Mapping[str, Any]) -> Iterator[str]:
    crop, cutouts = config["representation"]["crop_size"], config["cutouts"]
    network, thumbnail = cutouts["network_size"], cutouts["thumbnail_size"]
    if crop > network:
        yield (
            f"'representation.crop_size' ({crop}) must not be larger than "
            f"'cutouts.network_size' ({network})"
        )
    if network > thumbnail:
        yield (
            f"'cutouts.network_size' ({network}) must not be larger than "
            f"'cutouts.thumbnail_size' ({thumbnail})"
        )
    figures = config["figures"]
    cropped = {
        "representation": figures["representation"],
        "neighbours": figures["neighbours"],
        "anomalies.figure_6": figures["anomalies"]["figure_6"],
    }
    for key, figure in cropped.items():
        if 2 * figure["crop"] >= thumbnail:
            yield (
                f"'figures.{key}.crop' must leave something of a thumbnail: "
                f"less than {thumbnail // 2}, half of 'cutouts.thumbnail_size'"
            )
    yield from _not_rising("cutouts.colour.arcsinh_range", cutouts["colour"]["arcsinh_range"])


def _of_components(config: Mapping[str, Any]) -> Iterator[str]:
    made, similarity = config["pca"]["components"], config["similarity"]
    wanted = {
        "umap.components": [config["umap"]["components"]],
        "probe.components": [config["probe"]["components"]],
        "similarity.components": [similarity["components"]],
        "similarity.retrieval.components": similarity["retrieval"]["components"],
        "anomalies.components": [config["anomalies"]["components"]],
    }
    yield from _unknown(wanted, made, f"one of 'pca.components' {made}")
    if config["pca"]["batch_size"] < max(made):
        yield "'pca.batch_size' must be at least the largest of 'pca.components'"


def _of_surveys(config: Mapping[str, Any]) -> Iterator[str]:
    figures, finetune = config["figures"], config["finetune"]
    wanted = {
        "pretraining.survey": [config["pretraining"]["survey"]],
        **{
            f"finetune.labels.{name}.survey": [label["survey"]]
            for name, label in finetune["labels"].items()
        },
        "finetune.predict.surveys": finetune["predict"]["surveys"] or [],
        "figures.survey": [figures["survey"]],
        "figures.pca.surveys": figures["pca"]["surveys"],
    }
    known = ", ".join(config["surveys"])
    yield from _unknown(wanted, config["surveys"], f"one of the surveys: {known}")


def _of_pretraining(config: Mapping[str, Any]) -> Iterator[str]:
    pretraining = config["pretraining"]
    tasks, finals, weights = (pretraining[key] for key in ("tasks", "finals", "weights"))
    if "random" in {*weights, *tasks, *finals}:
        yield "'pretraining': random weights come from no file or task; choose another name"
    follow = {f"pretraining.finals.{name}": [task] for name, task in finals.items()}
    yield from _unknown(follow, tasks, "one of 'pretraining.tasks'")
    for name in {*finals} & {*tasks}:
        yield f"'pretraining.finals.{name}': 'pretraining.tasks' has it too; choose another name"
    tested = ["random", *tasks, *weights]
    known = [*tested, *_finals(pretraining)]
    wanted = {
        "pretraining.shown": [pretraining["shown"]],
        "pretraining.made": pretraining["made"],
        "probe.pretrainings": config["probe"]["pretrainings"],
    }
    yield from _unknown(
        wanted,
        known,
        "random, or one of 'pretraining.tasks', 'pretraining.weights' or (if its task is in no "
        "'pretraining.weights') 'pretraining.finals': " + ", ".join(known),
    )
    if pretraining["survey"] in config["probe"]["surveys"]:
        yield from _unknown(
            {"probe.pretrainings": config["probe"]["pretrainings"]},
            tested,
            "no name of 'pretraining.finals', of whose training no galaxy is held out",
        )
    for name in pretraining["epochs_of"]:
        if name not in tested:
            yield f"'pretraining.epochs_of.{name}': no such pretraining; known: {', '.join(tested)}"
    for task, questions in tasks.items():
        for question in questions:
            if question not in pretraining["questions"]:
                yield f"'pretraining.tasks.{task}': no '{question}' in 'pretraining.questions'"
    for question in pretraining["questions"]:
        # Later experiments use them as labels: a network must never have learned them.
        if "rare-features" in question:
            yield f"'pretraining.questions.{question}': rare features must never be learned"
    yield from _no_training_set("pretraining.split", pretraining["split"])
    yield from _not_rising("pretraining.concentrations", pretraining["concentrations"])
    batch = pretraining["recipe"]["batch_size"]
    for gpus in pretraining["gpus"]:
        if batch % max(gpus, 1):
            yield (
                f"'pretraining.gpus' ({gpus}) must divide 'pretraining.recipe.batch_size' ({batch})"
            )


def _finals(pretraining: Mapping[str, Any]) -> list[str]:
    """List the final pretrainings that can be trained, since the training of their task can."""
    given = {*pretraining["weights"]}
    return [name for name, task in pretraining["finals"].items() if not given & {name, task}]


def _of_probe(config: Mapping[str, Any]) -> Iterator[str]:
    probe = config["probe"]
    labelled = {rule["survey"] for rule in probe["labels"].values()} & {*config["surveys"]}
    wanted = {"probe.surveys": probe["surveys"]}
    yield from _unknown(wanted, labelled, "one of 'surveys' and have 'probe.labels'")
    for label, rule in probe["labels"].items():
        yield from _overlapping(f"probe.labels.{label}", rule)
        yield from _of_cuts(f"probe.labels.{label}.cuts", rule.get("cuts", {}))


def _of_similarity(config: Mapping[str, Any]) -> Iterator[str]:
    figures, similarity = config["figures"], config["similarity"]
    listed = similarity["neighbours"]
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


def _of_anomalies(config: Mapping[str, Any]) -> Iterator[str]:
    forest = config["anomalies"]["searches"]["isolation-forest"]
    if forest["floor"] + forest["slope"] >= 1:
        yield "'anomalies.searches.isolation-forest': floor and slope must be less than 1 together"
    for name, method in config["anomalies"]["methods"].items():
        if method.get("settings") and method["search"] != "gaussian-process":
            yield f"'anomalies.methods.{name}.settings' are those of the search gaussian-process"


def _of_finetune(config: Mapping[str, Any]) -> Iterator[str]:
    finetune, pretraining = config["finetune"], config["pretraining"]
    labels = ", ".join(finetune["labels"])
    task = {"finetune.task": [finetune["task"]]}
    yield from _unknown(task, finetune["labels"], f"one of 'finetune.labels': {labels}")
    for name, label in finetune["labels"].items():
        yield from _overlapping(f"finetune.labels.{name}", label)
        yield from _of_cuts(f"finetune.labels.{name}.cuts", label["cuts"])
    made = ["random", *pretraining["tasks"], *pretraining["weights"], *_finals(pretraining)]
    known = [SCRATCH, *made]
    for name, depths in finetune["depths"].items():
        if name not in known:
            yield f"'finetune.depths.{name}': no such pretraining; known: {', '.join(known)}"
        if name == SCRATCH and set(depths) - {"all"}:
            yield f"'finetune.depths.{SCRATCH}' must be [all], or [] for none"
        if FROZEN in depths and has_network(pretraining["weights"].get(name, "")):
            yield (
                f"'finetune.depths.{name}': {FROZEN} is for tables of representations; any other "
                "depth gives a frozen model too"
            )
    if SCRATCH in made:
        yield f"'pretraining': {SCRATCH} is no pretraining; choose another name"
    yield from _no_training_set("finetune.split", finetune["split"])
    for stage, recipe in finetune["stages"].items():
        if recipe["patience"]["least"] > recipe["patience"]["most"]:
            yield f"'finetune.stages.{stage}.patience': least must not be larger than most"
    predicting = {"finetune.predict.pretraining": [finetune["predict"]["pretraining"]]}
    yield from _unknown(predicting, known, f"one of {', '.join(known)}")
    size, largest = finetune["predict"]["size"], max(finetune["sizes"])
    if size is not None and size > largest:
        yield (
            f"'finetune.predict.size' ({size}) must be at most {largest}, the largest of "
            "'finetune.sizes'"
        )


def _of_compare(config: Mapping[str, Any]) -> Iterator[str]:
    compare, pretraining = config["compare"], config["pretraining"]
    tested = ["random", *pretraining["tasks"], *pretraining["weights"]]
    wanted = {"compare.encoders": compare["encoders"] or []}
    yield from _unknown(wanted, tested, f"one of {', '.join(tested)}")
    methods = config["anomalies"]["methods"]
    wanted = {"compare.method": [compare["method"]]}
    yield from _unknown(wanted, methods, f"one of 'anomalies.methods': {', '.join(methods)}")


def _of_cuts(key: str, cuts: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    for column, cut in cuts.items():
        if cut.get("above", float("-inf")) >= cut.get("below", float("inf")):
            yield (
                f"'{key}.{column}': above ({cut['above']}) must be smaller than "
                f"below ({cut['below']})"
            )


def _of_survey(key: str, survey: Mapping[str, Any]) -> Iterator[str]:
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
        bounds = survey["simulation"]["pictures"]["colour"]["arcsinh_range"]
        yield from _not_rising(f"{key}.simulation.pictures.colour.arcsinh_range", bounds)
    yield from _of_cuts(f"{key}.cuts", survey.get("cuts", {}))
