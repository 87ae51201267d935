# What all stages share: the checked configuration, wildcard constraints, resource scopes, and
# the functions that name a survey's files.
from snakemake.exceptions import WorkflowError

from workflow.lib.code import script_digest
from workflow.lib.config import check_config
from workflow.lib.cost import Cost
from workflow.lib.errors import UserError
from workflow.lib.grids import (
    DEPTHS,
    FIGURE_SAMPLES,
    FINETUNING_FIGURES,
    PAPER_RUNS,
    SCRATCH,
    STAND_IN,
    FinetuningRun,
    finetuning_runs,
    repeat_names,
    shard_names,
    weights_file,
)
from workflow.lib.tasks import check_shown, read_tasks

try:
    check_config(config)
    TASKS = read_tasks(
        config["anomalies"]["tasks"], config["surveys"], config["anomalies"]["methods"]
    )
    check_shown(TASKS, config["figures"]["anomalies"], config["figures"]["show"])
except UserError as error:
    raise WorkflowError(str(error)) from None

COST = Cost(config)
SURVEYS = config["surveys"]
SIMULATED = [name for name, survey in SURVEYS.items() if "simulation" in survey]
SHOWN = config["figures"]["survey"]
TAGGED = {name: survey["tags"] for name, survey in SURVEYS.items() if "tags" in survey}
IN_FIGURES = sorted({SHOWN, *config["figures"]["pca"]["surveys"]})
PRETRAINING = config["pretraining"]["shown"]
PRETRAINED_ON = config["pretraining"]["survey"]
WEIGHTS = config["pretraining"]["weights"]
STAND_INS = [name for name, path in WEIGHTS.items() if path == STAND_IN]
TRAINED_HERE = [name for name in config["pretraining"]["tasks"] if name not in WEIGHTS]
METHODS = config["anomalies"]["methods"]
REPEATS = repeat_names(config["anomalies"]["repeats"])
ANOMALY_FIGURES = {"figure_3", "figure_4", "figure_5", "figure_6"} & set(config["figures"]["show"])
FIGURE_4, FIGURE_6 = (config["figures"]["anomalies"][name] for name in ("figure_4", "figure_6"))
EVALUATED = [name for name in config["pretraining"]["made"] if name in TRAINED_HERE]
FINETUNING_TASK = config["finetune"]["task"]
FINETUNING_RUNS = finetuning_runs(config["finetune"])
FINETUNING_SETTINGS = {
    "crop_size": config["representation"]["crop_size"],
    **{
        key: config["finetune"][key]
        for key in [
            "split",
            "head",
            "batch_size",
            "stages",
            "frozen_views",
            "test_passes",
            "momentum",
            "precision",
        ]
    },
}
# One run a job, or all sizes and repeats of a pretraining and depth.
ONE_RUN = "{label}/{pretraining}/{depth}/n{size}_r{repeat}"
ALONE = config["finetune"]["runs_of_a_job"] == "one"
FINETUNING_JOB = ONE_RUN if ALONE else "{label}/{pretraining}/{depth}"
RUNS_OF_A_JOB = (
    [ONE_RUN]
    if ALONE
    else expand(
        ONE_RUN,
        size=config["finetune"]["sizes"],
        repeat=range(config["finetune"]["repeats"]),
        allow_missing=True,
    )
)
PREDICTING_RUN = FinetuningRun(
    **{key: config["finetune"]["predict"][key] for key in FinetuningRun._fields}
).path
# What the report calls each figure.
TITLES = {
    "figure_1": "Figure 1: all galaxies",
    "figure_2": "Figure 2: similar galaxies",
    "figure_3": "Figure 3: odd galaxies found",
    "figure_4": "Figure 4: where they were looked for",
    "figure_5": "Figure 5: mergers, rings and irregular galaxies found",
    "figure_6": "Figure 6: some of those found",
    "figure_7": "Figure 7: rings from few labels",
    "figure_8": "Figure 8: from one question, or all",
    "figure_9": "Figure 9: by depth",
    "figure_A1": "Figure A1: featured galaxies",
    "figure_A2": "Figure A2: spirals",
    "figure_pca": "Variance kept by the components",
    "table_1": "Table 1: anomalies found",
}
# The report's tables, each with the files that it shows by their headings.
TABLES = {
    "selection": {
        survey: f"<results>/1_catalogue/{survey}/selection_counts.json" for survey in IN_FIGURES
    },
    "evaluation": {"Votes of held-out galaxies": "<results>/3_pretrain/evaluation.csv"},
    "scores": {task: f"<results>/6_anomaly/{task}/scores.csv" for task in TASKS},
    "costs": {FINETUNING_TASK: f"<results>/7_finetune/{FINETUNING_TASK}/costs.csv"},
}
TABLE_TITLES = {
    "selection": "Galaxies left by each cut",
    "evaluation": "How well votes are predicted",
    "scores": "Scores of every search for anomalies",
    "costs": "What fine-tuning took",
}
FINETUNING_SHOWN = {*FINETUNING_FIGURES} & {*config["figures"]["show"]}
TABLES_SHOWN = [
    "selection",
    *(["evaluation"] if EVALUATED else []),
    *(["scores"] if ANOMALY_FIGURES else []),
    *(["costs"] if FINETUNING_SHOWN else []),
]


