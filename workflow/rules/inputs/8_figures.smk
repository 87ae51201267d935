# Input functions of 8_figures.smk.


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


def survey_note(*surveys):
    """Say what a reader of a figure must know of the surveys' galaxies."""
    return "simulated galaxies" if set(surveys) & set(SIMULATED) else ""


def task_note(tasks):
    """Say what a reader of a figure must know of the galaxies of these tasks."""
    return survey_note(*(TASKS[task].survey for task in tasks if task in TASKS))


def finetuning_notes():
    """Say what a reader of Figures 7 to 9 must know of the galaxies and the grid."""
    survey = config["finetune"]["labels"][FINETUNING_TASK]["survey"]
    reduced = len(FINETUNING_RUNS) < PAPER_RUNS
    part = f"a reduced grid: {len(FINETUNING_RUNS):,} training runs, not the paper's {PAPER_RUNS:,}"
    return [note for note in (survey_note(survey), part if reduced else "") if note]
