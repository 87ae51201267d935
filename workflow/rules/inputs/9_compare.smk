# Input functions of 9_compare.smk.


def representation_of(survey, wildcards):
    """Name the file with a survey's representations by an encoder."""
    return f"<results>/4_represent/{survey}/{wildcards.pretraining}/representation.parquet"


def representations_of(survey):
    """Name the files with a survey's representations by all encoders that are compared."""
    pattern = "<results>/4_represent/{survey}/{pretraining}/representation.parquet"
    return expand(pattern, survey=survey, pretraining=COMPARED)


def compared_runs(label=""):
    """Give size, repeat and seed of each run, by its name: the same for all encoders."""
    compare = config["compare"]
    runs = [
        FinetuningRun("compare", FROZEN, size, repeat)
        for size in compare["sizes"]
        for repeat in range(compare["repeats"])
    ]
    return {
        Path(run.path).name: [run.size, run.repeat, run.seed(compare["seed"], label)]
        for run in runs
    }