wildcard_constraints:
    survey="|".join(SURVEYS),
    shard=r"\d+-of-\d+",
    pretraining="[a-z0-9-]+",
    components=r"\d+",
    label="|".join(config["finetune"]["labels"]),
    depth="|".join(depth.replace("+", r"\+") for depth in DEPTHS),
    size=r"\d+",
    sample="|".join(config["umap"]["samples"]),
    task="|".join(TASKS),
    method="|".join(METHODS),
    repeat=r"\d+",
    table="|".join(TABLES),


resource_scopes:
    turn="local",


def code_of(script, without=()):
    """Hash a script and all modules that it can reach: a param, so that an edit reruns the rule.

    Listing them as inputs would add ten files per job and slow planning.
    """
    return f"{script} {script_digest(script, without)}"


def escalate(first):
    """Ask for `first` of a resource, and for as much again with each attempt."""
    return lambda wildcards, attempt: first * attempt


def by_attempt(values):
    """Ask for the first value, with each attempt for the next, and then for the last."""
    return lambda wildcards, attempt: values[min(attempt, len(values)) - 1]


def memory(first, million):
    """Ask for `first` MB, and for so many more for each million galaxies of a job's survey."""

    def ask(wildcards, attempt):
        survey = wildcards.get("survey") or TASKS[wildcards.task].survey
        return attempt * round(first + million * COST.galaxies_of(survey) / 1e6)

    return ask


def memory_to_fetch(wildcards, attempt):
    """Ask for the memory of a shard's images, and of the names of all in a folder or zip."""
    listed = SURVEYS[wildcards.survey]["images"]["source"] == "directory"
    return memory(1500, 1000 if listed else 0)(wildcards, attempt)


def estimated(rule):
    """Ask for the time that a job is estimated to take, and for as much again with each attempt."""
    return lambda wildcards, attempt: COST.minutes(rule, dict(wildcards.items()), attempt)


def batch_of(rule):
    """Group the small jobs of a rule, so that those of a batch share one submission."""

    def name(wildcards):
        # Groups cost time to plan, so there are none but by a profile that wants them.
        if "batch" not in workflow.group_settings.group_components:
            return None
        batch = COST.batch(rule, dict(wildcards.items()))
        if batch:
            # As for a group that is named by wildcards, so that the profile's `group-components`
            # holds for all: else Snakemake joins only jobs that depend on each other.
            workflow.parent_groupids[batch] = "batch"
        return batch

    return name


def each_shard(pattern, survey, **wildcards):
    """Name a file of each shard of a survey."""
    names = shard_names(SURVEYS[survey]["shards"])
    return expand(pattern, survey=survey, shard=names, **wildcards)


def named_downloads(value):
    """Name the files to download that stand somewhere in a part of the configuration."""
    if isinstance(value, dict):
        return sorted({name for below in value.values() for name in named_downloads(below)})
    return [value] if str(value).startswith("<downloads>/") else []


def tables_of(wildcards):
    """Name the tables that a survey's catalogue is made from."""
    catalogue = SURVEYS[wildcards.survey]["catalogue"]
    return {key: path for key, path in catalogue.items() if key != "id_column"}


def images_of(wildcards):
    """Name the local files that a survey's images come from."""
    images = SURVEYS[wildcards.survey]["images"]
    return {
        "legacysurvey": [],
        "directory": images.get("path"),
        "simulated": f"<results>/0_sources/{wildcards.survey}/truth.parquet",
    }[images["source"]]


def code_of_images(wildcards):
    """Hash what determines a survey's images: the simulated sky's code for simulated images only."""
    simulated = SURVEYS[wildcards.survey]["images"]["source"] == "simulated"
    return code_of("fetch_cutouts", without=() if simulated else ("sky.render",))


def one_of(names):
    """Write a wildcard constraint that matches these names, or nothing if there are none."""
    return "|".join(sorted(names)) or "(?!)"


def questions_of(pretraining):
    """Give the questions of a pretraining with their answers."""
    pretrainings = config["pretraining"]
    return {name: pretrainings["questions"][name] for name in pretrainings["tasks"][pretraining]}


def recipe_of(wildcards):
    """Say how a pretraining is trained."""
    pretrainings = config["pretraining"]
    epochs = pretrainings["epochs_of"].get(wildcards.pretraining, pretrainings["recipe"]["epochs"])
    return pretrainings["recipe"] | {"epochs": epochs}


def labels_of(survey):
    """Give the labels that a survey's representations are probed for."""
    labels = config["probe"]["labels"]
    return {name: rule for name, rule in labels.items() if rule["survey"] == survey}


