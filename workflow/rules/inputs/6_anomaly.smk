# Input functions of 6_anomaly.smk.


def features_of(task, name):
    """Name the file with features of one kind, of all galaxies of a task's survey."""
    survey = TASKS[task].survey
    return {
        "ellipse": f"<results>/6_anomaly/{survey}/ellipse.parquet",
        "cnn": f"<results>/4_represent/{survey}/{PRETRAINING}/representation.parquet",
    }[name]


def all_features_of(wildcards):
    """Name the files with all features that a task's methods use."""
    kinds = {METHODS[method]["features"] for method in TASKS[wildcards.task].methods}
    return [features_of(wildcards.task, kind) for kind in sorted(kinds)]


def repeats_of(task):
    """Name the files of all repeats, for each method of a task."""
    pattern = "<results>/6_anomaly/{task}/{method}/{repeat}.parquet"
    return {
        method: expand(pattern, task=task, method=method, repeat=REPEATS)
        for method in TASKS[task].methods
    }
