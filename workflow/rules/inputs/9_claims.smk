# Input functions of 9_claims.smk.


def is_made(claim):
    """Tell whether a plain run of this configuration makes the file that a claim is read from."""
    stage, _, path = claim.file.partition("/")
    label = config["finetune"]["labels"][FINETUNING_TASK]
    measured = {
        task.survey
        for task in SHOWN_TASKS.values()
        if any(METHODS[method]["features"] == "ellipse" for method in task.methods)
    }
    made = {
        "1_catalogue": IN_FIGURES,
        "3_pretrain": [PRETRAINING, *(["evaluation.csv"] if EVALUATED else [])],
        "4_represent": IN_FIGURES,
        "5_similarity": TAGGED if claim.survey == SHOWN and "figure_2" in SHOWN_FIGURES else [],
        "6_anomaly": [*SHOWN_TASKS, *EXPERIMENTS, *measured] if ANOMALY_FIGURES else [],
        "7_finetune": [FINETUNING_TASK] if FINETUNING_SHOWN else [],
        "8_figures": [Path(file).with_suffix(".csv").name for file in SHOWN_FIGURES.values()],
    }
    if stage == "7_finetune" and claim.survey not in ("", label["survey"]):
        return False
    return path.removesuffix(".parquet").partition("/")[0] in made.get(stage, [])
