# Input functions of 8_figures.smk.


def positions_of(task, method):
    """Name the file with the umap positions by the features that a method uses."""
    if METHODS[method]["features"] == "ellipse":
        return f"<results>/6_anomaly/{task}/umap_ellipse.parquet"
    return f"<results>/4_represent/{TASKS[task].survey}/{PRETRAINING}/umap_all.parquet"


def titled(figure):
    """Give a figure's title in the report, as its label."""
    return {"shown": TITLES[figure]}


def files_of(figure):
    """Name the files of a figure."""
    return expand(
        "<results>/8_figures/{figure}.{ending}", figure=figure, ending=["pdf", "png", "csv"]
    )


def survey_notes(*surveys):
    """List what a figure's reader must know about the galaxies of these surveys."""
    return ["simulated galaxies"] if set(surveys) & set(SIMULATED) else []


def task_notes(tasks):
    """List what a figure's reader must know about the galaxies of these tasks."""
    return survey_notes(*(TASKS[task].survey for task in tasks if task in TASKS))


def finetuning_notes():
    """List what the reader of Figures 7 to 9 must know about the galaxies and the grid."""
    survey = config["finetune"]["labels"][FINETUNING_TASK]["survey"]
    runs = len(FINETUNING_RUNS)
    part = f"a reduced grid: {runs:,} training runs, not the paper's {PAPER_RUNS:,}"
    return [*survey_notes(survey), *([part] if runs < PAPER_RUNS else [])]


def canvas_with(notes):
    """Give a figure's width, resolution and notes: arguments of `figures.canvas.Canvas`."""
    return {
        "width": config["figures"]["width"],
        "dpi": config["figures"]["dpi"],
        "survey_notes": notes,
    }
