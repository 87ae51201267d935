# Input functions of 4_represent.smk.


def labels_of(survey):
    """Give the labels that a survey's representations are probed for, by name."""
    labels = config["probe"]["labels"]
    return {name: rule for name, rule in labels.items() if rule["survey"] == survey}


def given_representation(wildcards):
    """Name the user's table with the representations of a survey's galaxies."""
    return given_table(WEIGHTS[wildcards.pretraining], wildcards.survey)


def automated_votes(wildcards):
    """Name the predicted votes that select a sample, if the survey has no automated catalogue."""
    given = "automated" in SURVEYS[wildcards.survey]["catalogue"]
    predicted = predicts_votes(config["pretraining"], wildcards.pretraining)
    needed = config["umap"]["samples"][wildcards.sample]["fractions"]
    pattern = "<results>/3_pretrain/{pretraining}/votes/{survey}.parquet"
    return expand(pattern, **wildcards) if needed and predicted and not given else []
