# Input functions of 6_anomaly.smk.


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