def automated_votes(wildcards):
    """Name the predicted votes by which a survey's samples are drawn, if no catalogue has them."""
    given = "automated" in SURVEYS[wildcards.survey]["catalogue"]
    predicted = wildcards.pretraining in {*TRAINED_HERE, *WEIGHTS} - {*STAND_INS}
    needed = config["umap"]["samples"][wildcards.sample]["fractions"]
    pattern = "<results>/3_pretrain/{pretraining}/votes/{survey}.parquet"
    return expand(pattern, **wildcards) if needed and predicted and not given else []


def features_of(task, name):
    """Name the file of a survey's features of one kind, by which anomalies are looked for."""
    survey, components = TASKS[task].survey, config["anomalies"]["components"]
    return {
        "ellipse": f"<results>/6_anomaly/{survey}/ellipse.parquet",
        "cnn": f"<results>/4_represent/{survey}/{PRETRAINING}/pca{components}.parquet",
    }[name]


def all_features_of(wildcards):
    """Name the files of all features by which a task's methods look for anomalies."""
    kinds = {METHODS[method]["features"] for method in TASKS[wildcards.task].methods}
    return [features_of(wildcards.task, kind) for kind in sorted(kinds)]


def repeats_of(task):
    """Name the files of all repeats of each method of a task, the method's name first."""
    pattern = "<results>/6_anomaly/{task}/{method}/{repeat}.parquet"
    return {
        method: expand(pattern, task=task, method=method, repeat=REPEATS)
        for method in TASKS[task].methods
    }


def positions_of(task, method):
    """Name the file of the plane on which a method's galaxies are shown."""
    if METHODS[method]["features"] == "ellipse":
        return f"<results>/6_anomaly/{task}/umap_ellipse.parquet"
    return f"<results>/4_represent/{TASKS[task].survey}/{PRETRAINING}/umap_all.parquet"


def titled(figure):
    """Give what the report calls a figure, as its label."""
    return {"shown": TITLES[figure]}


def files_of(figure):
    """Name the files of a figure."""
    return expand(
        "<results>/8_figures/{figure}.{ending}", figure=figure, ending=["pdf", "png", "csv"]
    )


def tags_of(wildcards):
    """Name the tags of a survey's galaxies."""
    if wildcards.survey not in TAGGED:
        # Snakemake shows an error raised here with its trace, but names a missing file.
        return f"(config) surveys.{wildcards.survey}.tags"
    return "<results>/5_similarity/{survey}/tags.parquet"


def vote_columns(survey):
    """Name the vote fractions that a survey's tags are made from, if they are."""
    fractions = TAGGED.get(survey, {}).get("fractions", {})
    return sorted({column for columns in fractions.values() for column in columns})


def survey_note(*surveys):
    """Say what a reader of a figure must know of the surveys' galaxies."""
    return "simulated galaxies" if set(surveys) & set(SIMULATED) else ""


def task_note(tasks):
    """Say what a reader of a figure must know of the galaxies of these tasks."""
    return survey_note(*(TASKS[task].survey for task in tasks if task in TASKS))


def label_of(wildcards):
    """Say which galaxies of which survey have a label, and which have it not."""
    return config["finetune"]["labels"][wildcards.label]


def weights_to_finetune(file):
    """Name a file of a pretraining; none to train from scratch."""
    return lambda wildcards: (
        []
        if wildcards.pretraining == SCRATCH
        else f"<results>/3_pretrain/{wildcards.pretraining}/{file}"
    )


def images_to_finetune(wildcards):
    """Name the labelled images as a pretraining sees them, with three channels or one."""
    channels = 3 if wildcards.pretraining in config["finetune"]["colour"] else 1
    return f"<results>/7_finetune/{wildcards.label}/images_{channels}.npy"


def seeded_run(wildcards, size, repeat):
    """Give a run's size, repeat and seed."""
    run = FinetuningRun(wildcards.pretraining, wildcards.depth, int(size), int(repeat))
    return [run.size, run.repeat, run.seed(config["finetune"]["seed"], wildcards.label)]


def runs_of_job(wildcards):
    """Give size, repeat and seed of each run of a job, in the order of its outputs."""
    if ALONE:
        return [seeded_run(wildcards, wildcards.size, wildcards.repeat)]
    finetune = config["finetune"]
    return [
        seeded_run(wildcards, size, repeat)
        for size in finetune["sizes"]
        for repeat in range(finetune["repeats"])
    ]


def finetuning_notes():
    """Say what a reader of Figures 7 to 9 must know of the galaxies and the grid."""
    survey = config["finetune"]["labels"][FINETUNING_TASK]["survey"]
    reduced = len(FINETUNING_RUNS) < PAPER_RUNS
    part = f"a reduced grid: {len(FINETUNING_RUNS):,} training runs, not the paper's {PAPER_RUNS:,}"
    return [note for note in (survey_note(survey), part if reduced else "") if note]


FINETUNING_NOTES = finetuning_notes()
